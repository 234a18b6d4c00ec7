"""Hidden checks of the hand-written convolutions, against PyTorch's own.

Weights are in points of the task, and follow from what typical partial answers should earn (`lesson/answers`).
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import torch
import torch.nn.functional as F
from torch import Tensor

from grader.checks import (
    CheckFailed,
    Student,
    StudentRaised,
    assert_agrees,
    assert_arguments_kept,
    assert_close,
    assert_is_figure,
    assert_number,
    assert_refused,
    assert_same_again,
    assert_values,
    core,
    describe,
    detail,
    fail_check,
    number_of,
    numbers_of,
    refusal,
    same_values,
)
from grader.hidden.inputs import Rng
from grader.hidden.mistakes import Diagnosis

DOUBLE = torch.float64


def answered(student: Student, function: str, *args: Any, **options: Any) -> object:
    """Return the result of a call, None if it raised: to find out which mistake it is, never to judge."""
    try:
        return without_axes(student.call(function, *args, **options))
    except StudentRaised:
        return None


def is_right(student: Student, function: str, expected: Callable[..., Tensor], *args: Any) -> bool:
    return same_values(answered(student, function, *args), expected(*args))


def fail_for_memory(
    student: Student, function: str, expected: Callable[..., Tensor], first: tuple[Any, ...], second: tuple[Any, ...]
) -> None:
    """Fail with a name if a call gives the answer of the previous call with arguments of the same shapes."""
    if not is_right(student, function, expected, *first):
        return
    again = answered(student, function, *second)
    if same_values(again, expected(*first)) and not same_values(again, expected(*second)):
        fail_check(
            f"{function}: other arguments of the same shapes gave the answer of an earlier call. "
            "What does it remember?",
            "remembers-earlier-call",
        )


def fail_for_layout(student: Student, function: str, expected: Callable[..., Tensor], *args: Tensor) -> None:
    """Fail with a name if views give no answer or a wrong one, but their copies the right one."""
    if any(0 in arg.stride() for arg in args) or is_right(student, function, expected, *args):
        return
    if is_right(student, function, expected, *[arg.contiguous() for arg in args]):
        fail_check(
            f"{function}: a view, such as a transposed image, gives another answer than its copy. "
            "Where are the numbers of a view in memory?",
            "assumes-contiguous",
        )


def assert_size(student: Student, expected: int, *args: int, **kwargs: int) -> None:
    got = student.output_size(*args, **kwargs)
    try:
        assert_number(got, expected, "output_size", diagnose=Diagnosis("output_size", args, kwargs))
    except CheckFailed as failed:
        if failed.misconception and not is_on_longer_lines(student, failed.misconception, args, kwargs):
            assert_number(got, expected, "output_size")
        raise


def is_on_longer_lines(student: Student, name: str, args: tuple[int, ...], kwargs: dict[str, int]) -> bool:
    """Return whether a mistake also shows on longer lines: one number may agree with a mistake by chance."""
    for more in (1, 2, 3, 7):
        longer = args[0] + more, *args[1:]
        try:
            got = student.output_size(*longer, **kwargs)
        except StudentRaised:
            return False
        try:
            assert_number(got, positions(*longer, **kwargs), "", diagnose=Diagnosis("output_size", longer, kwargs))
        except CheckFailed as failed:
            if failed.misconception != name:
                return False
    return True


def positions(size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    line, kernel = torch.zeros(1, 1, size), torch.zeros(1, 1, kernel_size)
    return F.conv1d(line, kernel, None, stride, padding, dilation).shape[-1]


@core("output_size", "counts the positions of a kernel", weight=0.5)
def test_output_size_counts_positions(student: Student, rng: Rng) -> None:
    size, kernel = rng.int(23, 41), rng.int(3, 11)
    assert_size(student, size - kernel + 1, size, kernel)


@detail("output_size", "takes the stride into account, and takes no step that would leave the line", weight=0.7)
def test_output_size_takes_stride(student: Student, rng: Rng) -> None:
    kernel, stride = rng.int(4, 8), rng.int(3, 5)
    positions = rng.int(5, 9) * stride
    assert_size(student, positions // stride + 1, kernel + positions, kernel, stride)
    for rest in range(1, stride):
        try:
            assert_size(student, positions // stride + 1, kernel + positions + rest, kernel, stride)
        except StudentRaised:
            fail_check(
                "output_size: a stride that does not divide the kernel's travel raises an error. "
                "What does PyTorch do with a last step that would leave the line?",
                "must-tile",
            )


@detail("output_size", "takes the padding into account", weight=0.4)
def test_output_size_takes_padding(student: Student, rng: Rng) -> None:
    size, kernel, padding = rng.int(23, 41), rng.int(5, 9), rng.int(2, 4)
    assert_size(student, size + 2 * padding - kernel + 1, size, kernel, 1, padding)
    assert_size(student, 1, 5, 7, 1, 1)


@detail("output_size", "takes the dilation into account", weight=0.4)
def test_output_size_takes_dilation(student: Student, rng: Rng) -> None:
    size, kernel, dilation = rng.int(41, 61), rng.int(3, 6), rng.int(3, 4)
    assert_size(student, size - kernel + 1, size, kernel)
    assert_size(student, size - dilation * (kernel - 1), size, kernel, dilation=dilation)


@detail("output_size", "agrees with torch for all arguments together", weight=0.5)
def test_output_size_agrees_with_torch(student: Student, rng: Rng) -> None:
    for _ in range(8):
        args = (rng.int(29, 47), rng.int(2, 5), rng.int(3, 5), rng.int(1, 4), rng.int(2, 4))
        try:
            assert_size(student, positions(*args), *args)
        except CheckFailed:
            fail_for_parts(student, rng)
            raise


def fail_for_parts(student: Student, rng: Rng) -> None:
    """Fail with a name if line and padding are each divided by the stride, and each quotient is rounded down."""
    several = [(rng.int(29, 47), rng.int(2, 5), rng.int(3, 5), rng.int(1, 4), rng.int(2, 4)) for _ in range(12)]
    try:
        got = [number_of(student.output_size(*args)) for args in several]
    except StudentRaised:
        return
    reaches = [dilation * (kernel - 1) for _, kernel, _, _, dilation in several]
    rest = [
        (size - reach - 1) // stride + 2 * padding // stride + 1
        for (size, _, stride, padding, _), reach in zip(several, reaches, strict=True)
    ]
    if got == rest:
        fail_check(
            "output_size: the padding is divided by the stride apart from the line. How often is it rounded down?",
            "rounds-each-part",
        )


@detail("output_size", "a kernel as long as the line has one position", weight=0.1)
def test_output_size_of_a_full_kernel(student: Student, rng: Rng) -> None:
    size = rng.int(5, 13)
    try:
        assert_size(student, 1, size, size)
    except StudentRaised as error:
        assert_size(student, 2, size + 1, size)
        fail_check(
            f"{error.text.rstrip('.')}. A kernel as long as the line is refused. At how many places does it fit?",
            "refuses-full-kernel",
        )
    assert_size(student, 1, 1, 1)


@detail("output_size", "returns an int", weight=0.1)
def test_output_size_returns_an_int(student: Student, rng: Rng) -> None:
    got = student.output_size(rng.int(13, 17), 3)
    if number_of(got) is not None and not isinstance(got, int):
        other = student.output_size(14, 3, 3)  # with a remainder
        name = "float-instead-of-int" if isinstance(got, float) and isinstance(other, float) and other == 4 else None
        fail_check(f"output_size: expected an int, got {describe(got)}. Can it be part of a shape?", name)


@refusal("output_size", "a kernel that covers more than the padded axis")
def test_output_size_refuses_a_long_kernel(student: Student) -> None:
    for args in (5, 7), (7, 3, 1, 0, 4), (5, 8, 3, 1):
        assert_refused(student, "output_size", *args)


@refusal("output_size", "an argument out of range")
def test_output_size_refuses_arguments_out_of_range(student: Student) -> None:
    for args in (7, 3, 0), (7, 3, -1), (7, 3, 1, -1), (7, 3, 1, 0, 0), (7, 0), (0, 1, 1, 2):
        assert_refused(student, "output_size", *args)


def correlated(image: Tensor, kernel: Tensor) -> Tensor:
    return F.conv2d(image[None, None], kernel[None, None])[0, 0]


def assert_by_hand(student: Student, function: str, calls: Sequence[tuple[Any, ...]]) -> None:
    """Check that no call uses a forbidden operation; a call that raises for another reason proves nothing."""
    for args in calls:
        try:
            ops = student.observe(function, *args).ops
        except StudentRaised as error:
            ops = error.ops
        if ops:
            fail_check(
                f"{function}: {ops[0]} does the work here. What would its loops look like, written out?",
                "uses-builtin-convolution",
            )


def assert_keeps_dtype(
    student: Student, function: str, args: Sequence[Tensor], expected: Callable[..., Tensor]
) -> None:
    """Check strictly: a tensor of float32 for float32, and one of float64, to its accuracy, for float64."""
    image, *others = args
    for dtype, asked in (torch.float32, image[..., 1:, 1:]), (DOUBLE, image):
        arguments = [arg.to(dtype).contiguous() for arg in (asked, *others)]
        assert_close(student.call(function, *arguments), expected(*arguments), function)


def assert_convolves(student: Student, image: Tensor, kernel: Tensor) -> None:
    assert_agrees(student, "convolve", correlated, image, kernel)


@core("convolve", "computes by hand, without a ready-made convolution", weight=0.2)
def test_convolve_is_written_by_hand(student: Student, rng: Rng) -> None:
    image, kernel = rng.floats(6, 9), rng.floats(2, 3)
    calls = [(image, kernel), (image.double(), kernel.double()), (image.T, kernel.T)]
    for size, taps in ((6, 6), (3, 3)), ((5, 4), (1, 1)), ((28, 28), (5, 5)), ((4, 3), (4, 3)):
        calls.append((rng.floats(*size), rng.floats(*taps)))
    assert_by_hand(student, "convolve", calls)


@core("convolve", "matches cross-correlation on squares", weight=2.8)
def test_convolve_matches(student: Student, rng: Rng) -> None:
    for side, taps in (8, 3), (9, 2):
        assert_convolves(student, rng.floats(side, side), 3 * rng.floats(taps, taps))  # not all below 1


@detail("convolve", "matches cross-correlation on wide or tall images and kernels", weight=2)
def test_convolve_matches_on_rectangles(student: Student, rng: Rng) -> None:
    for image, kernel in ((7, 11), (2, 3)), ((13, 5), (4, 2)):
        try:
            assert_convolves(student, rng.floats(*image), rng.floats(*kernel))
        except StudentRaised as error:
            squares = [(rng.floats(side, side), rng.floats(taps, taps)) for side, taps in ((9, 2), (10, 4), (8, 3))]
            if all(is_right(student, "convolve", correlated, *args) for args in squares):
                fail_for_squares(error)
            raise


def fail_for_squares(error: StudentRaised) -> NoReturn:
    """Fail with a name: squares are answered, rectangles raise."""
    fail_check(
        f"{error.text.rstrip('.')}. Squares are answered; this image or its kernel is not square. "
        "Where is the height taken for the width?",
        "assumes-square",
    )


@detail("convolve", "keeps float32, and float64 to float64's accuracy", weight=0.5)
def test_convolve_keeps_the_dtype(student: Student, rng: Rng) -> None:
    assert_keeps_dtype(
        student, "convolve", (rng.floats(7, 7, dtype=DOUBLE), rng.floats(3, 3, dtype=DOUBLE)), correlated
    )


@detail("convolve", "takes a kernel as large as the image, and one with a single number", weight=0.5)
def test_convolve_takes_extreme_kernels(student: Student, rng: Rng) -> None:
    for side, taps in (5, 5), (4, 1):
        assert_convolves(student, rng.floats(side, side).abs(), rng.floats(taps, taps).abs())


@detail("convolve", "takes views: transposed, sliced, expanded", weight=0.4)
def test_convolve_takes_views(student: Student, rng: Rng) -> None:
    transposed = rng.floats(10, 10).T, rng.floats(3, 3).T
    for args in transposed, (rng.floats(12, 22)[1:, ::2], rng.floats(1, 2).expand(2, 2)):
        try:
            assert_convolves(student, *args)
        except (CheckFailed, StudentRaised):
            fail_for_layout(student, "convolve", correlated, *args)
            raise


@detail("convolve", "does not change its arguments", weight=0.4)
def test_convolve_leaves_its_arguments(student: Student, rng: Rng) -> None:
    assert_arguments_kept(student, "convolve", rng.floats(6, 10), rng.floats(2, 4))


@detail("convolve", "depends only on its arguments, however often it is called", weight=0.8)
def test_convolve_keeps_no_state(student: Student, rng: Rng) -> None:
    calls = [(rng.floats(side, side), rng.floats(2, 2)) for side in (6, 6, 5)]
    try:
        assert_same_again(student, "convolve", calls, correlated)
    except CheckFailed:
        first, second = ((rng.floats(17, 4), rng.floats(2, 2)) for _ in range(2))
        fail_for_memory(student, "convolve", correlated, first, second)
        raise


@refusal("convolve", "a kernel larger than the image")
def test_convolve_refuses_a_large_kernel(student: Student, rng: Rng) -> None:
    for image, kernel in ((3, 11), (5, 2)), ((11, 3), (2, 5)), ((3, 4), (5, 6)):
        assert_refused_large_kernel(student, "convolve", rng.floats(*image), rng.floats(*kernel))


@refusal("convolve", "an argument without two axes")
def test_convolve_refuses_other_axes(student: Student, rng: Rng) -> None:
    for image, kernel in ((1, 7, 11), (2, 3)), ((7, 11, 3), (2, 3)), ((7, 11), (2, 3, 1)):
        args = rng.floats(*image), rng.floats(*kernel)
        try:
            assert_refused(student, "convolve", *args)
        except CheckFailed:
            fail_for_channels(student, *args)
            raise


def fail_for_channels(student: Student, image: Tensor, kernel: Tensor) -> None:
    """Fail with a name if the first axis of an image is taken for its channels, with a map for each."""
    if image.ndim != 3 or kernel.ndim != 2:
        return
    maps = torch.stack([correlated(one, kernel) for one in image])
    if same_values(answered(student, "convolve", image, kernel), without_axes(maps)):
        fail_check(
            "convolve: an image with a third axis gives a map for each channel. Which arguments are refused?",
            "takes-a-channel-axis",
        )


def assert_refused_large_kernel(student: Student, function: str, image: Tensor, kernel: Tensor) -> None:
    try:
        assert_refused(student, function, image, kernel)
    except CheckFailed:
        fits = image.shape[0] <= kernel.shape[0] and image.shape[1] <= kernel.shape[1]
        if fits and same_values(answered(student, function, image, kernel), correlated(kernel, image)):
            fail_check(
                f"{function}: the larger of the two arguments is taken for the image. Which one is the kernel?",
                "swaps-image-and-kernel",
            )
        raise


def conv2d(student: Student, image: Tensor, weight: Tensor, *more: Any, **options: Any) -> object:
    """Call the student's function, with a bias of zeros if it needs one; another check tests that."""
    try:
        return student.conv2d(image, weight, *more, **options)
    except StudentRaised:
        if more:
            raise
    return student.conv2d(image, weight, torch.zeros(len(weight), dtype=image.dtype), **options)


