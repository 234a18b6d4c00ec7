# %% [markdown]
# # 7. Pooling
#
# A network that answers *which* thing is in a picture need not know to the pixel *where* it is. **Pooling** throws that
# away on purpose: it cuts each map into windows and keeps one number of each. The maps become smaller, what follows has
# less to compute, and the receptive field grows.
#
# PyTorch's pages: [`MaxPool2d`](https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html) and
# [`AdaptiveAvgPool2d`](https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html).

# %%
"""Pooling by hand: the largest value of each window, and one mean per channel."""

import torch
from torch import Tensor

from .convolution import check_tensor, output_size

# %% [markdown]
# ## The largest of each window
#
# Max pooling slides a window over each channel as a convolution does, but it has nothing to learn: the answer at a place
# is the largest pixel under the window. There are as many places as a convolution without padding has, and where the
# last step would leave the image it is not made. The windows lie side by side unless a stride is given.
#
# Try it on paper: the row `1 5 2 2 8 3 4` by windows of 2. How many answers are there, and what becomes of the 4?


# %%
def max_pool2d(input: Tensor, kernel_size: int, stride: int | None = None) -> Tensor:  # noqa: A002 - PyTorch's name
    """Take the largest value of each window, by hand.

    Args:
        input: images of shape (N, C, H, W).
        kernel_size: rows and columns of a window, at least 1.
        stride: pixels from one window to the next, at least 1; `kernel_size` if None.

    Returns:
        Maps of shape (N, C, H', W') in the dtype of `input`.

    Raises:
        TypeError: for anything but a floating-point tensor.
        ValueError: for an image without batch and channels; for a window larger than the image; for a size or a stride
            below 1.
    """
    ### BEGIN SOLUTION
    check_tensor("max_pool2d: input", input, "(N, C, H, W)")
    step = kernel_size if stride is None else stride
    rows, columns = (output_size(size, kernel_size, step) for size in input.shape[2:])
    largest = input.new_empty(*input.shape[:2], rows, columns)
    for row in range(rows):
        for column in range(columns):
            down, across = row * step, column * step
            window = input[:, :, down : down + kernel_size, across : across + kernel_size]
            largest[:, :, row, column] = window.amax(dim=(2, 3))
    return largest
    ### END SOLUTION


# %%
if __name__ == "__main__":
    image = torch.tensor([[1.0, 5.0, 2.0, 2.0], [0.0, 3.0, 8.0, 1.0]])
    print(max_pool2d(image[None, None], 2))

# %% [markdown]
# ## One number per channel
#
# At the end of many networks, one pooling takes the whole map for its window and the mean for its answer: *how much* of
# a feature is there, wherever it is. It replaces the large linear layer of our baseline, works for images of any size,
# and was introduced by Lin, Chen & Yan, [Network in network](https://arxiv.org/abs/1312.4400).


# %%
def global_average_pool(input: Tensor) -> Tensor:  # noqa: A002 - PyTorch's name
    """Average each channel of each image.

    Args:
        input: maps of shape (N, C, H, W).

    Returns:
        Means of shape (N, C) in the dtype of `input`.

    Raises:
        ValueError: for anything but maps of shape (N, C, H, W).
    """
    ### BEGIN SOLUTION
    check_tensor("global_average_pool: input", input, "(N, C, H, W)")
    return input.mean(dim=(2, 3))
    ### END SOLUTION


# %%
if __name__ == "__main__":
    print(global_average_pool(image[None, None]))
