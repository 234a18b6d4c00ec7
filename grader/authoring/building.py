"""Builds all that leaves the kit for a class: hand-out, zip and course; refuses to finish if anything of it leaks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from grader.authoring.delivery import Release
from grader.authoring.handout import build_handout
from grader.authoring.leaks import find_leaks, kit_secrets
from grader.authoring.nbgrader_course import RELEASED, build_course
from grader.course import Course, course
from grader.files import write_atomically
from grader.paths import TERM_FILE
from grader.term import DATES

HANDOUT = "handout"
ARCHIVE = "handout.zip"
COURSE = "course"
RECORD = ".handout.json"


def build(to: Path, say: Callable[[str], None]) -> tuple[Release, list[str]]:
    """Write the hand-out, its zip and the nbgrader course below a folder, and look for leaks in them.

    Args:
        to: the folder.
        say: is called with what is under way.

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


def as_toml(whole: Course) -> str:
    """Return a term.toml that says of everything what holds anyhow, with a comment on each line."""
    thresholds = [f"{name} = {value:g}" for name, value in whole.thresholds.items()]
    if len(thresholds) == 2:
        thresholds = [f"{thresholds[0]}  # no points up to here", f"{thresholds[1]}  # all points from here on"]
    modules = [f'    "{name}",  # {sum(task.module == name for task in whole.tasks)} tasks' for name in whole.modules]
    lines = [
        "# This term: what is taught, and how it is judged. Releases, grades and exports beside this file follow it.",
        "# A setting that is taken out is as in the course.",
        "",
        f"title = {json.dumps(whole.title, ensure_ascii=False)}  # stands on each page, and on what students get",
        '# logo = "logo.png"  # a picture beside this file, PNG, JPEG or SVG, on each page',
        "# deadline = 2027-01-31T23:59:00+01:00  # stands in what students get; nbgrader judges late work by it",
        'late = "none"  # late work loses "none" of its points, "all", or a share for each day begun, such as "10 %"',
        f'dates = "{DATES}"  # how dates are written: "%d.%m.%Y, %H:%M Uhr" is German',
        "modules = [  # what is taught; a line that is taken out takes its tasks out",
        *modules,
        "]",
        "given = []  # modules that students get solved, because what is taught needs them",
        "",
        *([f"[thresholds]  # of {whole.judged}, as shares", *thresholds, ""] if thresholds else []),
        "[points]  # 0 takes a task out",
        *(f"{task.id} = {task.points:g}  # {task.title}" for task in whole.tasks),
    ]
    return "\n".join(lines) + "\n"