def assert_conv2d(student: Student, *args: Any, **options: Any) -> None:
    expected = F.conv2d(*args, **options)
    got = with_axes(conv2d(student, *args, **options), expected)
    assert_values(got, expected, "conv2d", diagnose=Diagnosis("conv2d", args, options, F.conv2d))


def with_axes(got: object, expected: Tensor) -> object:
    """Return an answer with the axes of size 1 that a squeeze removed; another check tests for them."""
    numbers = numbers_of(got)
    squeezed = numbers is not None and numbers.shape == expected.squeeze().shape
    return numbers.reshape(expected.shape) if numbers is not None and squeezed else got


@core("conv2d", "computes by hand, without a ready-made convolution", weight=0.2)
def test_conv2d_is_written_by_hand(student: Student, rng: Rng) -> None:
    image, weight, bias = rng.floats(2, 3, 5, 6), rng.floats(4, 3, 2, 3), rng.floats(4)
    calls: list[tuple[Any, ...]] = [
        (image, weight),
        (image, weight, bias),
        (image, weight, None, 2, 1),
        (image.double(), weight.double(), bias.double(), (1, 2), (1, 0)),
        (image.transpose(2, 3), weight.transpose(2, 3)),
        (rng.floats(1, 1, 28, 28), rng.floats(1, 1, 5, 5)),
        (rng.floats(1, 2, 4, 3), rng.floats(2, 2, 1, 1)),
    ]
    assert_by_hand(student, "conv2d", calls)


