"""The kill matrix: which check notices which mutant of the reference, and which wrong answer.

What survives must be explained in ``tests/survivors.toml``; a check that no answer fails alone is one too many.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from rich.table import Table
from rich.text import Text

from grader.authoring.answers import Answer, replaced
from grader.authoring.mutants import mutants
from grader.course import Task, course
from grader.hidden.suites import Check
from grader.paths import COURSE, SOLUTIONS
from grader.reports.pages import rendered
from grader.results import Result, TaskResult

EXPLAINED: Final = COURSE / "tests" / "survivors.toml"
"""Patterns of names of mutants that may survive, since no input can tell them from the reference, and why."""


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

    def joined(self, other: Cell) -> Cell:
        """Return what was found in two goes, for different tasks."""
        tasks, killed = self.tasks + other.tasks, self.killed | other.killed
        return replace(self, tasks=tasks, killed=killed, lost=self.lost or other.lost)


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
    ids = tuple(task for task in _tasks_of(module, symbols) if task not in answer.tasks)
    return replace(answer, tasks=ids, order=replace(answer.order, selected=frozenset(ids))) if ids else None


def _tasks_of(module: str, symbols: Collection[str] = ()) -> tuple[str, ...]:
    """Return the tasks of a module that ask for one of these symbols; all of them if none is named.

    What is judged by files and by training, and not by the text of the solution, is none of them.
    """
    found = (task for task in course().tasks if task.module == module and task.id != course().judged)
    return tuple(task.id for task in found if not symbols or not set(symbols).isdisjoint(task.symbols))


def cells_of(answers: Iterable[Answer], results: Iterable[Result], *, wrong: bool) -> list[Cell]:
    """Return what the checks said of each mutant or wrong answer."""
    cells = []
    for answer, result in zip(answers, results, strict=True):
        asked = [task for task in result.tasks if task.id in answer.tasks]
        killed = frozenset((task.id, check.name) for task in asked for check in task.checks if not check.passed)
        lost = any(task.score < task.points for task in asked)
        cells.append(Cell(answer.name, answer.tasks, wrong, killed, lost))
    return cells


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


def matrix_problems(cells: list[Cell], checks: list[Check], path: Path = EXPLAINED, *, whole: bool = True) -> list[str]:
    """Tell which mutants survive without an explanation, which explanation is stale, and which check is never alone.

    Args:
        cells: what the checks said of each mutant, wrong and partial answer.
        checks: those that were asked.
        path: holds the explanations.
        whole: whether these are all mutants, so that an explanation that none of them needs is stale.
    """
    explained = _explanations(path)
    alive = [cell.name for cell in survivors(cells)]
    noticed = [cell.name for cell in cells if cell.lost and not cell.wrong]
    return [
        *(f"mutant survives: {name}" for name in alive if not any(_covers(one, name) for one in explained)),
        *(f"no answer fails this check alone: {check.task}: {check.name}" for check in never_alone(cells, checks)),
        *(
            f"{path.name}: expected a survivor for {pattern!r}, got none. Can the entry go?"
            for pattern in explained
            if whole and not any(_covers(pattern, name) for name in alive)
        ),
        *(
            f"{path.name}: expected {pattern!r} to mean survivors alone, but {name!r} is noticed. Say less?"
            for pattern in explained
            for name in noticed
            if _covers(pattern, name)
        ),
    ]


def matrix_page(cells: Collection[Cell], checks: Collection[Check]) -> str:
    """Return the page with a table of checks x mutants and wrong answers for each task."""
    explained = _explanations(EXPLAINED)
    reasons = {
        one.name: why for one in survivors(cells) for pattern, why in explained.items() if _covers(pattern, one.name)
    }
    tasks = [(task, *_part(task, cells, checks)) for task in course().tasks]
    return rendered("matrix.html", tasks=tasks, cells=cells, reasons=reasons, kills=_kills)


def matrix_table(cells: Collection[Cell], checks: Collection[Check]) -> Table:
    """Return a table with a row per check: how many mutants, wrong and partial answers it notices."""
    table = Table(title="Kill matrix", header_style="bold")
    for column in ("task", "check", "notices", "of"):
        table.add_column(column, overflow="fold", justify="right" if column in ("notices", "of") else "left")
    for task in course().tasks:
        rows, columns = _part(task, cells, checks)
        for check in rows:
            table.add_row(task.id, Text(check.name), str(_kills(check, columns)), str(len(columns)))
        alive = f"{len(survivors(columns))} of {sum(not cell.wrong for cell in columns)} mutants survive, explained"
        table.add_row(task.id, alive, "", "", style="dim")
    return table


def plainest_table(plainest: Mapping[str, TaskResult]) -> Table:
    """Return a table of what the plainest right answer of each task earns."""
    table = Table("task", "plainest right answer", "of", title="Points for the idea alone", header_style="bold")
    for task_id, task in plainest.items():
        table.add_row(task_id, f"{task.score:g}", f"{task.points:g}")
    return table


def _part(task: Task, cells: Iterable[Cell], checks: Iterable[Check]) -> tuple[list[Check], list[Cell]]:
    """Return rows and columns of one task's part of the matrix."""
    return [check for check in checks if check.task == task.id], [cell for cell in cells if task.id in cell.tasks]


def _kills(check: Check, cells: Iterable[Cell]) -> int:
    """Return how many columns a check notices."""
    return sum((check.task, check.name) in cell.killed for cell in cells)


def _explanations(path: Path) -> dict[str, str]:
    """Read why some mutants may survive, by patterns of their names; none may where there is no such file."""
    document = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return {entry["mutant"]: entry["reason"] for entry in document.get("survivor", [])}


def _covers(pattern: str, name: str) -> bool:
    """Tell whether a name is meant by a pattern with ``*`` and ``?``; brackets mean themselves."""
    return fnmatchcase(name, pattern.replace("[", "[[]"))
