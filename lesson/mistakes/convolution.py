"""Wrong convolutions. Each takes the arguments of any task in which it can happen.

How often they are seen: of 30 `conv2d` found in public repositories none knew pairs or a stride that does not divide;
29 of 31 answers in numpy were float64. Of two dozen more loops over one image, one took the height for the width,
one swapped the two in its windows, two rotated the kernel, and one ignored its stride.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from grader.checking.mistakes import misconception

SINGLE = ("convolve", "convolve_torch")
MAPS = (*SINGLE, "activation_maps")
ALL = (*MAPS, "conv2d")
BIASED = ("conv2d", "activation_maps")

Pair = tuple[int, int]

SAYS = {
    "flipped-kernel": "This is the result with the kernel rotated by 180 degrees. "
    "Which of its corners meets the image's first pixel?",
    "mirrored-one-axis": "This is the result with the kernel mirrored along one of its axes. "
    "In which direction does each of its indices run?",
    "transposed-kernel": "This is the result with rows and columns of the kernel swapped. "
    "Which index runs down the image?",
    "assumes-square": "This is right only for squares. Where is the height taken for the width?",
    "same-size-output": "The result is as large as the image. At how many places is the kernel entirely inside it?",
    "drops-last-row-or-column": "The result is right as far as it goes, but too small. "
    "Where is the last position of the kernel?",
    "last-row-never-filled": "The size is right, but the last row or column is never filled in. "
    "Where does each loop end?",
    "off-by-one-size": "The result has one row and one column too many. Does the kernel still fit there?",
    "squeeze-eats-axes": "The numbers are right, but an axis of size 1 is gone. Which axes does `squeeze` remove?",
    "mean-instead-of-sum": "Every value is the right one divided by a constant. Is the result a mean or a sum?",
    "integer-output": "The fractions are lost. At which step are numbers rounded to integers?",
    "returns-inside-loop": "The answer has only the first iteration of a loop. How far is `return` indented?",
    "overwrites-instead-of-adds": "The sum has only the last iteration of a loop. What happens to the sum so far?",
    "no-relu": "Some values are negative. What follows a convolution in a network?",
    "ignores-bias": "This is the answer without the bias. Where is it added?",
    "bias-at-every-tap": "The bias is added more than once. How often should it be?",
    "bias-after-relu": "The bias is added after the ReLU. Which of the two comes first in a layer?",
    "ignores-stride": "This is the answer for stride 1. How far does the kernel move each time?",
    "swaps-stride-pair": "This is the answer with the two strides swapped. Which of the pair is for the height?",
    "ignores-padding": "This is the answer without padding. What should surround the image?",
    "pads-with-others": "The image is surrounded by numbers other than zeros. How is it padded?",
    "swaps-padding-pair": "This is the answer with the two paddings swapped. Which of the pair is for the height?",
    "pair-unsupported": "This is the answer with one number of the pair used for both axes. What is the other one for?",
    "first-channel-only": "This is the answer for the first channel only. What happens to the others?",
    "keeps-channels-apart": "There is a result for each channel. How do the channels of a filter become one number?",
    "first-image-only": "Only the first image of the batch is used. What happens to the others?",
}


@dataclass(frozen=True)
class Case:
    """The arguments of any task, in the form of ``F.conv2d``: image (N, C, H, W), weight (O, C, kH, kW)."""

    task: str
    image: Tensor
    weight: Tensor
    bias: Tensor | None
    stride: Pair
    padding: Pair

    def maps(self, **changes: Any) -> Tensor:
        """Convolve, with some arguments changed; shape (N, O, H', W')."""
        case = replace(self, **changes)
        return F.conv2d(case.image, case.weight, case.bias, case.stride, case.padding)

    def run(self, **changes: Any) -> Tensor:
        """Convolve, with some arguments changed, and give the answer the shape that the task requires."""
        return self.shaped(self.maps(**changes))

    def arguments(self) -> tuple[Any, ...]:
        """Return the arguments of the task that this case was read from."""
        if self.task in SINGLE:
            return self.image[0, 0], self.weight[0, 0]
        if self.task == "activation_maps":
            return self.image[0], self.weight[:, 0], self.bias
        return self.image, self.weight, self.bias, self.stride, self.padding

    def shaped(self, maps: Tensor, *, relu: bool = True) -> Tensor:
        """Turn (N, O, H', W') into the task's answer."""
        if self.task in SINGLE:
            return maps[0, 0]
        if self.task == "activation_maps":
            return maps[0].relu() if relu else maps[0]
        return maps


