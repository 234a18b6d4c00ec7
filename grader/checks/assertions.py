"""Assertions of public and hidden checks: each says what was expected, what came, and asks one question.

A failure holds two texts: a public check shows inputs and values, a hidden one neither; see ``CheckFailed``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import torch

from grader.checks.failures import CheckFailed, StudentFailure, StudentRaised
from grader.checks.student import Diagnose, Student
from grader.checks.values import Difference, describe, difference, number_of, numbers_of, same_values
from grader.foreign import ForeignArray

__tracebackhide__ = True


def fail_check(message: str, misconception: str | None = None) -> NoReturn:
    """Fail the check with a message for the student: ``<where>: expected <thing>, got <thing>. <question>``."""
    raise CheckFailed(message, misconception)


def assert_true(holds: object, message: str) -> None:
    """Fail with a message as for ``fail_check`` unless something holds."""
    if not holds:
        fail_check(message)


def assert_equal(got: object, expected: object, where: str, hint: str = "") -> None:
    """Compare two plain values, their types included: True is not 1, and a list is not a tuple.

    Args:
        got: what the student's code returned.
        expected: what it should have returned; it is shown.
        where: the call, as a student would write it.
        hint: a question or a remedy.
    """
    same_type = type(got) is type(expected)
    if not same_type or got != expected:
        shown = f"{got!r}" if same_type else f"{got!r} ({type(got).__name__})"
        asks = "Is the `return` missing?" if got is None else hint
        said = f"{where}: expected {expected!r}, got {shown}."
        raise CheckFailed(f"{said} {asks}".rstrip(), shown=said, asks=asks)


def assert_number(got: object, expected: int, where: str, *, diagnose: Diagnose | None = None) -> None:
    """Compare integers, whatever holds them: an int, a float or a tensor with one number."""
    number = number_of(got)
    if number == expected:
        return
    name_mistake(got if number is None else number, expected, where, diagnose)
    if number is None:
        fail_check(f"{where}: expected an int, got {describe(got)}. Which type does the docstring promise?")
    fail_check(f"{where}: expected another number than {number:g} here. Which of the arguments is ignored?")


def assert_values(
    got: object,
    expected: torch.Tensor,
    where: str,
    hint: str = "",
    *,
    atol: float | None = None,
    diagnose: Diagnose | None = None,
) -> None:
    """Compare shape and numbers, whatever holds them: a tensor of any dtype, or a numpy array.

    Args:
        got: the student's answer.
        expected: the right answer.
        where: the function's name or the call, for the message.
        hint: a question instead of the usual one.
        atol: absolute tolerance; by dtype and the largest expected value unless given.
        diagnose: finds the named mistake that explains a wrong answer.

    Raises:
        CheckFailed: if they differ.
    """
    found = difference(got, expected, atol)
    if found is not None:
        name_mistake(got, expected, where, diagnose)
        _fail(where, found, hint)


def assert_kind(got: object, expected: torch.Tensor, where: str) -> None:
    """Compare the container of the numbers: a tensor, and its dtype.

    Raises:
        CheckFailed: if they differ.
    """
    if isinstance(got, ForeignArray) and got.values is not None:
        fail_check(
            f"{where}: expected a torch tensor, got {describe(got)}. How is one turned into the other?", "numpy-array"
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
    hint: str = "",
    *,
    atol: float | None = None,
    diagnose: Diagnose | None = None,
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
            f"{where}: the numbers are right only to float32's accuracy. Where is float64 lost?", "loses-float64"
        )
    assert_values(got, expected, where, hint, atol=atol, diagnose=diagnose)
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
        expected: returns the right answer.
        *args: for both.
        atol: as for ``assert_values``.
        **options: for both, by name.

    Raises:
        CheckFailed: if the answers differ; with the name of the mistake, if one gives exactly that answer.
        StudentFailure: if the function gives no answer.
    """
    diagnose = student.diagnosis(function, expected, *args, **options)
    got = student.call(function, *args, **options)
    assert_values(got, expected(*args, **options), function, atol=atol, diagnose=diagnose)


