"""Wrong convolutions. Each takes the arguments of any of the tasks where it can happen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from grader.checking.assertions import Diagnosis
from grader.misconceptions import look, misconception

SINGLE = ("convolve", "convolve_torch")
MAPS = (*SINGLE, "activation_maps")
ALL = (*MAPS, "conv2d")

Pair = tuple[int, int]

SAYS = {
    "flipped-kernel": "This is what comes out with the kernel turned by 180 degrees. "
    "Which of its corners meets the image's first pixel?",
    "transposed-kernel": "This is what comes out when rows and columns of the kernel change places. "
    "Which index runs down the image?",
    "same-size-output": "The result is as large as the image. At how many places does the kernel lie wholly inside it?",
    "drops-last-row-or-column": "The result is right as far as it goes, but too small. "
    "Where is the last position of the kernel?",
    "off-by-one-size": "The result has one row and one column too many. Does the kernel still fit there?",
    "mean-instead-of-sum": "Every value is the right one divided by a constant. Is the result a mean or a sum?",
    "no-relu": "Some values are negative. What follows a convolution in a network?",
    "ignores-bias": "This is the answer without the bias. Where is it added?",
    "ignores-stride": "This is the answer for stride 1. How far does the kernel move each time?",
    "swaps-stride-pair": "This is the answer with the two strides exchanged. Which of the pair is for the height?",
    "ignores-padding": "This is the answer without padding. What lies around the image?",
    "swaps-padding-pair": "This is the answer with the two paddings exchanged. Which of the pair is for the height?",
    "first-channel-only": "This is the answer of the first channel alone. What becomes of the others?",
    "keeps-channels-apart": "There is a result for each channel. How do the channels of a filter make one number?",
    "first-image-only": "Only the first image of the batch is answered. What becomes of the others?",
}


@dataclass(frozen=True)
class Case:
    """The arguments of any of the tasks, as those of ``F.conv2d``: image (N, C, H, W), weight (O, C, kH, kW)."""

    task: str
    image: Tensor
    weight: Tensor
    bias: Tensor | None
    stride: Pair
    padding: Pair

    def run(self, **changes: Any) -> Tensor:
        """Convolve, with some arguments changed, and give the answer the shape that the task asks for."""
        case = replace(self, **changes)
        return case.shaped(F.conv2d(case.image, case.weight, case.bias, case.stride, case.padding))

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


def _wrong(name: str, tasks: tuple[str, ...]) -> Callable[[Callable[[Case], Tensor]], Callable[[Case], Tensor]]:
    """Register a wrong answer to a ``Case``."""

    def register(answer: Callable[[Case], Tensor]) -> Callable[[Case], Tensor]:
        misconception(name, tasks=tasks, says=SAYS[name])(
            lambda task, *args, **kwargs: answer(case_of(task, *args, **kwargs))
        )
        return answer

    return register


def _changed(name: str, tasks: tuple[str, ...]) -> Callable[[Callable[[Case], Case]], Callable[[Case], Case]]:
    """Register a mistake that is the right answer to a changed ``Case``: another may be made on top."""

    def register(change: Callable[[Case], Case]) -> Callable[[Case], Case]:
        misconception(
            name,
            tasks=tasks,
            says=SAYS[name],
            before=lambda task, *args, **kwargs: change(case_of(task, *args, **kwargs)).arguments(),
        )(lambda task, *args, **kwargs: change(case_of(task, *args, **kwargs)).run())
        return change

    return register


@_changed("flipped-kernel", ALL)
def flipped_kernel(case: Case) -> Case:
    """Convolve as in signal processing."""
    return replace(case, weight=case.weight.flip(2, 3))


@_changed("flipped-kernel", ALL)
def mirrored_kernel(case: Case) -> Case:
    """Turn the order of the columns alone."""
    return replace(case, weight=case.weight.flip(3))


@_changed("flipped-kernel", ALL)
def kernel_upside_down(case: Case) -> Case:
    """Turn the order of the rows alone."""
    return replace(case, weight=case.weight.flip(2))


@_changed("transposed-kernel", ALL)
def transposed_kernel(case: Case) -> Case:
    """Swap the kernel's axes."""
    return replace(case, weight=case.weight.transpose(2, 3))