@core("conv2d", "sums over the channels of an image, for each filter", weight=0.5)
def test_conv2d_sums_over_channels(student: Student, rng: Rng) -> None:
    for image, weight in ((2, 2, 6, 6), (3, 2, 3, 3)), ((2, 3, 7, 7), (5, 3, 2, 2)):
        assert_first_image(student, rng.floats(*image), rng.floats(*weight))


def assert_first_image(student: Student, image: Tensor, weight: Tensor) -> None:
    """Check the maps of the first image; another check tests the others."""
    got, expected = conv2d(student, image, weight), F.conv2d(image, weight)
    numbers = numbers_of(got)
    if numbers is not None and numbers.ndim == 4 and same_values(numbers[:1], expected[:1]):
        return
    assert_values(got, expected, "conv2d", diagnose=Diagnosis("conv2d", (image, weight), right=F.conv2d))


@detail("conv2d", "takes wide or tall images and filters", weight=1)
def test_conv2d_takes_rectangles(student: Student, rng: Rng) -> None:
    for image, weight in ((1, 2, 7, 11), (3, 2, 2, 3)), ((1, 2, 9, 5), (3, 2, 4, 2)):
        try:
            assert_first_image(student, rng.floats(*image), rng.floats(*weight))
        except StudentRaised as error:
            squares = rng.floats(1, 2, 7, 7), rng.floats(3, 2, 2, 2)
            if same_values(without_batch(conv2d(student, *squares)), F.conv2d(*squares)[0]):
                fail_for_squares(error)
            raise


