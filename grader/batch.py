"""A class from end to end: a folder of submissions in, a folder of results and reports out."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from grader import intake
from grader.canaries import try_canaries
from grader.cluster.dispatch import Cluster
from grader.cluster.plan import Plan
from grader.executor import Executor, Order, result_of
from grader.figures import keep_figures
from grader.files import explaining_full_disk, remove_unfinished, write_atomically
from grader.gradebook import Gradebook, grading_key
from grader.grading import Grader
from grader.intake.box import read_boxed
from grader.intake.spool import Spool
from grader.locking import only_grader
from grader.overrides import Override, overridden, read_overrides, unused
from grader.reports.grades import grades_csv
from grader.reports.pages import class_page, pages_beside
from grader.reports.published import publish
from grader.results import Result
from grader.sandbox.limits import Limits
from grader.sandbox.walls import NONE, Level
from grader.seeds import fingerprint, new_seed, submission_seed
from grader.versions import version_notes


@dataclass(frozen=True)
class Settings:
    """How a class is graded.

    Attributes:
        selected: ids of the tasks to grade.
        way: how the artefact is judged; see ``Course.ways``.
        levels: how high the walls around student code may be; the first that holds is taken.
        checkers: submissions checked at the same time.
        seed: of the run's inputs; drawn anew for each run if None.
        seeds: output folder's name and hash -> seed, for submissions that have one of their own.
        limits: what a worker may use at least.
        scheduler: address of the dask cluster whose nodes grade; empty for this machine.
        node_seconds: how long a node may be silent before its submissions are given to others.
    """

    selected: tuple[str, ...]
    way: str
    levels: tuple[Level, ...]
    checkers: int
    seed: int | None = None
    limits: Limits = field(default_factory=Limits)
    seeds: Mapping[tuple[str, str], int] = field(default_factory=dict)
    scheduler: str = ""
    node_seconds: float = 60.0

    @property
    def unsafe(self) -> bool:
        """Whether student code may run without walls."""
        return self.levels == (NONE,)

    def key(self, submission_sha256: str) -> str:
        """Return what a submission's result is kept by."""
        return grading_key(submission_sha256, self.selected, self.levels[0], self.way)


class Watcher(Protocol):
    """Shown how far a run is."""

    def start(self, total: int, kept: int) -> None:
        """So many submissions, of which so many results are kept from an earlier run."""

    def stage(self, text: str) -> None:
        """Work before or after the submissions begins."""

    def done(self, result: Result) -> None:
        """One more result."""

    def tick(self) -> None:
        """Nothing new, but still at work."""

    def tell(self, text: str) -> None:
        """News of the machines that grade, for the instructor."""


def grade_folder(submissions: Path, out: Path, settings: Settings, watcher: Watcher) -> list[tuple[str, Result]]:
    """Grade a class and write every report.

    A result is recorded in the gradebook the moment that it is there; every file is derived from that, and written
    again where it is missing or old.

    Args:
        submissions: holds one folder or zip per student.
        out: gets ``NAME/results.json``, ``NAME/feedback.html``, ``grades.csv`` and ``report.html``.
        settings: what and how to grade.
        watcher: is shown how far the run is.

    Returns:
        Output folder's name and result of each submission, sorted by student.

    Raises:
        ValueError: if there is no such folder.
        AnotherGrader: if another one works in the output folder.
        DiskFull: if there is no room for results.
        GradebookBroken: if they cannot be recorded.
        CanaryFailed: if the reference does not score full or the stubs score; nobody is graded then.
    """
    entries, skipped = intake.find(submissions)
    seed = new_seed() if settings.seed is None else settings.seed
    with (
        explaining_full_disk(out),
        only_grader(out),
        contextlib.closing(Gradebook(out)) as book,
        contextlib.closing(Spool()) as spool,
    ):
        remove_unfinished(out)
        run = _ClassRun(out, settings, watcher, seed, book, spool, read_overrides(out))
        run.read(entries)
        run.grade()
        ordered = [(entry.folder, run.results[entry.folder]) for entry in entries]
        write_atomically(out / "grades.csv", grades_csv(result for _, result in ordered))
        notes = [*skipped, *unused(ordered, run.overrides), *version_notes()]
        write_atomically(out / "report.html", class_page(ordered, notes, pages_beside(out)))
    return ordered


