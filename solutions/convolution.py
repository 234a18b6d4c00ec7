# %% [markdown]
# # 1. Convolution by hand
#
# A **convolution** slides a small window of numbers, the *kernel* or *filter*, over an image. At each place it
# multiplies the pixels under the window by the numbers of the kernel and adds up the products: one number per place,
# and the numbers of all places form a new image, the *activation map*. The map is large where the image looks like the
# kernel: a kernel that is dark on the left and bright on the right finds left edges.
#
# Two properties made this the workhorse of image recognition:
#
# - **Weight sharing.** The same few numbers are used at every place. A fully connected layer from 28 x 28 pixels to
#   26 x 26 outputs would have 530,000 weights; a 3 x 3 kernel has nine. What it learns about an edge in one corner, it
#   knows everywhere.
# - **Locality.** One output sees only the pixels under its window: its *receptive field*. A second 3 x 3 layer on top of
#   the first sees 5 x 5 pixels of the image, a third 7 x 7, and pooling makes the field grow faster: early layers see
#   edges, late ones see sleeves and heels.
#
# Further reading: the [cs231n notes on convolutional networks](https://cs231n.github.io/convolutional-networks/), and
# PyTorch's page on [`torch.nn.Conv2d`](https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html).

# %%
"""Convolution by hand, on one image and then on batches, and the same through PyTorch."""

import math

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import Tensor

# %% [markdown]
# A function that checks its arguments first gives a clear error now instead of a strange number later. These two
# helpers are given, so that you can spend your time on the convolution; use them, or check in your own way.


# %%
def check_tensor(name: str, value: Tensor, shape: str) -> None:
    """Raise unless the value is a non-empty floating-point tensor with as many axes as the shape has names.

    Args:
        name: what to call the value in the message, such as "convolve: image".
        value: what was passed in.
        shape: names of the axes, such as "(H, W)".

    Raises:
        TypeError: if it is not a tensor, or not a floating-point one.
        ValueError: if the number of axes differs, or one of them is empty.
    """
    if not isinstance(value, Tensor):
        raise TypeError(f"{name}: expected a tensor, got {type(value).__name__}")
    if not value.is_floating_point():
        raise TypeError(f"{name}: expected a floating-point tensor, got {value.dtype}. Would `.float()` help?")
    if value.ndim != len([axis for axis in shape.strip("()").split(",") if axis]) or value.numel() == 0:
        raise ValueError(f"{name}: expected a non-empty tensor of shape {shape}, got {tuple(value.shape)}")


def as_pair(name: str, value: int | tuple[int, int]) -> tuple[int, int]:
    """Return (height, width) for one int, used for both, or for a pair of ints.

    Args:
        name: what to call the value in the message, such as "conv2d: stride".
        value: what was passed in.

    Raises:
        TypeError: if it is neither an int nor a pair of ints.
    """
    pair = (value, value) if isinstance(value, int) else value
    if isinstance(pair, tuple | list) and len(pair) == 2 and all(isinstance(number, int) for number in pair):
        return pair[0], pair[1]
    raise TypeError(f"{name}: expected an int or a pair of ints, got {value!r}")


# %% [markdown]
# ## How large is the result?
#
# Lay a kernel of length $k$ on a row of $n$ pixels: it fits at $n - k + 1$ places. Three numbers change that.
#
# - **Padding** $p$ adds $p$ zeros at *each* end: the row is $n + 2p$ long.
# - **Dilation** $d$ spreads the kernel's taps: there are $d - 1$ unused pixels between neighbours, so that the kernel
#   covers $d (k - 1) + 1$ pixels.
# - **Stride** $s$ moves the window by $s$ pixels at a time. A last step that would leave the image is not taken.
#
# Try it on paper first: 7 pixels, a kernel of 3, stride 2. At which places does the kernel start?
# [A guide to convolution arithmetic](https://arxiv.org/abs/1603.07285) draws all cases.


