"""Scores that an instructor sets by hand: ``OUT/overrides.csv``, with the columns student, task, score and reason.

They are laid over what the grader found whenever reports are written, so grading again keeps them; the results that
the grader itself keeps are never changed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grader import curriculum
from grader.errors import GraderError
from grader.results import Result, TaskResult
from grader.text import clean

FILE_NAME = "overrides.csv"
COLUMNS = ("student", "task", "score", "reason")


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
        GraderError: if a line is no override.
    """
    path = out / FILE_NAME
    if not path.exists():
        return ()
    rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""))
    if tuple(rows.fieldnames or ()) != COLUMNS:
        raise GraderError(f"{path}: expected the columns {', '.join(COLUMNS)}, got {rows.fieldnames}")
    overrides = tuple(_override(row, f"{path}, line {rows.line_num}") for row in rows)
    twice = {one for one in overrides for other in overrides if one != other and _place(one) == _place(other)}
    if twice:
        one = min(twice, key=_place)
        raise GraderError(f"{path}: expected one score for {one.task} of {one.student}, got several")
    return overrides


def overridden(folder: str, result: Result, overrides: Iterable[Override]) -> Result:
    """Return a result with the scores that were set by hand, each told in its task's message and in the notes."""
    mine = {one.task: one for one in overrides if one.student in (folder, result.student)}
    if not mine or not result.tasks:
        return result
    tasks = tuple(_set(task, mine[task.id]) if task.id in mine else task for task in result.tasks)
    notes = tuple(f"{one.task}: set to {one.score:g} by hand: {one.reason}" for one in mine.values())
    return replace(result, tasks=tasks, notes=(*result.notes, *notes))


def unused(results: Sequence[tuple[str, Result]], overrides: Iterable[Override]) -> list[str]:
    """Return what to say of overrides that no submission with tasks takes."""
    names = {name for folder, result in results if result.tasks for name in (folder, result.student)}
    return [
        f"{FILE_NAME}: no submission of {clean(one.student)} was graded; its {one.task} is not set"
        for one in overrides
        if one.student not in names
    ]


def _set(task: TaskResult, one: Override) -> TaskResult:
    message = f"Set to {one.score:g} by hand: {one.reason} The grader gave {task.score:g}: {task.message}"
    return replace(task, score=one.score, message=message)


def _override(row: dict[str, str], where: str) -> Override:
    try:
        task = curriculum.task(row["task"].strip())
        score = round(float(row["score"]), 2)
    except (ValueError, TypeError, AttributeError) as error:
        raise GraderError(f"{where}: expected the id of a task and its score ({error})") from None
    if not 0 <= score <= task.points:
        raise GraderError(f"{where}: expected a score from 0 to {task.points:g}, got {score:g}")
    return Override(row["student"].strip(), task.id, score, clean(row["reason"] or "no reason given."))


def _place(one: Override) -> tuple[str, str]:
    return one.student, one.task