def name_mistake(got: object, expected: object, where: str, diagnose: Diagnose | None) -> None:
    """Fail with the name of the mistake, if there is one that gives exactly this answer."""
    if got is None:
        fail_check(f"{where}: expected an answer, got None. Is the `return` missing?", "returns-none")
    named = diagnose(got, expected) if diagnose else None
    if named is not None:
        fail_check(f"{where}: {named.says}", named.name)


def assert_arguments_kept(student: Student, function: str, *args: Any) -> None:
    """Check that a call does not change its tensors.

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
    """Check that answers depend only on the arguments: several calls in a row, and the first one again.

    Args:
        student: whose function it is.
        function: its name.
        calls: arguments, some of the same shape as the first ones and some of another.
        expected: returns the right answer to any of them.
        prepared: applied to each answer before it is compared.

    Raises:
        CheckFailed: if an answer is wrong here.
        StudentFailure: if the function gives no answer.
    """
    for args in (*calls, calls[0]):
        if not same_values(prepared(student.call(function, *args)), expected(*args)):
            fail_check(
                f"{function}: called several times in a row, with other arguments each time, it gave a wrong answer. "
                "Does it remember something from an earlier call?"
            )


REFUSALS = {"ValueError", "TypeError", "RuntimeError", "IndexError"}
"""What the docstrings promise, and what PyTorch and Python raise by themselves."""

NO_REFUSALS = {"NotImplementedError", "RecursionError", "OutOfMemoryError", "UnboundLocalError"}
"""Special cases of those above that do not mean "not these arguments"."""


@contextmanager
def refused(where: str) -> Iterator[list[StudentRaised]]:
    """Expect that the code inside raises an error, as it should for bad arguments.

    Args:
        where: the call, as a student would write it, and what is wrong with it.

    Yields:
        An empty list, for the error of a call in another process.

    Raises:
        CheckFailed: if there is an answer, or another kind of error.
    """
    caught: list[StudentRaised] = []
    try:
        yield caught
    except StudentRaised as error:
        caught.append(error)
        names, text = error.type_names, error.text
    except StudentFailure:
        raise
    except Exception as error:  # in a public check, the student's own
        names, text = tuple(kind.__name__ for kind in type(error).__mro__), str(error)
        if isinstance(error, NotImplementedError) and "not implemented for" not in text:
            raise  # a stub
    else:
        fail_check(f"{where}: expected ValueError, got an answer. What cannot be computed here?")
    of_pytorch = "not implemented for" in text  # of a dtype, and a NotImplementedError
    if REFUSALS.isdisjoint(names) or (not NO_REFUSALS.isdisjoint(names) and not of_pytorch):
        fail_check(f"{where}: expected ValueError or TypeError for a bad argument, got {names[0]}.")


def assert_refused(student: Student, function: str, *args: Any, **kwargs: Any) -> None:
    """Check that the student's function refuses arguments, and does not change them.

    Raises:
        CheckFailed: if it answers, raises something else, or has changed an argument before.
    """
    with refused(function) as caught:
        student.call(function, *args, **kwargs)
    if any(not same_values(after, before) for before, after in zip(args, caught[0].args_after, strict=False)
           if isinstance(before, torch.Tensor) and before.isfinite().all()):  # fmt: skip
        fail_check(f"{function}: a bad argument is refused, but another one is changed first.", "modifies-input")


def assert_is_figure(given: object, where: str) -> None:
    """Fail unless a figure was returned, and not its axes.

    Args:
        given: the type's name of the answer.
        where: the function's name, for the message.
    """
    if given != "Figure":
        fail_check(
            f"{where}: expected a Figure, got {given}. Which figure do the axes belong to?",
            "returns-axes" if given in ("Axes", "ndarray") else None,
        )


def _fail(where: str, found: Difference, hint: str) -> NoReturn:
    asks = hint or found.asks
    raise CheckFailed(
        f"{where}: {found.found} {asks}".rstrip(),
        shown=f"{where}{found.place}: {found.shown or found.found}",
        asks=asks,
        drawing=found.drawing,
    )