@dataclass
class _ClassRun:
    """One run over a class.

    Attributes:
        seed: of the run; each submission's inputs have one that follows from it, or one of their own.
        spool: holds the snapshots of those that wait, in the same order.
        waiting: what is to be graded, with the seed of its inputs.
        runnable: how many of these are not rejected.
        results: by folder, as students see them.
    """

    out: Path
    settings: Settings
    watcher: Watcher
    seed: int
    book: Gradebook
    spool: Spool
    overrides: Sequence[Override]
    waiting: list[tuple[intake.Entry, int]] = field(default_factory=list)
    runnable: int = 0
    results: dict[str, Result] = field(default_factory=dict)

    def read(self, entries: Sequence[intake.Entry]) -> None:
        """Read each submission once, before any of their code runs, and show what is kept from an earlier run."""
        self.watcher.stage("reading the submissions")
        replayed = self.settings.seed is not None or self.settings.seeds
        for entry in entries:
            snapshot = read_boxed(entry)
            self.watcher.tick()
            own = self.settings.seeds.get((entry.folder, snapshot.sha256))
            seed = submission_seed(self.seed, snapshot.sha256) if own is None else own
            kept = self.book.finished(entry.folder, self.settings.key(snapshot.sha256))
            if kept is not None and (not replayed or kept.seed == fingerprint(seed)):
                self._show(entry.folder, kept)
            else:
                self.waiting.append((entry, seed))
                self.spool.add(snapshot)
                self.runnable += snapshot.rejected is None
        self.watcher.start(len(entries), len(self.results))

    def grade(self) -> None:
        """Grade whatever waits."""
        if self.runnable:
            with _ready(self.settings, self.seed, self.runnable, self.watcher) as executor:
                executor.grade(self._orders(), self._finish, tick=self.watcher.tick)
        else:
            for index, order in enumerate(self._orders()):
                self._finish(index, result_of(order, self.settings.levels[0], None))

    def _orders(self) -> Iterator[Order]:
        for index, (entry, seed) in enumerate(self.waiting):
            yield Order(entry.student, self.spool[index], seed, frozenset(self.settings.selected), self.settings.way)

    def _finish(self, index: int, result: Result) -> None:
        entry, seed = self.waiting[index]
        keep_figures(self.out / entry.folder, result.submission_sha256, result.figures)
        result = replace(result, figures={})  # they are kept, and a class of a thousand has many
        self.book.record(entry.folder, self.settings.key(result.submission_sha256), result, seed)
        self._show(entry.folder, result)
        self.watcher.done(result)

    def _show(self, folder: str, result: Result) -> None:
        self.results[folder] = overridden(folder, result, self.overrides)
        publish(self.out / folder, self.results[folder])


@contextlib.contextmanager
def _ready(settings: Settings, seed: int, submissions: int, watcher: Watcher) -> Iterator[Executor]:
    """Start what grades, which shows that it grades rightly before it is given any submission."""
    if settings.scheduler:
        plan = Plan(settings.selected, settings.way, seed, settings.limits, settings.unsafe)
        watcher.stage(f"waiting for the nodes of {settings.scheduler}")
        with Cluster(settings.scheduler, plan, watcher.tell, settings.node_seconds) as cluster:
            yield cluster
        return
    watcher.stage("starting the sandbox")
    with Grader(min(settings.checkers, max(2, submissions)), settings.levels, settings.limits) as grader:
        watcher.stage("canaries: grading the reference and the stubs")
        grader.calibrate(try_canaries(grader, frozenset(settings.selected), seed, settings.way, watcher.tick))
        watcher.stage("grading")
        yield grader
