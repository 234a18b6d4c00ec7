"""How a check ends that does not hold: the answer is wrong, there is none, or nothing is written yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grader.results import TaskStatus


class NotStarted(Exception):  # no error: there is nothing to look at yet
    """A public check finds nothing to look at; the text says what to do first."""


class CheckFailed(AssertionError):
    """A check does not hold.

    Attributes:
        message: what a student reads of a hidden check: neither inputs nor expected values.
        misconception: the name of the mistake, if the check knows it.
        shown: what a student reads of a public check, without the question that follows.
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
        status: what the task is, if nothing catches this in a core check.
        text: what the student reads.
    """

    def __init__(self, status: TaskStatus, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class StudentRaised(StudentFailure):
    """The student's code raised an exception.

    Attributes:
        type_names: names of the exception's classes along its MRO, the most special first.
        ops: watched operations that ran before; where they are blocked, one of them raised.
        args_after: the positional arguments of a call as they are after it; none of a probe's.
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
