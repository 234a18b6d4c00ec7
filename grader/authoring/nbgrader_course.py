"""Builds the nbgrader course: configuration, source notebooks with given files, and the released assignment."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback
from nbgrader.preprocessors import ClearSolutions, Execute

from grader import paths
from grader.authoring.delivery import Delivery, Release
from grader.authoring.notebooks import source_notebooks
from grader.authoring.release import given_files
from grader.course import course
from grader.errors import GraderError
from grader.files import write_bytes_atomically

ASSIGNMENT = "cnn"
SOURCE = f"source/{ASSIGNMENT}"
RELEASED = f"release/{ASSIGNMENT}"
SECONDS = 600

RECORD = ".released.json"
ASSIGNED = ".assigned.json"
"""The record as it was when nbgrader had made the released assignment of it."""

PACKAGE = '''\
"""The exercises, written in notebooks: `exercises.MODULE` is what MODULE.ipynb beside this folder defines."""

from grader.student.notebooks import serve

serve(__name__, __file__)
'''
STUDENTS_CONFIG = """\
# For nbgrader's Validate button and `nbgrader validate`: check cells bear no points of their own, so all cells count.
c = get_config()
c.Validator.validate_all = True
"""
CONFIG = '''\
"""The configuration of this course for nbgrader. Run nbgrader's commands in this folder."""

c = get_config()

c.CourseDirectory.course_id = "{assignment}"

# Released functions say that they are not written yet, as the stubs do.
c.GenerateAssignment.preprocessors = {assigning}
c.ClearSolutions.text_stub = "*Your answer goes here.*"

# Students' notebooks are run in the grader's sandbox, and each autograder cell gets its score from the hidden checks.
# Without these lines nbgrader's own Execute runs them: the scores are the same, but nothing is isolated.
c.Autograde.autograde_preprocessors = {grading}
c.Execute.timeout = 1800

# `nbgrader zip_collect {assignment}` takes one zip per student, NAME.zip, from downloaded/{assignment}/archive/.
c.FileNameCollectorPlugin.named_regexp = r".+/extracted/(?P<student_id>[^/]+)/(?:.+/)?(?P<file_id>[^/]+)$"
c.FileNameCollectorPlugin.valid_ext = [".ipynb", ".py", ".safetensors"]

# Whatever a student hands in as a notebook is read, and its cells get back the marks that they were released with.
c.Autograde.exporter_class = "{read}"
c.Autograde.sanitize_preprocessors = {sanitizing}

# Modules that are handed in beside notebooks, or instead of them, are the student's.
c.Autograde.exclude_overwriting = {{"{assignment}": {modules}}}

# Late submissions lose what the term.toml around this folder says. Deadline: {deadline}
c.AssignLatePenalties.plugin_class = "{late}"

# What students get to read shows no call of the grader.
c.GenerateFeedback.preprocessors = {feedback}

# Nothing that a student writes into a text cell runs in the browser of whoever reads it.
c.HTMLExporter.filters = {{"markdown2html": "{markdown}"}}

