"""Scores that an instructor sets by hand: ``OUT/overrides.csv``, with the columns student, task, score and reason.

They are laid over what the grader found whenever reports are written, so grading again keeps them; the results that
the grader itself keeps are never changed.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grader.course import course
from grader.errors import GraderError
from grader.files import read_utf8
from grader.results import Result, TaskResult
from grader.text import clean

FILE_NAME = "overrides.csv"
COLUMNS = ("student", "task", "score", "reason")
FURTHER = "further cells"


@dataclass(frozen=True)
class Override:
    """One score set by hand.

    Attributes:
        student: the submission's name, or that of its folder in the results.
        task: a task id.
        score: in points, from 0 to what the task is worth.
        reason: what the student reads about it.
    """

    student: str
    task: str
    score: float
    reason: str


def read_overrides(out: Path) -> tuple[Override, ...]:
    """Return the overrides of an output folder; none if it has no such file.

    Raises:
        GraderError: if the file is not CSV, or a line is not an override.
    """
    path = out / FILE_NAME
    if not path.exists():
        return ()
    try:
        return _read(path)
    except (ValueError, csv.Error) as error:
        raise GraderError(f"{path}: {error}") from None


def overridden(folder: str, result: Result, overrides: Iterable[Override]) -> Result:
    """Return a result with the scores that were set by hand, each named in its task's message and in the notes.

    A task that was not asked for keeps its nothing: it would count, and no page would show why.
    """
    asked = _asked(result)
    mine = {one.task: one for one in overrides if one.student in (folder, result.student) and one.task in asked}
    if not mine:
        return result
    tasks = tuple(_set(task, mine[task.id]) if task.id in mine else task for task in result.tasks)
    notes = tuple(f"{one.task}: set to {one.score:g} by hand: {one.reason}" for one in mine.values())
    return replace(result, tasks=tasks, notes=(*result.notes, *notes))


def unused(results: Sequence[tuple[str, Result]], overrides: Iterable[Override]) -> list[str]:
    """Return what to say of overrides that no submission takes."""
    places = {
        (name, task) for folder, result in results for name in (folder, result.student) for task in _asked(result)
    }
    return [
        f"{FILE_NAME}: no submission of {clean(one.student)} was graded on {one.task}; it is not set"
        for one in overrides
        if (one.student, one.task) not in places
    ]


def _asked(result: Result) -> set[str]:
    return {task.id for task in result.tasks if task.status != "skipped"}


def _read(path: Path) -> tuple[Override, ...]:
    rows = csv.DictReader(io.StringIO(read_utf8(path), newline=""), restkey=FURTHER)
    if tuple(rows.fieldnames or ()) != COLUMNS:
        raise ValueError(f"expected the columns {', '.join(COLUMNS)}, got {rows.fieldnames}")
    overrides = tuple(_override(row, f"line {rows.line_num}") for row in rows)
    for (student, task), count in Counter((one.student, one.task) for one in overrides).items():
        if count > 1:
            raise ValueError(f"expected one score for {task} of {student}, got several")
    return overrides


def _set(task: TaskResult, one: Override) -> TaskResult:
    message = f"Set to {one.score:g} by hand: {one.reason} The grader gave {task.score:g}: {task.message}"
    return replace(task, score=one.score, message=message)


def _override(row: dict[str, str], where: str) -> Override:
    if FURTHER in row:
        raise ValueError(
            f"{where}: expected {len(COLUMNS)} cells, got {len(COLUMNS) + len(row[FURTHER])}. "
            'Does a reason with a comma in it stand in "quotes"?'
        )
    try:
        task = course().task(row["task"].strip())
        score = round(float(row["score"]), 2)
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{where}: expected the id of a task and its score ({error})") from None
    if not 0 <= score <= task.points:
        raise ValueError(f"{where}: expected a score from 0 to {task.points:g}, got {score:g}")
    return Override(row["student"].strip(), task.id, score, clean(row["reason"] or "no reason given."))
