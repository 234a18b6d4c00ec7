"""The kill matrix as a table for the terminal and as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from grader.authoring.matrix import Cell, explanations
from grader.checking.suites import Check
from grader.course import Task, course
from grader.reports.pages import environment
from grader.results import TaskResult


@dataclass(frozen=True)
class TaskMatrix:
    """One task's part of the matrix.

    Attributes:
        task: the task.
        checks: its checks, the rows.
        cells: the mutants and wrong answers that were tried on it, the columns.
        reasons: why a survivor may survive, by its name.
    """

    task: Task
    checks: tuple[str, ...]
    cells: tuple[Cell, ...]
    reasons: dict[str, str]

    @property
    def mutants(self) -> list[Cell]:
        """The columns that are mutants."""
        return [cell for cell in self.cells if not cell.wrong]

    def kills(self, check: str) -> int:
        """Return how many columns a check notices."""
        return sum((self.task.id, check) in cell.killed for cell in self.cells)


def task_matrices(cells: Sequence[Cell], checks: Sequence[Check]) -> list[TaskMatrix]:
    """Sort the matrix by task."""
    allowed = explanations()
    return [
        TaskMatrix(
            task,
            tuple(check.name for check in checks if check.task == task.id),
            tuple(cell for cell in cells if task.id in cell.tasks),
            {
                cell.name: entry.reason
                for cell in cells
                if task.id in cell.tasks and not cell.lost
                for entry in allowed
                if entry.covers(cell.name)
            },
        )
        for task in course().tasks
    ]


def matrix_page(cells: Sequence[Cell], checks: Sequence[Check]) -> str:
    """Return the page with a table of checks x mutants and wrong answers for each task."""
    return environment().get_template("matrix.html").render(matrices=task_matrices(cells, checks), cells=cells)


def matrix_table(cells: Sequence[Cell], checks: Sequence[Check]) -> Table:
    """Return a table with a row per check: how many mutants, wrong and partial answers it notices."""
    table = Table(title="Kill matrix", header_style="bold")
    for column in ("task", "check", "notices", "of"):
        table.add_column(column, overflow="fold", justify="right" if column in ("notices", "of") else "left")
    for matrix in task_matrices(cells, checks):
        for check in matrix.checks:
            table.add_row(matrix.task.id, Text(check), str(matrix.kills(check)), str(len(matrix.cells)))
        alive = sum(not cell.lost for cell in matrix.mutants)
        table.add_row(
            matrix.task.id, f"{alive} of {len(matrix.mutants)} mutants survive, explained", "", "", style="dim"
        )
    return table


def plainest_table(plainest: Mapping[str, TaskResult]) -> Table:
    """Return a table of what the plainest right answer of each task earns."""
    table = Table("task", "plainest right answer", "of", title="Points for the idea alone", header_style="bold")
    for task_id, task in plainest.items():
        table.add_row(task_id, f"{task.score:g}", f"{task.points:g}")
    return table
