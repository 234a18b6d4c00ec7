"""Named wrong answers: they explain a failed check, and they test the checks."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

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


@dataclass(frozen=True)
class Look(Misconception):
    """A mistake that shows in dtype or shape, whatever the values: ``answer`` tells whether an answer looks like it."""

    def fits(self, diagnosis: Diagnosis, got: object, expected: object) -> bool:
        """Tell whether the answer has the look of this mistake."""
        both = isinstance(got, torch.Tensor) and isinstance(expected, torch.Tensor)
        return both and bool(self.answer(diagnosis, got, expected))


_BANK: list[Misconception] = []
_LOOKS: list[Look] = []

Answer = Callable[..., Any]


def misconception(name: str, *, tasks: tuple[str, ...], says: str) -> Callable[[Answer], Answer]:
    """Add a function ``answer(task, *args, **kwargs)`` to the bank."""

    def register(answer: Answer) -> Answer:
        _BANK.append(Misconception(name, tasks, says, answer))
        return answer

    return register


def look(name: str, *, tasks: tuple[str, ...], says: str) -> Callable[[Answer], Answer]:
    """Add a function ``looks_like_it(diagnosis, got, expected)``, called with tensors, to the bank."""

    def register(looks_like_it: Answer) -> Answer:
        _LOOKS.append(Look(name, tasks, says, looks_like_it))
        return looks_like_it

    return register


def looks() -> tuple[Look, ...]:
    """Return every mistake that shows in dtype or shape, in the order in which they are tried."""
    bank()
    return tuple(_LOOKS)


@functools.cache
def bank() -> tuple[Misconception, ...]:
    """Return every named wrong answer."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return tuple(_BANK)


def explain(diagnosis: Diagnosis, got: object, expected: object) -> Misconception | None:
    """Return the named mistake that explains the student's answer, if there is exactly one.

    First every wrong answer of the task is computed on the same input and compared; where none of them gives these
    values, or several do, the look of the answer decides: its dtype and its shape.
    """
    fitting: dict[str, Misconception] = {}
    for candidate in bank():
        if diagnosis.task in candidate.tasks:
            wrong = _answer(candidate, diagnosis)
            if wrong is not None and same_values(got, wrong) and not same_values(expected, wrong):
                fitting[candidate.name] = candidate
    if len(fitting) == 1:
        return next(iter(fitting.values()))
    return next(
        (look for look in looks() if diagnosis.task in look.tasks and look.fits(diagnosis, got, expected)), None
    )


def _answer(candidate: Misconception, diagnosis: Diagnosis) -> object:
    """Run a wrong answer; a mistake that cannot be made on this input explains nothing."""
    try:
        return candidate.answer(diagnosis.task, *diagnosis.args, **diagnosis.kwargs)
    except (ValueError, TypeError, RuntimeError, IndexError):
        return None
