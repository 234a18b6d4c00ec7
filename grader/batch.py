"""A class from end to end: a folder of submissions in, a folder of results and reports out."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from grader import intake
from grader.canaries import try_canaries
from grader.checking import Accuracy
from grader.figures import keep_figures
from grader.files import write_atomically
from grader.gradebook import Gradebook, grading_key
from grader.grading import Grader, Order, rejected
from grader.reports.grades import grades_csv
from grader.reports.pages import class_page, feedback_page, pages_beside
from grader.results import Result
from grader.sandbox.limits import Limits
from grader.sandbox.walls import Level

Finish = Callable[[int, Result], None]


@dataclass(frozen=True)
class Settings:
    """How a class is graded.

    Attributes:
        selected: ids of the tasks to grade.
        accuracy: how the trained network is judged.
        levels: how high the walls around student code may be; the first that holds is taken.
        checkers: submissions checked at the same time.
        seed: of the inputs; drawn anew for each run if None.
        limits: what a worker may use at least.
    """

    selected: tuple[str, ...]
    accuracy: Accuracy
    levels: tuple[Level, ...]
    checkers: int
    seed: int | None = None
    limits: Limits = field(default_factory=Limits)


class Watcher(Protocol):
    """Told how far a run is."""

    def start(self, total: int, kept: int) -> None:
        """So many submissions, of which so many results are kept from an earlier run."""

    def stage(self, text: str) -> None:
        """What is done before or after the submissions."""

    def done(self, result: Result) -> None:
        """One more result."""

    def tick(self) -> None:
        """Nothing new, but still at work."""


def grade_folder(submissions: Path, out: Path, settings: Settings, watcher: Watcher) -> list[tuple[str, Result]]:
    """Grade a class and write every report.

    Args:
        submissions: holds one folder or zip per student.
        out: gets ``NAME/results.json``, ``NAME/feedback.html``, ``grades.csv`` and ``report.html``.
        settings: what and how to grade.
        watcher: told how far the run is.

    Returns:
        Output folder's name and result of each submission, sorted by student.

    Raises:
        ValueError: if there is no such folder.
        CanaryFailed: if the reference does not score full or the stubs score; nobody is graded then.
    """
    entries, skipped = intake.find(submissions)
    book = Gradebook(out)
    seed = secrets.randbelow(1 << 31) if settings.seed is None else settings.seed
    results: dict[str, Result] = {}
    todo: list[tuple[intake.Entry, str, Order]] = []
    for entry in entries:
        snapshot = intake.read(entry)
        order = Order(entry.student, snapshot, seed, frozenset(settings.selected), settings.accuracy)
        key = grading_key(snapshot.sha256, settings.selected, settings.levels[0], settings.accuracy)
        kept = book.finished(entry.folder, key)
        if kept is not None and settings.seed in (None, kept.seed):
            results[entry.folder] = kept
        else:
            todo.append((entry, key, order))
    watcher.start(len(entries), len(results))

    def finish(index: int, result: Result) -> None:
        entry, key, _ = todo[index]
        keep_figures(out / entry.folder, result.submission_sha256, result.figures)
        write_atomically(out / entry.folder / "feedback.html", feedback_page(result, result.figures))
        book.record(entry.folder, key, result)
        results[entry.folder] = result
        watcher.done(result)

    _grade(todo, settings, seed, finish, watcher)
    book.close()
    ordered = [(entry.folder, results[entry.folder]) for entry in entries]
    write_atomically(out / "grades.csv", grades_csv(result for _, result in ordered))
    write_atomically(out / "report.html", class_page(ordered, skipped, pages_beside(out)))
    return ordered


def _grade(
    todo: list[tuple[intake.Entry, str, Order]], settings: Settings, seed: int, finish: Finish, watcher: Watcher
) -> None:
    runnable = [index for index, (_, _, order) in enumerate(todo) if order.snapshot.rejected is None]
    if runnable:
        orders = [todo[index][2] for index in runnable]
        watcher.stage("starting the sandbox")
        with Grader(min(settings.checkers, max(2, len(runnable))), settings.levels, settings.limits) as grader:
            watcher.stage("canaries: grading the reference and the stubs")
            paces = try_canaries(grader, frozenset(settings.selected), seed, settings.accuracy, watcher.tick)
            grader.calibrate(paces)
            watcher.stage("grading")
            grader.grade(orders, lambda i, result: finish(runnable[i], result), tick=watcher.tick)
    for index, (_, _, order) in enumerate(todo):
        if order.snapshot.rejected is not None:
            finish(index, rejected(order, settings.levels[0]))
