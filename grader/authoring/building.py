"""Builds all that leaves the kit for a class: hand-out, zip and course; refuses to finish if anything of it leaks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from grader.authoring.delivery import Release
from grader.authoring.handout import build_handout
from grader.authoring.leaks import find_leaks, kit_secrets
from grader.authoring.nbgrader_course import RELEASED, build_course
from grader.course import course
from grader.files import write_atomically
from grader.paths import TERM_FILE
from grader.term import as_toml

HANDOUT = "handout"
ARCHIVE = "handout.zip"
COURSE = "course"
RECORD = ".handout.json"


def build(to: Path, say: Callable[[str], None]) -> tuple[Release, list[str]]:
    """Write the hand-out, its zip and the nbgrader course below a folder, and look for leaks in them.

    Args:
        to: the folder.
        say: is told what is under way.

    Returns:
        What was written, and one sentence per leak. With a leak there is no zip.

    Raises:
        ValueError: if something cannot be derived from the solutions.
        GraderError: if nbgrader refuses; its output is in the text.
        OSError: if a file cannot be read or written.
    """
    if not (to / TERM_FILE).exists():
        write_atomically(to / TERM_FILE, as_toml(course()))
        say(f"{TERM_FILE}: what is taught, points, thresholds, deadline; change it, and release again")
    say(f"{HANDOUT}/ and {ARCHIVE}: exercises, data, and the students' part of the grader")
    handout = build_handout(to / HANDOUT, to / ARCHIVE, to / RECORD)
    say(f"{COURSE}/: notebooks, and nbgrader generate_assignment")
    notebooks = build_course(to / COURSE)
    say("looking for solutions and hidden checks in all that students get")
    if leaks := leaks_below(to):
        (to / ARCHIVE).unlink(missing_ok=True)
    done = Release(
        handout.written + notebooks.written, handout.unchanged + notebooks.unchanged, handout.kept + notebooks.kept
    )
    return done, leaks


def leaks_below(to: Path) -> list[str]:
    """Look for leaks in what was built below a folder; one sentence per leak, with file and line."""
    folders = (to / HANDOUT, to / COURSE / RELEASED)
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    files += [archive] if (archive := to / ARCHIVE).is_file() else []
    return find_leaks(((path.relative_to(to).as_posix(), path.read_bytes()) for path in files), kit_secrets())
