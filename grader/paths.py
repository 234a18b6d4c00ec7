"""Where the grader and its course lie on disk."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The folder that holds the grader; a course of its own lies there as well."""

COURSE_FILE = "course.toml"
COURSE_VARIABLE = "GRADER_COURSE"
TERM_FILE = "term.toml"
TERM_VARIABLE = "GRADER_TERM"
"""Names a term.toml; if it is set and empty, there is none."""


def in_kit(path: Path) -> Path:
    """Return where a file lies below the course, or else below the grader's root: one is laid over the other."""
    return path.relative_to(COURSE if path.is_relative_to(COURSE) else ROOT)


def _course() -> Path:
    """Return the folder of the course: the one that is named, or around the current folder, or the grader's own."""
    if named := os.environ.get(COURSE_VARIABLE):
        return Path(named).resolve()
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / COURSE_FILE).is_file()), ROOT).resolve()


def term_file() -> Path | None:
    """Return the term.toml to follow: the one that is named, or around the current folder, or the course's own."""
    if (named := os.environ.get(TERM_VARIABLE)) is not None:
        return Path(named) if named else None
    here = Path.cwd()
    return next((one for folder in (here, *here.parents, COURSE) if (one := folder / TERM_FILE).is_file()), None)


COURSE = _course()
LESSON = COURSE / "lesson"
"""What belongs to the course alone, a package of its own: probes, named mistakes, pictures, answers."""

EXERCISES = COURSE / "exercises"
SOLUTIONS = COURSE / "solutions"
HIDDEN_SUITES = COURSE / "tests" / "hidden"
SAMPLE_CLASS = COURSE / "tests" / "submissions"
DATA = COURSE / "data"

FINGERPRINTS = ".fingerprints.json"
"""The file in `exercises/` by which public checks know a mistake."""
