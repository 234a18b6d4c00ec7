"""Writes what students get: derived stubs, given files and public tests."""

from pathlib import Path

from grader import paths
from grader.authoring.delivery import Release
from grader.course import course
from grader.files import keep_backup, write_atomically
from grader.paths import EXERCISES, FINGERPRINTS
from grader.stubs import STUBS, derive_stub, given_text, holds_work

ALWAYS_GIVEN = ("__init__.py", "conftest.py", FINGERPRINTS)
"""What students of every course get whole, besides the public tests."""


def refresh_stubs(to: Path) -> Release:
    """Derive the stubs and the fingerprints below a folder anew: the author's step after a change of the solutions.

    Raises:
        ValueError, OSError: as ``release_stubs`` and ``write_fingerprints``.
    """
    from grader.authoring.fingerprints import write_fingerprints  # noqa: PLC0415 - imports torch

    done = release_stubs(to)
    if write_fingerprints(to / "exercises"):
        done.written.append(to / "exercises" / FINGERPRINTS)
    return done


def release_stubs(to: Path, *, solutions: Path = paths.SOLUTIONS) -> Release:
    """Write ``exercises/`` below a folder: stubs, given files and public tests.

    Only what differs is written, each file in one step. A module in which a task has been written is
    somebody's work and is kept; of any other that is replaced a copy stays in ``.backups/``.

    Args:
        to: the folder that gets, or has, ``exercises/``; the kit's own root refreshes the committed stubs.
        solutions: folder of the solutions.

    Raises:
        ValueError: if a stub cannot be derived; nothing is written then.
        OSError: if a file cannot be read or written.
    """
    target = to / "exercises"
    stubs = derive_stubs(solutions)
    copies = {name: data.decode() for name, data in given_files().items()}
    if to.resolve() != solutions.resolve().parent:  # what `grader reset` puts back; here it is derived
        copies |= {f"{STUBS}/{module}.py": stub for module, stub in stubs.items()}
    release = Release()
    edited = {f"{module}.py": stub for module, stub in stubs.items()}
    for name, text in {**edited, **copies}.items():
        path = target / name
        if path.is_file() and path.read_bytes() == text.encode():
            release.unchanged.append(path)
        elif name in edited and holds_work(path, text):
            release.kept.append(path)
        else:
            if name in edited:
                keep_backup(path)
            write_atomically(path, text)
            release.written.append(path)
    return release


def derive_stubs(solutions: Path = paths.SOLUTIONS) -> dict[str, str]:
    """Return the text of each stub by its module.

    Raises:
        ValueError: if one cannot be derived.
    """
    return {
        module: derive_stub((solutions / f"{module}.py").read_text(encoding="utf-8"), module)
        for module in course().modules
    }


def given_files() -> dict[str, bytes]:
    """Return what students get whole, by name: given and solved modules, fingerprints, and the public tests."""
    solved = {f"{module}.py": given_text(f"{module}.py") for module in course().solved}
    names = [*ALWAYS_GIVEN, *course().given, *(f"test_{module}.py" for module in course().modules)]
    found = {name: EXERCISES / name for name in names if name not in solved}
    return {name: path.read_bytes() for name, path in found.items() if path.is_file()} | solved
