"""Assertions that explain themselves to the student whose answer they judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import torch

from grader.checking.mistakes import Diagnosis, explain
from grader.checking.student import Student, StudentRaised
from grader.checking.values import describe, difference, number_of, numbers_of, same_values
from grader.sandbox.wire import ForeignArray


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


def fail_check(message: str, misconception: str | None = None) -> NoReturn:
    """Fail the check with a message for the student."""
    raise CheckFailed(message, misconception)


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
    found = difference(got, expected, where, atol)
    if found is not None:
        name_mistake(got, expected, where, diagnose)
        fail_check(found)


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


def assert_agrees(
    student: Student,
    function: str,
    expected: Callable[..., torch.Tensor],
    *args: Any,
    atol: float | None = None,
    **options: Any,
) -> None:
    """Call a function of the student's and the right one with the same arguments, and compare shape and numbers.

    Args:
        student: whose function it is.
        function: its name, which is the task's as well: named mistakes are tried on the same arguments.
        expected: gives the right answer.
        *args: of both.
        atol: as for ``assert_values``.
        **options: of both, by name.

    Raises:
        CheckFailed: if the answers differ; with the name of the mistake, if one gives just that answer.
        StudentFailure: if the function gives no answer.
    """
    got, diagnose = student.call(function, *args, **options), Diagnosis(function, args, options)
    assert_values(got, expected(*args, **options), function, atol=atol, diagnose=diagnose)


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


def name_mistake(got: object, expected: object, where: str, diagnose: Diagnosis | None) -> None:
    """Fail with the name of the mistake, if the bank knows one that gives just this answer."""
    if got is None:
        fail_check(
            f"{where}: expected an answer, got None. Does every path through the function return?", "returns-none"
        )
    if diagnose is not None:
        named = explain(diagnose, got, expected)
        if named is not None:
            fail_check(f"{where}: {named.says}", named.name)


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
