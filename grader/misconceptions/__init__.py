"""Named wrong answers: they explain a failed check, and they test the checks."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any


from grader.checking.assertions import same_values

if TYPE_CHECKING:
    from grader.checking.assertions import Diagnosis


@dataclass(frozen=True)
class Misconception:
    """A named wrong answer.

    Attributes:
        name: as in results.json, such as ``flipped-kernel``.
        tasks: ids of the tasks where the mistake can be made.
        says: what is seen, and one question that leads on; never the solution.
        answer: called with the task's id and its arguments, returns the wrong answer.
    """

    name: str
    tasks: tuple[str, ...]
    says: str
    answer: Callable[..., Any]


_BANK: list[Misconception] = []

Answer = Callable[..., Any]


def misconception(name: str, *, tasks: tuple[str, ...], says: str) -> Callable[[Answer], Answer]:
    """Add a function ``answer(task, *args, **kwargs)`` to the bank."""

    def register(answer: Answer) -> Answer:
        _BANK.append(Misconception(name, tasks, says, answer))
        return answer

    return register


@functools.cache
def bank() -> tuple[Misconception, ...]:
    """Return every named wrong answer."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return tuple(_BANK)


def explain(diagnosis: Diagnosis, got: object, expected: object) -> Misconception | None:
    """Return the one named mistake that gives the student's values on the same input, if there is exactly one."""
    fitting: dict[str, Misconception] = {}
    for candidate in bank():
        if diagnosis.task in candidate.tasks:
            wrong = _answer(candidate, diagnosis)
            if wrong is not None and same_values(got, wrong) and not same_values(expected, wrong):
                fitting[candidate.name] = candidate
    return next(iter(fitting.values())) if len(fitting) == 1 else None


def _answer(candidate: Misconception, diagnosis: Diagnosis) -> object:
    """Run a wrong answer; a mistake that cannot be made on this input explains nothing."""
    try:
        return candidate.answer(diagnosis.task, *diagnosis.args, **diagnosis.kwargs)
    except (ValueError, TypeError, RuntimeError, IndexError):
        return None
