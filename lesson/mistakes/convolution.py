"""Wrong convolutions. Each takes the right function and the arguments of any task in which it can happen.

The last two axes of every image, kernel and answer are rows and columns; `rest` is a task's further arguments: bias,
stride, padding.

How often they are seen: of 30 `conv2d` found in public repositories none knew pairs or a stride that does not divide;
29 of 31 answers in numpy were float64. Of two dozen more loops over one image, one took the height for the width,
one swapped the two in its windows, two rotated the kernel, and one ignored its stride.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from grader.hidden.mistakes import misconception, shows

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


Right = Callable[..., Tensor]


def mistake(name: str, tasks: tuple[str, ...], *, combines: bool = False) -> Callable[[Right], Right]:
    """Add a wrong convolution to the bank."""

    def register(answer: Right) -> Right:
        @functools.wraps(answer)
        def certain(right: Right, *args: Any) -> Tensor:
            got = answer(right, *args)
            shows(bool(got.any()))  # all zeros can come from anywhere
            return got

        misconception(name, tasks=tasks, says=SAYS[name], combines=combines)(certain)
        return answer

    return register


def pair_of(value: int | Pair) -> Pair:
    """Return a stride or a padding for each axis."""
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def only(values: Tensor, place: Any) -> Tensor:
    """Return zeros with the values at one place."""
    kept = torch.zeros_like(values)
    kept[place] = values[place]
    return kept


def without_the_end(answer: Tensor, rows: int, columns: int) -> Tensor:
    """Leave the last rows and columns 0, if that leaves others."""
    height, width = answer.shape[-2] - rows, answer.shape[-1] - columns
    shows(height > 0 and width > 0)
    return F.pad(answer[..., :height, :width], (0, columns, 0, rows))


def times(bias: Tensor | None, count: int) -> Tensor | None:
    """Return a bias that is added several times."""
    return None if bias is None else bias * count


def by_channel(right: Right, images: Tensor, weight: Tensor, stride: int | Pair, padding: int | Pair) -> list[Tensor]:
    """Return the answer of each channel alone, without bias."""
    channels = range(weight.shape[1])
    return [right(images[:, [c]], weight[:, [c]], None, stride, padding) for c in channels]


@mistake("flipped-kernel", ALL, combines=True)
def flips_the_kernel(right: Right, image: Tensor, weight: Tensor, *rest: Any) -> Tensor:
    """Convolve as in signal processing."""
    return right(image, weight.flip(-2, -1), *rest)


@mistake("mirrored-one-axis", ALL, combines=True)
def mirrors_the_kernel(right: Right, image: Tensor, weight: Tensor, *rest: Any) -> Tensor:
    """Reverse only the columns."""
    return right(image, weight.flip(-1), *rest)


@mistake("mirrored-one-axis", ALL, combines=True)
def turns_the_kernel_upside_down(right: Right, image: Tensor, weight: Tensor, *rest: Any) -> Tensor:
    """Reverse only the rows."""
    return right(image, weight.flip(-2), *rest)


@mistake("transposed-kernel", ALL, combines=True)
def transposes_the_kernel(right: Right, image: Tensor, weight: Tensor, *rest: Any) -> Tensor:
    """Swap the kernel's axes."""
    return right(image, weight.transpose(-2, -1), *rest)


@mistake("assumes-square", ALL)
def answers_a_square(right: Right, *args: Any) -> Tensor:
    """Take the smaller of the result's sides for both."""
    answer = right(*args)
    side = min(answer.shape[-2:])
    shows(max(answer.shape[-2:]) > side + 1)
    return answer[..., :side, :side]


@mistake("assumes-square", ALL)
def fills_a_square(right: Right, *args: Any) -> Tensor:
    """Fill a square of a result of the right size."""
    answer = right(*args)
    rows, columns = (size - min(answer.shape[-2:]) for size in answer.shape[-2:])
    shows(rows + columns > 1)
    return without_the_end(answer, rows, columns)


@mistake("assumes-square", ALL)
def uses_a_square_of_the_kernel(right: Right, image: Tensor, weight: Tensor, *rest: Any) -> Tensor:
    """Use a square part of the kernel, wherever that part fits."""
    side = min(weight.shape[-2:])
    shows(max(weight.shape[-2:]) > side)
    return right(image, weight[..., :side, :side], *rest)


