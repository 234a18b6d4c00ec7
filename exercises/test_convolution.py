"""Public checks of lesson 1, worked by hand where possible. Run them with `pytest exercises/test_convolution.py`."""

from types import ModuleType
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import Tensor

from grader.checks import assert_close, assert_equal, assert_true, check, refused

IMAGE = torch.tensor([[1.0, 2.0, 0.0, 3.0], [0.0, 1.0, 4.0, 1.0], [2.0, 0.0, 1.0, 5.0]])
KERNEL = torch.tensor([[1.0, -1.0], [2.0, 0.0]])
# The window in the top left corner sees 1 2 / 0 1, so the first number is 1*1 + 2*(-1) + 0*2 + 1*0 = -1.
BY_HAND = torch.tensor([[-1.0, 4.0, 5.0], [3.0, -3.0, 5.0]])


def whole(*shape: int) -> Tensor:
    """Return integers from -5 to 5 in mixed order: their sums are exact."""
    count = torch.Size(shape).numel()
    return ((torch.arange(count) * 7) % 11 - 5).float().reshape(shape)


@check("output_size")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"size": 28, "kernel_size": 3}, 26),
        ({"size": 28, "kernel_size": 5, "padding": 2}, 28),
        ({"size": 28, "kernel_size": 2, "stride": 2}, 14),
        ({"size": 8, "kernel_size": 3, "stride": 2}, 3),
        ({"size": 28, "kernel_size": 3, "dilation": 3}, 22),
        ({"size": 5, "kernel_size": 5}, 1),
    ],
    ids=["plain", "padding", "stride", "last step does not fit", "dilation", "as large as the image"],
)
def test_output_size_counts_the_places_of_the_kernel(
    student: ModuleType, arguments: dict[str, int], expected: int
) -> None:
    """Draw a row of pixels and slide the kernel along it: the result is the number of places."""
    where = f"output_size({', '.join(f'{name}={value}' for name, value in arguments.items())})"
    assert_equal(student.output_size(**arguments), expected, where, "Draw it: at which pixels does the kernel start?")


@check("output_size")
def test_output_size_refuses_a_kernel_that_does_not_fit(student: ModuleType) -> None:
    """Five taps do not fit on three pixels."""
    with refused("output_size(3, 5): the kernel is longer than the row"):
        student.output_size(3, 5)


@check("convolve")
def test_convolve_gives_the_numbers_worked_by_hand(student: ModuleType) -> None:
    """Each number is a sum over one window."""
    hint = "Work out one of these windows on paper: which pixels, times which numbers?"
    assert_close(student.convolve(IMAGE, KERNEL), BY_HAND, "convolve of a 3 x 4 image and a 2 x 2 kernel", hint)


@check("convolve")
def test_convolve_leaves_the_kernel_as_it_is(student: ModuleType) -> None:
    """A kernel with a single 1 in its first corner picks the first pixel of each window."""
    image, kernel = whole(5, 7), torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    hint = "Which corner of the kernel meets the first pixel of the window?"
    assert_close(student.convolve(image, kernel), image[:4, :5], "convolve with a 1 in the kernel's first corner", hint)


@check("convolve")
def test_convolve_sums_over_each_window(student: ModuleType) -> None:
    """If every pixel is 2, a kernel of six ones gives 12 at each place."""
    got = student.convolve(torch.full((7, 11), 2.0), torch.ones(2, 3))
    assert_close(got, torch.full((6, 9), 12.0), "convolve of a 7 x 11 image of twos and a 2 x 3 kernel of ones")


@check("convolve")
def test_convolve_refuses_a_kernel_larger_than_the_image(student: ModuleType) -> None:
    """A kernel of two rows does not fit on an image of one row."""
    with refused("convolve of a 1 x 4 image and a 2 x 2 kernel"):
        student.convolve(torch.ones(1, 4), KERNEL)


