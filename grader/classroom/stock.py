"""Grades from inside a Jupyter kernel, for courses that let nbgrader's own ``Execute`` run the notebooks."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from grader import paths
from grader.classroom.messages import message_of
from grader.course import course
from grader.errors import GraderError
from grader.files import write_atomically
from grader.identity import identity
from grader.results import Result, TaskResult, result_from_json

SUBMISSION = "submission"
DAMAGED = (OSError, ValueError, KeyError, TypeError)
"""What a full disk raises, or a kept grade that is cut off or of another version."""

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
    known = course().task(task_id)
    try:
        result = _graded(_submission(Path.cwd()))
    except GraderError as error:
        print(error)  # noqa: T201 - the kernel's output
        return math.inf
    except DAMAGED as error:  # an error's output would be a zero
        print(f"check: expected grades, but the grader failed ({type(error).__name__}: {error})")  # noqa: T201
        return math.inf
    missing = TaskResult(known.id, known.points, 0.0, "missing", None, result.message, 0.0)
    task = next((task for task in result.tasks if task.id == task_id), missing)
    print(message_of(task, task.score, task.points), WARNING, sep="\n")  # noqa: T201 - standard error costs the points
    return task.score


def _submission(here: Path) -> Path:
    """Return what the student handed in: while nbgrader goes from notebook to notebook, `autograded` lacks the rest."""
    submitted = here.parent.parent.parent / "submitted" / here.parent.name / here.name
    return submitted if here.parent.parent.name == "autograded" and submitted.is_dir() else here


def _graded(folder: Path) -> Result:
    """Return the result of a folder, graded once for all cells of all its notebooks."""
    kept = _memory() / f"{_digest(folder)}.json"
    if not kept.is_file():
        with tempfile.TemporaryDirectory(prefix="cnn-kit-check-") as work:
            write_atomically(kept, _grade(folder, Path(work)))
    try:
        result = result_from_json(json.loads(kept.read_text(encoding="utf-8")))
    except DAMAGED:
        kept.unlink(missing_ok=True)
        raise
    if result.status == "grader_error":
        kept.unlink(missing_ok=True)
        raise GraderError(f"check: {result.message}")
    return result


def _grade(folder: Path, work: Path) -> str:
    """Run ``grader grade`` on a copy of the folder and return its results.json.

    Raises:
        GraderError: if the grader itself fails.
    """
    shutil.copytree(folder, work / "class" / SUBMISSION, symlinks=True)
    command = [sys.executable, "-m", "grader", "grade", str(work / "class"), "--out", str(work / "out"), "--jobs", "1"]
    done = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, check=False)
    results = work / "out" / SUBMISSION / "results.json"
    if done.returncode or not results.is_file():
        raise GraderError(
            f"check: expected grades, but the grader failed (status {done.returncode}): {done.stderr[-800:]}"
        )
    return results.read_text(encoding="utf-8")


def _memory() -> Path:
    """Return where grades are kept for the next cell and the next notebook: a folder that only this user can read."""
    folder = Path(tempfile.gettempdir()) / f"cnn-kit-checks-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise GraderError(f"check: expected {folder} to be a folder of this user. Who made it?")
    return folder


def _digest(folder: Path) -> str:
    """Return a hash of a folder's regular files, and of what they are graded by."""
    digest = hashlib.sha256(repr(sorted(identity().items())).encode())
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            digest.update(f"{path}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
