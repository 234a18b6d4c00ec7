"""A student's progress: from the outcomes of checks to tasks, points, and the next thing to do."""

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from grader.bodies import functions_of
from grader.course import Task
from grader.stubs import NOT_WRITTEN, says_not_written, stub_text, unwritten

Kind = Literal["green", "failed", "unwritten"]
State = Literal["green", "partial", "failed", "unfinished", "waiting", "not started", "not run"]


@dataclass(frozen=True)
class Outcome:
    """The outcome of one check.

    Attributes:
        kind: green, failed, or unwritten if it ran into a stub.
        message: for the student.
        note: worth knowing even if it is green.
        slow: whether it timed out.
        waits_for: id of another task that is to be mended first.
        share: of the task's points that it is worth if it is green: less than 1 for a measure below its goal.
    """

    kind: Kind
    message: str = ""
    note: str = ""
    slow: bool = False
    share: float = 1.0
    waits_for: str = ""


@dataclass
class TaskProgress:
    """The outcome of a task's checks.

    Attributes:
        task: the task.
        checks: how many of its checks will run.
        unwritten: those of its symbols that are as in the stub.
        outcomes: of the checks that ran.
    """

    task: Task
    checks: int
    unwritten: frozenset[str]
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def state(self) -> State:
        """Return the task's state; one wrong answer is enough for `failed`, a stub is never wrong."""
        kinds = {outcome.kind for outcome in self.outcomes}
        if "failed" in kinds:
            return "failed"
        if "unwritten" in kinds:
            return self._state_of_unwritten()
        if not kinds or len(self.outcomes) < self.checks:
            return "not run"
        return "green" if self.share == 1 else "partial"

    def _state_of_unwritten(self) -> State:
        if self.left_over:
            return "unfinished"
        if self.unwritten:
            return "not started" if self.unwritten == set(self.task.symbols) else "unfinished"
        on_another = any(o.waits_for or (o.kind == "unwritten" and says_not_written(o.message)) for o in self.outcomes)
        return "waiting" if on_another else "not started"

    @property
    def slow(self) -> bool:
        """Return whether a check of it timed out."""
        return any(outcome.slow for outcome in self.outcomes)

    @property
    def share(self) -> float:
        """Return which share of its points a task earns whose checks are all green."""
        return min((outcome.share for outcome in self.outcomes), default=0.0)

    @property
    def left_over(self) -> str:
        """Return a written function that still ends with the stub's line; empty if there is none."""
        symbols = (o.message.partition(NOT_WRITTEN)[0] for o in self.outcomes if says_not_written(o.message))
        return next((one for one in symbols if one in self.task.symbols and one not in self.unwritten), "")

    @property
    def message(self) -> str:
        """Return the message below the task: one thing at a time."""
        state = self.state
        if state == "failed":
            return self._first("failed")
        if self.left_over:
            return (
                f"{self.left_over}: there is code, and still the stub's `raise NotImplementedError`. Delete that line."
            )
        if state in ("unfinished", "waiting") or (state == "not started" and not self.unwritten):
            return self._first("unwritten")
        return next((outcome.note for outcome in self.outcomes if outcome.note), "")

    def _first(self, kind: Kind) -> str:
        return next(outcome.message for outcome in self.outcomes if outcome.kind == kind)

    def count(self) -> str:
        """Return how many checks are green, if that says more than the state."""
        green = sum(outcome.kind == "green" for outcome in self.outcomes)
        return f"{green} of {self.checks} checks green" if self.state == "failed" and green else ""


def unwritten_symbols(path: Path, symbols: Iterable[str]) -> frozenset[str]:
    """Return those functions of a module that are still as in the stub; none if the source does not parse."""
    try:
        return unwritten(path.read_bytes(), stub_text(path.parent, path.stem), symbols)
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()


def line_of(path: Path, symbols: Sequence[str]) -> int | None:
    """Return the line where the first of these functions starts, if it can be found."""
    try:
        functions = functions_of(ast.parse(path.read_text(encoding="utf-8")))
    except (OSError, SyntaxError, ValueError):
        return None
    return next((functions[symbol].lineno for symbol in symbols if symbol in functions), None)


def score_line(progress: Sequence[TaskProgress], everything: int) -> str:
    """Return the line that reports the progress."""
    green = [p for p in progress if p.state == "green"]
    earned = sum(p.task.points * p.share for p in progress if p.state in ("green", "partial"))
    most = sum(p.task.points for p in progress)
    part = "" if len(progress) == everything else "Of what you asked for: "
    counts = [
        f"{n} {state}"
        for state in ("partial", "failed", "unfinished", "waiting", "not started", "not run")
        if (n := sum(p.state == state for p in progress))
    ]
    tasks = f"{len(green)} of {len(progress)} tasks green"
    line = f"{part}{tasks}, {round(earned, 1):g} of {most:g} points in reach of the public checks"
    return f"{line}; {', '.join(counts)}." if counts else f"{line}."


def next_task(progress: Sequence[TaskProgress]) -> TaskProgress | None:
    """Return what to do next: first what was started, then the rest, in teaching order."""
    orders = (("failed", "unfinished"), ("not started", "waiting", "not run"), ("partial",))
    return next((one for states in orders for one in progress if one.state in states), None)
