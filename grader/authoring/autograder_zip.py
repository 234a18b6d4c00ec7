"""Builds the zip that Gradescope takes as an autograder: the kit, what installs it, and what grades a submission.

It holds solutions and hidden checks: it is for Gradescope, and for nobody else.

Source: "Autograder Specifications", https://gradescope-autograders.readthedocs.io/en/latest/specs/: ``setup.sh`` and
``run_autograder`` at the zip's top; Gradescope unpacks it to /autograder/source, and calls ``run_autograder`` in
/autograder with the work in submission/, for a results/results.json.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from grader.authoring.handout import data_files
from grader.authoring.release import given_files
from grader.course import course
from grader.files import write_atomically
from grader.paths import COURSE, EXERCISES, ROOT, in_kit
from grader.zips import zipped

ENGINE = ("grader", "pyproject.toml", "constraints.txt", "README.md", "LICENSE")
SCRIPTS = Path(__file__).parent / "templates" / "gradescope"
OF_THE_COURSE = ("course.toml", "lesson", "solutions", "tests/hidden")


def write_autograder(target: Path) -> int:
    """Write the zip, and return how many files are in it."""
    scripts = {path.name: path.read_bytes() for path in SCRIPTS.iterdir()}
    kit = {f"kit/{in_kit(path).as_posix()}": path.read_bytes() for path in _kit()}
    kit |= {f"kit/{name}": data for name, data in course().term.files().items()}
    write_atomically(target, zipped({**scripts, **kit}, dict.fromkeys(scripts, 0o755)))
    return len(scripts) + len(kit)


def _kit() -> Iterator[Path]:
    """Give the kit's own files: nothing of what was unpacked, trained or noted in it while it was used."""
    places = [*(ROOT / name for name in ENGINE), *(COURSE / name for name in OF_THE_COURSE)]
    yield from (path for place in places for path in (place, *place.rglob("*")) if _is_kept(path))
    yield from (EXERCISES / f"{module}.py" for module in course().modules)
    yield from (EXERCISES / name for name in given_files())
    yield from data_files()


def _is_kept(path: Path) -> bool:
    folders = in_kit(path).parts[:-1]
    return path.is_file() and not any(part == "__pycache__" or part.startswith(".") for part in folders)
