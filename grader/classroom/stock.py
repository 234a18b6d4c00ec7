"""Grades from inside a Jupyter kernel, for courses that let nbgrader's own ``Execute`` run the notebooks."""

from __future__ import annotations

import functools
import hashlib
import math
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from grader import paths
from grader.classroom.notes import message_of, tasks_of
from grader.course import course
from grader.errors import GraderError
from grader.reports.published import read_result
from grader.results import Result

SUBMISSION = "submission"

WARNING = (
    "Note: this notebook's own cells ran without a sandbox, in the kernel that also shows these points. For a grade to "
    "rely on, let grader.classroom.autograde.GradeInSandbox take the place of Execute in nbgrader_config.py."
)


def check_here(task_id: str) -> float:
    """Grade the submission of the working directory, or take its grade if it has one; see ``classroom.check``."""
    if not paths.HIDDEN_SUITES.is_dir():
        raise RuntimeError(
            f"check({task_id!r}): expected the hidden checks, which only the instructor's kit has, got none. This cell "
            "is for grading; the check cell above it is for you."
        )
    course().task(task_id)  # a wrong id is not the grader's own trouble
    try:
        result = _graded(_submission(Path.cwd()))
    except (GraderError, OSError, ValueError) as error:  # an error's output would be a zero
        print(f"check: expected grades, but the grader failed ({type(error).__name__}: {error})")  # noqa: T201
        return math.inf
    task = tasks_of(result)[task_id]
    print(message_of(task, task.score, task.points), WARNING, sep="\n")  # noqa: T201 - standard error costs the points
    return task.score


def _submission(here: Path) -> Path:
    """Return what the student handed in: while nbgrader goes from notebook to notebook, `autograded` lacks the rest."""
    submitted = here.parent.parent.parent / "submitted" / here.parent.name / here.name
    return submitted if here.parent.parent.name == "autograded" and submitted.is_dir() else here


@functools.cache
def _graded(folder: Path) -> Result:
    """Return the result of a folder: graded once for all cells of a notebook, and kept for the next notebook.

    Raises:
        GraderError: if the grader itself fails.
    """
    out = _memory() / hashlib.sha256(bytes(folder)).hexdigest()
    with tempfile.TemporaryDirectory(prefix="cnn-kit-check-") as work:
        shutil.copytree(folder, Path(work, SUBMISSION), symlinks=True)
        command = [sys.executable, "-m", "grader", "grade", work, "--out", str(out), "--jobs", "1"]
        done = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise GraderError(f"status {done.returncode}: {done.stderr[-800:]}")
    result = read_result(out / SUBMISSION)
    if result.status == "grader_error":
        raise GraderError(result.message)
    return result


def _memory() -> Path:
    """Return where results are kept, as by ``grader grade``: a folder that only this user can read."""
    folder = Path(tempfile.gettempdir()) / f"cnn-kit-checks-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise GraderError(f"check: expected {folder} to be a folder of this user. Who made it?")
    return folder
