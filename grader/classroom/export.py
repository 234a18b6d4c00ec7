"""Export plugins for nbgrader: its gradebook as Canvas and Moodle import it.

``nbgrader export --exporter=grader.classroom.export.CanvasExporter --to grades.csv``; scores are nbgrader's own, with
what was graded by hand, less late penalties. JUnit XML and Gradescope tell of checks, which nbgrader does not keep:
``grader export`` writes those.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.plugins import ExportPlugin
from traitlets import Unicode

from grader.files import write_atomically
from grader.reports.lms.canvas import canvas_csv, heading
from grader.reports.lms.moodle import moodle_csv
from grader.reports.lms.roster import Roster, assign, read_roster_file
from grader.reports.lms.sheet import Column, Grade, Person


class _LmsExporter(ExportPlugin):  # type: ignore[misc] # nbgrader has no types
    """Writes the assignments and students that were asked for, all unless some were named."""

    default_name: ClassVar[str]

    roster = Unicode("", help="CSV with the course's people, as `grader export --roster` reads it").tag(config=True)

    def export(self, gradebook: Gradebook) -> None:
        """Write the file; students whom the roster does not know are left out, and named in the log."""
        assignments = [one for one in gradebook.assignments if _asked(one.name, self.assignment)]
        students = [one for one in gradebook.students if _asked(one.id, self.student)]
        roster = read_roster_file(Path(self.roster)) if self.roster else None
        people = {one.id: _person(one) for one in students}
        if roster is not None:
            people, problems = assign(roster, people)
            for problem in problems:
                self.log.warning("left out: %s", problem)
        columns = [Column(self.heading(one.name, roster), float(one.max_score)) for one in assignments]
        names = [one.name for one in assignments]
        grades = [_grade(gradebook, names, student, person) for student, person in people.items()]
        target = Path(self.to or self.default_name)
        self.log.info("Exporting grades to %s", target)
        write_atomically(target, self.text(columns, grades))

    def heading(self, assignment: str, roster: Roster | None) -> str:  # noqa: ARG002 - Canvas asks the roster
        """Return what an assignment is called."""
        return assignment

    def text(self, columns: Sequence[Column], grades: Sequence[Grade]) -> str:
        """Return the file's content."""
        raise NotImplementedError


class CanvasExporter(_LmsExporter):
    """nbgrader's gradebook as Canvas imports it."""

    default_name = "canvas.csv"

    def heading(self, assignment: str, roster: Roster | None) -> str:
        """Return the assignment's name, with its number where the roster is an export of Canvas that has it."""
        return heading(assignment, roster.headings) if roster else assignment

    def text(self, columns: Sequence[Column], grades: Sequence[Grade]) -> str:
        """Return the file's content."""
        return canvas_csv(columns, grades)


class MoodleExporter(_LmsExporter):
    """nbgrader's gradebook as Moodle imports it."""

    default_name = "moodle.csv"

    def text(self, columns: Sequence[Column], grades: Sequence[Grade]) -> str:
        """Return the file's content."""
        return moodle_csv(columns, grades)


def _asked(name: str, names: Iterable[Any]) -> bool:
    wanted = {str(one) for one in names}
    return not wanted or name in wanted


def _person(student: Any) -> Person:
    """Return one of nbgrader's students; their id is the login."""
    name = ", ".join(part for part in (student.last_name, student.first_name) if part)
    return Person(name or student.id, login=student.id, lms_id=student.lms_user_id or "", email=student.email or "")


def _grade(gradebook: Gradebook, assignments: Iterable[str], student: str, person: Person) -> Grade:
    found = [_score(gradebook, assignment, student) for assignment in assignments]
    return Grade(person, tuple(score for score, _ in found), tuple(text for _, text in found))


def _score(gradebook: Gradebook, assignment: str, student: str) -> tuple[float | None, str]:
    """Return what a student has for an assignment, and in words how it came; nothing handed in is no score."""
    try:
        submission = gradebook.find_submission(assignment, student)
    except MissingEntry:
        return None, ""
    penalty = submission.late_submission_penalty or 0.0
    late = f", less {penalty:g} for being late" if penalty else ""
    return max(0.0, submission.score - penalty), f"{submission.score:g} of {submission.max_score:g} points{late}"