@detail("conv2d", "answers every image of a batch", weight=0.8)
def test_conv2d_answers_every_image(student: Student, rng: Rng) -> None:
    assert_conv2d(student, rng.floats(3, 3, 6, 6), rng.floats(3, 3, 3, 3))


@detail("conv2d", "adds the bias of each filter", weight=2.2)
def test_conv2d_adds_the_bias(student: Student, rng: Rng) -> None:
    assert_conv2d(student, rng.floats(2, 2, 6, 6), rng.floats(5, 2, 3, 3), rng.floats(5))


@detail("conv2d", "works without a bias", weight=0.3)
def test_conv2d_works_without_a_bias(student: Student, rng: Rng) -> None:
    image, weight = rng.floats(1, 2, 5, 5), rng.floats(3, 2, 2, 2)
    expected = F.conv2d(image, weight)
    try:
        got = student.conv2d(image, weight)
    except StudentRaised as error:
        assert_values(student.conv2d(image, weight, torch.zeros(3)), expected, "conv2d")
        fail_for_no_bias(error)
    assert_values(with_axes(got, expected), expected, "conv2d")


def fail_for_no_bias(error: StudentRaised) -> NoReturn:
    """Fail with a name: it raises without a bias, and is right with one."""
    fail_check(
        f"{error.text.rstrip('.')}. With a bias it is right. What is `bias` if nobody passes one?", "requires-bias"
    )


@detail("conv2d", "takes one stride for both axes", weight=0.9)
def test_conv2d_takes_a_stride(student: Student, rng: Rng) -> None:
    assert_conv2d(student, rng.floats(1, 2, 7, 7), rng.floats(3, 2, 3, 3), stride=2)
    assert_conv2d(student, rng.floats(1, 2, 8, 8), rng.floats(3, 2, 2, 2), stride=3)


@detail("conv2d", "takes a stride that does not divide the filter's travel", weight=0.6)
def test_conv2d_takes_a_stride_that_leaves_a_remainder(student: Student, rng: Rng) -> None:
    image, weight = rng.floats(1, 2, 8, 8), rng.floats(3, 2, 3, 3)
    try:
        assert_conv2d(student, image, weight, stride=2)
    except StudentRaised:
        assert_conv2d(student, image[..., :7, :7].contiguous(), weight, stride=2)
        fail_check(
            "conv2d: a stride that does not divide the filter's travel raises an error. "
            "What does PyTorch do with a last step that would leave the image?",
            "must-tile",
        )


@detail("conv2d", "takes one padding for both axes, even larger than the filter", weight=1.2)
def test_conv2d_takes_a_padding(student: Student, rng: Rng) -> None:
    assert_conv2d(student, rng.floats(1, 2, 6, 6), rng.floats(3, 2, 3, 3), padding=1)
    assert_conv2d(student, rng.floats(1, 2, 4, 4), rng.floats(3, 2, 2, 2), padding=3)


@detail("conv2d", "takes a pair of strides or of paddings, height first", weight=0.65)
def test_conv2d_takes_pairs(student: Student, rng: Rng) -> None:
    for option, pair, side in ("stride", (3, 2), 9), ("padding", (2, 1), 5):
        image, weight = rng.floats(1, 2, side, side), rng.floats(3, 2, 3, 3)
        try:
            assert_conv2d(student, image, weight, **{option: pair})
        except StudentRaised:
            assert_conv2d(student, image, weight, **{option: pair[1]})
            fail_check(
                f"conv2d: an int for {option} works, a pair raises an error. Which of its numbers is for which axis?",
                "pair-unsupported",
            )


@detail("conv2d", "takes bias, stride and padding in this order, all at once", weight=0.8)
def test_conv2d_takes_everything_together(student: Student, rng: Rng) -> None:
    # Another check tests whether a bias is added.
    args = rng.floats(2, 2, 6, 6), rng.floats(4, 2, 4, 4), torch.zeros(4)
    try:
        assert_conv2d(student, *args, 3, 2)
    except CheckFailed:
        if same_values(answered(student, "conv2d", *args, 3, 2), F.conv2d(*args, stride=2, padding=3)):
            fail_check(
                "conv2d: the fourth argument is taken for the padding. In which order does the signature have them?",
                "stride-and-padding-exchanged",
            )
        raise


