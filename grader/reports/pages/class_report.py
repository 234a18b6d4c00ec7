"""The page that an instructor reads: scores, what needs a human, tasks, mistakes, and a row per submission."""

from __future__ import annotations

import contextlib
import json
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.course import Task, course
from grader.reports.pages.environment import STATUS_WORDS, rendered
from grader.results import MAX_SCORE, SUSPICION, Result, TaskResult
from grader.versions import NOTE

STANDING = {"passed": "passed", "partial": "partial", "not_started": "idle", "missing": "idle"}
"""How a status is drawn; every other one is "failed"."""

STANDING_WORDS = {"passed": "passed", "partial": "partly right", "failed": "not right", "idle": "not there"}
MAX_NOTES = 5
PARTS = 10
"""Of the histogram of scores."""
OPEN_BELOW = 12
"""Lists of at most so many entries are open from the start."""

Class = Sequence[tuple[str, Result]]
"""Output folder's name and result of each submission."""


@dataclass(frozen=True)
class TaskFigures:
    """How a class did on one task: what each submission that was asked for it has there."""

    task: Task
    results: list[TaskResult]

    @property
    def mean(self) -> float | None:
        """Mean share earned, in per cent; None if nobody was asked."""
        return statistics.fmean(100 * one.score / one.points for one in self.results) if self.results else None

    @property
    def median_seconds(self) -> float | None:
        """Median of the seconds that its checks took."""
        return statistics.median(one.seconds for one in self.results) if self.results else None

    @property
    def standing(self) -> Counter[str]:
        """Number of submissions by ``STANDING_WORDS``."""
        return Counter(STANDING.get(one.status, "failed") for one in self.results)


def class_page(results: Class, skipped: Sequence[str], links: Sequence[tuple[str, str]] = ()) -> str:
    """Return the page that an instructor reads.

    Args:
        results: output folder's name and result of each submission.
        skipped: notes on what was passed over in the folder of submissions.
        links: address and words of further pages beside this one.
    """
    scores = [result.score for _, result in results if result.score is not None and result.status == "graded"]
    seconds = [sum(task.seconds for task in result.tasks) for _, result in results if result.status == "graded"]
    parts = Counter(min(int(score / MAX_SCORE * PARTS), PARTS - 1) for score in scores)  # the last includes full scores
    return rendered(
        "report.html",
        results=results,
        skipped=skipped,
        links=links,
        unsafe=any(result.sandbox == "none" for _, result in results),
        standing=Counter(result.status for _, result in results),
        scores=summary_of(scores),
        counts=[parts[part] for part in range(PARTS)],
        seconds=summary_of(seconds),
        concerns=concerns(results),
        tasks=sorted(task_figures(results), key=lambda one: 101.0 if one.mean is None else one.mean),
        mistakes=mistakes(results),
        open_below=OPEN_BELOW,
        standing_words=STANDING_WORDS,
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
    asked = [one for _, result in results for one in result.tasks if one.status != "skipped"]
    return [TaskFigures(task, [one for one in asked if one.id == task.id]) for task in course().tasks]


def mistakes(results: Class) -> list[tuple[tuple[str, str], list[tuple[str, str]]]]:
    """Return each named mistake with its task, and who made it by output folder and name; the most frequent first."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for folder, result in results:
        for task in result.tasks:
            if task.misconception:
                found[task.misconception, task.id].append((folder, result.student))
    return sorted(found.items(), key=lambda entry: -len(entry[1]))


def concerns(results: Class) -> list[tuple[str, str, list[tuple[str, str, str]]]]:
    """Return what a person should look at, the gravest first: title, advice, and whom it is about.

    The last are output folder, student, and what there is to see; kinds without an entry are left out.
    """
    found = []
    for title, advice, seen in KINDS:
        texts = [(folder, result.student, " · ".join(seen(result))) for folder, result in results]
        if entries := [entry for entry in texts if entry[2]]:
            found.append((title, advice, entries))
    return found


def _with_status(result: Result, *statuses: str) -> list[str]:
    """Return one text per status: which tasks have it."""
    found: dict[str, list[str]] = defaultdict(list)
    for task in result.tasks:
        if task.status in statuses:
            found[task.status].append(task.id)
    return [f"{STATUS_WORDS[status]}: {', '.join(ids)}" for status, ids in found.items()]


def _other_notes(result: Result) -> list[str]:
    """Return the notes that stand nowhere else on the page; versions are those of the whole class."""
    return [note for note in result.notes if not note.startswith((SUSPICION, NOTE))][:MAX_NOTES]


KINDS: Sequence[tuple[str, str, Callable[[Result], Sequence[str]]]] = (
    (
        "The grader failed",
        "This is no student's fault, and no score is given. Grade again; report it if it stays.",
        lambda result: [result.message] if result.status == "grader_error" else [],
    ),
    (
        "Unreadable answers",
        "The process that runs the student's code sent something other than our replies: an accident, or an attempt.",
        lambda result: _with_status(result, "protocol"),
    ),
    (
        "Suspected memorising",
        "Advice, never a zero: ask how it was made, or have it judged in another way.",
        lambda result: [note for note in result.notes if note.startswith(SUSPICION)],
    ),
    (
        "Nothing could be graded",
        "Ask for the right files. The score is 0 until then.",
        lambda result: [result.message] if result.status == "rejected" else [],
    ),
    (
        "Stopped, too slow, or out of memory",
        "Usually a mistake of the student's; many at once may be a machine that is too busy.",
        lambda result: _with_status(result, "crashed", "timed_out", "out_of_memory"),
    ),
    ("Other notes", "What was odd about the files or the answers.", _other_notes),
)
"""What a person should look at: title, advice, and what there is to see in a result."""
