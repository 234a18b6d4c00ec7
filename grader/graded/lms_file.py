"""Turns a graded class into the file that a learning management system imports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from grader.reports.lms.canvas import canvas_csv, heading
from grader.reports.lms.gradescope import gradescope_json
from grader.reports.lms.junit import junit_xml
from grader.reports.lms.moodle import moodle_csv
from grader.reports.lms.roster import Roster, assign
from grader.reports.lms.sheet import Column, Grade, Person, grade_of
from grader.results import MAX_SCORE, Result

Format = Literal["canvas", "moodle", "gradescope", "junit"]
FILE_NAMES: dict[Format, str] = {
    "canvas": "canvas.csv",
    "moodle": "moodle.csv",
    "gradescope": "gradescope.json",
    "junit": "junit.xml",
}


@dataclass(frozen=True)
class LmsFile:
    """A file to import, and what to know before it is.

    Attributes:
        text: the file's content.
        lines: how many students are in it.
        problems: submissions that are not in it, and why.
        absent: names of the roster of whom there is no submission.
    """

    text: str
    lines: int
    problems: Sequence[str] = ()
    absent: Sequence[str] = ()


def lms_file(results: Sequence[Result], to: Format, assignment: str, roster: Roster | None = None) -> LmsFile:
    """Return a class in a format.

    Args:
        results: the class; for Gradescope one submission alone.
        to: the format.
        assignment: its title in the gradebook.
        roster: who the submissions belong to; without one their names are taken for logins.

    Raises:
        ValueError: if the format cannot hold what is there.
    """
    if to == "junit":
        return LmsFile(junit_xml(results, datetime.now(UTC)), len(results))
    if to == "gradescope":
        if len(results) != 1:
            raise ValueError(f"gradescope: expected one submission, got {len(results)}. Which one? (--student NAME)")
        return LmsFile(gradescope_json(results[0]), 1)
    people = {one.student: Person(one.student, login=one.student) for one in results}
    problems: list[str] = []
    absent: list[str] = []
    if roster is not None:
        people, problems = assign(roster, people)
        absent = [person.name for person in roster.people if person not in people.values()]
    grades = [grade_of(people[one.student], one) for one in results if one.student in people]
    column = column_of(to, assignment, MAX_SCORE, roster)
    return LmsFile(gradebook_csv(to, [column], grades), len(grades), problems, absent)


def column_of(to: Format, title: str, points: float, roster: Roster | None) -> Column:
    """Return an assignment, under the heading that it has in a roster exported from Canvas."""
    return Column(heading(title, roster.headings) if roster and to == "canvas" else title, points)


def gradebook_csv(to: Format, columns: Sequence[Column], grades: Sequence[Grade]) -> str:
    """Return grades as Canvas, or else Moodle, imports them."""
    return canvas_csv(columns, grades) if to == "canvas" else moodle_csv(columns, grades)