# %%
def output_size(size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Compute the length of a convolution's output along one axis.

    Args:
        size: pixels along the axis, at least 1.
        kernel_size: taps of the kernel along the axis, at least 1.
        stride: pixels that the kernel moves at each step, at least 1.
        padding: zeros added at each end, at least 0.
        dilation: distance between neighbouring taps of the kernel, at least 1.

    Returns:
        The number of places at which the kernel fits, at least 1.

    Raises:
        ValueError: for a kernel that covers more than the padded axis; for an argument out of range.

    Source: Dumoulin & Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285.
    """
    ### BEGIN SOLUTION
    if size < 1 or kernel_size < 1 or stride < 1 or padding < 0 or dilation < 1:
        raise ValueError(
            "output_size: expected padding at least 0 and all others at least 1, "
            f"got size {size}, kernel_size {kernel_size}, stride {stride}, padding {padding}, dilation {dilation}"
        )
    covered = dilation * (kernel_size - 1) + 1
    padded = size + 2 * padding
    if covered > padded:
        raise ValueError(
            f"output_size: expected a kernel that covers at most {padded} pixels (size {size}, padding {padding}), "
            f"got {covered} (kernel_size {kernel_size}, dilation {dilation})"
        )
    return (padded - covered) // stride + 1
    ### END SOLUTION


# %%
if __name__ == "__main__":
    print("28 pixels, kernel of 3:            ", output_size(28, 3))
    print("28 pixels, kernel of 3, padding 1: ", output_size(28, 3, padding=1))
    print("28 pixels, pooling by 2:           ", output_size(28, 2, stride=2))

# %% [markdown]
# ## One image, one filter
#
# In mathematics a convolution rotates the kernel by 180 degrees before sliding it. Deep learning does not: strictly,
# that is a **cross-correlation**. To a network it makes no difference, since it learns the numbers of the kernel and
# could just as well learn them rotated. But your result must agree with PyTorch's, so *do not flip*:
#
# $$ \text{out}[i, j] = \sum_{a} \sum_{b} \text{kernel}[a, b] \cdot \text{image}[i + a, j + b] $$
#
# Worked by hand, a row of the image `1 2 4 7` with the kernel `-1 1` gives `1 2 3`: how much each pixel exceeds its
# left neighbour.


# %%
def convolve(image: Tensor, kernel: Tensor) -> Tensor:
    """Cross-correlate one image with one filter, by hand.

    "By hand" means that no library's convolution does the work: not `F.conv2d`, not `F.unfold`, not scipy's or
    numpy's counterparts. Indexing, sums, products, `einsum`, `matmul` and `Tensor.unfold` are fine.

    Args:
        image: floating point, shape (H, W).
        kernel: same dtype, shape (kH, kW); it is not flipped.

    Returns:
        Shape (H - kH + 1, W - kW + 1), dtype as the image.

    Raises:
        ValueError: for a kernel larger than the image; for an argument without two axes.

    Source: https://cs231n.github.io/convolutional-networks/
    """
    ### BEGIN SOLUTION
    check_tensor("convolve: image", image, "(H, W)")
    check_tensor("convolve: kernel", kernel, "(kH, kW)")
    rows = output_size(image.shape[0], kernel.shape[0])
    columns = output_size(image.shape[1], kernel.shape[1])
    result = torch.zeros_like(image[:rows, :columns])
    # One tap of the kernel at a time, for all places at once: the shifted image times one number.
    for a in range(kernel.shape[0]):
        for b in range(kernel.shape[1]):
            result += kernel[a, b] * image[a : a + rows, b : b + columns]
    return result
    ### END SOLUTION


# %% [markdown]
# A vertical edge, and a kernel that looks for one. The map is zero where the image does not change, and large along the
# edge. Swap the two columns of the kernel: what will happen to the sign?

# %%
if __name__ == "__main__":
    step = torch.tensor([[0.0, 0.0, 1.0, 1.0]] * 4)
    edge = torch.tensor([[-1.0, 1.0]] * 2)
    print(convolve(step, edge))

# %% [markdown]
# ## Batches, channels, stride and padding
#
# A layer of a network does the same with more axes. The input is a *batch* of $N$ images, each with $C$ channels (three for
# red, green and blue; 32 after a layer of 32 filters). A filter has a kernel *for each channel*, and its answer is the
# sum over the channels: **one filter gives one map**, however many channels it reads. A layer has $O$ filters, so it
# gives $O$ maps, and each of them may have a *bias*, a number that is added everywhere:
#
# $$ \text{out}[n, o, i, j] = \text{bias}[o] + \sum_{c, a, b} \text{weight}[o, c, a, b] \cdot
# \text{padded}[n, c, i \cdot s_h + a, j \cdot s_w + b] $$
#
# Such a layer has $O \cdot C \cdot k_H \cdot k_W + O$ numbers to learn. Count them for 32 filters of 3 x 3 on a grey
# image: the answer, 320, comes back in lesson 6.


# %%
def conv2d(
    input: Tensor,  # noqa: A002 - the name that torch.nn.functional.conv2d uses
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
) -> Tensor:
    """Cross-correlate a batch of images with a bank of filters, by hand (see `convolve`).

    Args:
        input: images, floating point, shape (N, C, H, W).
        weight: filters, same dtype, shape (O, C, kH, kW); they are not flipped.
        bias: one number per filter, shape (O,), or None.
        stride: step in pixels, at least 1: one int, or (height, width).
        padding: zeros added on each side, in pixels, at least 0: one int, or (height, width).

    Returns:
        Shape (N, O, H', W') with H' = (H + 2 * padding - kH) // stride + 1, and W' likewise; dtype as the input.

    Raises:
        ValueError: for filters with other channels than the images; for a filter larger than the padded image; for a
            bias of another length; for a stride below 1 or a negative padding.

    Source: Dumoulin & Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285.
    """
    ### BEGIN SOLUTION
    check_tensor("conv2d: input", input, "(N, C, H, W)")
    check_tensor("conv2d: weight", weight, "(O, C, kH, kW)")
    images, channels, height, width = input.shape
    filters, depth, kernel_height, kernel_width = weight.shape
    if depth != channels:
        raise ValueError(
            f"conv2d: expected weight with {channels} input channels (input is {tuple(input.shape)}), "
            f"got {tuple(weight.shape)}. Is the channel axis second?"
        )
    if bias is not None and bias.shape != (filters,):
        raise ValueError(f"conv2d: expected bias of shape ({filters},), got {tuple(bias.shape)}")
    down, right = as_pair("conv2d: stride", stride)
    above, left = as_pair("conv2d: padding", padding)
    rows = output_size(height, kernel_height, down, above)
    columns = output_size(width, kernel_width, right, left)

    padded = F.pad(input, (left, left, above, above))
    result = input.new_zeros(images, filters, rows, columns)
    for a in range(kernel_height):
        for b in range(kernel_width):
            # What tap (a, b) sees at each place of the window: (N, C, H', W').
            seen = padded[:, :, a : a + down * rows : down, b : b + right * columns : right]
            result += torch.einsum("nchw,oc->nohw", seen, weight[:, :, a, b])
    return result if bias is None else result + bias[:, None, None]
    ### END SOLUTION


# %% [markdown]
# ## The same through PyTorch
#
# You now know what `torch.nn.functional.conv2d` does. It wants four axes, so a single image needs two more in front, and
# its result two fewer: `tensor[None, None]` or `unsqueeze`, and `[0, 0]` or `squeeze` on the way back. It is also about
# a hundred times faster than Python loops: the same sums, but in C++, on all cores and many numbers at a time.
#
# Comparing your own result with it is how you know that yours is right. Compare floating-point numbers with
# [`torch.testing.assert_close`](https://docs.pytorch.org/docs/stable/testing.html), not with `==`: the sums are added in
# another order and differ in the last digits.


# %%
def convolve_torch(image: Tensor, kernel: Tensor) -> Tensor:
    """Cross-correlate one image with one filter through PyTorch: the same as `convolve`.

    Args:
        image: floating point, shape (H, W).
        kernel: same dtype, shape (kH, kW); it is not flipped.

    Returns:
        Shape (H - kH + 1, W - kW + 1), dtype as the image.

    Raises:
        RuntimeError: for a kernel larger than the image.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv2d.html
    """
    ### BEGIN SOLUTION
    return F.conv2d(image[None, None], kernel[None, None])[0, 0]
    ### END SOLUTION


# %%
if __name__ == "__main__":
    random_image, random_kernel = torch.rand(28, 28), torch.randn(3, 3)
    torch.testing.assert_close(convolve(random_image, random_kernel), convolve_torch(random_image, random_kernel))
    print("by hand and through PyTorch: the same")

# %% [markdown]
# ## A bank of filters, and what they see
#
# One filter answers one question. A layer asks many at once and stacks the answers: that stack is what the next layer
# reads. Between two layers there is a *nonlinearity*, since two convolutions in a row without one are just another
# convolution. The usual one is **ReLU**, $\max(0, x)$: keep what speaks for the pattern, drop what speaks against it.


# %%
def activation_maps(image: Tensor, filters: Tensor, bias: Tensor | None = None) -> Tensor:
    """Apply a bank of filters to one grey image, and ReLU to the result.

    Args:
        image: floating point, shape (1, H, W): one channel.
        filters: same dtype, shape (K, kH, kW); they are not flipped.
        bias: one number per filter, shape (K,), added before the ReLU, or None.

    Returns:
        Shape (K, H - kH + 1, W - kW + 1): one map per filter, without negative numbers; dtype as the image.

    Raises:
        ValueError: for an image with another number of channels than one; for filters larger than the image.

    Source: https://cs231n.github.io/convolutional-networks/
    """
    ### BEGIN SOLUTION
    # One channel per filter: (K, kH, kW) -> (K, 1, kH, kW). `conv2d` checks the sizes.
    return conv2d(image[None], filters[:, None], bias)[0].relu()
    ### END SOLUTION


# %%
def plot_activations(maps: Tensor) -> Figure:
    """Show activation maps side by side.

    Args:
        maps: floating point, shape (K, H, W).

    Returns:
        A figure with one visible axes per map: the map as an image, its index (from 0) as the title. Further axes of
        the grid are hidden.

    Source: https://matplotlib.org/stable/gallery/subplots_axes_and_figures/subplots_demo.html
    """
    ### BEGIN SOLUTION
    side = math.ceil(math.sqrt(len(maps)))
    figure, axes = plt.subplots(side, side, squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for index, one in enumerate(maps.detach()):
        axes.flat[index].imshow(one)
        axes.flat[index].set_title(str(index))
    return figure
    ### END SOLUTION


# %% [markdown]
# Four filters on a picture of a box: which of them responds to which side? Change a number and look again.

# %%
if __name__ == "__main__":
    box = torch.zeros(1, 28, 28)
    box[:, 8:20, 6:22] = 1
    sobel = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])
    plot_activations(activation_maps(box, torch.stack([sobel, -sobel, sobel.T, -sobel.T])))
    plt.show()
