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


class ProgressBar:
    """Shows how far grading is; without a terminal, one line per submission."""

    def __init__(self, console: Console) -> None:
        self._console = console
        # Its own refresh thread would be forked along with the checkers.
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            auto_refresh=False,
            transient=True,
        )
        self._task = self._bar.add_task("starting the sandbox")
        self._count = 0
        self._total = 0

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def start(self, total: int, kept: int) -> None:
        """Show the number of submissions, and how many results are kept from an earlier run."""
        self._total, self._count = total, kept
        self._bar.update(self._task, total=total, completed=kept)
        if kept:
            self._console.print(f"{kept} of {total} results kept from an earlier run.")
        self.tick()

    def stage(self, text: str) -> None:
        """Show what is done before the submissions."""
        self._bar.update(self._task, description=text)
        if not self._console.is_terminal:
            self._console.print(text, markup=False)
        self.tick()

    def done(self, result: Result) -> None:
        """Show one more result."""
        self._count += 1
        self._bar.update(self._task, completed=self._count)
        if not self._console.is_terminal:
            score = "no score" if result.score is None else f"{result.score:g}"
            self._console.print(
                f"[{self._count}/{self._total}] {result.student}: {result.status}, {score}", markup=False
            )
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
    table = Table(title="Class", header_style="bold")
    table.add_column("student", overflow="fold")
    table.add_column("status")
    table.add_column("score", justify="right")
    table.add_column("not right yet", overflow="fold")
    for _, result in results[:TABLE_ROWS]:
        score = "–" if result.score is None else f"{result.score:g}"
        table.add_row(Text(result.student), result.status, score, Text(result.message or _troubles(result)))
    if len(results) > TABLE_ROWS:
        table.caption = f"and {len(results) - TABLE_ROWS} more: see report.html"
    return table


def _troubles(result: Result) -> str:
    counts = [f"{task.id} ({task.misconception or task.status})" for task in result.tasks if _is_trouble(task.status)]
    idle = sum(task.status == "not_started" for task in result.tasks)
    return ", ".join([*counts, *([f"{idle} not started"] if idle else [])])


def _is_trouble(status: str) -> bool:
    return status not in ("passed", "skipped", "not_started")
