"""Export plugins for nbgrader: its gradebook as Canvas and Moodle import it.

``nbgrader export --exporter=grader.classroom.export.CanvasExporter --to grades.csv``; scores are nbgrader's own, with
what was graded by hand, less late penalties. JUnit XML and Gradescope report checks, which nbgrader does not keep:
``grader export`` writes those.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Literal

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.plugins import ExportPlugin
from traitlets import Unicode

from grader.files import write_atomically
from grader.graded.lms_file import FILE_NAMES, column_of, gradebook_csv
from grader.reports.lms.roster import assign, read_roster_file
from grader.reports.lms.sheet import Grade, Person


class _LmsExporter(ExportPlugin):  # type: ignore[misc] # nbgrader has no types
    """Writes the assignments and students that were asked for, all unless some were named."""

    form: ClassVar[Literal["canvas", "moodle"]]

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
        columns = [column_of(self.form, one.name, float(one.max_score), roster) for one in assignments]
        grades = []
        for student, person in people.items():
            found = [_score(gradebook, one.name, student) for one in assignments]
            grades.append(Grade(person, tuple(score for score, _ in found), tuple(text for _, text in found)))
        target = Path(self.to or FILE_NAMES[self.form])
        self.log.info("Exporting grades to %s", target)
        write_atomically(target, gradebook_csv(self.form, columns, grades))


class CanvasExporter(_LmsExporter):
    """nbgrader's gradebook as Canvas imports it; where the roster is an export of Canvas, its headings are kept."""

    form = "canvas"


class MoodleExporter(_LmsExporter):
    """nbgrader's gradebook as Moodle imports it."""

    form = "moodle"


def _asked(name: str, names: Iterable[Any]) -> bool:
    wanted = {str(one) for one in names}
    return not wanted or name in wanted


def _person(student: Any) -> Person:
    """Return one of nbgrader's students; their id is the login."""
    name = ", ".join(part for part in (student.last_name, student.first_name) if part)
    return Person(name or student.id, login=student.id, lms_id=student.lms_user_id or "", email=student.email or "")


def _score(gradebook: Gradebook, assignment: str, student: str) -> tuple[float | None, str]:
    """Return what a student has for an assignment, and in words how it came about; None where nothing was handed in."""
    try:
        submission = gradebook.find_submission(assignment, student)
    except MissingEntry:
        return None, ""
    penalty = submission.late_submission_penalty or 0.0
    late = f", less {penalty:g} for being late" if penalty else ""
    return max(0.0, submission.score - penalty), f"{submission.score:g} of {submission.max_score:g} points{late}"
