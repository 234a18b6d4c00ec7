"""Assertions that explain themselves to the student whose answer they judge."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import torch

from grader.checking.student import Student, StudentRaised
from grader.sandbox.wire import ForeignArray, ForeignFloat, Opaque

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
    if isinstance(value, Opaque | ForeignFloat):
        return f"an object of type {value.type_name if isinstance(value, Opaque) else value.kind}"
    return "None" if value is None else f"a value of type {type(value).__name__}"


def numbers_of(got: object) -> torch.Tensor | None:
    """Return the numbers of a tensor or of numpy's array as a tensor; None of anything else."""
    values = got.values if isinstance(got, ForeignArray) else got
    return values if isinstance(values, torch.Tensor) else None


def assert_values(
    got: object,
    expected: torch.Tensor,
    where: str,
    *,
    atol: float | None = None,
    diagnose: Diagnosis | None = None,
) -> None:
    """Compare shape and numbers, whatever holds them: a tensor of any dtype, or numpy's array.

    Args:
        got: what the student's code answered.
        expected: what is right.
        where: the function's name, for the message.
        atol: absolute tolerance; by dtype and the largest expected value unless given.
        diagnose: asks the bank of misconceptions what explains a wrong answer.

    Raises:
        CheckFailed: if they differ.
    """
    difference = _difference(got, expected, where, atol)
    if difference is not None:
        name_mistake(got, expected, where, diagnose)
        fail_check(difference)


def assert_kind(got: object, expected: torch.Tensor, where: str) -> None:
    """Compare what holds the numbers: a tensor, and its dtype.

    Raises:
        CheckFailed: if they differ.
    """
    if isinstance(got, ForeignArray) and got.values is not None:
        fail_check(
            f"{where}: expected a torch tensor, got {describe(got)}. What turns one into the other?", "numpy-array"
        )
    if not isinstance(got, torch.Tensor):
        fail_check(f"{where}: expected a torch tensor, got {describe(got)}. Which type does the docstring promise?")
    if got.dtype != expected.dtype:
        known = {
            (torch.float32, torch.float64): "promotes-to-float64",
            (torch.float64, torch.float32): "loses-float64",
        }
        fail_check(
            f"{where}: expected dtype {expected.dtype}, got {got.dtype}. Where does the dtype change?",
            known.get((expected.dtype, got.dtype)),
        )


def assert_close(
    got: object,
    expected: torch.Tensor,
    where: str,
    *,
    atol: float | None = None,
    diagnose: Diagnosis | None = None,
) -> None:
    """Compare strictly: a tensor, its dtype, shape and numbers; arguments as for ``assert_values``.

    Raises:
        CheckFailed: if they differ.
    """
    numbers = numbers_of(got)
    if (
        numbers is not None
        and numbers.dtype == expected.dtype == torch.float64
        and same_values(numbers.float(), expected)
        and not same_values(numbers, expected)
    ):
        fail_check(
            f"{where}: the numbers are right to float32's accuracy only. Where is float64 left?", "loses-float64"
        )
    assert_values(got, expected, where, atol=atol, diagnose=diagnose)
    assert_kind(got, expected, where)


def assert_equal(got: object, expected: int, where: str, *, diagnose: Diagnosis | None = None) -> None:
    """Compare whole numbers, whatever holds them: an int, a float or a tensor of one number.

    Raises:
        CheckFailed: if they differ.
    """
    number = number_of(got)
    if number == expected:
        return
    name_mistake(got if number is None else number, expected, where, diagnose)
    if number is None:
        fail_check(f"{where}: expected an int, got {describe(got)}. Which type does the docstring promise?")
    fail_check(
        f"{where}: expected another number than {number:g} here. Which of the arguments is not taken into account?"
    )


def number_of(got: object) -> float | None:
    """Return a number as Python's own, whatever holds it; None of anything else."""
    if isinstance(got, torch.Tensor) and got.numel() == 1 and not got.is_complex():
        got = got.item()
    if isinstance(got, bool) or not isinstance(got, int | float):
        return None
    return int(got) if isinstance(got, int) or got.is_integer() else float(got)


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
    """Tell whether two answers agree in shape and numbers, up to rounding, whatever holds them."""
    if isinstance(expected, torch.Tensor):
        return _difference(got, expected, "", None) is None
    if isinstance(expected, tuple):
        if not isinstance(got, tuple | list) or len(got) != len(expected):
            return False
        return all(same_values(one, other) for one, other in zip(got, expected, strict=True))
    if isinstance(expected, float | int) and not isinstance(expected, bool):
        number = number_of(got)
        return number is not None and math.isclose(number, expected, rel_tol=1e-4, abs_tol=1e-5)
    return type(got) is type(expected) and got == expected