@detail("conv2d", "keeps float32, and float64 to float64's accuracy", weight=0.25)
def test_conv2d_keeps_the_dtype(student: Student, rng: Rng) -> None:
    image, weight = rng.floats(2, 2, 8, 8, dtype=DOUBLE), rng.floats(3, 2, 3, 3, dtype=DOUBLE)
    assert_keeps_dtype(student, "conv2d", (image, weight, torch.zeros(3)), F.conv2d)


@detail("conv2d", "takes views: permuted, sliced, expanded", weight=0.2)
def test_conv2d_takes_views(student: Student, rng: Rng) -> None:
    permuted = rng.floats(6, 6, 3, 1).permute(3, 2, 1, 0), rng.floats(3, 3, 4, 3).permute(2, 3, 1, 0)
    for args in permuted, (rng.floats(1, 1, 6, 12)[..., ::2].expand(-1, 2, -1, -1), rng.floats(3, 4, 2, 2)[:, 2:]):
        try:
            assert_conv2d(student, *args)
        except (CheckFailed, StudentRaised):
            fail_for_layout(student, "conv2d", F.conv2d, *args)
            raise


@detail(
    "conv2d",
    "takes a filter as large as the padded image, and filters with a single number",
    weight=0.2,
)
def test_conv2d_takes_extreme_filters(student: Student, rng: Rng) -> None:
    image, weight = rng.floats(1, 2, 4, 4).abs(), rng.floats(1, 2, 4, 4).abs()  # a sum near 0 is mostly rounding
    got = conv2d(student, image, weight)
    assert_values(got, F.conv2d(image, weight), "conv2d", diagnose=Diagnosis("conv2d", (image, weight), right=F.conv2d))
    assert_conv2d(student, rng.floats(1, 2, 6, 6), rng.floats(4, 2, 1, 1))
    assert_conv2d(student, rng.floats(1, 2, 3, 3), rng.floats(3, 2, 5, 5), padding=2)


@detail("conv2d", "does not change its arguments", weight=0.1)
def test_conv2d_leaves_its_arguments(student: Student, rng: Rng) -> None:
    assert_arguments_kept(student, "conv2d", rng.floats(1, 3, 5, 5), rng.floats(4, 3, 2, 2), rng.floats(4))


@detail("conv2d", "depends only on its arguments, however often it is called", weight=0.1)
def test_conv2d_keeps_no_state(student: Student, rng: Rng) -> None:
    calls = [
        (rng.floats(*image), rng.floats(2, 2, 2, 2), torch.zeros(2))
        for image in ((2, 2, 4, 4), (2, 2, 4, 4), (2, 2, 3, 3))
    ]
    try:
        assert_same_again(student, "conv2d", calls, F.conv2d)
    except CheckFailed:
        first, second = ((rng.floats(2, 2, 9, 4), rng.floats(2, 2, 2, 2), torch.zeros(2)) for _ in range(2))
        fail_for_memory(student, "conv2d", F.conv2d, first, second)
        raise


@refusal("conv2d", "filters with other channels than the images")
def test_conv2d_refuses_other_channels(student: Student, rng: Rng) -> None:
    for channels in 2, 1:
        assert_refused(student, "conv2d", rng.floats(2, 3, 7, 5), rng.floats(5, channels, 2, 3), rng.floats(5))


@refusal("conv2d", "a filter larger than the padded image")
def test_conv2d_refuses_a_large_filter(student: Student, rng: Rng) -> None:
    image, weight, bias = rng.floats(2, 3, 3, 5), rng.floats(5, 3, 4, 2), rng.floats(5)
    try:
        assert_refused(student, "conv2d", image, weight, bias)
    except CheckFailed:
        if same_values(answered(student, "conv2d", image, weight, bias), F.conv2d(image, weight[:, :, :3], bias)):
            fail_for_cut_filter("conv2d")
        raise
    assert_refused(student, "conv2d", rng.floats(2, 3, 3, 3), rng.floats(5, 3, 2, 8), rng.floats(5), padding=2)


def fail_for_cut_filter(function: str) -> NoReturn:
    """Fail with a name: a filter larger than the image was cut to the image's size."""
    fail_check(
        f"{function}: a filter larger than the image is cut off at the image's edge. "
        "Where could it lie entirely inside?",
        "cuts-large-filter",
    )


@refusal("conv2d", "a bias of another length")
def test_conv2d_refuses_a_wrong_bias(student: Student, rng: Rng) -> None:
    for length in 3, 1:
        assert_refused(student, "conv2d", rng.floats(2, 3, 7, 5), rng.floats(5, 3, 2, 2), rng.floats(length))


@refusal("conv2d", "a stride below 1 or a negative padding")
def test_conv2d_refuses_numbers_out_of_range(student: Student, rng: Rng) -> None:
    for options in {"stride": 0}, {"stride": -1}, {"padding": -1}:
        args = rng.floats(2, 3, 7, 5), rng.floats(5, 3, 2, 3), rng.floats(5)
        try:
            assert_refused(student, "conv2d", *args, **options)
        except CheckFailed:
            knows = same_values(answered(student, "conv2d", *args, 2, 1), F.conv2d(*args, stride=2, padding=1))
            if knows and same_values(answered(student, "conv2d", *args, **options), F.conv2d(*args)):
                fail_check(
                    "conv2d: a stride or a padding out of range is treated as the smallest allowed one. "
                    "How does the caller notice?",
                    "clamps-arguments",
                )
            raise


