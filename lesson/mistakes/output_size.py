"""Wrong lengths of a convolution's output."""

from __future__ import annotations

from grader.checking.mistakes import misconception


def _size(size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    return (size + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1


SIZE = ("output_size",)


@misconception(
    "forgets-dilation",
    tasks=SIZE,
    says="This is the answer for dilation 1. How far apart are the first and the last row of a dilated kernel?",
)
def forgets_dilation(
    _task: str, size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> int:
    """Use the kernel's own length."""
    del dilation
    return _size(size, kernel_size, stride, padding)


@misconception(
    "wrong-reach",
    tasks=SIZE,
    says="This is not yet the reach of a dilated kernel. How far apart are its first and its last row?",
)
def multiplies_by_dilation(
    _task: str, size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> int:
    """Take dilation * kernel_size as the reach."""
    return _size(size, kernel_size * dilation, stride, padding)


@misconception(
    "ignores-stride",
    tasks=SIZE,
    says="This is the answer for stride 1. How many of these positions does a larger step reach?",
)
def size_ignores_stride(
    _task: str, size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> int:
    """Leave the stride out."""
    del stride
    return _size(size, kernel_size, 1, padding, dilation)


@misconception("ignores-padding", tasks=SIZE, says="This is the answer without padding. How long is the padded line?")
def size_ignores_padding(
    _task: str, size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> int:
    """Leave the padding out."""
    del padding
    return _size(size, kernel_size, stride, 0, dilation)


@misconception("padding-on-one-side", tasks=SIZE, says="This counts the padding once. On how many sides is it added?")
def size_pads_one_side(
    _task: str, size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> int:
    """Add the padding once."""
    return (size + padding - dilation * (kernel_size - 1) - 1) // stride + 1


@misconception(
    "drops-last-row-or-column", tasks=SIZE, says="One position is missing. Does the kernel also fit at the very start?"
)
def size_without_the_first(_task: str, *args: int, **kwargs: int) -> int:
    """Forget the + 1."""
    return _size(*args, **kwargs) - 1


@misconception(
    "off-by-one-size", tasks=SIZE, says="There is one position too many. Does the kernel still fit at the last one?"
)
def size_rounded_up(
    _task: str, size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> int:
    """Round up if a step does not fit."""
    return -(-(size + 2 * padding - dilation * (kernel_size - 1) - 1) // stride) + 1


@misconception(
    "off-by-one-size", tasks=SIZE, says="There is one position too many. Does the kernel still fit at the last one?"
)
def size_without_the_minus(_task: str, *args: int, **kwargs: int) -> int:
    """Count one too many."""
    return _size(*args, **kwargs) + 1


@misconception(
    "divides-without-floor",
    tasks=SIZE,
    says="There is a fraction of a position. What happens to a last step that would leave the line?",
)
def size_with_a_fraction(
    _task: str, size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> float:
    """Divide by the stride and keep the result."""
    return (size + 2 * padding - dilation * (kernel_size - 1) - 1) / stride + 1


@misconception(
    "same-size-output",
    tasks=SIZE,
    says="The answer is the size itself. At how many places is the kernel entirely inside?",
)
def size_unchanged(_task: str, size: int, *_args: int, **_kwargs: int) -> int:
    """Return the input's size."""
    return size