@mistake("assumes-square", ALL)
def uses_a_square_in_the_right_size(right: Right, image: Tensor, weight: Tensor, *rest: Any) -> Tensor:
    """Use a square part of the kernel, wherever the whole kernel fits."""
    side = min(weight.shape[-2:])
    shows(max(weight.shape[-2:]) > side)
    rows, columns = right(image, weight, *rest).shape[-2:]
    return right(image, weight[..., :side, :side], *rest)[..., :rows, :columns]


@mistake("same-size-output", ALL)
def pads_to_the_same_size(right: Right, image: Tensor, weight: Tensor, *rest: Any) -> Tensor:
    """Pad so that the size stays the same at stride 1."""
    down, across = (size - 1 for size in weight.shape[-2:])
    around = (across // 2, across - across // 2, down // 2, down - down // 2)
    return right(F.pad(image, around), weight, *rest[:1])


@mistake("same-size-output", ALL)
def fills_the_corner_of_the_same_size(right: Right, image: Tensor, weight: Tensor, *rest: Any) -> Tensor:
    """Write the result into an array of the image's size and leave the rest 0."""
    down, across = (size - 1 for size in weight.shape[-2:])
    return F.pad(right(image, weight, *rest[:1]), (0, across, 0, down))


@mistake("same-size-output", ALL)
def fills_the_middle_of_the_same_size(right: Right, image: Tensor, weight: Tensor, *rest: Any) -> Tensor:
    """Write each number at the kernel's middle, into an array of the image's size."""
    down, across = (size - 1 for size in weight.shape[-2:])
    around = ((across + 1) // 2, across - (across + 1) // 2, (down + 1) // 2, down - (down + 1) // 2)
    return F.pad(right(image, weight, *rest[:1]), around)


@mistake("drops-last-row-or-column", ALL)
def drops_the_last_row_and_column(right: Right, *args: Any) -> Tensor:
    """Stop one position early on both axes."""
    return right(*args)[..., :-1, :-1]


@mistake("drops-last-row-or-column", ALL)
def drops_the_last_row(right: Right, *args: Any) -> Tensor:
    """Stop one row early."""
    return right(*args)[..., :-1, :]


@mistake("drops-last-row-or-column", ALL)
def drops_the_last_column(right: Right, *args: Any) -> Tensor:
    """Stop one column early."""
    return right(*args)[..., :-1]


@mistake("last-row-never-filled", ALL)
def leaves_the_last_column_empty(right: Right, *args: Any) -> Tensor:
    """Stop one column early, in a result of the right size."""
    return without_the_end(right(*args), 0, 1)


@mistake("last-row-never-filled", ALL)
def leaves_the_last_row_empty(right: Right, *args: Any) -> Tensor:
    """Stop one row early, in a result of the right size."""
    return without_the_end(right(*args), 1, 0)


@mistake("last-row-never-filled", ALL)
def leaves_the_last_row_and_column_empty(right: Right, *args: Any) -> Tensor:
    """Stop one position early on both axes, in a result of the right size."""
    return without_the_end(right(*args), 1, 1)


@mistake("off-by-one-size", ALL)
def goes_one_too_far(right: Right, image: Tensor, weight: Tensor, *rest: Any) -> Tensor:
    """Go one position too far; everything outside the image counts as zero."""
    stride, padding = rest[1:] or (1, 0)
    (down, across), (above, left) = pair_of(stride), pair_of(padding)
    return right(F.pad(image, (left, left + across, above, above + down)), weight, *rest[:2])


@mistake("off-by-one-size", ALL)
def leaves_one_row_and_column_of_zeros(right: Right, *args: Any) -> Tensor:
    """Make room for one position too many, and leave it 0."""
    return F.pad(right(*args), (0, 1, 0, 1))


@mistake("squeeze-eats-axes", ALL)
def squeezes(right: Right, *args: Any) -> Tensor:
    """Remove every axis of size 1."""
    answer = right(*args)
    shows(1 in answer.shape)
    return answer.squeeze()


@mistake("squeeze-eats-axes", BIASED)
def squeezes_the_first_axis(right: Right, *args: Any) -> Tensor:
    """Remove the first axis if it has size 1."""
    answer = right(*args)
    shows(answer.shape[0] == 1)
    return answer.squeeze(0)


@mistake("mean-instead-of-sum", ALL, combines=True)
def averages_over_the_kernel(right: Right, image: Tensor, weight: Tensor, *rest: Any) -> Tensor:
    """Average over the kernel's positions."""
    return right(image, weight / weight.shape[-2:].numel(), *rest)


@mistake("mean-instead-of-sum", ("conv2d",), combines=True)
def averages_over_the_filter(right: Right, images: Tensor, weight: Tensor, *rest: Any) -> Tensor:
    """Average over the kernel's positions and the channels."""
    return right(images, weight / weight[0].numel(), *rest)


@mistake("mean-instead-of-sum", ("conv2d",), combines=True)
def averages_over_the_channels(right: Right, images: Tensor, weight: Tensor, *rest: Any) -> Tensor:
    """Average over the channels."""
    return right(images, weight / weight.shape[1], *rest)


@mistake("integer-output", ALL)
def cuts_fractions_off(right: Right, *args: Any) -> Tensor:
    """Cut off the fractions, as a conversion to integers does."""
    return right(*args).trunc()


@mistake("integer-output", ALL)
def rounds(right: Right, *args: Any) -> Tensor:
    """Round to integers."""
    return right(*args).round()


@mistake("integer-output", ALL)
def rounds_down(right: Right, *args: Any) -> Tensor:
    """Round down."""
    return right(*args).floor()


@mistake("integer-output", ALL)
def cuts_fractions_of_the_image_off(right: Right, image: Tensor, *rest: Any) -> Tensor:
    """Convert the image to integers before anything else."""
    return right(image.trunc(), *rest)


@mistake("integer-output", ALL)
def cuts_fractions_of_the_kernel_off(right: Right, image: Tensor, weight: Tensor, *rest: Any) -> Tensor:
    """Convert the kernel to integers before anything else."""
    return right(image, weight.trunc(), *rest)


@mistake("integer-output", ALL)
def cuts_fractions_of_both_off(right: Right, image: Tensor, weight: Tensor, *rest: Any) -> Tensor:
    """Convert image and kernel to integers before anything else."""
    return right(image.trunc(), weight.trunc(), *rest)


@mistake("returns-inside-loop", ALL)
def returns_after_one_number(right: Right, *args: Any) -> Tensor:
    """Return from the innermost loop over images, filters, rows and columns."""
    answer = right(*args)
    return only(answer, (0,) * answer.ndim)


@mistake("returns-inside-loop", ALL)
def returns_after_one_row(right: Right, *args: Any) -> Tensor:
    """Return from the loop over the rows of the first map."""
    answer = right(*args)
    return only(answer, (0,) * (answer.ndim - 1))


@mistake("returns-inside-loop", BIASED)
def returns_after_one_map(right: Right, image: Tensor, weight: Tensor, *rest: Any) -> Tensor:
    """Return from the loop over the filters, of the first image."""
    shows(len(weight) > 1)
    answer = right(image, weight, *rest)
    return only(answer, (0,) * (answer.ndim - 2))


@mistake("returns-inside-loop", BIASED)
def returns_after_the_first_place(right: Right, *args: Any) -> Tensor:
    """Return from the loop over the columns of all maps at once."""
    return only(right(*args), (..., 0, 0))


@mistake("returns-inside-loop", BIASED)
def returns_after_the_first_row(right: Right, *args: Any) -> Tensor:
    """Return from the loop over the rows of all maps at once."""
    return only(right(*args), (..., 0, slice(None)))


@mistake("returns-inside-loop", ALL)
def returns_the_first_number_alone(right: Right, *args: Any) -> Tensor:
    """Return the sum of the first window."""
    answer = right(*args)
    shows(answer.numel() > 1)
    return answer.flatten()[0]


@mistake("returns-inside-loop", ("activation_maps",))
def returns_the_first_map_alone(right: Right, image: Tensor, filters: Tensor, *rest: Any) -> Tensor:
    """Return the map of the first filter."""
    shows(len(filters) > 1)
    return right(image, filters, *rest)[0]


@mistake("returns-inside-loop", ("activation_maps",))
def returns_a_stack_of_one_map(right: Right, image: Tensor, filters: Tensor, *rest: Any) -> Tensor:
    """Return a stack with the map of the first filter."""
    shows(len(filters) > 1)
    return right(image, filters, *rest)[:1]


@mistake("overwrites-instead-of-adds", ALL)
def keeps_the_last_tap(right: Right, image: Tensor, weight: Tensor, *rest: Any) -> Tensor:
    """Keep the last product of the last channel."""
    place = (-1, -1, -1) if weight.ndim == 4 else (-1, -1)
    return right(image, only(weight, (..., *place)), *rest)


@mistake("overwrites-instead-of-adds", ALL)
def keeps_the_last_row_of_the_kernel(right: Right, image: Tensor, weight: Tensor, *rest: Any) -> Tensor:
    """Keep the sum over the kernel's last row, of the last channel."""
    place = (-1, -1) if weight.ndim == 4 else (-1,)
    return right(image, only(weight, (..., *place, slice(None))), *rest)


@mistake("overwrites-instead-of-adds", ("conv2d",))
def keeps_the_last_tap_of_each_channel(right: Right, images: Tensor, weight: Tensor, *rest: Any) -> Tensor:
    """Keep the last product of each channel."""
    return right(images, only(weight, (..., -1, -1)), *rest)


@mistake("overwrites-instead-of-adds", ("conv2d",))
def keeps_the_last_channel(right: Right, images: Tensor, weight: Tensor, *rest: Any) -> Tensor:
    """Keep the last channel."""
    return right(images, only(weight, (slice(None), -1)), *rest)


@mistake("no-relu", ("activation_maps",))
def forgets_relu(_right: Right, image: Tensor, filters: Tensor, bias: Tensor | None = None) -> Tensor:
    """Forget the activation."""
    return F.conv2d(image[None], filters[:, None], bias)[0]


@mistake("ignores-bias", BIASED, combines=True)
def ignores_bias(right: Right, image: Tensor, weight: Tensor, _bias: Tensor | None = None, *rest: Any) -> Tensor:
    """Leave the bias out."""
    return right(image, weight, None, *rest)


@mistake("bias-at-every-tap", BIASED)
def adds_bias_at_each_tap(
    right: Right, image: Tensor, weight: Tensor, bias: Tensor | None = None, *rest: Any
) -> Tensor:
    """Add the bias with every product of a kernel."""
    return right(image, weight, times(bias, weight.shape[-2:].numel()), *rest)


@mistake("bias-at-every-tap", ("conv2d",))
def adds_bias_at_each_tap_of_each_channel(
    right: Right, images: Tensor, weight: Tensor, bias: Tensor | None = None, *rest: Any
) -> Tensor:
    """Add the bias with every product of a filter."""
    return right(images, weight, times(bias, weight[0].numel()), *rest)


@mistake("bias-at-every-tap", ("conv2d",))
def adds_bias_with_each_channel(
    right: Right, images: Tensor, weight: Tensor, bias: Tensor | None = None, *rest: Any
) -> Tensor:
    """Add the bias with every channel."""
    return right(images, weight, times(bias, weight.shape[1]), *rest)


@mistake("bias-after-relu", ("activation_maps",))
def adds_bias_after_relu(right: Right, image: Tensor, filters: Tensor, bias: Tensor | None = None) -> Tensor:
    """Add the bias after the activation."""
    maps = right(image, filters, None)
    return maps if bias is None else maps + bias[:, None, None]


@mistake("ignores-stride", ("conv2d",), combines=True)
def ignores_stride(
    right: Right, images: Tensor, weight: Tensor, bias: Tensor | None = None, _stride: Any = 1, padding: Any = 0
) -> Tensor:
    """Move by one pixel."""
    return right(images, weight, bias, 1, padding)


@mistake("ignores-stride", ("conv2d",))
def takes_the_first_positions_for_any_stride(
    right: Right, images: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0
) -> Tensor:
    """Make a result of the right size, and fill it with the first positions."""
    rows, columns = right(images, weight, bias, stride, padding).shape[-2:]
    return right(images, weight, bias, 1, padding)[..., :rows, :columns]


@mistake("swaps-stride-pair", ("conv2d",), combines=True)
def swaps_the_strides(
    right: Right, images: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0
) -> Tensor:
    """Take (width, height)."""
    return right(images, weight, bias, pair_of(stride)[::-1], padding)


@mistake("ignores-padding", ("conv2d",), combines=True)
def ignores_padding(
    right: Right, images: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, _padding: Any = 0
) -> Tensor:
    """Leave the padding out."""
    return right(images, weight, bias, stride)


@mistake("swaps-padding-pair", ("conv2d",), combines=True)
def swaps_the_paddings(
    right: Right, images: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0
) -> Tensor:
    """Take (width, height)."""
    return right(images, weight, bias, stride, pair_of(padding)[::-1])


def padded(images: Tensor, padding: int | Pair, **how: Any) -> Tensor:
    """Pad the images with something other than zeros."""
    above, left = pair_of(padding)
    shows(above + left > 0)
    return F.pad(images, (left, left, above, above), **how)


@mistake("pads-with-others", ("conv2d",))
def pads_with_the_edge(
    right: Right, images: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0
) -> Tensor:
    """Repeat the image's edge."""
    return right(padded(images, padding, mode="replicate"), weight, bias, stride)


@mistake("pads-with-others", ("conv2d",))
def pads_with_the_mirrored_image(
    right: Right, images: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0
) -> Tensor:
    """Mirror the image at its edge."""
    return right(padded(images, padding, mode="reflect"), weight, bias, stride)


@mistake("pads-with-others", ("conv2d",))
def pads_with_ones(
    right: Right, images: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0
) -> Tensor:
    """Put ones around the image."""
    return right(padded(images, padding, value=1.0), weight, bias, stride)


@mistake("pair-unsupported", ("conv2d",))
def takes_the_first_of_each_pair(
    right: Right, images: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0
) -> Tensor:
    """Take the first number of a pair for both axes."""
    return right(images, weight, bias, pair_of(stride)[0], pair_of(padding)[0])


@mistake("pair-unsupported", ("conv2d",))
def takes_the_last_of_each_pair(
    right: Right, images: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0
) -> Tensor:
    """Take the last number of a pair for both axes."""
    return right(images, weight, bias, pair_of(stride)[1], pair_of(padding)[1])


@mistake("first-channel-only", ("conv2d",), combines=True)
def looks_at_the_first_channel(right: Right, images: Tensor, weight: Tensor, *rest: Any) -> Tensor:
    """Use only channel 0."""
    return right(images[:, :1], weight[:, :1], *rest)


@mistake("keeps-channels-apart", ("conv2d",))
def keeps_channels_apart(
    right: Right, images: Tensor, weight: Tensor, _bias: Any = None, stride: Any = 1, padding: Any = 0
) -> Tensor:
    """Return (N, O, C, H', W')."""
    return torch.stack(by_channel(right, images, weight, stride, padding), dim=2)


@mistake("keeps-channels-apart", ("conv2d",))
def takes_channels_for_maps(
    right: Right, images: Tensor, weight: Tensor, _bias: Any = None, stride: Any = 1, padding: Any = 0
) -> Tensor:
    """Return (N, O * C, H', W')."""
    return torch.stack(by_channel(right, images, weight, stride, padding), dim=2).flatten(1, 2)


@mistake("keeps-channels-apart", ("conv2d",))
def gives_maps_by_channel(
    right: Right, images: Tensor, weight: Tensor, _bias: Any = None, stride: Any = 1, padding: Any = 0
) -> Tensor:
    """Return (N, C, O, H', W')."""
    return torch.stack(by_channel(right, images, weight, stride, padding), dim=1)


@mistake("keeps-channels-apart", ("conv2d",))
def gives_maps_by_channel_in_a_row(
    right: Right, images: Tensor, weight: Tensor, _bias: Any = None, stride: Any = 1, padding: Any = 0
) -> Tensor:
    """Return (N, C * O, H', W')."""
    return torch.cat(by_channel(right, images, weight, stride, padding), dim=1)


@mistake("keeps-channels-apart", ("conv2d",))
def puts_channels_last(
    right: Right, images: Tensor, weight: Tensor, _bias: Any = None, stride: Any = 1, padding: Any = 0
) -> Tensor:
    """Return (N, O, H', W', C)."""
    return torch.stack(by_channel(right, images, weight, stride, padding), dim=-1)


@mistake("keeps-channels-apart", ("conv2d",))
def sums_over_filters(
    right: Right, images: Tensor, weight: Tensor, _bias: Any = None, stride: Any = 1, padding: Any = 0
) -> Tensor:
    """Return (N, C, H', W')."""
    return torch.stack(by_channel(right, images, weight, stride, padding), dim=1).sum(2)


@mistake("first-image-only", ("conv2d",), combines=True)
def answers_the_first_image(right: Right, images: Tensor, *rest: Any) -> Tensor:
    """Return (1, O, H', W')."""
    return right(images[:1], *rest)


@mistake("first-image-only", ("conv2d",), combines=True)
def repeats_the_first_image(right: Right, images: Tensor, *rest: Any) -> Tensor:
    """Answer every image with the first one's maps."""
    return right(images[:1].expand(len(images), -1, -1, -1), *rest)


@mistake("first-image-only", ("conv2d",))
def leaves_other_images_empty(right: Right, *args: Any) -> Tensor:
    """Leave the maps of all other images 0."""
    return only(right(*args), (0,))


@mistake("first-image-only", ("conv2d",))
def answers_the_first_image_without_its_axis(right: Right, images: Tensor, *rest: Any) -> Tensor:
    """Return (O, H', W')."""
    shows(len(images) > 1)
    return right(images, *rest)[0]
