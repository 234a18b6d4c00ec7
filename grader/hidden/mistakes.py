"""Named wrong answers: each is written once, explains failed checks, and is graded to test the checks."""

from __future__ import annotations

import functools
import inspect
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from unittest import mock

import torch
from PIL import Image

from grader.checks.values import same_values
from grader.course import course

Answer = Callable[..., Any]


@dataclass(frozen=True)
class Diagnosis:
    """A call of a student's function: called with its wrong answer and the right one, names the mistake if it can.

    Attributes:
        task: the function's name, and the task's.
        args: of the call, as are ``kwargs``.
        right: gives the right answers, and fast; by default the solutions.
    """

    task: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    right: Answer | None = None

    def __call__(self, got: object, expected: object) -> Misconception | None:
        """Return the named mistake that gives the wrong answer; see ``explain``."""
        return explain(self, got, expected)


@dataclass(frozen=True)
class Misconception:
    """A named wrong answer.

    Attributes:
        name: as in results.json, such as ``flipped-kernel``.
        tasks: ids of the tasks where the mistake can be made.
        says: the symptom, and one question that leads on; never the solution.
        answer: returns the wrong answer; called with the right function of the task, then with its arguments by place.
        combines: whether it can be made on top of another: then ``answer`` gets the other as the right function.
    """

    name: str
    tasks: tuple[str, ...]
    says: str
    answer: Answer
    combines: bool = False

    def on_top_of(self, other: Misconception) -> Misconception | None:
        """Return this and another mistake made at once, or None if they cannot be combined."""
        tasks = tuple(task for task in self.tasks if task in other.tasks)
        if not self.combines or not tasks:
            return None

        def both(right: Answer, *args: Any) -> Any:
            return self.answer(functools.partial(other.answer, right), *args)

        return Misconception(self.name, tasks, f"Two things at once. {self.says} {other.says}", both)


_BANK: list[Misconception] = []


def misconception(
    name: str, *, tasks: tuple[str, ...], says: str, combines: bool = False
) -> Callable[[Answer], Answer]:
    """Add a function ``answer(right, *args)`` to the bank; see ``Misconception``.

    `grader verify` submits its text as a student's, so it uses only its own module and the reference's imports.
    """

    def register(answer: Answer) -> Answer:
        _BANK.append(Misconception(name, tasks, says, answer, combines))
        return answer

    return register


def shows(holds: bool) -> None:
    """End an answer unless the mistake shows on these arguments, and is not another's; student code has no such line.

    Raises:
        ValueError: if it does not hold.
    """
    if not holds:
        raise ValueError("this mistake does not show here")


@functools.cache
def bank() -> tuple[Misconception, ...]:
    """Return every named wrong answer."""
    course().parts("mistakes")
    return tuple(_BANK)


@functools.cache
def pairs() -> tuple[Misconception, ...]:
    """Return every two mistakes that can be made at once, named by the one that the bank has first."""
    order = [entry.name for entry in bank()]
    return tuple(
        replace(pair, name=min(one.name, other.name, key=order.index))
        for one in bank()
        for other in bank()
        if one.name != other.name and (pair := one.on_top_of(other)) is not None
    )


def explain(diagnosis: Diagnosis, got: object, expected: object) -> Misconception | None:
    """Return the named mistake that gives the student's values, if there is exactly one, or else the first such pair.

    Every wrong answer of the task is computed on the same input and compared. If none gives these values, every two
    of them at once are tried.
    """
    fitting = {one.name: one for one in bank() if _gives(one, diagnosis, got, expected)}
    if fitting:
        return next(iter(fitting.values())) if len(fitting) == 1 else None
    return next((one for one in pairs() if _gives(one, diagnosis, got, expected)), None)


def _gives(candidate: Misconception, diagnosis: Diagnosis, got: object, expected: object) -> bool:
    if diagnosis.task not in candidate.tasks:
        return False
    wrong = wrong_answer(candidate, diagnosis)
    return wrong is not None and same_values(got, wrong) and not same_values(expected, wrong)


def wrong_answer(candidate: Misconception, diagnosis: Diagnosis) -> object:
    """Return a wrong answer, a picture as its pixels; None if the mistake cannot be made on this input."""
    try:
        right = diagnosis.right or functools.partial(right_answer, diagnosis.task)
        answer = candidate.answer(right, *by_place(diagnosis))
    except (ValueError, TypeError, RuntimeError, IndexError):
        return None
    return pixels(answer) if isinstance(answer, Image.Image) else answer


def by_place(diagnosis: Diagnosis) -> tuple[Any, ...]:
    """Return all arguments by position, including those given by name."""
    if not diagnosis.kwargs:
        return diagnosis.args
    given = inspect.signature(reference(diagnosis.task)).bind(*diagnosis.args, **diagnosis.kwargs)
    given.apply_defaults()
    return given.args


def right_answer(task_id: str, *args: Any) -> Any:
    """Return the solutions' answer."""
    return reference(task_id)(*args)


@functools.cache
def reference(task_id: str) -> Answer:
    """Return the solutions' function that a task is named after; they are imported on first use."""
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, {"MPLCONFIGDIR": folder}):  # not in HOME
        module = course().load(f"solutions.{course().task(task_id).module}")
    function: Answer = getattr(module, task_id)
    return function


def pixels(image: Image.Image) -> torch.Tensor:
    """Return a picture's grey levels; float64 of shape (height, width)."""
    levels = torch.frombuffer(bytearray(image.convert("L").tobytes()), dtype=torch.uint8)
    return levels.reshape(image.height, image.width).double()
