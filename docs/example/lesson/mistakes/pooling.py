"""Wrong poolings."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from grader.checking.mistakes import misconception

WINDOWS = ("max_pool2d",)
CHANNELS = ("global_average_pool",)


@misconception(
    "mean-instead-of-max",
    tasks=WINDOWS,
    says="Each number is the mean of its window. Which of its pixels did the filter answer to most?",
)
def mean_of_each_window(_task: str, image: Tensor, kernel_size: int, stride: int | None = None) -> Tensor:
    """Average the windows."""
    return F.avg_pool2d(image, kernel_size, stride)


@misconception(
    "ignores-stride",
    tasks=WINDOWS,
    says="This is the answer for windows side by side. How far apart do they begin here?",
)
def windows_side_by_side(_task: str, image: Tensor, kernel_size: int, stride: int | None = None) -> Tensor:  # noqa: ARG001
    """Move by the kernel's size, whatever is asked for."""
    return F.max_pool2d(image, kernel_size)


@misconception(
    "keeps-incomplete-windows",
    tasks=WINDOWS,
    says="There are answers for windows that reach out of the image. Where does the last whole window end?",
)
def windows_beyond_the_edge(_task: str, image: Tensor, kernel_size: int, stride: int | None = None) -> Tensor:
    """Make the last step too, and pool what is left there."""
    return F.max_pool2d(image, kernel_size, stride, ceil_mode=True)


@misconception(
    "mixes-channels",
    tasks=CHANNELS,
    says="There is one number per image. Which axis must stay beside the batch's?",
)
def mean_of_each_image(_task: str, maps: Tensor) -> Tensor:
    """Average over the channels as well."""
    return maps.mean(dim=(1, 2, 3))
