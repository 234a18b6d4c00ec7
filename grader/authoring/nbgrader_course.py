"""Builds the nbgrader course: configuration, source notebooks with given files, and the released assignment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook
from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback
from nbgrader.preprocessors import ClearSolutions, Execute

from grader.authoring.delivery import Release, deliver
from grader.authoring.release import given_files
from grader.authoring.source_notebooks import source_notebooks
from grader.course import course
from grader.errors import GraderError
from grader.files import write_atomically
from grader.paths import COURSE, COURSE_VARIABLE, ROOT

ASSIGNMENT = course().name
SOURCE = f"source/{ASSIGNMENT}"
RELEASED = f"release/{ASSIGNMENT}"
SECONDS = 600

RECORD = ".released.json"
ASSIGNED = ".assigned.json"
"""The record as it was when nbgrader had made the released assignment of it."""

TEMPLATES = Path(__file__).parent / "templates" / "course"
GRADE = "grader.classroom.autograde.GradeInSandbox"
ELSEWHERE = """\
import os

# What is taught lies here; if it moves, so must this path.
os.environ.setdefault({variable!r}, {course!r})

"""
OURS = {Execute: GRADE, ClearSolutions: "grader.authoring.clearing.ClearSolutions"}
"""What takes the place of a preprocessor of nbgrader."""


def build_course(to: Path) -> Release:
    """Write the course, and let nbgrader make the released assignment.

    Args:
        to: the course's folder.

    Raises:
        ValueError: if a solution is not a lesson.
        GraderError: if nbgrader refuses; its output is in the text.
        OSError: if a file cannot be read or written.
    """
    done = deliver(to, to / RECORD, _files())
    _assign(to)
    _set_deadline(to)
    return done


def configuration() -> str:
    """Return nbgrader's configuration of the course: the kit's preprocessors before and among its own."""
    modules = [f"{folder}{name}.py" for folder in ("", "exercises/") for name in course().modules]
    return _template("nbgrader_config.txt").format(
        course="" if COURSE == ROOT else ELSEWHERE.format(variable=COURSE_VARIABLE, course=str(COURSE)),
        assignment=ASSIGNMENT,
        assigning=_preprocessors(GenerateAssignment),
        grading=_preprocessors(Autograde, "autograde_preprocessors"),
        deadline=course().term.deadline,
        sanitizing=_preprocessors(Autograde, "sanitize_preprocessors", "grader.classroom.repair.RepairCells"),
        feedback=_preprocessors(GenerateFeedback, "preprocessors", "grader.classroom.feedback.RemoveHiddenRegions"),
        modules=json.dumps(modules, indent=4),
    )


def _assign(course: Path) -> None:
    """Make the released assignment, unless it is complete and up to date."""
    record, assigned = (course / RECORD).read_bytes(), course / ASSIGNED
    if (course / RELEASED).is_dir() and assigned.is_file() and assigned.read_bytes() == record:
        return
    assigned.unlink(missing_ok=True)  # whatever ends this half way leaves no stamp
    generate_assignment(course)
    write_atomically(assigned, record)


def _set_deadline(folder: Path) -> None:
    """Hand the term's deadline to nbgrader; without one it keeps what an instructor has set there."""
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


def _files() -> Iterator[tuple[str, bytes]]:
    """Give the files of the course: its configuration and the source assignment."""
    yield "nbgrader_config.py", configuration().encode()
    for module, text in source_notebooks().items():
        yield f"{SOURCE}/{module}.ipynb", text.encode()
    yield f"{SOURCE}/nbgrader_config.py", _template("students_config.txt").encode()
    package = _template("package.txt").encode()
    for name, data in given_files().items():
        yield f"{SOURCE}/exercises/{name}", package if name == "__init__.py" else data


def _template(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _preprocessors(converter: Any, name: str = "preprocessors", *first: str) -> str:
    """Return the preprocessors that nbgrader itself has for a converter, with ours among them, and some before all."""
    stock = converter.class_traits()[name].default()
    names = [*first, *(OURS.get(one, f"{one.__module__}.{one.__qualname__}") for one in stock)]
    return json.dumps(names, indent=4)  # reads as Python