def without_axes(got: object) -> object:
    """Return one map without the axes for batch and channels; another check tests that they are removed."""
    numbers = numbers_of(got)
    return got if numbers is None or numbers.shape[:-2] not in ((1,), (1, 1)) else numbers.flatten(0, -3)[0]


def assert_convolves_through_torch(student: Student, image: Tensor, kernel: Tensor) -> None:
    got = without_axes(student.convolve_torch(image, kernel))
    diagnosis = Diagnosis("convolve_torch", (image, kernel))
    assert_values(got, correlated(image, kernel), "convolve_torch", diagnose=diagnosis)


@core("convolve_torch", "matches cross-correlation on squares", weight=0.4)
def test_convolve_torch_matches(student: Student, rng: Rng) -> None:
    for side, taps in (6, 3), (8, 2):
        assert_convolves_through_torch(student, rng.floats(side, side), rng.floats(taps, taps))


@core("convolve_torch", "lets PyTorch do the work", weight=0.2)
def test_convolve_torch_goes_through_torch(student: Student, rng: Rng) -> None:
    args = rng.floats(7, 7), rng.floats(2, 2)
    seen = student.observe("convolve_torch", *args)
    if not any(op.startswith(("aten::", "mkldnn", "torchvision::")) for op in seen.ops):
        fail_check(
            "convolve_torch: expected one of PyTorch's convolutions to run, but none did. Which function does it?",
            "convolves-by-hand" if same_values(without_axes(seen.value), correlated(*args)) else None,
        )


@detail("convolve_torch", "returns a map with two axes", weight=0.8)
def test_convolve_torch_returns_two_axes(student: Student, rng: Rng) -> None:
    args = rng.floats(5, 8), rng.floats(3, 2)
    got = numbers_of(student.convolve_torch(*args))
    if got is not None and got.ndim != 2:
        fail_check(
            f"convolve_torch: expected shape (H', W'), got {tuple(got.shape)}. Which axes were added for PyTorch?",
            "keeps-added-axes" if same_values(without_axes(got), correlated(*args)) else None,
        )


@detail("convolve_torch", "takes wide or tall images and kernels, and kernels as large as the image", weight=0.6)
def test_convolve_torch_takes_rectangles(student: Student, rng: Rng) -> None:
    for image, kernel in ((7, 11), (2, 3)), ((11, 5), (4, 2)), ((5, 7), (5, 7)), ((4, 9), (4, 2)):
        try:
            assert_convolves_through_torch(student, rng.floats(*image).abs(), rng.floats(*kernel).abs())
        except StudentRaised as error:
            squares = rng.floats(9, 9), rng.floats(4, 4)
            if is_right(student, "convolve_torch", correlated, *squares):
                fail_for_squares(error)
            raise


@detail("convolve_torch", "keeps float32, and float64 to float64's accuracy", weight=0.3)
def test_convolve_torch_keeps_the_dtype(student: Student, rng: Rng) -> None:
    for dtype, width in (torch.float32, 7), (DOUBLE, 9):
        image, kernel = rng.floats(4, width, dtype=dtype), rng.floats(3, 2, dtype=dtype)
        got = student.convolve_torch(image, kernel)
        got = without_axes(got) if isinstance(got, Tensor) else got
        assert_close(got, correlated(image, kernel), "convolve_torch")


@detail("convolve_torch", "does not change its arguments", weight=0.2)
def test_convolve_torch_leaves_its_arguments(student: Student, rng: Rng) -> None:
    assert_arguments_kept(student, "convolve_torch", rng.floats(6, 10), rng.floats(2, 4))


@detail("convolve_torch", "depends only on its arguments, views too, however often it is called", weight=0.2)
def test_convolve_torch_keeps_no_state(student: Student, rng: Rng) -> None:
    for image in (first := rng.floats(6, 5)), rng.floats(6, 5), rng.floats(10, 8)[::2].T, first:
        kernel = rng.floats(2, 2).T
        try:
            assert_convolves_through_torch(student, image, kernel)
        except (CheckFailed, StudentRaised):
            fail_for_layout(student, "convolve_torch", correlated, image, kernel)
            first, second = ((rng.floats(17, 4), rng.floats(2, 2)) for _ in range(2))
            fail_for_memory(student, "convolve_torch", correlated, first, second)
            raise


@refusal("convolve_torch", "a kernel larger than the image")
def test_convolve_torch_refuses_a_large_kernel(student: Student, rng: Rng) -> None:
    for image, kernel in ((3, 5), (2, 7)), ((3, 3), (5, 5)):
        assert_refused_large_kernel(student, "convolve_torch", rng.floats(*image), rng.floats(*kernel))


def activated(image: Tensor, filters: Tensor, bias: Tensor | None = None) -> Tensor:
    return F.conv2d(image[None], filters[:, None], bias)[0].relu()


def activation_maps(student: Student, image: Tensor, filters: Tensor) -> object:
    """Call the student's function, with a bias of zeros if it needs one; another check tests that."""
    try:
        return without_batch(student.activation_maps(image, filters))
    except StudentRaised:
        bias = torch.zeros(len(filters), dtype=image.dtype)
        return without_batch(student.activation_maps(image, filters, bias))


def without_batch(got: object) -> object:
    """Return maps without the axis that was added for PyTorch; another check tests that it is removed."""
    numbers = numbers_of(got)
    return numbers[0] if numbers is not None and numbers.ndim == 4 and len(numbers) == 1 else got


def assert_activates(student: Student, image: Tensor, filters: Tensor) -> None:
    """Check the maps where they are positive; another check tests that the rest is 0."""
    got, expected = activation_maps(student, image, filters), activated(image, filters)
    numbers = numbers_of(got)
    if numbers is not None and same_values(numbers.clamp(min=0), expected):
        return
    assert_values(got, expected, "activation_maps", diagnose=Diagnosis("activation_maps", (image, filters)))


