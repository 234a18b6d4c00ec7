"""Assertions that explain themselves to the student whose answer they judge."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

import torch

from grader.checking.student import Student, StudentRaised
from grader.sandbox.wire import ForeignArray, Opaque

MAX_PARAMETERS = 500_000

# Relative to the largest expected value: sums may be taken in any order, and an FFT is as accurate as its largest term.
TOLERANCES: dict[torch.dtype, float] = {torch.float32: 1e-5, torch.float64: 1e-11}


class CheckFailed(AssertionError):
    """A hidden check does not hold.

    Attributes:
        message: what the student reads: neither hidden inputs nor expected values.
        misconception: the name of the mistake, if it is known.
    """

    def __init__(self, message: str, misconception: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.misconception = misconception


@dataclass(frozen=True)
class Diagnosis:
    """What the bank of misconceptions needs to run on the same input as the student."""

    task: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)


def fail_check(message: str, misconception: str | None = None) -> NoReturn:
    """Fail the check with a message for the student."""
    raise CheckFailed(message, misconception)


def describe(value: object) -> str:
    """Name a value by its type, and by dtype and shape where it has them."""
    if isinstance(value, torch.Tensor):
        return f"a {str(value.dtype).removeprefix('torch.')} tensor of shape {tuple(value.shape)}"
    if isinstance(value, ForeignArray):
        return f"a {value.kind} of dtype {value.dtype} and shape {value.shape}"
    if isinstance(value, Opaque):
        return f"an object of type {value.type_name}"
    return "None" if value is None else f"a value of type {type(value).__name__}"


def assert_close(
    got: object,
    expected: torch.Tensor,
    where: str,
    *,
    rtol: float | None = None,
    atol: float | None = None,
    diagnose: Diagnosis | None = None,
) -> None:
    """Compare strictly: tensor, shape, dtype, finiteness, then values.

    Args:
        got: what the student's code answered.
        expected: what is right.
        where: the function's name, for the message.
        rtol: relative tolerance; 0 unless given.
        atol: absolute tolerance; by dtype and the largest expected value unless given.
        diagnose: asks the bank of misconceptions what explains a wrong answer.

    Raises:
        CheckFailed: if they differ.
    """
    difference = _difference(got, expected, where, rtol or 0.0, atol)
    if difference is None:
        return
    name_mistake(got, expected, where, diagnose)
    fail_check(difference)


def assert_equal(got: object, expected: int, where: str, *, diagnose: Diagnosis | None = None) -> None:
    """Compare whole numbers: an int, neither bool nor float.

    Raises:
        CheckFailed: if they differ.
    """
    if type(got) is int and got == expected:
        return
    name_mistake(got, expected, where, diagnose)
    if type(got) is not int:
        fail_check(f"{where}: expected an int, got {describe(got)}. Does a division give a float?")
    fail_check(f"{where}: expected another number than {got} here. Which of the arguments is not taken into account?")


def name_mistake(got: object, expected: object, where: str, diagnose: Diagnosis | None) -> None:
    """Fail with the name of the mistake, if the bank knows one that gives just this answer."""
    if got is None:
        fail_check(
            f"{where}: expected an answer, got None. Does every path through the function return?", "returns-none"
        )
    if diagnose is not None:
        from grader.misconceptions import explain  # noqa: PLC0415 - the bank compares with `same_values`

        named = explain(diagnose, got, expected)
        if named is not None:
            fail_check(f"{where}: {named.says}", named.name)


def same_values(got: object, expected: object) -> bool:
    """Tell whether two answers agree: tensors as strictly as ``assert_close`` asks, numbers up to rounding."""
    if isinstance(expected, torch.Tensor):
        return _difference(got, expected, "", 0.0, None) is None
    if isinstance(expected, tuple):
        if not isinstance(got, tuple | list) or len(got) != len(expected):
            return False
        return all(same_values(one, other) for one, other in zip(got, expected, strict=True))
    if isinstance(expected, float):
        return isinstance(got, float) and math.isclose(got, expected, rel_tol=1e-4, abs_tol=1e-5)
    return type(got) is type(expected) and got == expected


def _difference(got: object, expected: torch.Tensor, where: str, rtol: float, atol: float | None) -> str | None:
    if got is None:
        return f"{where}: expected a tensor, got None. Does every path through the function return?"
    if not isinstance(got, torch.Tensor):
        return f"{where}: expected a torch tensor, got {describe(got)}. Which type does the docstring promise?"
    if got.shape != expected.shape:
        return (
            f"{where}: expected shape {tuple(expected.shape)}, got {tuple(got.shape)}. "
            "How many positions does each axis have?"
        )
    if got.dtype != expected.dtype:
        return f"{where}: expected dtype {expected.dtype}, got {got.dtype}. Where does the dtype change?"
    return _value_difference(got, expected, where, rtol, atol)


def _value_difference(
    got: torch.Tensor, expected: torch.Tensor, where: str, rtol: float, atol: float | None
) -> str | None:
    if not got.is_floating_point():
        wrong = got != expected
    else:
        if got.isfinite().logical_not().any():
            index = got.isfinite().logical_not().nonzero()[0].tolist()
            return f"{where}: expected finite numbers, got NaN or infinity, first at index {index}."
        reach = float(expected.abs().max()) if expected.numel() else 0.0
        margin = TOLERANCES.get(expected.dtype, 1e-2) * max(reach, 1e-3) if atol is None else atol
        wrong = (got.double() - expected.double()).abs() > margin + rtol * expected.double().abs()
    if not wrong.any():
        return None
    index = wrong.nonzero()[0].tolist()
    return (
        f"{where}: the shape {tuple(got.shape)} is right, but {int(wrong.sum())} of {wrong.numel()} values are not, "
        f"first at index {index}. What goes into that one value?"
    )


def assert_raises(student: Student, type_names: tuple[str, ...], function: str, *args: Any, **kwargs: Any) -> None:
    """Check that a call of the student's function is refused with one of the named exceptions.

    Raises:
        CheckFailed: if it answers, or raises something else.
    """
    _assert_refused(lambda: student.call(function, *args, **kwargs), type_names, function)


def assert_raises_in_probe(
    student: Student, type_names: tuple[str, ...], probe: str, *args: Any, where: str, **kwargs: Any
) -> None:
    """Check that the student's code refuses what a probe asks of it; ``where`` names it in the message.

    Raises:
        CheckFailed: if it answers, or raises something else.
    """
    _assert_refused(lambda: student.probe(probe, *args, **kwargs), type_names, where)


def _assert_refused(call: Callable[[], object], type_names: tuple[str, ...], where: str) -> None:
    wanted = " or ".join(type_names)
    try:
        got = call()
    except StudentRaised as error:
        if not set(type_names) & set(error.type_names):
            fail_check(f"{where}: expected {wanted} for a bad argument, got {error.type_names[0]}.")
        return
    fail_check(f"{where}: expected {wanted} for a bad argument, got {describe(got)}. What cannot be computed here?")


def assert_small_network(kept: Any) -> None:
    """Fail unless FashionCNN keeps at most 500,000 numbers.

    Args:
        kept: what the probe counted in the worker.
    """
    if not isinstance(kept, int) or kept > MAX_PARAMETERS:
        fail_check(
            f"FashionCNN: expected at most {MAX_PARAMETERS:,} numbers, "
            f"got {kept if isinstance(kept, int) else describe(kept)}.",
            "too-many-parameters",
        )
