"""Named wrong answers: they explain a failed check, and they test the checks."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from grader.checking.values import same_values
from grader.course import course

Answer = Callable[..., Any]


@dataclass(frozen=True)
class Diagnosis:
    """What the bank of misconceptions needs to run on the same input as the student."""

    task: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Misconception:
    """A named wrong answer.

    Attributes:
        name: as in results.json, such as ``flipped-kernel``.
        tasks: ids of the tasks where the mistake can be made.
        says: what is seen, and one question that leads on; never the solution.
        answer: called with the task's id and its arguments, returns the wrong answer.
        before: the mistake as a change of the arguments, where it is one: from the task's id and arguments to others.
        after: the mistake as a change of the answer, where it is one. With either it can be made beside another.
    """

    name: str
    tasks: tuple[str, ...]
    says: str
    answer: Answer
    before: Callable[..., tuple[Any, ...]] | None = None
    after: Callable[[Any], Any] | None = None

    def on_top_of(self, other: Misconception) -> Misconception | None:
        """Return this and another mistake made at once, or None where they cannot be put together."""
        if self.before is None and self.after is None:
            return None

        def both(task: str, *args: Any, **kwargs: Any) -> Any:
            if self.before is not None:
                args, kwargs = self.before(task, *args, **kwargs), {}
            answer = other.answer(task, *args, **kwargs)
            return answer if self.after is None else self.after(answer)

        tasks = tuple(task for task in self.tasks if task in other.tasks)
        return Misconception(self.name, tasks, f"Two things at once. {self.says} {other.says}", both)


_BANK: list[Misconception] = []


def misconception(
    name: str,
    *,
    tasks: tuple[str, ...],
    says: str,
    before: Callable[..., tuple[Any, ...]] | None = None,
    after: Callable[[Any], Any] | None = None,
) -> Callable[[Answer], Answer]:
    """Add a function ``answer(task, *args, **kwargs)`` to the bank; see ``Misconception``."""

    def register(answer: Answer) -> Answer:
        _BANK.append(Misconception(name, tasks, says, answer, before, after))
        return answer

    return register


@functools.cache
def bank() -> tuple[Misconception, ...]:
    """Return every named wrong answer."""
    course().parts("mistakes")
    return tuple(_BANK)


@functools.cache
def pairs() -> tuple[Misconception, ...]:
    """Return every two mistakes that can be made at once, named by the one that the bank has first."""
    order = [entry.name for entry in bank()]
    both = [
        replace(pair, name=min(one.name, other.name, key=order.index))
        for one in bank()
        for other in bank()
        if one.name != other.name and (pair := one.on_top_of(other)) is not None
    ]
    return tuple(pair for pair in both if pair.tasks)


def explain(diagnosis: Diagnosis, got: object, expected: object) -> Misconception | None:
    """Return the named mistake that gives the student's values, if there is just one, or else the first pair that does.

    Every wrong answer of the task is computed on the same input and compared. Where none gives these values, every two
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
    """Return a wrong answer, or None for a mistake that cannot be made on this input."""
    try:
        return candidate.answer(diagnosis.task, *diagnosis.args, **diagnosis.kwargs)
    except (ValueError, TypeError, RuntimeError, IndexError):
        return None
