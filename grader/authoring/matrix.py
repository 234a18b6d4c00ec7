"""The kill matrix: which check notices which mutant of the reference, and which wrong answer.

What survives must be explained in ``tests/survivors.toml``; a check that no answer fails alone is one too many.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from grader.authoring.answers import Answer, replaced
from grader.authoring.mutants import mutants
from grader.checking.suites import Check
from grader.course import course
from grader.paths import COURSE, SOLUTIONS
from grader.results import Result

EXPLAINED: Final = COURSE / "tests" / "survivors.toml"
WITHOUT_MUTANTS: Final = (course().judged,)
"""Judged by files and by training, not by the text of the solution."""


@dataclass(frozen=True)
class Cell:
    """What the checks said of one changed reference.

    Attributes:
        name: of the mutant or wrong answer.
        tasks: ids of the tasks that might notice it.
        wrong: whether it is a wrong or a partial answer of ``lesson/answers``, and no mutant.
        killed: (task, check) that failed.
        lost: whether it earned fewer points than the reference.
    """

    name: str
    tasks: tuple[str, ...]
    wrong: bool
    killed: frozenset[tuple[str, str]]
    lost: bool

    def joined(self, other: Cell | None) -> Cell:
        """Return what was found in two goes, for different tasks."""
        if other is None:
            return self
        return replace(
            self, tasks=self.tasks + other.tasks, killed=self.killed | other.killed, lost=self.lost or other.lost
        )


@dataclass(frozen=True)
class Explanation:
    """Why a mutant may survive: no input can tell it from the reference.

    Attributes:
        pattern: of names, with ``*`` and ``?``.
        reason: for people.
    """

    pattern: str
    reason: str

    def covers(self, name: str) -> bool:
        """Tell whether a name is meant; brackets mean themselves."""
        return fnmatchcase(name, self.pattern.replace("[", "[[]"))


def mutant_answers() -> list[Answer]:
    """Return every mutant of the solutions, with the tasks that ask for what was changed.

    Those are the tasks of the function or method; for a helper, all of its module.
    """
    found = []
    for module in course().modules:
        source = (SOLUTIONS / f"{module}.py").read_text(encoding="utf-8")
        for mutant in mutants(source, module):
            ids = _tasks_of(module, {mutant.symbol}) or _tasks_of(module)
            found.append(Answer(mutant.name, ids, replaced(ids, {module: mutant.source})))
    return found


def beside(answer: Answer) -> Answer | None:
    """Return a mutant for the tasks that only use what was changed: the others of its class.

    Returns:
        None if there are no others.
    """
    module, _, symbol = answer.name.partition(":")[0].partition(".")
    owner = symbol.partition(".")[0]
    symbols = {name for task in course().tasks for name in task.symbols if name.partition(".")[0] == owner}
    others = set(_tasks_of(module, symbols)) - set(answer.tasks)
    ids = tuple(task.id for task in course().tasks if task.id in others)
    return replace(answer, tasks=ids, order=replace(answer.order, selected=frozenset(ids))) if ids else None


def _tasks_of(module: str, symbols: Collection[str] = ()) -> tuple[str, ...]:
    """Return the tasks of a module that ask for one of these symbols; all of them if none is named."""
    found = (task for task in course().tasks if task.module == module and task.id not in WITHOUT_MUTANTS)
    return tuple(task.id for task in found if not symbols or not set(symbols).isdisjoint(task.symbols))


def cells_of(answers: Iterable[Answer], results: Iterable[Result], *, wrong: bool) -> list[Cell]:
    """Return what the checks said of each mutant or wrong answer."""
    return [_cell(answer, result, wrong=wrong) for answer, result in zip(answers, results, strict=True)]


def _cell(answer: Answer, result: Result, *, wrong: bool) -> Cell:
    asked = [task for task in result.tasks if task.id in answer.tasks]
    killed = {(task.id, check.name) for task in asked for check in task.checks if not check.passed}
    return Cell(answer.name, answer.tasks, wrong, frozenset(killed), any(task.score < task.points for task in asked))


def survivors(cells: Iterable[Cell]) -> list[Cell]:
    """Return the mutants that kept all points."""
    return [cell for cell in cells if not cell.lost and not cell.wrong]


def never_alone(cells: Collection[Cell], checks: Iterable[Check]) -> list[Check]:
    """Return the checks without an answer that they alone notice.

    A detail is alone where no other check of its task fails, a core check where no other core check does.
    """
    checks = list(checks)
    core = {(check.task, check.name) for check in checks if check.core}
    alone = set()
    for cell in cells:
        for task in cell.tasks:
            killed = {one for one in cell.killed if one[0] == task}
            if len(killed) == 1:
                alone |= killed
            elif len(killed & core) == 1:
                alone |= killed & core
    return [check for check in checks if (check.task, check.name) not in alone]


def explanations(path: Path = EXPLAINED) -> list[Explanation]:
    """Read why some mutants may survive; none may where there is no such file."""
    document = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return [Explanation(entry["mutant"], entry["reason"]) for entry in document.get("survivor", [])]


def matrix_problems(cells: list[Cell], checks: list[Check], path: Path = EXPLAINED, *, whole: bool = True) -> list[str]:
    """Tell which mutants survive without an explanation, which explanation is stale, and which check is never alone.

    Args:
        cells: what the checks said of each mutant, wrong and partial answer.
        checks: those that were asked.
        path: holds the explanations.
        whole: whether these are all mutants, so that an explanation that none of them needs is stale.
    """
    explained = explanations(path)
    alive = [cell.name for cell in survivors(cells)]
    noticed = [cell.name for cell in cells if cell.lost and not cell.wrong]
    return [
        *(f"mutant survives: {name}" for name in alive if not _explained(name, explained)),
        *(f"no answer fails this check alone: {check.task}: {check.name}" for check in never_alone(cells, checks)),
        *(
            f"{path.name}: expected a survivor for {entry.pattern!r}, got none. Can the entry go?"
            for entry in explained
            if whole and not any(entry.covers(name) for name in alive)
        ),
        *(
            f"{path.name}: expected {entry.pattern!r} to mean survivors alone, but {name!r} is noticed. Say less?"
            for entry in explained
            for name in noticed
            if entry.covers(name)
        ),
    ]


def _explained(name: str, entries: list[Explanation]) -> bool:
    return any(entry.covers(name) for entry in entries)
