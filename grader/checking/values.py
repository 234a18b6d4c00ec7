"""What an answer is: its kind in words, its numbers, and whether two answers are the same."""

from __future__ import annotations

import math

import torch

from grader.sandbox.wire import ForeignArray, ForeignFloat, Opaque

# Relative to the largest expected value: sums may be taken in any order, and an FFT is as accurate as its largest term.
TOLERANCES: dict[torch.dtype, float] = {torch.float32: 1e-5, torch.float64: 1e-11}


def describe(value: object) -> str:
    """Name a value by its type, and by dtype and shape where it has them."""
    if isinstance(value, torch.Tensor):
        return f"a {str(value.dtype).removeprefix('torch.')} tensor of shape {tuple(value.shape)}"
    if isinstance(value, ForeignArray):
        return f"a {value.kind} of dtype {value.dtype} and shape {value.shape}"
    if isinstance(value, Opaque | ForeignFloat):
        return f"an object of type {value.type_name if isinstance(value, Opaque) else value.kind}"
    return "None" if value is None else f"a value of type {type(value).__name__}"


def numbers_of(got: object) -> torch.Tensor | None:
    """Return the numbers of a tensor or of numpy's array as a tensor; None of anything else."""
    values = got.values if isinstance(got, ForeignArray) else got
    return values if isinstance(values, torch.Tensor) else None


def number_of(got: object) -> float | None:
    """Return a number as Python's own, whatever holds it; None of anything else."""
    if isinstance(got, torch.Tensor) and got.numel() == 1 and not got.is_complex():
        got = got.item()
    if isinstance(got, bool) or not isinstance(got, int | float):
        return None
    return int(got) if isinstance(got, int) or got.is_integer() else float(got)


def same_values(got: object, expected: object) -> bool:
    """Tell whether two answers agree in shape and numbers, up to rounding, whatever holds them."""
    if isinstance(expected, torch.Tensor):
        return difference(got, expected, "", None) is None
    if isinstance(expected, tuple):
        if not isinstance(got, tuple | list) or len(got) != len(expected):
            return False
        return all(same_values(one, other) for one, other in zip(got, expected, strict=True))
    if isinstance(expected, float | int) and not isinstance(expected, bool):
        number = number_of(got)
        return number is not None and math.isclose(number, expected, rel_tol=1e-4, abs_tol=1e-5)
    return type(got) is type(expected) and got == expected


def difference(got: object, expected: torch.Tensor, where: str, atol: float | None) -> str | None:
    """Say how an answer differs from the expected tensor; None if it does not."""
    if got is None:
        return f"{where}: expected a tensor, got None. Does every path through the function return?"
    numbers = numbers_of(got)
    if numbers is None or numbers.is_complex():
        return f"{where}: expected a torch tensor, got {describe(got)}. Which type does the docstring promise?"
    if numbers.shape != expected.shape:
        return (
            f"{where}: expected shape {tuple(expected.shape)}, got {tuple(numbers.shape)}. "
            "How many positions does each axis have?"
        )
    return _value_difference(numbers, expected, where, atol)


def _value_difference(got: torch.Tensor, expected: torch.Tensor, where: str, atol: float | None) -> str | None:
    got64, expected64 = got.double(), expected.double()
    if got64.isfinite().logical_not().any():
        index = got64.isfinite().logical_not().nonzero()[0].tolist()
        return f"{where}: expected finite numbers, got NaN or infinity, first at index {index}."
    if expected.is_floating_point():
        reach = float(expected64.abs().max()) if expected.numel() else 0.0
        coarser = max(TOLERANCES.get(dtype, 1e-2) for dtype in (got.dtype, expected.dtype) if dtype.is_floating_point)
        wrong = (got64 - expected64).abs() > (coarser * max(reach, 1e-3) if atol is None else atol)
    else:
        wrong = got64 != expected64
    if not wrong.any():
        return None
    index = wrong.nonzero()[0].tolist()
    return (
        f"{where}: the shape {tuple(got.shape)} is right, but {int(wrong.sum())} of {wrong.numel()} values are not, "
        f"first at index {index}. What goes into that one value?"
    )
