"""Wrong ways from pictures to tensors and back."""

from __future__ import annotations

import torch
from PIL import Image
from torch import Tensor

from grader.hidden.mistakes import Answer, misconception, shows

TO_TENSOR = ("image_to_tensor",)
TO_IMAGE = ("tensor_to_image",)


def pixels(image: Image.Image) -> Tensor:
    """Return the grey levels; uint8 of shape (height, width)."""
    return torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).reshape(image.height, image.width)


@misconception(
    "not-scaled", tasks=TO_TENSOR, says="The values go up to 255. What should the largest grey level become?"
)
def not_scaled(_right: Answer, image: Image.Image) -> Tensor:
    """Convert without dividing."""
    return pixels(image)[None].float()


@misconception("wrong-dtype", tasks=TO_TENSOR, says="The dtype is not float32. Which dtype do weights have?")
def stays_bytes(_right: Answer, image: Image.Image) -> Tensor:
    """Give uint8."""
    return pixels(image)[None]


@misconception("wrong-dtype", tasks=TO_TENSOR, says="The dtype is not float32. Which dtype do weights have?")
def becomes_double(_right: Answer, image: Image.Image) -> Tensor:
    """Give float64."""
    return pixels(image)[None].double() / 255


@misconception("wrong-dtype", tasks=TO_TENSOR, says="The dtype is not float32. Which dtype do weights have?")
def rounds_to_bytes(_right: Answer, image: Image.Image) -> Tensor:
    """Scale with integers."""
    return pixels(image)[None] // 255


@misconception(
    "channel-last",
    tasks=TO_TENSOR,
    says="The channel axis comes last. Where does PyTorch expect it?",
    combines=True,
)
def channel_last(right: Answer, image: Image.Image) -> Tensor:
    """Return (H, W, 1)."""
    tensor: Tensor = right(image)
    return tensor.permute(1, 2, 0)


def picture(levels: Tensor) -> Image.Image:
    """Make a picture of grey levels, as a conversion to bytes does: without rounding."""
    return Image.fromarray(levels.to(torch.uint8).numpy())


@misconception(
    "clips-instead-of-rescales",
    tasks=TO_IMAGE,
    says="Values outside a fixed range are clipped. What should the smallest and the largest become?",
)
def clips_to_bytes(_right: Answer, tensor: Tensor) -> Image.Image:
    """Clip to 0 and 255."""
    return picture(tensor.reshape(tensor.shape[-2:]).clamp(0, 255))


@misconception(
    "clips-instead-of-rescales",
    tasks=TO_IMAGE,
    says="Values outside a fixed range are clipped. What should the smallest and the largest become?",
)
def clips_to_one(_right: Answer, tensor: Tensor) -> Image.Image:
    """Clip to 0 and 1, then scale."""
    return picture(tensor.reshape(tensor.shape[-2:]).clamp(0, 1) * 255)


@misconception(
    "clips-instead-of-rescales",
    tasks=TO_IMAGE,
    says="Values outside a fixed range are clipped. What should the smallest and the largest become?",
)
def clips_and_rounds(_right: Answer, tensor: Tensor) -> Image.Image:
    """Clip to 0 and 1, then scale and round."""
    return picture((tensor.reshape(tensor.shape[-2:]).clamp(0, 1) * 255).round())


@misconception(
    "not-scaled",
    tasks=TO_IMAGE,
    says="The values are used as grey levels unchanged. What should the smallest and the largest become?",
)
def wraps_around(_right: Answer, tensor: Tensor) -> Image.Image:
    """Convert to bytes as if every value were a grey level."""
    return picture(tensor.reshape(tensor.shape[-2:]))


@misconception(
    "not-scaled",
    tasks=TO_IMAGE,
    says="The values are used as shares of 255 unchanged. What should the smallest and the largest become?",
)
def wraps_around_scaled(_right: Answer, tensor: Tensor) -> Image.Image:
    """Multiply by 255 and convert to bytes."""
    return picture(tensor.reshape(tensor.shape[-2:]) * 255)


def stretched(tensor: Tensor) -> Tensor:
    """Return the grey levels before they are rounded."""
    values = tensor.double()
    return (values - values.min()) / (values.max() - values.min()) * 255


@misconception(
    "truncates-instead-of-rounds",
    tasks=TO_IMAGE,
    says="Values between two grey levels become the darker one. What does a conversion to bytes make of 41.9?",
)
def truncates(_right: Answer, tensor: Tensor) -> Image.Image:
    """Convert to bytes without rounding; seen in seven of twelve public helpers."""
    return picture(stretched(tensor.reshape(tensor.shape[-2:])))


@misconception(
    "squeeze-eats-axes",
    tasks=TO_IMAGE,
    says="A picture of one row loses its height as well as its channel. Which axes does `squeeze()` remove?",
)
def squeezes_all(_right: Answer, tensor: Tensor) -> Image.Image:
    """Squeeze every axis of length 1, as four of twelve public helpers do; PIL reads a vector as a column."""
    shows(tensor.squeeze().ndim == 1)
    return picture(stretched(tensor.squeeze()).round())
