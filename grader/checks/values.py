"""Answers: their kind in words, their numbers, and whether two are the same."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from grader.checks.drawing import draw
from grader.foreign import ForeignArray, ForeignFloat, Opaque

# Relative to the largest expected value: sums may be in any order, and an FFT is as accurate as its largest term.
TOLERANCES: dict[torch.dtype, float] = {torch.float32: 1e-5, torch.float64: 1e-11}


@dataclass(frozen=True)
class Difference:
    """How an answer differs from the expected one.

    Attributes:
        found: in words that show neither inputs nor expected values, for a hidden check.
        asks: one question that leads on.
        place: which value is shown, such as ``, at [1, 0]``.
        shown: the same with both values; empty if ``found`` says it all.
        drawing: both as a picture in text, if they are small.
    """

    found: str
    asks: str
    place: str = ""
    shown: str = ""
    drawing: str = ""


def describe(value: object) -> str:
    """Name a value by its type, and by dtype and shape if it has them."""
    if isinstance(value, torch.Tensor):
        return f"a {str(value.dtype).removeprefix('torch.')} tensor of shape {tuple(value.shape)}"
    if isinstance(value, ForeignArray):
        return f"a {value.kind} of dtype {value.dtype} and shape {value.shape}"
    if isinstance(value, Opaque | ForeignFloat):
        return f"an object of type {value.type_name if isinstance(value, Opaque) else value.kind}"
    return "None" if value is None else f"a value of type {type(value).__name__}"


def numbers_of(got: object) -> torch.Tensor | None:
    """Return the numbers of a tensor or numpy array as a tensor; None for anything else."""
    values = got.values if isinstance(got, ForeignArray) else got
    return values if isinstance(values, torch.Tensor) else None


def number_of(got: object) -> float | None:
    """Return a number as Python's own, whatever holds it; None for anything else."""
    if isinstance(got, torch.Tensor) and got.numel() == 1 and not got.is_complex():
        got = got.item()
    if isinstance(got, bool) or not isinstance(got, int | float):
        return None
    return int(got) if isinstance(got, int) or got.is_integer() else float(got)


def same_values(got: object, expected: object) -> bool:
    """Return whether two answers agree in shape and numbers, up to rounding, whatever holds them."""
    if isinstance(expected, torch.Tensor):
        return difference(got, expected) is None
    if isinstance(expected, tuple):
        if not isinstance(got, tuple | list) or len(got) != len(expected):
            return False
        return all(same_values(one, other) for one, other in zip(got, expected, strict=True))
    if isinstance(expected, float | int) and not isinstance(expected, bool):
        number = number_of(got)
        return number is not None and math.isclose(number, expected, rel_tol=1e-4, abs_tol=1e-5)
    return type(got) is type(expected) and got == expected


def difference(got: object, expected: torch.Tensor, atol: float | None = None) -> Difference | None:
    """Return how an answer differs from the expected tensor in shape or numbers; None if it does not.

    Args:
        got: the answer, in any container.
        expected: the right answer.
        atol: absolute tolerance; by dtype and the largest expected value unless given.
    """
    if got is None:
        return Difference("expected a tensor, got None.", "Is the `return` missing?")
    numbers = numbers_of(got)
    if numbers is None or numbers.is_complex():
        return Difference(f"expected a torch tensor, got {describe(got)}.", "Which type does the docstring promise?")
    if numbers.shape != expected.shape:
        return Difference(
            f"expected shape {tuple(expected.shape)}, got {tuple(numbers.shape)}.",
            "How many positions does each axis have?",
        )
    return _value_difference(numbers.detach(), expected, atol)


def _value_difference(got: torch.Tensor, expected: torch.Tensor, atol: float | None) -> Difference | None:
    got64, expected64 = got.double(), expected.double()
    if got64.isfinite().logical_not().any():
        index = got64.isfinite().logical_not().nonzero()[0].tolist()
        return Difference(f"expected finite numbers, got NaN or infinity, first at index {index}.", "")
    if expected.is_floating_point():
        reach = float(expected64.abs().max()) if expected.numel() else 0.0
        coarser = max(TOLERANCES.get(dtype, 1e-2) for dtype in (got.dtype, expected.dtype) if dtype.is_floating_point)
        wrong = (got64 - expected64).abs() > (coarser * max(reach, 1e-3) if atol is None else atol)
    else:
        wrong = got64 != expected64
    if not wrong.any():
        return None
    index = wrong.nonzero()[0].tolist()
    right, came = expected[tuple(index)].item(), got[tuple(index)].item()
    many = f" ({int(wrong.sum())} of {wrong.numel()} values differ)" if wrong.numel() > 1 else ""
    return Difference(
        f"the shape {tuple(got.shape)} is right, but {int(wrong.sum())} of {wrong.numel()} values are not, "
        f"first at index {index}.",
        "What goes into that one value?",
        f", at {index}" if index else "",
        f"expected {right:.6g}, got {came:.6g}{many}.",
        draw(expected, got, tuple(index)),
    )