def case_of(task: str, *args: Any, **kwargs: Any) -> Case:
    """Read the arguments of a task."""
    if task in SINGLE:
        image, kernel = args
        return Case(task, image[None, None], kernel[None, None], None, (1, 1), (0, 0))
    if task == "activation_maps":
        image, filters, bias = (*args, None)[:3]
        return Case(task, image[None], filters[:, None], bias, (1, 1), (0, 0))
    names = ("input", "weight", "bias", "stride", "padding")
    given = {"bias": None, "stride": 1, "padding": 0, **dict(zip(names, args, strict=False)), **kwargs}
    return Case(task, given["input"], given["weight"], given["bias"], _pair(given["stride"]), _pair(given["padding"]))


def _pair(value: int | Pair) -> Pair:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def possible(holds: bool) -> None:
    """Raise ValueError unless a mistake can be made on these arguments."""
    if not holds:
        raise ValueError("this mistake cannot be made here")


def _telling(answer: Tensor) -> Tensor:
    """Return an answer that may name a mistake: all zeros can come from anywhere."""
    possible(bool(answer.any()))
    return answer


def _wrong(name: str, tasks: tuple[str, ...]) -> Callable[[Callable[[Case], Tensor]], Callable[[Case], Tensor]]:
    """Register a wrong answer to a ``Case``."""

    def register(answer: Callable[[Case], Tensor]) -> Callable[[Case], Tensor]:
        misconception(name, tasks=tasks, says=SAYS[name])(
            lambda task, *args, **kwargs: _telling(answer(case_of(task, *args, **kwargs)))
        )
        return answer

    return register


def _changed(name: str, tasks: tuple[str, ...]) -> Callable[[Callable[[Case], Case]], Callable[[Case], Case]]:
    """Register a mistake that is the right answer to a changed ``Case``: another may come on top."""

    def register(change: Callable[[Case], Case]) -> Callable[[Case], Case]:
        misconception(
            name,
            tasks=tasks,
            says=SAYS[name],
            before=lambda task, *args, **kwargs: change(case_of(task, *args, **kwargs)).arguments(),
        )(lambda task, *args, **kwargs: _telling(change(case_of(task, *args, **kwargs)).run()))
        return change

    return register


@_changed("flipped-kernel", ALL)
def flipped_kernel(case: Case) -> Case:
    """Convolve as in signal processing."""
    return replace(case, weight=case.weight.flip(2, 3))


@_changed("mirrored-one-axis", ALL)
def mirrored_kernel(case: Case) -> Case:
    """Reverse only the columns."""
    return replace(case, weight=case.weight.flip(3))


@_changed("mirrored-one-axis", ALL)
def kernel_upside_down(case: Case) -> Case:
    """Reverse only the rows."""
    return replace(case, weight=case.weight.flip(2))


@_changed("transposed-kernel", ALL)
def transposed_kernel(case: Case) -> Case:
    """Swap the kernel's axes."""
    return replace(case, weight=case.weight.transpose(2, 3))


@_wrong("assumes-square", ALL)
def square_result(case: Case) -> Tensor:
    """Take the smaller of the result's sides for both."""
    maps = case.maps()
    side = min(maps.shape[-2:])
    possible(max(maps.shape[-2:]) > side + 1)
    return case.shaped(maps[..., :side, :side])


@_wrong("assumes-square", ALL)
def square_is_filled(case: Case) -> Tensor:
    """Fill a square of a result of the right size."""
    maps = case.maps()
    rows, columns = (size - min(maps.shape[-2:]) for size in maps.shape[-2:])
    possible(rows + columns > 1)
    return _without_the_end(case, rows, columns)


