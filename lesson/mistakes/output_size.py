"""Wrong lengths of a convolution's output."""

from __future__ import annotations

from collections.abc import Callable

from grader.hidden.mistakes import Answer, misconception

Size = Callable[..., int]


def mistake(name: str, says: str) -> Callable[[Answer], Answer]:
    """Add a wrong ``output_size`` to the bank."""
    return misconception(name, tasks=("output_size",), says=says)


def size_of(size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Count the positions and refuse nothing: a wrong argument may lead to none, or fewer."""
    return (size + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1


@mistake(
    "forgets-dilation",
    "This is the answer for dilation 1. How far apart are the first and the last row of a dilated kernel?",
)
def forgets_dilation(
    _right: Size, size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> int:
    """Use the kernel's own length."""
    del dilation
    return size_of(size, kernel_size, stride, padding)


@mistake("wrong-reach", "This is not yet the reach of a dilated kernel. How far apart are its first and its last row?")
def multiplies_by_dilation(
    _right: Size, size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> int:
    """Take dilation * kernel_size as the reach."""
    return size_of(size, kernel_size * dilation, stride, padding)


@mistake("ignores-stride", "This is the answer for stride 1. How many of these positions does a larger step reach?")
def ignores_stride(
    _right: Size, size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> int:
    """Leave the stride out."""
    del stride
    return size_of(size, kernel_size, 1, padding, dilation)


@mistake("ignores-padding", "This is the answer without padding. How long is the padded line?")
def ignores_padding(
    _right: Size, size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> int:
    """Leave the padding out."""
    del padding
    return size_of(size, kernel_size, stride, 0, dilation)


@mistake("padding-on-one-side", "This counts the padding once. On how many sides is it added?")
def pads_one_side(
    _right: Size, size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> int:
    """Add the padding once."""
    return size_of(size + padding, kernel_size, stride, 0, dilation)


@mistake("drops-last-row-or-column", "One position is missing. Does the kernel also fit at the very start?")
def forgets_the_first(_right: Size, *args: int) -> int:
    """Forget the + 1."""
    return size_of(*args) - 1


ONE_TOO_MANY = "There is one position too many. Does the kernel still fit at the last one?"


@mistake("off-by-one-size", ONE_TOO_MANY)
def rounds_up(_right: Size, size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Round up if a step does not fit."""
    return -(-(size + 2 * padding - dilation * (kernel_size - 1) - 1) // stride) + 1


@mistake("off-by-one-size", ONE_TOO_MANY)
def forgets_the_minus(_right: Size, *args: int) -> int:
    """Count one too many."""
    return size_of(*args) + 1


@mistake(
    "divides-without-floor",
    "There is a fraction of a position. What happens to a last step that would leave the line?",
)
def keeps_the_fraction(
    _right: Size, size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> float:
    """Divide by the stride and keep the quotient."""
    return (size + 2 * padding - dilation * (kernel_size - 1) - 1) / stride + 1


@mistake("same-size-output", "The answer is the size itself. At how many places is the kernel entirely inside?")
def keeps_the_size(_right: Size, size: int, *_others: int) -> int:
    """Return the input's size."""
    return size
