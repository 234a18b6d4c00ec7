"""What an import format is made of: people, columns of points, and a grade in each."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from grader.reports.grades import harmless_cell
from grader.results import Result

Cell = str | float | None


@dataclass(frozen=True)
class Person:
    """A student as a learning management system knows them; empty where it is not known.

    Attributes:
        name: for people.
        login: the user name.
        number: the number that the institution gives; Canvas: SIS User ID, Moodle: ID number.
        lms_id: the number that Canvas gives.
        email: an address.
        section: of the course.
        submission: the name of what was handed in, where a roster says so.
    """

    name: str
    login: str = ""
    number: str = ""
    lms_id: str = ""
    email: str = ""
    section: str = ""
    submission: str = ""


@dataclass(frozen=True)
class Column:
    """One assignment of a gradebook: its title, and how many points it is worth."""

    title: str
    points: float


@dataclass(frozen=True)
class Grade:
    """One student's line.

    Attributes:
        person: who it is.
        scores: one per column, in points; None where there is no score.
        feedback: one text per column.
    """

    person: Person
    scores: tuple[float | None, ...]
    feedback: tuple[str, ...]


def grade_of(person: Person, result: Result) -> Grade:
    """Return the line of one result: its total, and in short what is not right yet."""
    lost = [
        f"{task.id} {task.score:g} of {task.points:g}{f' ({task.misconception})' if task.misconception else ''}: "
        f"{task.message.removeprefix(f'{task.id}: ')}"
        for task in result.tasks
        if task.status not in ("passed", "skipped")
    ]
    text = result.message or " · ".join(lost) or "Everything that was asked for is right."
    return Grade(person, (result.score,), (text,))


def table(rows: Iterable[Sequence[Cell]]) -> str:
    """Return CSV in which no cell is run as a formula; numbers have at most two decimals, None is an empty cell."""
    buffer = io.StringIO()
    csv.writer(buffer).writerows([[_text(cell) for cell in row] for row in rows])
    return buffer.getvalue()


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    return harmless_cell(cell) if isinstance(cell, str) else f"{round(cell, 2):.12g}"
