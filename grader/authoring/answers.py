"""Submissions that test the checks: the reference with one piece replaced by a wrong or a right answer, or mutated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import ModuleType

from grader.authoring.codings import coding
from grader.canaries import reference_order
from grader.course import course
from grader.executor import Order
from grader.hidden.mistakes import Misconception, bank
from grader.intake import Snapshot
from grader.results import Result, TaskResult
from grader.splice import splice

SEED = 11


@dataclass(frozen=True)
class Answer:
    """The reference with one piece replaced.

    Attributes:
        name: the mistake's name, or what is different about a right answer.
        tasks: ids of the tasks where it shows.
        order: the submission.
        low: points that it must earn, where it is right in part.
        high: points that it may earn then.
    """

    name: str
    tasks: tuple[str, ...]
    order: Order
    low: float = 0.0
    high: float = 0.0


def wrong_answers() -> list[Answer]:
    """Return every wrong answer: the named mistakes of the bank, and the codings of ``lesson/answers``."""
    return [
        *(mistaken(mistake, task) for mistake in bank() for task in mistake.tasks),
        *(Answer(name, (task,), spliced([task], module, code)) for name, task, module, code in _answers().WRONG),
    ]


def mistaken(mistake: Misconception, task_id: str) -> Answer:
    """Return the reference with a named mistake in one of its functions."""
    module = course().task(task_id).module
    code = coding(mistake, task_id, _reference().modules[module].decode())
    return Answer(mistake.name, (task_id,), spliced([task_id], module, code))


def partial_answers() -> list[Answer]:
    """Return every answer of ``lesson/answers`` that is right in part, with what a teacher would give for it."""
    return [
        Answer(title, (task,), spliced([task], module, code), low, high)
        for title, task, low, high, module, code in _answers().PARTIAL
    ]


def right_answers() -> list[Answer]:
    """Return every right answer of ``lesson/answers``: other styles than the reference's."""
    return [Answer(title, tuple(ids), spliced(ids, module, code)) for title, ids, module, code in _answers().RIGHT]


def artefact_answers() -> list[Answer]:
    """Return artefacts, and code that makes them, which earn too little or nothing."""
    artefact = course().artefact
    if artefact is None:
        return []
    order = replaced([artefact.task], {})
    weights = order.snapshot.weights
    assert weights is not None, "the solutions hold the artefact"
    changed = [
        Answer(name, (artefact.task,), replace(order, snapshot=replace(order.snapshot, weights=data)))
        for name, data in _answers().changed_artefacts(weights).items()
    ]
    return [*changed, *map(made_anew, _answers().MADE_ANEW)]


def made_anew(name: str) -> Answer:
    """Return the reference with one of ``MADE_ANEW`` below the module of the artefact, judged in another way."""
    way, code = _answers().MADE_ANEW[name]
    task = course().task(course().judged)
    source = _reference().modules[task.module].decode()
    order = replace(replaced([task.id], {task.module: f"{source}\n\n{code}\n"}), way=way)
    return Answer(name, (task.id,), order)


def spliced(task_ids: Iterable[str], module: str, code: str) -> Order:
    """Return the reference with some definitions of a module replaced, asked for some tasks."""
    source = _reference().modules[module].decode()
    return replaced(task_ids, {module: splice(source, code)})


def replaced(task_ids: Iterable[str], sources: Mapping[str, str]) -> Order:
    """Return the reference with the text of some modules replaced, asked for some tasks."""
    modules = {**_reference().modules, **{name: source.encode() for name, source in sources.items()}}
    return Order("reference", replace(_reference(), modules=modules), SEED, frozenset(task_ids))


@cache
def _reference() -> Snapshot:
    """Return the solutions, read once: every answer shares their modules and their weights."""
    return reference_order(SEED, frozenset()).snapshot


def _answers() -> ModuleType:
    """Return ``RIGHT``, ``WRONG`` and ``PARTIAL``, and for an artefact ``changed_artefacts`` and ``MADE_ANEW``."""
    found = course().part("answers")
    assert found is not None, "the repository holds the package"
    return found


def task_results(answers: Iterable[Answer], results: Iterable[Result]) -> Iterator[tuple[Answer, TaskResult]]:
    """Give each answer with what it got for each task that it is asked for."""
    for answer, result in zip(answers, results, strict=True):
        yield from ((answer, task) for task in result.tasks if task.id in answer.tasks)