def _difference(got: object, expected: torch.Tensor, where: str, atol: float | None) -> str | None:
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


def assert_arguments_kept(student: Student, function: str, *args: Any) -> None:
    """Check that a call leaves its tensors as they were.

    Raises:
        CheckFailed: if one is changed.
        StudentFailure: if the function gives no answer.
    """
    for old, new in zip(args, student.observe(function, *args).args_after, strict=False):
        if isinstance(old, torch.Tensor) and not (isinstance(new, torch.Tensor) and torch.equal(old, new)):
            fail_check(
                f"{function}: an argument is changed by the call. Where is the result written to?", "modifies-input"
            )


def assert_same_again(
    student: Student,
    function: str,
    calls: Sequence[tuple[Any, ...]],
    expected: Callable[..., Any],
    *,
    prepared: Callable[[object], object] = lambda got: got,
) -> None:
    """Check that a function answers by its arguments alone: several in a row, and once more the first ones.

    Args:
        student: whose function it is.
        function: its name.
        calls: arguments, some of the same shape as the first ones and some of another.
        expected: gives the right answer to any of them.
        prepared: applied to each answer before it is compared.

    Raises:
        CheckFailed: if an answer is wrong here.
        StudentFailure: if the function gives no answer.
    """
    for args in (*calls, calls[0]):
        if not same_values(prepared(student.call(function, *args)), expected(*args)):
            fail_check(
                f"{function}: called several times in a row, with other arguments each time, it gave a wrong answer. "
                "Does it remember something of an earlier call?"
            )


REFUSALS = ("ValueError", "TypeError", "RuntimeError", "IndexError")
NO_REFUSALS = ("NotImplementedError", "RecursionError", "OutOfMemoryError", "UnboundLocalError")
"""Special cases of those above that say something else than "not these arguments"."""


def assert_refused(student: Student, function: str, *args: Any, **kwargs: Any) -> None:
    """Check that the student's function refuses arguments, and leaves them as they are.

    ``ValueError`` and ``TypeError`` are what the docstrings ask for; PyTorch's own ``RuntimeError`` and Python's
    ``IndexError`` do as well.

    Raises:
        CheckFailed: if it answers, raises something else, or has changed an argument before.
    """
    error = _refused(lambda: describe(student.call(function, *args, **kwargs)), function)
    if any(not same_values(after, before) for before, after in zip(args, error.args_after, strict=False)
           if isinstance(before, torch.Tensor) and before.isfinite().all()):  # fmt: skip
        fail_check(f"{function}: a bad argument is refused, but another one is changed before.", "modifies-input")


def assert_refused_in_probe(student: Student, probe: str, *args: Any, where: str, **kwargs: Any) -> None:
    """Check that the student's code refuses what a probe asks of it; ``where`` names it in the message.

    Raises:
        CheckFailed: if it answers, or raises something else.
    """

    def answer() -> str:
        student.probe(probe, *args, **kwargs)
        return "an answer"

    _refused(answer, where)


def _refused(call: Callable[[], str], where: str) -> StudentRaised:
    try:
        got = call()
    except StudentRaised as error:
        of_pytorch = "not implemented for" in error.text  # of a dtype, and a NotImplementedError
        if not set(REFUSALS) & set(error.type_names) or (set(NO_REFUSALS) & set(error.type_names) and not of_pytorch):
            fail_check(f"{where}: expected ValueError or TypeError for a bad argument, got {error.type_names[0]}.")
        return error
    fail_check(f"{where}: expected ValueError for a bad argument, got {got}. What cannot be computed here?")


def assert_figure_itself(given: object, where: str) -> None:
    """Fail unless a figure was returned, and not its axes.

    Args:
        given: the type's name of what was returned.
        where: the function's name, for the message.
    """
    if given != "Figure":
        fail_check(
            f"{where}: expected a Figure, got {given}. Which figure do the axes belong to?",
            "returns-axes" if given in ("Axes", "ndarray") else None,
        )


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
