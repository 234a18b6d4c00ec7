"""What a result depends on beside the submission: all nodes of a run have it in common, and results are kept by it."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from grader import __version__
from grader.course import course
from grader.paths import COURSE, COURSE_FILE, DATA, EXERCISES, HIDDEN_SUITES, LESSON, ROOT, SOLUTIONS, in_kit
from grader.versions import installed_version

KIT_FILES = (".py", ".toml", ".html", ".json", ".safetensors")


@functools.cache
def identity() -> dict[str, str]:
    """Return what this machine has: versions, and checksums of whatever a score depends on."""
    places = (ROOT / "grader", LESSON, EXERCISES, SOLUTIONS, HIDDEN_SUITES)
    return {
        "version of the kit": __version__,
        "files of the kit": _checksum(
            [COURSE / COURSE_FILE, *(path for place in places for path in _kit_files(place))]
        ),
        **{f"version of {package}": installed_version(package) for package in course().packages},
        "term": _term(),
        "data": _checksum(DATA.rglob("*.gz")),
    }


def _term() -> str:
    """Return a short hash of what a term decides of a score: which tasks, their points, thresholds, what is given."""
    this = course()
    decided = [[[task.id, task.points] for task in this.tasks], dict(this.thresholds), this.solved]
    return hashlib.sha256(json.dumps(decided).encode()).hexdigest()[:16]


def difference(expected: Mapping[str, str], got: Mapping[str, str]) -> str:
    """Say in what a node differs; empty if it does not."""
    return "; ".join(
        f"expected {name} {value}, got {got.get(name, 'none')}"
        for name, value in expected.items()
        if got.get(name) != value
    )


def _kit_files(place: Path) -> Iterable[Path]:
    """Return what counts below a folder: nothing hidden, such as the texts that `grader reset` keeps."""
    return (
        path
        for path in place.rglob("*")
        if path.suffix in KIT_FILES and not any(part.startswith(".") for part in path.relative_to(place).parts)
    )


def _checksum(paths: Iterable[Path]) -> str:
    """Return a short hash of names and contents."""
    whole = hashlib.sha256()
    for path in sorted(paths):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        whole.update(f"{in_kit(path).as_posix()} {content}\n".encode())
    return whole.hexdigest()[:16]