@core("activation_maps", "returns one map per filter", weight=0.7)
def test_activation_maps_match(student: Student, rng: Rng) -> None:
    assert_activates(student, rng.floats(1, 6, 6).abs(), rng.floats(3, 3, 3).abs())  # with no 0 in the maps
    assert_activates(student, rng.floats(1, 7, 11), rng.floats(5, 2, 3))


@detail("activation_maps", "applies ReLU", weight=1.2)
def test_activation_maps_apply_relu(student: Student, rng: Rng) -> None:
    image, filters = rng.floats(1, 6, 9), rng.floats(4, 2, 3)
    got = activation_maps(student, image, filters)
    diagnosis = Diagnosis("activation_maps", (image, filters))
    assert_values(got, activated(image, filters), "activation_maps", diagnose=diagnosis)


@detail("activation_maps", "adds the bias before ReLU", weight=0.9)
def test_activation_maps_add_the_bias(student: Student, rng: Rng) -> None:
    args = rng.floats(1, 8, 7), rng.floats(4, 2, 3), 3 * rng.floats(4)
    got = without_batch(student.activation_maps(*args))
    assert_values(got, activated(*args), "activation_maps", diagnose=Diagnosis("activation_maps", args))


@detail("activation_maps", "returns maps with three axes", weight=0.7)
def test_activation_maps_have_three_axes(student: Student, rng: Rng) -> None:
    args = rng.floats(1, 6, 7), rng.floats(3, 2, 3), rng.floats(3)
    got = numbers_of(student.activation_maps(*args))
    if got is not None and got.ndim != 3:
        fail_check(
            f"activation_maps: expected shape (n, H', W'), got {tuple(got.shape)}. Which axis was added for PyTorch?",
            "keeps-added-axes" if same_values(without_batch(got), activated(*args)) else None,
        )


@detail("activation_maps", "works without a bias", weight=0.2)
def test_activation_maps_work_without_a_bias(student: Student, rng: Rng) -> None:
    args = rng.floats(1, 5, 6), rng.floats(2, 2, 3)
    try:
        student.activation_maps(*args)
    except StudentRaised as error:
        if is_right(student, "activation_maps", activated, *args, torch.zeros(2)):
            fail_for_no_bias(error)
        raise


@detail("activation_maps", "takes a single filter, even one as large as the image", weight=0.2)
def test_activation_maps_take_a_single_filter(student: Student, rng: Rng) -> None:
    assert_activates(student, rng.floats(1, 5, 8), rng.floats(1, 3, 2))
    image = rng.floats(1, 4, 5)
    assert_activates(student, image, image)


@detail("activation_maps", "keeps float32, and float64 to float64's accuracy", weight=0.15)
def test_activation_maps_keep_the_dtype(student: Student, rng: Rng) -> None:
    for dtype, width in (torch.float32, 7), (DOUBLE, 9):
        image, filters = rng.floats(1, 4, width, dtype=dtype), rng.floats(3, 2, 3, dtype=dtype)
        got = activation_maps(student, image, filters)
        got = got.clamp(min=0) if isinstance(got, Tensor) else got
        assert_close(got, activated(image, filters), "activation_maps")


@detail("activation_maps", "does not change its arguments", weight=0.1)
def test_activation_maps_leave_their_arguments(student: Student, rng: Rng) -> None:
    assert_arguments_kept(student, "activation_maps", rng.floats(1, 6, 8), rng.floats(3, 2, 4), rng.floats(3))


@detail("activation_maps", "depends only on its arguments, views too, however often it is called", weight=0.15)
def test_activation_maps_keep_no_state(student: Student, rng: Rng) -> None:
    filters = rng.floats(3, 2, 2)
    for image in (first := rng.floats(1, 6, 5)), rng.floats(1, 6, 5), rng.floats(1, 5, 8)[..., ::2], first:
        try:
            assert_activates(student, image, filters.transpose(1, 2))
        except (CheckFailed, StudentRaised):
            fail_for_layout(student, "activation_maps", activated, image, filters.transpose(1, 2))
            first, second = ((rng.floats(1, 17, 4), filters) for _ in range(2))
            fail_for_memory(student, "activation_maps", activated, first, second)
            raise


@refusal("activation_maps", "an image with another number of channels than one")
def test_activation_maps_refuse_other_channels(student: Student, rng: Rng) -> None:
    for image in (3, 7, 11), (2, 7, 11):
        args = rng.floats(3, 7, 11), rng.floats(2, 3, 2), rng.floats(2)
        try:
            assert_refused(student, "activation_maps", rng.floats(*image), *args[1:])
        except CheckFailed:
            if same_values(answered(student, "activation_maps", *args), activated(args[0][:1], *args[1:])):
                fail_check(
                    "activation_maps: only the first of three channels is used. What about the others?",
                    "first-channel-only",
                )
            raise


@refusal("activation_maps", "filters larger than the image")
def test_activation_maps_refuse_large_filters(student: Student, rng: Rng) -> None:
    for shape in (2, 5, 2), (2, 2, 6):
        image, filters, bias = rng.floats(1, 3, 5), rng.floats(*shape), rng.floats(2)
        try:
            assert_refused(student, "activation_maps", image, filters, bias)
        except CheckFailed:
            cut = activated(image, filters[:, :3, :5], bias)
            if same_values(answered(student, "activation_maps", image, filters, bias), cut):
                fail_for_cut_filter("activation_maps")
            raise