@_wrong("assumes-square", ALL)
def square_kernel(case: Case) -> Tensor:
    """Use a square part of the kernel, wherever that part fits."""
    side = min(case.weight.shape[-2:])
    possible(max(case.weight.shape[-2:]) > side)
    return case.run(weight=case.weight[..., :side, :side])


@_wrong("assumes-square", ALL)
def square_kernel_in_the_right_size(case: Case) -> Tensor:
    """Use a square part of the kernel, wherever the whole kernel fits."""
    side = min(case.weight.shape[-2:])
    possible(max(case.weight.shape[-2:]) > side)
    rows, columns = case.maps().shape[-2:]
    return case.run(weight=case.weight[..., :side, :side])[..., :rows, :columns]


@_wrong("same-size-output", ALL)
def same_size_output(case: Case) -> Tensor:
    """Pad so that the size stays the same at stride 1."""
    down, across = (size - 1 for size in case.weight.shape[-2:])
    around = (across // 2, across - across // 2, down // 2, down - down // 2)
    return case.shaped(F.conv2d(F.pad(case.image, around), case.weight, case.bias))


@_wrong("same-size-output", ALL)
def same_size_at_the_corner(case: Case) -> Tensor:
    """Write the result into an array of the image's size and leave the rest 0."""
    right = F.conv2d(case.image, case.weight, case.bias)
    rows, columns = (case.image.shape[axis] - right.shape[axis] for axis in (2, 3))
    return case.shaped(F.pad(right, (0, columns, 0, rows)))


@_wrong("same-size-output", ALL)
def same_size_in_the_middle(case: Case) -> Tensor:
    """Write each number at the kernel's middle, into an array of the image's size."""
    right = F.conv2d(case.image, case.weight, case.bias)
    down, across = (size - 1 for size in case.weight.shape[-2:])
    around = ((across + 1) // 2, across - (across + 1) // 2, (down + 1) // 2, down - (down + 1) // 2)
    return case.shaped(F.pad(right, around))


@_wrong("drops-last-row-or-column", ALL)
def drops_last_row_and_column(case: Case) -> Tensor:
    """Stop one position early on both axes."""
    return case.run()[..., :-1, :-1]


@_wrong("drops-last-row-or-column", ALL)
def drops_last_row(case: Case) -> Tensor:
    """Stop one row early."""
    return case.run()[..., :-1, :]


@_wrong("drops-last-row-or-column", ALL)
def drops_last_column(case: Case) -> Tensor:
    """Stop one column early."""
    return case.run()[..., :-1]


@_wrong("last-row-never-filled", ALL)
def last_column_is_empty(case: Case) -> Tensor:
    """Stop one column early, in a result of the right size."""
    return _without_the_end(case, 0, 1)


@_wrong("last-row-never-filled", ALL)
def last_row_is_empty(case: Case) -> Tensor:
    """Stop one row early, in a result of the right size."""
    return _without_the_end(case, 1, 0)


@_wrong("last-row-never-filled", ALL)
def last_row_and_column_are_empty(case: Case) -> Tensor:
    """Stop one position early on both axes, in a result of the right size."""
    return _without_the_end(case, 1, 1)


@_wrong("off-by-one-size", ALL)
def off_by_one_size(case: Case) -> Tensor:
    """Go one position too far; everything outside the image counts as zero."""
    (sh, sw), (ph, pw) = case.stride, case.padding
    padded = F.pad(case.image, (pw, pw + sw, ph, ph + sh))
    return case.run(image=padded, padding=(0, 0))


@_wrong("off-by-one-size", ALL)
def one_row_and_column_of_zeros(case: Case) -> Tensor:
    """Make room for one position too many, and leave it 0."""
    return F.pad(case.run(), (0, 1, 0, 1))


@_wrong("squeeze-eats-axes", ALL)
def squeezed(case: Case) -> Tensor:
    """Remove every axis of size 1."""
    answer = case.run()
    possible(1 in answer.shape)
    return answer.squeeze()


@_wrong("squeeze-eats-axes", BIASED)
def first_axis_squeezed(case: Case) -> Tensor:
    """Remove the first axis if it has size 1."""
    answer = case.run()
    possible(answer.shape[0] == 1)
    return answer[0]


@_changed("mean-instead-of-sum", ALL)
def mean_over_the_kernel(case: Case) -> Case:
    """Average over the kernel's positions."""
    return replace(case, weight=case.weight / case.weight[0, 0].numel())


@_changed("mean-instead-of-sum", ("conv2d",))
def mean_over_the_filter(case: Case) -> Case:
    """Average over the kernel's positions and the channels."""
    return replace(case, weight=case.weight / case.weight[0].numel())


@_changed("mean-instead-of-sum", ("conv2d",))
def mean_over_the_channels(case: Case) -> Case:
    """Average over the channels."""
    return replace(case, weight=case.weight / case.weight.shape[1])


@_wrong("integer-output", ALL)
def fractions_cut_off(case: Case) -> Tensor:
    """Cut off the fractions, as a conversion to integers does."""
    return case.run().trunc()


@_wrong("integer-output", ALL)
def rounded(case: Case) -> Tensor:
    """Round to integers."""
    return case.run().round()


@_wrong("integer-output", ALL)
def rounded_down(case: Case) -> Tensor:
    """Round down."""
    return case.run().floor()


@_wrong("integer-output", ALL)
def fractions_of_the_image_cut_off(case: Case) -> Tensor:
    """Convert the image to integers before anything else."""
    return case.run(image=case.image.trunc())


@_wrong("integer-output", ALL)
def fractions_of_the_kernel_cut_off(case: Case) -> Tensor:
    """Convert the kernel to integers before anything else."""
    return case.run(weight=case.weight.trunc())


@_wrong("integer-output", ALL)
def fractions_of_both_cut_off(case: Case) -> Tensor:
    """Convert image and kernel to integers before anything else."""
    return case.run(image=case.image.trunc(), weight=case.weight.trunc())


@_wrong("returns-inside-loop", ALL)
def returns_after_one_number(case: Case) -> Tensor:
    """Return from the innermost loop over images, filters, rows and columns."""
    return _only(case, (0, 0, 0, 0))


@_wrong("returns-inside-loop", ALL)
def returns_after_one_row(case: Case) -> Tensor:
    """Return from the loop over the rows of the first map."""
    return _only(case, (0, 0, 0))


@_wrong("returns-inside-loop", BIASED)
def returns_after_one_map(case: Case) -> Tensor:
    """Return from the loop over the filters, of the first image."""
    possible(len(case.weight) > 1)
    return _only(case, (0, 0))


@_wrong("returns-inside-loop", BIASED)
def returns_after_the_first_place(case: Case) -> Tensor:
    """Return from the loop over the columns of all maps at once."""
    return _only(case, (slice(None), slice(None), 0, 0))


@_wrong("returns-inside-loop", BIASED)
def returns_after_the_first_row(case: Case) -> Tensor:
    """Return from the loop over the rows of all maps at once."""
    return _only(case, (slice(None), slice(None), 0))


@_wrong("returns-inside-loop", ALL)
def returns_the_first_number_alone(case: Case) -> Tensor:
    """Return the sum of the first window."""
    answer = case.run()
    possible(answer.numel() > 1)
    return answer.flatten()[0]


@_wrong("returns-inside-loop", ("activation_maps",))
def returns_the_first_map_alone(case: Case) -> Tensor:
    """Return the map of the first filter."""
    possible(len(case.weight) > 1)
    return case.run()[0]


@_wrong("returns-inside-loop", ("activation_maps",))
def returns_a_stack_of_one_map(case: Case) -> Tensor:
    """Return a stack with the map of the first filter."""
    possible(len(case.weight) > 1)
    return case.run()[:1]


@_wrong("overwrites-instead-of-adds", ALL)
def last_tap_only(case: Case) -> Tensor:
    """Keep the last product of the last channel."""
    return case.run(weight=_kept(case.weight, (slice(None), -1, -1, -1)))


@_wrong("overwrites-instead-of-adds", ALL)
def last_row_of_the_kernel_only(case: Case) -> Tensor:
    """Keep the sum over the kernel's last row, of the last channel."""
    return case.run(weight=_kept(case.weight, (slice(None), -1, -1)))


@_wrong("overwrites-instead-of-adds", ("conv2d",))
def last_tap_of_each_channel(case: Case) -> Tensor:
    """Keep the last product of each channel."""
    return case.run(weight=_kept(case.weight, (slice(None), slice(None), -1, -1)))


@_wrong("overwrites-instead-of-adds", ("conv2d",))
def last_channel_only(case: Case) -> Tensor:
    """Keep the last channel."""
    return case.run(weight=_kept(case.weight, (slice(None), -1)))


@_wrong("no-relu", ("activation_maps",))
def no_relu(case: Case) -> Tensor:
    """Forget the activation."""
    return case.shaped(case.maps(), relu=False)


@_changed("ignores-bias", BIASED)
def ignores_bias(case: Case) -> Case:
    """Leave the bias out."""
    return replace(case, bias=None)


@_wrong("bias-at-every-tap", BIASED)
def bias_with_each_tap(case: Case) -> Tensor:
    """Add the bias with every product of a kernel."""
    return case.run(bias=_bias(case) * case.weight[0, 0].numel())


@_wrong("bias-at-every-tap", ("conv2d",))
def bias_with_each_tap_of_each_channel(case: Case) -> Tensor:
    """Add the bias with every product of a filter."""
    return case.run(bias=_bias(case) * case.weight[0].numel())


@_wrong("bias-at-every-tap", ("conv2d",))
def bias_with_each_channel(case: Case) -> Tensor:
    """Add the bias with every channel."""
    return case.run(bias=_bias(case) * case.weight.shape[1])


@_wrong("bias-after-relu", ("activation_maps",))
def bias_after_relu(case: Case) -> Tensor:
    """Add the bias after the activation."""
    return case.run(bias=None) + _bias(case)[:, None, None]


@_changed("ignores-stride", ("conv2d",))
def ignores_stride(case: Case) -> Case:
    """Move by one pixel."""
    return replace(case, stride=(1, 1))


@_wrong("ignores-stride", ("conv2d",))
def first_positions_for_any_stride(case: Case) -> Tensor:
    """Make a result of the right size, and fill it with the first positions."""
    rows, columns = case.maps().shape[-2:]
    return case.run(stride=(1, 1))[..., :rows, :columns]


@_changed("swaps-stride-pair", ("conv2d",))
def swaps_stride_pair(case: Case) -> Case:
    """Take (width, height)."""
    return replace(case, stride=case.stride[::-1])


@_changed("ignores-padding", ("conv2d",))
def ignores_padding(case: Case) -> Case:
    """Leave the padding out."""
    return replace(case, padding=(0, 0))


@_changed("swaps-padding-pair", ("conv2d",))
def swaps_padding_pair(case: Case) -> Case:
    """Take (width, height)."""
    return replace(case, padding=case.padding[::-1])


@_wrong("pads-with-others", ("conv2d",))
def pads_with_the_edge(case: Case) -> Tensor:
    """Repeat the image's edge."""
    return _padded(case, mode="replicate")


@_wrong("pads-with-others", ("conv2d",))
def pads_with_the_mirrored_image(case: Case) -> Tensor:
    """Mirror the image at its edge."""
    return _padded(case, mode="reflect")


@_wrong("pads-with-others", ("conv2d",))
def pads_with_ones(case: Case) -> Tensor:
    """Put ones around the image."""
    return _padded(case, value=1.0)


@_wrong("pair-unsupported", ("conv2d",))
def first_of_each_pair(case: Case) -> Tensor:
    """Take the first number of a pair for both axes."""
    (down, _), (above, _) = case.stride, case.padding
    return case.run(stride=(down, down), padding=(above, above))


@_wrong("pair-unsupported", ("conv2d",))
def last_of_each_pair(case: Case) -> Tensor:
    """Take the last number of a pair for both axes."""
    (_, right), (_, left) = case.stride, case.padding
    return case.run(stride=(right, right), padding=(left, left))


@_changed("first-channel-only", ("conv2d",))
def first_channel_only(case: Case) -> Case:
    """Use only channel 0."""
    return replace(case, image=case.image[:, :1], weight=case.weight[:, :1])


@_wrong("keeps-channels-apart", ("conv2d",))
def keeps_channels_apart(case: Case) -> Tensor:
    """Return (N, O, C, H', W')."""
    return torch.stack(_by_channel(case), dim=2)


@_wrong("keeps-channels-apart", ("conv2d",))
def channels_as_maps(case: Case) -> Tensor:
    """Return (N, O * C, H', W')."""
    return torch.stack(_by_channel(case), dim=2).flatten(1, 2)


@_wrong("keeps-channels-apart", ("conv2d",))
def maps_by_channel(case: Case) -> Tensor:
    """Return (N, C, O, H', W')."""
    return torch.stack(_by_channel(case), dim=1)


@_wrong("keeps-channels-apart", ("conv2d",))
def maps_by_channel_in_a_row(case: Case) -> Tensor:
    """Return (N, C * O, H', W')."""
    return torch.stack(_by_channel(case), dim=1).flatten(1, 2)


@_wrong("keeps-channels-apart", ("conv2d",))
def channels_behind(case: Case) -> Tensor:
    """Return (N, O, H', W', C)."""
    return torch.stack(_by_channel(case), dim=-1)


@_wrong("keeps-channels-apart", ("conv2d",))
def sums_over_filters(case: Case) -> Tensor:
    """Return (N, C, H', W')."""
    return torch.stack(_by_channel(case), dim=1).sum(2)


@_changed("first-image-only", ("conv2d",))
def first_image_only(case: Case) -> Case:
    """Return (1, O, H', W')."""
    return replace(case, image=case.image[:1])


@_changed("first-image-only", ("conv2d",))
def first_image_repeated(case: Case) -> Case:
    """Answer every image with the first one's maps."""
    return replace(case, image=case.image[:1].expand(len(case.image), -1, -1, -1))


@_wrong("first-image-only", ("conv2d",))
def other_images_are_zero(case: Case) -> Tensor:
    """Leave the maps of all other images 0."""
    return _only(case, (0,))


@_wrong("first-image-only", ("conv2d",))
def first_image_without_its_axis(case: Case) -> Tensor:
    """Return (O, H', W')."""
    possible(len(case.image) > 1)
    return case.run()[0]


def _by_channel(case: Case) -> list[Tensor]:
    channels = range(case.weight.shape[1])
    return [case.run(image=case.image[:, [c]], weight=case.weight[:, [c]], bias=None) for c in channels]


def _bias(case: Case) -> Tensor:
    possible(case.bias is not None)
    assert case.bias is not None, "just made sure of"
    return case.bias


def _padded(case: Case, **how: Any) -> Tensor:
    (above, left) = case.padding
    possible(above + left > 0)
    return case.run(image=F.pad(case.image, (left, left, above, above), **how), padding=(0, 0))


def _kept(values: Tensor, place: tuple[int | slice, ...]) -> Tensor:
    """Return zeros with the values at one place."""
    kept = torch.zeros_like(values)
    kept[place] = values[place]
    return kept


def _only(case: Case, place: tuple[int | slice, ...]) -> Tensor:
    """Return the right answer with zeros everywhere except at one place of (N, O, H', W')."""
    return case.shaped(_kept(case.maps(), place))


def _without_the_end(case: Case, rows: int, columns: int) -> Tensor:
    """Leave the last rows and columns of the right answer 0, if that leaves others."""
    maps = case.maps()
    height, width = maps.shape[-2] - rows, maps.shape[-1] - columns
    possible(height > 0 and width > 0)
    return case.shaped(F.pad(maps[..., :height, :width], (0, columns, 0, rows)))
