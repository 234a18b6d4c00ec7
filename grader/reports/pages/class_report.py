"""The page that an instructor reads: scores, what needs a human, tasks, mistakes, and a row per submission."""

from __future__ import annotations

import contextlib
import json
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from markupsafe import Markup

from grader.course import Task, course
from grader.reports.pages import drawing
from grader.reports.pages.environment import STATUS_WORDS, environment
from grader.results import MAX_SCORE, SUSPICION, Result
from grader.versions import NOTE

ENDED = ("crashed", "timed_out", "out_of_memory")
STANDING = {
    "passed": "passed", "partial": "partial", "not_started": "idle", "missing": "idle",
}  # fmt: skip
"""How a status is drawn; every other one is "failed"."""

STANDING_WORDS = {"passed": "passed", "partial": "partly right", "failed": "not right", "idle": "not there"}
MAX_NOTES = 5
OPEN_BELOW = 12
"""Lists of at most so many entries are open from the start."""

Class = Sequence[tuple[str, Result]]
"""Output folder's name and result of each submission."""


@dataclass(frozen=True)
class Concern:
    """One kind of thing that a person should look at.

    Attributes:
        title: of the kind.
        advice: what to do about it.
        entries: output folder, student, and what there is to see.
    """

    title: str
    advice: str
    entries: list[tuple[str, str, str]]

    @property
    def is_open(self) -> bool:
        """Tell whether the list is short enough to stand open."""
        return len(self.entries) <= OPEN_BELOW


@dataclass
class TaskFigures:
    """How a class did on one task.

    Attributes:
        task: which.
        shares: what each submission earned of its points, in per cent.
        standing: number of submissions by ``STANDING_WORDS``.
        seconds: that its checks took, of each submission.
    """

    task: Task
    shares: list[float] = field(default_factory=list)
    standing: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    @property
    def mean(self) -> float | None:
        """Mean share earned, in per cent; None if nobody was asked."""
        return statistics.fmean(self.shares) if self.shares else None

    @property
    def median_seconds(self) -> float | None:
        """Median of the seconds."""
        return statistics.median(self.seconds) if self.seconds else None

    @property
    def said(self) -> str:
        """The standing in words."""
        return ", ".join(f"{self.standing[key]} {word}" for key, word in STANDING_WORDS.items() if self.standing[key])

    @property
    def bar(self) -> Markup:
        """The standing as a picture."""
        return drawing.shares([(key, self.standing[key]) for key in STANDING_WORDS], self.said)


@dataclass(frozen=True)
class Mistake:
    """A named mistake at one task, and who made it: output folder and student."""

    name: str
    task: str
    students: list[tuple[str, str]]

    @property
    def is_open(self) -> bool:
        """Tell whether the list is short enough to stand open."""
        return len(self.students) <= OPEN_BELOW


def class_page(results: Class, skipped: Sequence[str], links: Sequence[tuple[str, str]] = ()) -> str:
    """Return the page that an instructor reads.

    Args:
        results: output folder's name and result of each submission.
        skipped: notes on what was passed over in the folder of submissions.
        links: address and words of further pages beside this one.
    """
    scores = [result.score for _, result in results if result.score is not None and result.status == "graded"]
    seconds = [sum(task.seconds for task in result.tasks) for _, result in results if result.status == "graded"]
    return (
        environment()
        .get_template("report.html")
        .render(
            results=results,
            skipped=skipped,
            links=links,
            unsafe=any(result.sandbox == "none" for _, result in results),
            standing=Counter(result.status for _, result in results),
            scores=summary_of(scores),
            histogram=drawing.histogram(scores, MAX_SCORE),
            seconds=summary_of(seconds),
            concerns=concerns(results),
            tasks=sorted(task_figures(results), key=lambda one: 101.0 if one.mean is None else one.mean),
            mistakes=mistakes(results),
            max_notes=MAX_NOTES,
            open_below=OPEN_BELOW,
        )
    )


