"""Hidden checks of the hand-written convolutions, against PyTorch's own."""

import re
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from grader.checking import core, detail
from grader.checking.assertions import Diagnosis, assert_close, assert_equal, assert_refused, describe, fail_check
from grader.checking.inputs import Rng
from grader.checking.student import Student, StudentRaised


def assert_size(student: Student, expected: int, *args: int, **kwargs: int) -> None:
    got = student.call("output_size", *args, **kwargs)
    assert_equal(got, expected, "output_size", diagnose=Diagnosis("output_size", args, kwargs))


@core("output_size", "counts the positions of a kernel")
def test_output_size_counts_positions(student: Student, rng: Rng) -> None:
    size, kernel = rng.int(23, 41), rng.int(3, 11)
    assert_size(student, size - kernel + 1, size, kernel)


@core("output_size", "takes the stride into account")
def test_output_size_takes_stride(student: Student, rng: Rng) -> None:
    kernel, stride = rng.int(4, 8), rng.int(3, 5)
    for rest in range(stride):
        positions = rng.int(5, 9) * stride + rest
        assert_size(student, positions // stride + 1, kernel + positions, kernel, stride)


@core("output_size", "takes the padding into account")
def test_output_size_takes_padding(student: Student, rng: Rng) -> None:
    size, kernel, padding = rng.int(23, 41), rng.int(5, 9), rng.int(2, 4)
    assert_size(student, size + 2 * padding - kernel + 1, size, kernel, 1, padding)


@detail("output_size", "takes the dilation into account")
def test_output_size_takes_dilation(student: Student, rng: Rng) -> None:
    size, kernel, dilation = rng.int(41, 61), rng.int(3, 6), rng.int(2, 4)
    assert_size(student, size - dilation * (kernel - 1), size, kernel, dilation=dilation)


@detail("output_size", "agrees with torch for all arguments together")
def test_output_size_agrees_with_torch(student: Student, rng: Rng) -> None:
    for _ in range(8):
        args = (rng.int(29, 47), rng.int(2, 5), rng.int(1, 5), rng.int(0, 4), rng.int(1, 4))
        size, kernel, stride, padding, dilation = args
        line = F.conv1d(torch.zeros(1, 1, size), torch.zeros(1, 1, kernel), None, stride, padding, dilation)
        assert_size(student, line.shape[-1], *args)


@detail("output_size", "a kernel as long as the image has one position")
def test_output_size_of_a_full_kernel(student: Student, rng: Rng) -> None:
    size = rng.int(5, 13)
    assert_size(student, 1, size, size, rng.int(1, 5))
    assert_size(student, 1, size, size + 4, 3, 2)


@detail("output_size", "refuses {what}")
@pytest.mark.parametrize(
    ("what", "args"),
    [
        ("a kernel that does not fit", (5, 7, 1, 0, 1)),
        ("a dilated kernel that does not fit", (7, 3, 1, 0, 4)),
        ("a kernel that does not fit by one", (5, 8, 3, 1, 1)),
        ("stride 0", (7, 3, 0, 0, 1)),
        ("a negative stride", (7, 3, -1, 0, 1)),
        ("a negative padding", (7, 3, 1, -1, 1)),
        ("dilation 0", (7, 3, 1, 0, 0)),
        ("kernel size 0", (7, 0, 1, 0, 1)),
        ("size 0", (0, 1, 1, 2, 1)),
    ],
    ids=range(9),
)
def test_output_size_refuses(student: Student, what: str, args: tuple[int, ...]) -> None:
    assert_refused(student, "output_size", *args)


def correlated(image: Tensor, kernel: Tensor) -> Tensor:
    return F.conv2d(image[None, None], kernel[None, None])[0, 0]


def assert_convolves(student: Student, function: str, image: Tensor, kernel: Tensor) -> None:
    expected = correlated(image, kernel)
    assert_close(
        student.call(function, image, kernel), expected, function, diagnose=Diagnosis(function, (image, kernel))
    )


def assert_by_hand(student: Student, function: str, *args: Any, **kwargs: Any) -> None:
    try:
        ops = student.observe(function, *args, **kwargs).ops
    except StudentRaised as error:
        ops = error.ops
        if not ops:
            raise
    if ops:
        fail_check(
            f"{function}: {ops[0]} does the work here. What would its loops look like, written out?",
            "uses-builtin-convolution",
        )


def assert_arguments_kept(student: Student, function: str, *args: Tensor) -> None:
    after = student.observe(function, *[arg.clone() for arg in args]).args_after
    for old, new in zip(args, after, strict=False):
        if not isinstance(new, Tensor) or new.shape != old.shape or not torch.equal(old, new):
            fail_check(
                f"{function}: an argument is changed by the call. Where is the result written to?", "modifies-input"
            )


@core("convolve", "computes by hand, without a ready-made convolution")
def test_convolve_is_written_by_hand(student: Student, rng: Rng) -> None:
    double = torch.float64
    for image, kernel in ((7, 11), (2, 3)), ((11, 11), (3, 3)), ((13, 5), (1, 1)), ((28, 28), (5, 5)), ((5, 7), (5, 7)):
        assert_by_hand(student, "convolve", rng.floats(*image), rng.floats(*kernel))
        assert_by_hand(student, "convolve", rng.floats(*image, dtype=double), rng.floats(*kernel, dtype=double))
    assert_by_hand(student, "convolve", rng.floats(11, 7).T, rng.floats(3, 2).T)


@core("convolve", "matches cross-correlation on a 7 x 11 image")
def test_convolve_matches_on_a_rectangle(student: Student, rng: Rng) -> None:
    assert_convolves(student, "convolve", rng.floats(7, 11), rng.floats(2, 3))


@core("convolve", "matches cross-correlation on a square image")
def test_convolve_matches_on_a_square(student: Student, rng: Rng) -> None:
    assert_convolves(student, "convolve", rng.floats(11, 11), rng.floats(3, 3))


@core("convolve", "matches cross-correlation with a tall kernel on a tall image")
def test_convolve_matches_on_a_tall_image(student: Student, rng: Rng) -> None:
    assert_convolves(student, "convolve", rng.floats(13, 5), rng.floats(7, 2))


@core("convolve", "matches cross-correlation on a digit-sized image")
def test_convolve_matches_on_a_digit(student: Student, rng: Rng) -> None:
    assert_convolves(student, "convolve", rng.floats(28, 28), rng.floats(5, 5))


@detail("convolve", "answers float64 to float64's accuracy")
def test_convolve_keeps_float64(student: Student, rng: Rng) -> None:
    assert_convolves(student, "convolve", rng.floats(7, 11, dtype=torch.float64), rng.floats(2, 3, dtype=torch.float64))


@detail("convolve", "takes a kernel as large as the image, and one of a single number")
def test_convolve_takes_extreme_kernels(student: Student, rng: Rng) -> None:
    assert_convolves(student, "convolve", rng.floats(5, 7), rng.floats(5, 7))
    assert_convolves(student, "convolve", rng.floats(5, 7), rng.floats(1, 1))


@detail("convolve", "takes non-contiguous tensors")
def test_convolve_takes_non_contiguous_tensors(student: Student, rng: Rng) -> None:
    assert_convolves(student, "convolve", rng.floats(11, 7).T, rng.floats(3, 2).T)


@detail("convolve", "leaves its arguments as they were")
def test_convolve_leaves_its_arguments(student: Student, rng: Rng) -> None:
    assert_arguments_kept(student, "convolve", rng.floats(7, 11), rng.floats(2, 3))


@detail("convolve", "refuses {what}")
@pytest.mark.parametrize(
    ("what", "image", "kernel"),
    [
        ("a kernel that is too high", (3, 11), (5, 2)),
        ("a kernel that is too wide", (11, 3), (2, 5)),
        ("an image with three axes", (1, 7, 11), (2, 3)),
        ("an empty kernel", (7, 11), (0, 3)),
    ],
    ids=range(4),
)
def test_convolve_refuses(
    student: Student, rng: Rng, what: str, image: tuple[int, ...], kernel: tuple[int, ...]
) -> None:
    assert_refused(student, "convolve", rng.floats(*image), rng.floats(*kernel))


def assert_conv2d(student: Student, *args: Any, **kwargs: Any) -> None:
    expected = F.conv2d(*args, **kwargs)
    assert_close(
        student.call("conv2d", *args, **kwargs), expected, "conv2d", diagnose=Diagnosis("conv2d", args, kwargs)
    )


@core("conv2d", "computes by hand, without a ready-made convolution")
def test_conv2d_is_written_by_hand(student: Student, rng: Rng) -> None:
    for dtype in (torch.float32, torch.float64):
        image, weight = rng.floats(2, 3, 7, 8, dtype=dtype), rng.floats(4, 3, 2, 3, dtype=dtype)
        assert_by_hand(student, "conv2d", image, weight)
        assert_by_hand(student, "conv2d", image, weight, rng.floats(4, dtype=dtype))
        for options in ({"stride": 2}, {"padding": 1}, {"stride": (2, 3)}, {"padding": (1, 2)}):
            assert_by_hand(student, "conv2d", image, weight, **options)
        assert_by_hand(student, "conv2d", image, weight, rng.floats(4, dtype=dtype), 2, (1, 2))
        assert_by_hand(student, "conv2d", image.transpose(2, 3), weight.transpose(2, 3))
    assert_by_hand(student, "conv2d", rng.floats(1, 1, 5, 7), rng.floats(1, 1, 5, 7))
    assert_by_hand(student, "conv2d", rng.floats(2, 3, 5, 4), rng.floats(3, 3, 1, 1))


@core("conv2d", "matches torch on batches, channels and filters")
def test_conv2d_matches_on_batches(student: Student, rng: Rng) -> None:
    assert_conv2d(student, rng.floats(2, 3, 7, 11), rng.floats(5, 3, 2, 3))


@core("conv2d", "matches torch on one image with one channel")
def test_conv2d_matches_on_one_image(student: Student, rng: Rng) -> None:
    assert_conv2d(student, rng.floats(1, 1, 11, 5), rng.floats(1, 1, 5, 3))


@core("conv2d", "matches torch with as many filters as channels")
def test_conv2d_matches_with_equal_counts(student: Student, rng: Rng) -> None:
    assert_conv2d(student, rng.floats(3, 3, 5, 7), rng.floats(3, 3, 3, 3))


@detail("conv2d", "adds the bias of each filter")
def test_conv2d_adds_the_bias(student: Student, rng: Rng) -> None:
    assert_conv2d(student, rng.floats(2, 3, 7, 11), rng.floats(5, 3, 2, 3), rng.floats(5))


@detail("conv2d", "takes one stride for both axes")
def test_conv2d_takes_a_stride(student: Student, rng: Rng) -> None:
    assert_conv2d(student, rng.floats(2, 3, 11, 14), rng.floats(5, 3, 2, 3), stride=2)
    assert_conv2d(student, rng.floats(1, 2, 12, 10), rng.floats(3, 2, 2, 3), stride=3)


@detail("conv2d", "takes a stride per axis, height first")
def test_conv2d_takes_a_pair_of_strides(student: Student, rng: Rng) -> None:
    assert_conv2d(student, rng.floats(2, 3, 11, 14), rng.floats(5, 3, 2, 3), stride=(2, 3))


@detail("conv2d", "takes one padding for both axes")
def test_conv2d_takes_a_padding(student: Student, rng: Rng) -> None:
    assert_conv2d(student, rng.floats(2, 3, 5, 7), rng.floats(5, 3, 2, 3), padding=3)


@detail("conv2d", "takes a padding per axis, height first")
def test_conv2d_takes_a_pair_of_paddings(student: Student, rng: Rng) -> None:
    assert_conv2d(student, rng.floats(2, 3, 5, 7), rng.floats(5, 3, 2, 3), padding=(2, 1))


@detail("conv2d", "takes bias, stride and padding together, by position")
def test_conv2d_takes_everything_together(student: Student, rng: Rng) -> None:
    assert_conv2d(student, rng.floats(2, 3, 8, 11), rng.floats(5, 3, 3, 2), rng.floats(5), (3, 2), (1, 2))


@detail("conv2d", "pads with zeros, not with something else, when the filter only fits padded")
def test_conv2d_pads_small_images(student: Student, rng: Rng) -> None:
    assert_conv2d(student, rng.floats(1, 2, 3, 2), rng.floats(3, 2, 5, 4), padding=(1, 2))


@detail("conv2d", "answers float64 to float64's accuracy")
def test_conv2d_keeps_float64(student: Student, rng: Rng) -> None:
    double = torch.float64
    assert_conv2d(
        student, rng.floats(2, 3, 7, 5, dtype=double), rng.floats(5, 3, 3, 2, dtype=double), rng.floats(5, dtype=double)
    )


@detail("conv2d", "takes non-contiguous tensors")
def test_conv2d_takes_non_contiguous_tensors(student: Student, rng: Rng) -> None:
    image, weight = rng.floats(7, 11, 3, 2).permute(3, 2, 0, 1), rng.floats(2, 3, 5, 3).permute(2, 3, 0, 1)
    assert_conv2d(student, image, weight)


@detail("conv2d", "takes a filter as large as the image, and 1 x 1 filters")
def test_conv2d_takes_extreme_filters(student: Student, rng: Rng) -> None:
    assert_conv2d(student, rng.floats(2, 3, 5, 7), rng.floats(2, 3, 5, 7))
    assert_conv2d(student, rng.floats(2, 3, 5, 7), rng.floats(4, 3, 1, 1))


@detail("conv2d", "leaves its arguments as they were")
def test_conv2d_leaves_its_arguments(student: Student, rng: Rng) -> None:
    assert_arguments_kept(student, "conv2d", rng.floats(2, 3, 7, 5), rng.floats(5, 3, 2, 3), rng.floats(5))


@detail("conv2d", "refuses {what}")
@pytest.mark.parametrize(
    ("what", "image", "weight", "options"),
    [
        ("filters with another number of channels", (2, 3, 7, 5), (5, 2, 2, 3), {}),
        ("filters with one channel for an image with three", (2, 3, 7, 5), (5, 1, 2, 3), {}),
        ("a filter that is too large", (2, 3, 3, 5), (5, 3, 4, 2), {}),
        ("a filter that is too large even with padding", (2, 3, 3, 3), (5, 3, 2, 8), {"padding": 2}),
        ("an image without the batch axis", (3, 7, 5), (5, 3, 2, 3), {}),
        ("stride 0", (2, 3, 7, 5), (5, 3, 2, 3), {"stride": 0}),
        ("a negative padding", (2, 3, 7, 5), (5, 3, 2, 3), {"padding": -1}),
    ],
    ids=range(7),
)
def test_conv2d_refuses(
    student: Student, rng: Rng, what: str, image: tuple[int, ...], weight: tuple[int, ...], options: dict[str, int]
) -> None:
    assert_refused(student, "conv2d", rng.floats(*image), rng.floats(*weight), **options)


@detail("conv2d", "refuses a bias of the wrong length")
def test_conv2d_refuses_a_wrong_bias(student: Student, rng: Rng) -> None:
    assert_refused(student, "conv2d", rng.floats(2, 3, 7, 5), rng.floats(5, 3, 2, 3), rng.floats(3))


@core("convolve_torch", "matches cross-correlation on a 7 x 11 image")
def test_convolve_torch_matches(student: Student, rng: Rng) -> None:
    assert_convolves(student, "convolve_torch", rng.floats(7, 11), rng.floats(2, 3))


@core("convolve_torch", "lets PyTorch do the work")
def test_convolve_torch_goes_through_torch(student: Student, rng: Rng) -> None:
    ops = student.observe("convolve_torch", rng.floats(7, 11), rng.floats(2, 3)).ops
    if not any(op.startswith(("aten::", "mkldnn", "torchvision::")) for op in ops):
        fail_check("convolve_torch: expected one of PyTorch's convolutions to run, got none. Which function does it?")


@detail("convolve_torch", "keeps float64")
def test_convolve_torch_keeps_float64(student: Student, rng: Rng) -> None:
    double = torch.float64
    assert_convolves(student, "convolve_torch", rng.floats(5, 7, dtype=double), rng.floats(3, 2, dtype=double))


@detail("convolve_torch", "takes a tall kernel, and one as large as the image")
def test_convolve_torch_takes_extreme_kernels(student: Student, rng: Rng) -> None:
    assert_convolves(student, "convolve_torch", rng.floats(13, 5), rng.floats(7, 2))
    assert_convolves(student, "convolve_torch", rng.floats(5, 7), rng.floats(5, 7))


@detail("convolve_torch", "leaves its arguments as they were")
def test_convolve_torch_leaves_its_arguments(student: Student, rng: Rng) -> None:
    assert_arguments_kept(student, "convolve_torch", rng.floats(7, 11), rng.floats(2, 3))


@detail("convolve_torch", "refuses a kernel that is too large")
def test_convolve_torch_refuses_a_large_kernel(student: Student, rng: Rng) -> None:
    assert_refused(student, "convolve_torch", rng.floats(3, 5), rng.floats(2, 7))


def activated(image: Tensor, filters: Tensor, bias: Tensor | None = None) -> Tensor:
    return F.conv2d(image[None], filters[:, None], bias)[0].relu()


def assert_activates(student: Student, *args: Any) -> None:
    got = student.call("activation_maps", *args)
    assert_close(got, activated(*args), "activation_maps", diagnose=Diagnosis("activation_maps", args))


@core("activation_maps", "gives one map per filter, after ReLU")
def test_activation_maps_match(student: Student, rng: Rng) -> None:
    assert_activates(student, rng.floats(1, 7, 11), rng.floats(5, 2, 3))


@core("activation_maps", "matches for a single filter and for many")
def test_activation_maps_match_for_any_count(student: Student, rng: Rng) -> None:
    assert_activates(student, rng.floats(1, 11, 7), rng.floats(1, 3, 2))
    assert_activates(student, rng.floats(1, 9, 13), rng.floats(8, 5, 3))


@detail("activation_maps", "adds the bias before ReLU")
def test_activation_maps_add_the_bias(student: Student, rng: Rng) -> None:
    assert_activates(student, rng.floats(1, 7, 11), rng.floats(5, 2, 3), 3 * rng.floats(5))


@detail("activation_maps", "keeps float64")
def test_activation_maps_keep_float64(student: Student, rng: Rng) -> None:
    assert_activates(student, rng.floats(1, 7, 5, dtype=torch.float64), rng.floats(3, 2, 3, dtype=torch.float64))


@detail("activation_maps", "leaves its arguments as they were")
def test_activation_maps_leave_their_arguments(student: Student, rng: Rng) -> None:
    assert_arguments_kept(student, "activation_maps", rng.floats(1, 7, 11), rng.floats(5, 2, 3), rng.floats(5))


@detail("activation_maps", "refuses {what}")
@pytest.mark.parametrize(
    ("what", "image", "filters"),
    [("filters that are too large", (1, 3, 5), (2, 5, 2)), ("an image without its channel axis", (7, 11), (2, 3, 2))],
    ids=range(2),
)
def test_activation_maps_refuse(
    student: Student, rng: Rng, what: str, image: tuple[int, ...], filters: tuple[int, ...]
) -> None:
    assert_refused(student, "activation_maps", rng.floats(*image), rng.floats(*filters))


def figure(student: Student, rng: Rng, count: int = 5) -> tuple[Tensor, Any]:
    """Return some maps and their figure; several checks look at the same one, since it takes a while to draw."""
    asked = f"figure of {count}"
    if asked not in student.kept:
        maps = rng.floats(count, 7, 11).relu()
        student.kept[asked] = maps, student.probe("plot_activations", maps)
    maps, facts = student.kept[asked]
    return maps, facts


def pictured(facts: Any) -> list[Any]:
    """Return the axes that hold a picture."""
    if facts["type"] == "NoneType":
        fail_check("plot_activations: expected a Figure, got None. Does the function return?", "returns-none")
    assert facts["type"] == "Figure", f"plot_activations: expected a matplotlib Figure, got {facts['type']}."
    return [axes for axes in facts["axes"] if axes["images"]]


@core("plot_activations", "shows one picture for each of {count} maps")
@pytest.mark.parametrize("count", [5, 1, 9])
def test_plot_shows_one_picture_per_map(student: Student, rng: Rng, count: int) -> None:
    axes = pictured(figure(student, rng, count)[1])
    assert len(axes) == count, f"plot_activations: expected {count} axes with a picture, got {len(axes)}."


@core("plot_activations", "each picture is its map")
def test_plot_shows_the_maps(student: Student, rng: Rng) -> None:
    maps, facts = figure(student, rng)
    for index, axes in enumerate(pictured(facts)):
        picture = axes["images"][0]
        same = isinstance(picture, Tensor) and picture.shape == maps[index].shape and similar(picture, maps[index])
        assert same, (
            f"plot_activations: expected map {index} in axes {index}, got {describe(picture)} with other values."
        )


def similar(picture: Tensor, wanted: Tensor) -> bool:
    """Tell whether a picture shows the map, perhaps on another scale of grey."""
    pair = torch.stack([picture.double().flatten(), wanted.double().flatten()])
    return bool(torch.corrcoef(pair)[0, 1] > 0.999)


@detail("plot_activations", "titles count the maps")
def test_plot_titles_count_the_maps(student: Student, rng: Rng) -> None:
    titles = [axes["title"] for axes in pictured(figure(student, rng)[1])]
    numbers = [[int(number) for number in re.findall(r"\d+", str(title))] for title in titles]
    counted = any(all(index + first in found for index, found in enumerate(numbers)) for first in (0, 1))
    assert counted, f"plot_activations: expected titles that count the maps, got {', '.join(map(repr, titles))}."


@detail("plot_activations", "axes without a map are hidden")
def test_plot_hides_unused_axes(student: Student, rng: Rng) -> None:
    for facts in (figure(student, rng)[1], figure(student, rng, 9)[1]):
        unused = [axes for axes in facts["axes"] if not axes["images"] and axes["on"]]
        assert not unused, f"plot_activations: expected unused axes to be hidden, got {len(unused)} empty ones."


@detail("plot_activations", "takes maps that require a gradient, and leaves them as they were")
def test_plot_takes_maps_with_gradient(student: Student, rng: Rng) -> None:
    maps = rng.floats(3, 5, 7).relu()
    facts = student.probe("plot_activations", maps, requires_grad=True)
    assert len(pictured(facts)) == 3, "plot_activations: expected 3 pictures, got fewer."
    _, plain = figure(student, rng)
    assert not facts["modified"] and not plain["modified"], "plot_activations: the maps are changed."
