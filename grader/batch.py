"""A class from end to end: a folder of submissions in, a folder of results and reports out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, overload

from grader import intake
from grader.canaries import try_canaries
from grader.cluster.dispatch import Cluster
from grader.cluster.plan import Plan
from grader.executor import Executor, Order, result_of
from grader.figures import keep_figures
from grader.files import explaining_full_disk, remove_unfinished, write_atomically
from grader.gradebook import Gradebook, grading_key
from grader.grading import Grader
from grader.intake import Snapshot
from grader.intake.box import read_boxed
from grader.intake.spool import Spool
from grader.locking import only_grader
from grader.overrides import overridden, read_overrides, unused
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
    """Told how far a run is."""

    def start(self, total: int, kept: int) -> None:
        """So many submissions, of which so many results are kept from an earlier run."""

    def stage(self, text: str) -> None:
        """What is done before or after the submissions."""

    def done(self, result: Result) -> None:
        """One more result."""

    def tick(self) -> None:
        """Nothing new, but still at work."""

    def tell(self, text: str) -> None:
        """What an instructor should know of the machines that grade."""


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
    with explaining_full_disk(out), only_grader(out), contextlib.closing(Gradebook(out)) as book:
        remove_unfinished(out)
        overrides = read_overrides(out)

        def show(folder: str, result: Result) -> Result:
            shown = overridden(folder, result, overrides)
            publish(out / folder, shown)
            return shown

        with Spool() as spool:
            orders = _Orders([], spool, settings, new_seed() if settings.seed is None else settings.seed)
            results = _grade(entries, orders, out, book, watcher, show)
        ordered = [(entry.folder, results[entry.folder]) for entry in entries]
        write_atomically(out / "grades.csv", grades_csv(result for _, result in ordered))
        notes = [*skipped, *unused(ordered, overrides), *version_notes()]
        write_atomically(out / "report.html", class_page(ordered, notes, pages_beside(out)))
    return ordered


def _grade(
    entries: Sequence[intake.Entry],
    orders: _Orders,
    out: Path,
    book: Gradebook,
    watcher: Watcher,
    show: Callable[[str, Result], Result],
) -> dict[str, Result]:
    """Return the result of every submission by its folder, kept from an earlier run or new, as students see it.

    Each is read once, before any of their code runs.
    """
    results: dict[str, Result] = {}
    settings = orders.settings
    replayed = settings.seed is not None or bool(settings.seeds)
    runnable = 0
    watcher.stage("reading the submissions")
    for entry in entries:
        snapshot = read_boxed(entry)
        watcher.tick()
        kept = book.finished(entry.folder, settings.key(snapshot.sha256))
        same_inputs = not replayed or kept is None or kept.seed == fingerprint(orders.seed_of(entry, snapshot.sha256))
        if kept is not None and same_inputs:
            results[entry.folder] = show(entry.folder, kept)
        else:
            orders.add(entry, snapshot)
            runnable += snapshot.rejected is None
    watcher.start(len(entries), len(results))

    def finish(index: int, result: Result) -> None:
        entry = orders.entries[index]
        folder = entry.folder
        keep_figures(out / folder, result.submission_sha256, result.figures)
        result = replace(result, figures={})  # they are kept, and a class of a thousand has many
        seed = orders.seed_of(entry, result.submission_sha256)
        book.record(folder, settings.key(result.submission_sha256), result, seed)
        results[folder] = show(folder, result)
        watcher.done(result)

    if runnable:
        with _ready(settings, orders.seed, runnable, watcher) as executor:
            executor.grade(orders, finish, tick=watcher.tick)
    else:
        for index, order in enumerate(orders):
            finish(index, result_of(order, settings.levels[0], None))
    return results


@dataclass(frozen=True)
class _Orders(Sequence[Order]):
    """What is to be graded."""

    entries: list[intake.Entry]
    spool: Spool
    settings: Settings
    seed: int

    def add(self, entry: intake.Entry, snapshot: Snapshot) -> None:
        """Add one more."""
        self.entries.append(entry)
        self.spool.add(snapshot)

    def __len__(self) -> int:
        return len(self.entries)

    @overload
    def __getitem__(self, index: int) -> Order: ...
    @overload
    def __getitem__(self, index: slice) -> list[Order]: ...
    def __getitem__(self, index: int | slice) -> Order | list[Order]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        entry, settings = self.entries[index], self.settings
        snapshot = self.spool[index]
        seed = self.seed_of(entry, snapshot.sha256)
        return Order(entry.student, snapshot, seed, frozenset(settings.selected), settings.way)

    def seed_of(self, entry: intake.Entry, sha256: str) -> int:
        """Return the seed of a submission: the one of its own, or one of the run for just these files."""
        own = self.settings.seeds.get((entry.folder, sha256))
        return submission_seed(self.seed, sha256) if own is None else own


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
