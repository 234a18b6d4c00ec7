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
from grader.files import write_bytes_atomically
from grader.paths import COURSE, EXERCISES, ROOT, in_kit
from grader.zips import zipped

ENGINE = ("grader", "pyproject.toml", "constraints.txt", "README.md", "LICENSE")
OF_THE_COURSE = ("course.toml", "lesson", "solutions", "tests/hidden")
SETUP = """\
#!/usr/bin/env bash
# Installs the kit while Gradescope builds the image. The log ends with what `grader doctor` says of the sandbox.
set -euo pipefail
apt-get update
for version in 3.13 3.12 3.11; do
    if apt-get install -y "python$version" "python$version-venv"; then break; fi
done
"python$version" -m venv /autograder/venv
kit=/autograder/source/kit
/autograder/venv/bin/pip install -c "$kit/constraints.txt" -e "$kit"
/autograder/venv/bin/grader doctor || true
"""
RUN = """\
#!/usr/bin/env bash
# Grades one submission. Where the grader cannot work, or finds no walls to put around student code, there is no
# results.json: Gradescope then shows a failure of the autograder, which is right, and not a zero, which would not be.
set -euo pipefail
root=${AUTOGRADER_ROOT:-/autograder}
grader() { "$root/venv/bin/python" -m grader "$@"; }
rm -f "$root/results/results.json"
work=$(mktemp -d)
mkdir "$work/class"
cp -R --no-dereference "$root/submission" "$work/class/submission"
cd "$work"
grader grade class --out graded "$@"
grader export graded --to gradescope --file "$root/results/results.json"
"""


def write_autograder(target: Path) -> int:
    """Write the zip, and return how many files are in it."""
    scripts = {"setup.sh": SETUP.encode(), "run_autograder": RUN.encode()}
    kit = {f"kit/{in_kit(path).as_posix()}": path.read_bytes() for path in _kit()}
    kit |= {f"kit/{name}": data for name, data in course().term.files().items()}
    write_bytes_atomically(target, zipped({**scripts, **kit}, dict.fromkeys(scripts, 0o755)))
    return len(scripts) + len(kit)


def _kit() -> Iterator[Path]:
    """Give the kit's own files: nothing of what was unpacked, trained or noted in it while it was used."""
    for place in [*(ROOT / name for name in ENGINE), *(COURSE / name for name in OF_THE_COURSE)]:
        paths = [place] if place.is_file() else sorted(place.rglob("*"))
        yield from (path for path in paths if path.is_file() and not _is_left_out(in_kit(path)))
    yield from (EXERCISES / f"{module}.py" for module in course().modules)
    yield from (EXERCISES / name for name in given_files())
    yield from data_files()


def _is_left_out(path: Path) -> bool:
    return "__pycache__" in path.parts or any(part.startswith(".") for part in path.parts[:-1])