def figure(student: Student, rng: Rng, count: int = 5) -> tuple[Tensor, Any]:
    """Return some maps and their figure; several checks share one, since it takes a while to draw."""
    asked = f"figure of {count}"
    if asked not in student.kept:
        maps = rng.floats(count, 7, 11).relu()
        student.kept[asked] = maps, student.probe("plot_activations", maps)
    maps, facts = student.kept[asked]
    return maps, facts


def pictured(facts: Any) -> list[Any]:
    """Return the axes that hold a picture."""
    if facts["type"] == "NoneType":
        fail_check("plot_activations: expected a Figure, got None. Is the `return` missing?", "returns-none")
    assert facts["type"] == "Figure", f"plot_activations: expected a matplotlib Figure, got {facts['type']}."
    return [axes for axes in facts["axes"] if axes["images"]]


def assert_pictures(maps: Tensor, facts: Any) -> None:
    axes = pictured(facts)
    drawn = [picture for one in axes for picture in one["images"] if isinstance(picture, Tensor)]
    shown = [picture for picture in drawn if picture.shape == maps[0].shape]
    if len(axes) == 1 < len(maps) == len(shown) and all(map(similar, shown, maps)):
        fail_check("plot_activations: all maps are drawn into the same axes. Which one is seen?", "draws-into-one-axes")
    if len(axes) == len(maps) == len(shown) > 1 and all(similar(picture, maps[0]) for picture in shown):
        fail_check("plot_activations: each axes shows the first map. What chooses the map?", "first-map-only")
    assert len(axes) == len(maps), (
        f"plot_activations: expected {len(maps)} axes with a picture, got {len(axes)}. Where is each map drawn?"
    )
    for index, one in enumerate(axes):
        assert is_picture_of(one["images"], maps[index]), (
            f"plot_activations: expected map {index} in axes {index}, got {describe(one['images'][0])} with other "
            "values. Which part of the maps is drawn there?"
        )


def similar(picture: Tensor, wanted: Tensor) -> bool:
    """Return whether a picture shows the map, perhaps on another scale of grey."""
    pair = torch.stack([picture.double().flatten(), wanted.double().flatten()])
    return bool(torch.corrcoef(pair)[0, 1] > 0.999)


@core("plot_activations", "shows maps as pictures, each in its own axes", weight=0.3)
def test_plot_shows_maps(student: Student, rng: Rng) -> None:
    maps, facts = figure(student, rng)
    axes = [one["images"] for one in pictured(facts)]
    seen = {index for images in axes for index, wanted in enumerate(maps) if is_picture_of(images, wanted)}
    if len(seen) <= len(maps) // 2:
        assert_pictures(maps, facts)


def is_picture_of(images: list[Any], wanted: Tensor) -> bool:
    """Return whether the first picture of some axes shows a map."""
    picture = images[0]
    return isinstance(picture, Tensor) and picture.shape == wanted.shape and similar(picture, wanted)


@detail("plot_activations", "returns the figure itself", weight=0.15)
def test_plot_returns_a_figure(student: Student, rng: Rng) -> None:
    given = figure(student, rng)[1]["given"]
    assert_is_figure(given, "plot_activations")


@detail("plot_activations", "shows every map, five and twenty, in their order", weight=0.6)
def test_plot_shows_every_map(student: Student, rng: Rng) -> None:
    for count in 5, 20:
        assert_pictures(*figure(student, rng, count))


@detail("plot_activations", "takes a single map, and two", weight=0.2)
def test_plot_takes_few_maps(student: Student, rng: Rng) -> None:
    for count in 1, 2:
        try:
            assert_pictures(*figure(student, rng, count))
        except StudentRaised as error:
            if count == 1 and "'Axes' object" in error.text:
                fail_check(
                    f"{error.text.rstrip('.')}. This was a single map. What does `plt.subplots` give for it?",
                    "subplots-squeezed",
                )
            raise


@detail("plot_activations", "titles count the maps", weight=0.45)
def test_plot_titles_count_the_maps(student: Student, rng: Rng) -> None:
    titles = [axes["title"] for axes in pictured(figure(student, rng)[1])]
    numbers = [[int(number) for number in re.findall(r"\d+", str(title))] for title in titles]
    counted = any(all(index + first in found for index, found in enumerate(numbers)) for first in (0, 1))
    if not counted:
        fail_check(
            f"plot_activations: expected titles that count the maps, got {', '.join(map(repr, titles))}. "
            "Which number belongs to which map?",
            "no-titles" if not any(titles) else None,
        )


@detail("plot_activations", "axes without a map are hidden", weight=0.25)
def test_plot_hides_unused_axes(student: Student, rng: Rng) -> None:
    unused = [axes for axes in figure(student, rng)[1]["axes"] if not axes["images"] and axes["on"]]
    if unused:
        fail_check(
            f"plot_activations: expected unused axes to be hidden, got {len(unused)} empty ones. Which are left?",
            "unused-axes-shown",
        )


@detail("plot_activations", "takes maps that require a gradient, and does not change them", weight=0.2)
def test_plot_takes_maps_with_gradient(student: Student, rng: Rng) -> None:
    maps = rng.floats(2, 7, 11).relu()  # as many as once before
    try:
        facts = student.probe("plot_activations", maps, requires_grad=True)
    except StudentRaised as error:
        if "numpy() on Tensor that requires grad" in error.text:
            fail_check(
                f"{error.text.rstrip('.')}. The maps require a gradient. What can be converted to numpy?",
                "forgets-detach",
            )
        raise
    assert_pictures(maps, facts)
    assert not facts["modified"] and not figure(student, rng)[1]["modified"], (
        "plot_activations: the maps are changed. Which tensor is drawn?"
    )
