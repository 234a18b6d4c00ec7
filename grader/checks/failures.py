"""How a check fails: the answer is wrong, there is none, or nothing is written yet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grader.results import TaskStatus


class NotStarted(Exception):  # not an error: there is nothing to check yet
    """A public check has nothing to check yet; the text says what to do first."""


class WaitsFor(NotStarted):
    """A public check is not run, because a task that it builds on does not end.

    Attributes:
        task: id of that task.
    """

    def __init__(self, task: str) -> None:
        super().__init__(f"this builds on {task}, which does not end. Mend that first.")
        self.task = task


def builds_on(task: str, names: Iterable[str], helper: str) -> str:
    """Return what a student reads at a task that is wrong only because a function of another task is."""
    used = " and ".join(names)
    return f"{task}: this builds on your {used}, and that is not right yet. What does the message at {helper} say?"


class CheckFailed(AssertionError):
    """A check failed.

    Attributes:
        message: for the student, from a hidden check: neither inputs nor expected values.
        misconception: the name of the mistake, if the check knows it.
        shown: for the student, from a public check, without the question that follows.
        drawing: expected and got as a picture in text, or nothing.
    """

    def __init__(
        self, message: str, misconception: str | None = None, *, shown: str = "", asks: str = "", drawing: str = ""
    ) -> None:
        self.message = message
        self.misconception = misconception
        self.shown = shown or message
        self.drawing = drawing
        super().__init__(f"{self.shown} {asks}".rstrip() + f"\n{drawing}".rstrip())


class StudentFailure(Exception):
    """The student's code gave no answer to a hidden check.

    Attributes:
        status: the task's status, if nothing catches this in a core check.
        text: for the student.
    """

    def __init__(self, status: TaskStatus, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class StudentRaised(StudentFailure):
    """The student's code raised an exception.

    Attributes:
        type_names: names of the exception's classes along its MRO, the most specific first.
        ops: watched operations that ran before; if they are blocked, one of them raised.
        args_after: the positional arguments after a call; empty for a probe.
    """

    def __init__(
        self,
        status: TaskStatus,
        text: str,
        type_names: tuple[str, ...],
        ops: tuple[str, ...] = (),
        args_after: tuple[Any, ...] = (),
    ) -> None:
        super().__init__(status, text)
        self.type_names = type_names
        self.ops = ops
        self.args_after = args_after