@check("conv2d")
@pytest.mark.parametrize(
    ("images", "filters", "more"),
    [
        ((1, 1, 5, 7), (1, 1, 2, 3), {}),
        ((1, 3, 5, 7), (2, 3, 2, 2), {}),
        ((2, 3, 5, 7), (5, 3, 3, 2), {}),
        ((1, 1, 7, 11), (1, 1, 3, 2), {"stride": 2}),
        ((1, 2, 7, 11), (3, 2, 3, 2), {"stride": (3, 2)}),
        ((1, 1, 5, 7), (2, 1, 3, 3), {"padding": 1}),
        ((1, 2, 5, 7), (3, 2, 3, 2), {"stride": 2, "padding": (2, 1)}),
    ],
    ids=["one image", "channels", "batch", "stride", "stride pair", "padding", "stride and padding pair"],
)
def test_conv2d_agrees_with_pytorch(
    student: ModuleType, images: tuple[int, ...], filters: tuple[int, ...], more: dict[str, Any]
) -> None:
    """Integers need no rounding: the results are the same."""
    images_, filters_ = whole(*images), whole(*filters)
    where = f"conv2d of input {images} and weight {filters}" + "".join(f", {name}={more[name]}" for name in more)
    hint = "Is it right for one image, one channel and one filter? Then which axis is the sum over?"
    assert_close(student.conv2d(images_, filters_, **more), F.conv2d(images_, filters_, **more), where, hint)


@check("conv2d")
def test_conv2d_adds_the_bias_of_each_filter(student: ModuleType) -> None:
    """Filters of zeros leave only the bias."""
    bias = torch.tensor([3.0, -1.0])
    got = student.conv2d(whole(1, 2, 3, 4), torch.zeros(2, 2, 2, 2), bias)
    assert_close(got, bias.reshape(1, 2, 1, 1).expand(1, 2, 2, 3), "conv2d with filters of zeros and bias [3, -1]")


@check("conv2d")
def test_conv2d_refuses_filters_with_other_channels(student: ModuleType) -> None:
    """A filter for one channel cannot read three."""
    with refused("conv2d of input (2, 3, 5, 7) and weight (4, 1, 2, 2)"):
        student.conv2d(whole(2, 3, 5, 7), whole(4, 1, 2, 2))


@check("convolve_torch")
def test_convolve_torch_gives_the_same_numbers(student: ModuleType) -> None:
    """The numbers that were worked out by hand for `convolve`."""
    hint = "PyTorch wants four axes, and its answer has four."
    assert_close(student.convolve_torch(IMAGE, KERNEL), BY_HAND, "convolve_torch of a 3 x 4 image", hint)


@check("convolve_torch")
def test_convolve_torch_keeps_float64(student: ModuleType) -> None:
    """The answer has the dtype of the input."""
    got = student.convolve_torch(IMAGE.double(), KERNEL.double())
    assert_close(got, BY_HAND.double(), "convolve_torch of float64 tensors")


@check("activation_maps")
def test_activation_maps_keep_what_is_positive(student: ModuleType) -> None:
    """The second filter is the first with all signs flipped: it responds where the first is negative."""
    expected = torch.tensor([[[0.0, 4.0, 5.0], [3.0, 0.0, 5.0]], [[1.0, 0.0, 0.0], [0.0, 3.0, 0.0]]])
    got = student.activation_maps(IMAGE.reshape(1, 3, 4), torch.stack([KERNEL, -KERNEL]))
    assert_close(got, expected, "activation_maps of two filters", "What does ReLU do to a negative number?")


@check("activation_maps")
def test_activation_maps_add_the_bias_before_relu(student: ModuleType) -> None:
    """A bias of -2 takes all but one number of the second map below zero."""
    expected = torch.tensor([[[9.0, 14.0, 15.0], [13.0, 7.0, 15.0]], [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    bias = torch.tensor([10.0, -2.0])
    got = student.activation_maps(IMAGE.reshape(1, 3, 4), torch.stack([KERNEL, -KERNEL]), bias)
    assert_close(got, expected, "activation_maps with bias [10, -2]", "What comes first, the bias or ReLU?")


@check("plot_activations")
def test_plot_activations_shows_each_map_with_its_index(student: ModuleType) -> None:
    """Three maps, three pictures, counted from 0 (or from 1)."""
    figure = student.plot_activations(whole(3, 5, 7))
    assert_true(isinstance(figure, Figure), f"plot_activations: expected a Figure, got {type(figure).__name__}.")
    shown = [axes for axes in figure.axes if axes.get_visible() and axes.images]
    assert_true(len(shown) == 3, f"plot_activations of 3 maps: expected 3 axes with an image, got {len(shown)}.")
    titles = [axes.get_title() for axes in shown]
    counted = any(all(str(n + first) in title for n, title in enumerate(titles)) for first in (0, 1))
    assert_true(counted, f"plot_activations: expected the index of each map in its title, got {titles}.")