c.Validator.validate_all = True
'''
MARKDOWN = "grader.classroom.pages.markdown2html"
GRADE = "grader.classroom.autograde.GradeInSandbox"
LATE = "grader.classroom.late.LateWork"
HIDE = "grader.classroom.feedback.RemoveHiddenRegions"
READ = "grader.classroom.repair.SubmittedNotebook"
REPAIR = "grader.classroom.repair.RepairCells"
CLEAR = "grader.authoring.clearing.ClearSolutions"


def build_course(to: Path, *, solutions: Path = paths.SOLUTIONS, exercises: Path = paths.EXERCISES) -> Release:
    """Write the course, and let nbgrader make the released assignment.

    Args:
        to: the course's folder.
        solutions: folder of the solutions.
        exercises: folder of the given files and the public checks.

    Raises:
        ValueError: if a solution is no lesson.
        GraderError: if nbgrader refuses; its output is in the text.
        OSError: if a file cannot be read or written.
    """
    delivery = Delivery(to, to / RECORD)
    delivery.put("nbgrader_config.py", configuration().encode())
    for name, data in _source(solutions, exercises):
        delivery.put(f"{SOURCE}/{name}", data)
    done = delivery.close()
    _assign(to)
    _set_deadline(to)
    return done


def configuration() -> str:
    """Return nbgrader's configuration of the course: the kit's preprocessors before and among its own."""
    return CONFIG.format(
        assignment=ASSIGNMENT,
        assigning=_lines([CLEAR if one is ClearSolutions else _name(one) for one in _stock(GenerateAssignment)]),
        grading=_lines(
            [GRADE if one is Execute else _name(one) for one in _stock(Autograde, "autograde_preprocessors")]
        ),
        read=READ,
        late=LATE,
        deadline=course().term.deadline,
        markdown=MARKDOWN,
        sanitizing=_lines([REPAIR, *map(_name, _stock(Autograde, "sanitize_preprocessors"))]),
        feedback=_lines([HIDE, *map(_name, _stock(GenerateFeedback))]),
        modules=_lines([f"{folder}{name}.py" for folder in ("", "exercises/") for name in course().modules]),
    )


def _assign(course: Path) -> None:
    """Make the released assignment, unless it was made to its end of what the source is now."""
    record, assigned = (course / RECORD).read_bytes(), course / ASSIGNED
    if (course / RELEASED).is_dir() and assigned.is_file() and assigned.read_bytes() == record:
        return
    assigned.unlink(missing_ok=True)  # whatever ends this half way leaves no stamp
    generate_assignment(course)
    write_bytes_atomically(assigned, record)


def _set_deadline(folder: Path) -> None:
    """Tell nbgrader the term's deadline; without one it keeps what an instructor has set there."""
    if deadline := course().term.deadline:
        with Gradebook(f"sqlite:///{folder.resolve() / 'gradebook.db'}") as gradebook:
            gradebook.update_or_create_assignment(ASSIGNMENT, duedate=deadline.isoformat())


def generate_assignment(course: Path, seconds: float = SECONDS) -> None:
    """Run ``nbgrader generate_assignment`` in a course.

    Args:
        course: its folder.
        seconds: it must end within.

    Raises:
        GraderError: if it fails, with its output in the text, or takes longer.
    """
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", ASSIGNMENT, "--force"]
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    try:
        done = subprocess.run(
            command,
            cwd=course,
            env={**os.environ, "PATH": programs},  # nbgrader looks for alembic there
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise GraderError(
            f"nbgrader generate_assignment {ASSIGNMENT}: expected it to end within {seconds:g} s, got no end. "
            "The same command begins it anew."
        ) from late
    if done.returncode or not (course / RELEASED).is_dir():
        got = f"status {done.returncode}:\n{done.stdout}"
        raise GraderError(f"nbgrader generate_assignment {ASSIGNMENT}: expected {RELEASED}, got {got}")


def _source(solutions: Path, exercises: Path) -> Iterator[tuple[str, bytes]]:
    """Give the files of the source assignment."""
    for module, text in source_notebooks(solutions).items():
        yield f"{module}.ipynb", text.encode()
    yield "nbgrader_config.py", STUDENTS_CONFIG.encode()
    for name, data in given_files(exercises).items():
        yield f"exercises/{name}", PACKAGE.encode() if name == "__init__.py" else data


def _stock(converter: type, name: str = "preprocessors") -> list[type]:
    """Return the preprocessors that nbgrader itself has for a converter."""
    found: list[type] = converter.class_traits()[name].default()  # type: ignore[attr-defined] # nbgrader has no types
    return found


def _name(one: type) -> str:
    return f"{one.__module__}.{one.__qualname__}"


def _lines(names: list[str]) -> str:
    """Return a list of names as Python, one a line."""
    return "\n".join(["[", *(f'    "{name}",' for name in names), "]"])
