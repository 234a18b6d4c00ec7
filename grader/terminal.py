"""What the verbs print: progress while they work, tables when they are done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from grader.results import Result

TABLE_ROWS = 60
NUMBERS = {"score", "before", "after"}
"""Columns of numbers."""


class ProgressBar:
    """Shows how far grading is; without a terminal, one line per submission."""

    def __init__(self, console: Console) -> None:
        self._console = console
        # Its own refresh thread would be forked along with the checkers.
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        self._bar = Progress(*columns, console=console, auto_refresh=False, transient=True)
        self._id = self._bar.add_task("starting the sandbox")

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def start(self, total: int, kept: int) -> None:
        """Show the number of submissions, and how many results are kept from an earlier run."""
        self._bar.update(self._id, total=total, completed=kept)
        if kept:
            self._console.print(f"{kept} of {total} results kept from an earlier run.")
        self.tick()

    def stage(self, text: str) -> None:
        """Show what is done before the submissions."""
        self._bar.update(self._id, description=text)
        if not self._console.is_terminal:
            self._console.print(text, markup=False)
        self.tick()

    def done(self, result: Result) -> None:
        """Show one more result."""
        self._bar.advance(self._id)
        if not self._console.is_terminal:
            [task] = self._bar.tasks
            score = "no score" if result.score is None else f"{result.score:g}"
            place = f"[{task.completed:.0f}/{task.total or 0:.0f}]"
            self._console.print(f"{place} {result.student}: {result.status}, {score}", markup=False)
        self.tick()

    def tell(self, text: str) -> None:
        """Print a line."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def tick(self) -> None:
        """Show that work goes on."""
        if self._console.is_terminal:
            self._bar.refresh()


def class_table(results: Sequence[tuple[str, Result]]) -> Table:
    """Return the table of a class: score, and what is not right yet."""
    rows = [
        (result.student, result.status, points(result.score), result.message or _troubles(result))
        for _, result in results
    ]
    return short_table("Class", ("student", "status", "score", "not right yet"), rows, "report.html")


def _troubles(result: Result) -> str:
    right = ("passed", "skipped", "not_started")
    wrong = [f"{task.id} ({task.misconception or task.status})" for task in result.tasks if task.status not in right]
    idle = sum(task.status == "not_started" for task in result.tasks)
    return ", ".join([*wrong, *([f"{idle} not started"] if idle else [])])


def short_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], whole: str) -> Table:
    """Return a table of the first rows, in which no text is taken for markup; ``whole`` names the file of all."""
    table = Table(title=title, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in NUMBERS else "left", overflow="fold")
    for row in rows[:TABLE_ROWS]:
        table.add_row(*map(Text, row))
    if len(rows) > TABLE_ROWS:
        table.caption = f"and {len(rows) - TABLE_ROWS} more: see {whole}"
    return table


def points(score: float | None) -> str:
    """Return a score for people."""
    return "–" if score is None else f"{score:g}"