@_wrong("same-size-output", ALL)
def same_size_output(case: Case) -> Tensor:
    """Pad so that the size stays, at stride 1."""
    down, across = (size - 1 for size in case.weight.shape[-2:])
    around = (across // 2, across - across // 2, down // 2, down - down // 2)
    return case.shaped(F.conv2d(F.pad(case.image, around), case.weight, case.bias))


@_wrong("same-size-output", ALL)
def same_size_at_the_corner(case: Case) -> Tensor:
    """Write the result into an array of the image's size and leave the rest 0."""
    right = F.conv2d(case.image, case.weight, case.bias)
    rows, columns = (case.image.shape[axis] - right.shape[axis] for axis in (2, 3))
    return case.shaped(F.pad(right, (0, columns, 0, rows)))


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


@_wrong("drops-last-row-or-column", ALL)
def last_column_is_empty(case: Case) -> Tensor:
    """Stop one column early, in a result of the right size."""
    return _without_the_end(case, 0, 1)


@_wrong("drops-last-row-or-column", ALL)
def last_row_is_empty(case: Case) -> Tensor:
    """Stop one row early, in a result of the right size."""
    return _without_the_end(case, 1, 0)


@_wrong("drops-last-row-or-column", ALL)
def last_row_and_column_are_empty(case: Case) -> Tensor:
    """Stop one position early on both axes, in a result of the right size."""
    return _without_the_end(case, 1, 1)


@_wrong("off-by-one-size", ALL)
def off_by_one_size(case: Case) -> Tensor:
    """Go one position too far; what lies outside the image counts as nothing."""
    (sh, sw), (ph, pw) = case.stride, case.padding
    padded = F.pad(case.image, (pw, pw + sw, ph, ph + sh))
    return case.run(image=padded, padding=(0, 0))


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


@_wrong("no-relu", ("activation_maps",))
def no_relu(case: Case) -> Tensor:
    """Forget the activation."""
    return case.shaped(F.conv2d(case.image, case.weight, case.bias), relu=False)


@_changed("ignores-bias", ("conv2d", "activation_maps"))
def ignores_bias(case: Case) -> Case:
    """Leave the bias out."""
    return replace(case, bias=None)


@_changed("ignores-stride", ("conv2d",))
def ignores_stride(case: Case) -> Case:
    """Move by one pixel."""
    return replace(case, stride=(1, 1))


@_wrong("ignores-stride", ("conv2d",))
def first_positions_for_any_stride(case: Case) -> Tensor:
    """Make a result of the right size, and fill it with the first positions."""
    right = case.run()
    return case.run(stride=(1, 1))[..., : right.shape[-2], : right.shape[-1]]


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


@_changed("first-channel-only", ("conv2d",))
def first_channel_only(case: Case) -> Case:
    """Look at channel 0."""
    return replace(case, image=case.image[:, :1], weight=case.weight[:, :1])


@_wrong("keeps-channels-apart", ("conv2d",))
def keeps_channels_apart(case: Case) -> Tensor:
    """Give (N, O, C, H', W')."""
    return torch.stack(_by_channel(case), dim=2)


@_wrong("keeps-channels-apart", ("conv2d",))
def channels_as_maps(case: Case) -> Tensor:
    """Give (N, O * C, H', W')."""
    return torch.stack(_by_channel(case), dim=2).flatten(1, 2)


@_wrong("keeps-channels-apart", ("conv2d",))
def maps_by_channel(case: Case) -> Tensor:
    """Give (N, C, O, H', W')."""
    return torch.stack(_by_channel(case), dim=1)


@_wrong("keeps-channels-apart", ("conv2d",))
def maps_by_channel_in_a_row(case: Case) -> Tensor:
    """Give (N, C * O, H', W')."""
    return torch.stack(_by_channel(case), dim=1).flatten(1, 2)


@_wrong("keeps-channels-apart", ("conv2d",))
def channels_behind(case: Case) -> Tensor:
    """Give (N, O, H', W', C)."""
    return torch.stack(_by_channel(case), dim=-1)


@_wrong("keeps-channels-apart", ("conv2d",))
def sums_over_filters(case: Case) -> Tensor:
    """Give (N, C, H', W')."""
    return torch.stack(_by_channel(case), dim=1).sum(2)


def _by_channel(case: Case) -> list[Tensor]:
    channels = range(case.weight.shape[1])
    return [case.run(image=case.image[:, [c]], weight=case.weight[:, [c]], bias=None) for c in channels]


@_changed("first-image-only", ("conv2d",))
def first_image_only(case: Case) -> Case:
    """Give (1, O, H', W')."""
    return replace(case, image=case.image[:1])


@_changed("first-image-only", ("conv2d",))
def first_image_repeated(case: Case) -> Case:
    """Answer every image with the first one's maps."""
    return replace(case, image=case.image[:1].expand(len(case.image), -1, -1, -1))


@_wrong("first-image-only", ("conv2d",))
def other_images_are_zero(case: Case) -> Tensor:
    """Leave the maps of all other images 0."""
    maps = case.run()
    maps[1:] = 0
    return maps


@_wrong("first-image-only", ("conv2d",))
def first_image_without_its_axis(case: Case) -> Tensor:
    """Give (O, H', W')."""
    return case.run()[0]


@look("integer-output", tasks=ALL, says="The result holds whole numbers alone. Where does the fraction get lost?")
def integer_output(_diagnosis: Diagnosis, got: Tensor, expected: Tensor) -> bool:
    """Convert to whole numbers on the way."""
    if not (expected != expected.round()).any() or not got.any():
        return False
    return not got.is_floating_point() or bool((got == got.round()).all())


def _sizes(got: Tensor, expected: Tensor) -> Pair | None:
    """Return how many rows and columns there are too many; None where the other axes differ."""
    if got.ndim != expected.ndim or got.ndim < 2 or got.shape[:-2] != expected.shape[:-2]:
        return None
    return got.shape[-2] - expected.shape[-2], got.shape[-1] - expected.shape[-1]


@look(
    "same-size-output",
    tasks=ALL,
    says="The result is as large as the image. At how many places does the kernel lie wholly inside it?",
)
def as_large_as_the_image(diagnosis: Diagnosis, got: Tensor, expected: Tensor) -> bool:
    """Keep the image's size."""
    image = case_of(diagnosis.task, *diagnosis.args, **diagnosis.kwargs).image
    return _sizes(got, expected) not in (None, (0, 0)) and got.shape[-2:] == image.shape[-2:]


@look("drops-last-row-or-column", tasks=ALL, says="The result is too small. Where is the last position of the kernel?")
def one_too_small(_diagnosis: Diagnosis, got: Tensor, expected: Tensor) -> bool:
    """Stop early on an axis."""
    return _sizes(got, expected) in ((-1, -1), (-1, 0), (0, -1))


@look("off-by-one-size", tasks=ALL, says="The result has a row or a column too many. Does the kernel still fit there?")
def too_large(diagnosis: Diagnosis, got: Tensor, expected: Tensor) -> bool:
    """Go too far on an axis, up to a kernel that touches the image with its last pixel alone."""
    sizes = _sizes(got, expected)
    reach = case_of(diagnosis.task, *diagnosis.args, **diagnosis.kwargs).weight.shape[-2:]
    if sizes is None or sizes == (0, 0):
        return False
    return all(0 <= size <= 2 * (kernel - 1) for size, kernel in zip(sizes, reach, strict=True))


def _without_the_end(case: Case, rows: int, columns: int) -> Tensor:
    """Leave the last rows and columns of the right answer 0, where others are left."""
    maps = case.run()
    height, width = maps.shape[-2] - rows, maps.shape[-1] - columns
    if height < 1 or width < 1:
        raise ValueError("nothing would be left of the answer")
    return F.pad(maps[..., :height, :width], (0, columns, 0, rows))