def pages_beside(out: Path) -> list[tuple[str, str]]:
    """Return address and words of what other verbs have left in the output folder: regraded scores, similar work."""
    found = [(path.name, "Similar submissions") for path in sorted(out.glob("similar*.html"))]
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        document = json.loads((out / "regrade.json").read_text(encoding="utf-8"))
        count = len(document["changes"])
        state = "published" if document["published"] else "waiting"
        found.append(("regrade.json", f"Regraded: {count} of {int(document['students'])} students change ({state})"))
    return found


def summary_of(values: Sequence[float]) -> dict[str, float]:
    """Return lowest, quartiles, 95th percentile, highest and mean; empty of nothing."""
    if not values:
        return {}
    ordered = sorted(values)
    parts = statistics.quantiles(ordered, n=20, method="inclusive") if len(ordered) > 1 else ordered * 19
    return {
        "lowest": ordered[0],
        "lower quartile": parts[4],
        "median": parts[9],
        "mean": statistics.fmean(ordered),
        "upper quartile": parts[14],
        "95th percentile": parts[18],
        "highest": ordered[-1],
    }


def task_figures(results: Class) -> list[TaskFigures]:
    """Return how the class did on each task, in teaching order."""
    found = {task.id: TaskFigures(task) for task in course().tasks}
    for _, result in results:
        for one in result.tasks:
            if one.status != "skipped":
                figures = found[one.id]
                figures.shares.append(100 * one.score / one.points)
                figures.standing[STANDING.get(one.status, "failed")] += 1
                figures.seconds.append(one.seconds)
    return list(found.values())


def mistakes(results: Class) -> list[Mistake]:
    """Return the named mistakes, the most frequent first."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for folder, result in results:
        for task in result.tasks:
            if task.misconception:
                found[task.misconception, task.id].append((folder, result.student))
    every = [Mistake(name, task, students) for (name, task), students in found.items()]
    return sorted(every, key=lambda mistake: -len(mistake.students))


def concerns(results: Class) -> list[Concern]:
    """Return what needs a human, the gravest first; kinds without an entry are left out."""
    every = [
        Concern(
            "The grader failed",
            "This is no student's fault, and no score is given. Grade again; report it if it stays.",
            _entries(results, lambda result: [result.message] if result.status == "grader_error" else []),
        ),
        Concern(
            "Answers that are no answers",
            "The process that runs the student's code sent what is none of our replies: an accident, or an attempt.",
            _entries(results, lambda result: _with_status(result, ("protocol",))),
        ),
        Concern(
            "Suspected memorising",
            "Advice, never a zero: ask how it was made, or have it judged in another way.",
            _entries(results, lambda result: [note for note in result.notes if note.startswith(SUSPICION)]),
        ),
        Concern(
            "Nothing could be graded",
            "Ask for the right files. The score is 0 until then.",
            _entries(results, lambda result: [result.message] if result.status == "rejected" else []),
        ),
        Concern(
            "Stopped, too slow, or out of memory",
            "Usually a mistake of the student's; many at once may be a machine that is too busy.",
            _entries(results, lambda result: _with_status(result, ENDED)),
        ),
        Concern(
            "Other notes",
            "What was odd about the files or the answers.",
            _entries(results, lambda result: _other_notes(result)[:MAX_NOTES]),
        ),
    ]
    return [concern for concern in every if concern.entries]


def _entries(results: Class, seen: Callable[[Result], Iterable[str]]) -> list[tuple[str, str, str]]:
    found = [(folder, result.student, " · ".join(seen(result))) for folder, result in results]
    return [entry for entry in found if entry[2]]


def _other_notes(result: Result) -> list[str]:
    """Return the notes that stand nowhere else on the page; versions are those of the whole class."""
    return [note for note in result.notes if not note.startswith((SUSPICION, NOTE))]


def _with_status(result: Result, statuses: Sequence[str]) -> list[str]:
    """Return one text per status: which tasks have it."""
    found: dict[str, list[str]] = defaultdict(list)
    for task in result.tasks:
        if task.status in statuses:
            found[task.status].append(task.id)
    return [f"{STATUS_WORDS[status]}: {', '.join(ids)}" for status, ids in found.items()]
