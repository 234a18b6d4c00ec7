"""Wrong ways from pictures to tensors and back."""

from __future__ import annotations

import torch
from PIL import Image
from torch import Tensor

from grader.checking.mistakes import misconception

TO_TENSOR = ("image_to_tensor",)
TO_IMAGE = ("tensor_to_image",)


def _pixels(image: Image.Image) -> Tensor:
    return torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).reshape(image.height, image.width)


@misconception(
    "not-scaled", tasks=TO_TENSOR, says="The values go up to 255. What should the largest grey level become?"
)
def not_scaled(_task: str, image: Image.Image) -> Tensor:
    """Convert without dividing."""
    return _pixels(image)[None].float()


@misconception("wrong-dtype", tasks=TO_TENSOR, says="The dtype is not float32. Which dtype do weights have?")
def stays_bytes(_task: str, image: Image.Image) -> Tensor:
    """Give uint8."""
    return _pixels(image)[None]


@misconception("wrong-dtype", tasks=TO_TENSOR, says="The dtype is not float32. Which dtype do weights have?")
def becomes_double(_task: str, image: Image.Image) -> Tensor:
    """Give float64."""
    return _pixels(image)[None].double() / 255


@misconception("wrong-dtype", tasks=TO_TENSOR, says="The dtype is not float32. Which dtype do weights have?")
def rounds_to_bytes(_task: str, image: Image.Image) -> Tensor:
    """Scale with integers."""
    return _pixels(image)[None] // 255


@misconception(
    "channel-last",
    tasks=TO_TENSOR,
    says="The channel axis comes last. Where does PyTorch expect it?",
    after=lambda tensor: tensor.permute(1, 2, 0),
)
def channel_last(_task: str, image: Image.Image) -> Tensor:
    """Return (H, W, 1)."""
    return _pixels(image)[..., None].float() / 255


@misconception(
    "clips-instead-of-rescales",
    tasks=TO_IMAGE,
    says="Values outside a fixed range are clipped. What should the smallest and the largest become?",
)
def clips_to_bytes(_task: str, tensor: Tensor) -> Tensor:
    """Clip to 0 and 255."""
    return tensor.reshape(tensor.shape[-2:]).double().clamp(0, 255).floor()


@misconception(
    "clips-instead-of-rescales",
    tasks=TO_IMAGE,
    says="Values outside a fixed range are clipped. What should the smallest and the largest become?",
)
def clips_to_one(_task: str, tensor: Tensor) -> Tensor:
    """Clip to 0 and 1, then scale."""
    return (tensor.reshape(tensor.shape[-2:]).double().clamp(0, 1) * 255).floor()


@misconception(
    "clips-instead-of-rescales",
    tasks=TO_IMAGE,
    says="Values outside a fixed range are clipped. What should the smallest and the largest become?",
)
def clips_and_rounds(_task: str, tensor: Tensor) -> Tensor:
    """Clip to 0 and 1, then scale and round."""
    return (tensor.reshape(tensor.shape[-2:]).double().clamp(0, 1) * 255).round()


@misconception(
    "not-scaled",
    tasks=TO_IMAGE,
    says="The values are used as grey levels unchanged. What should the smallest and the largest become?",
)
def wraps_around(_task: str, tensor: Tensor) -> Tensor:
    """Convert to bytes as if every value were a grey level."""
    return tensor.reshape(tensor.shape[-2:]).to(torch.uint8).double()


@misconception(
    "not-scaled",
    tasks=TO_IMAGE,
    says="The values are used as shares of 255 unchanged. What should the smallest and the largest become?",
)
def wraps_around_scaled(_task: str, tensor: Tensor) -> Tensor:
    """Multiply by 255 and convert to bytes."""
    return (tensor.reshape(tensor.shape[-2:]) * 255).to(torch.uint8).double()


def _stretched(tensor: Tensor) -> Tensor:
    values = tensor.double()
    return (values - values.min()) / (values.max() - values.min()) * 255


@misconception(
    "truncates-instead-of-rounds",
    tasks=TO_IMAGE,
    says="Values between two grey levels become the darker one. What does a conversion to bytes make of 41.9?",
)
def truncates(_task: str, tensor: Tensor) -> Tensor:
    """Convert to bytes without rounding; seen in seven of twelve public helpers."""
    return _stretched(tensor.reshape(tensor.shape[-2:])).floor()


@misconception(
    "squeeze-eats-axes",
    tasks=TO_IMAGE,
    says="A picture of one row loses its height as well as its channel. Which axes does `squeeze()` remove?",
)
def squeezes_all(_task: str, tensor: Tensor) -> Tensor:
    """Squeeze every axis of length 1, as four of twelve public helpers do; PIL reads a vector as a column."""
    return _stretched(tensor.squeeze()).round().reshape(tensor.numel(), 1)


@misconception(
    "squeeze-eats-axes",
    tasks=TO_IMAGE,
    says="A picture of one row loses its height as well as its channel. Which axes does `squeeze()` remove?",
)
def squeezes_all_and_truncates(_task: str, tensor: Tensor) -> Tensor:
    """The same without rounding."""
    return _stretched(tensor.squeeze()).floor().reshape(tensor.numel(), 1)
