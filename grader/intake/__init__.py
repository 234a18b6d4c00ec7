"""Turns a folder, zip or notebook into a snapshot of plain sources; nothing of a student's is executed here.

Files are opened only where they are regular files, and never through a link. Sizes are counted while reading. What a
submission holds can make the snapshot `rejected` or one of its modules `broken`; it can never raise.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from grader.intake import names
from grader.intake.archives import read_archive
from grader.intake.folders import read_folder
from grader.intake.sizes import RejectedError
from grader.intake.snapshot import Snapshot, from_tree, refused
from grader.intake.tree import IGNORED_FOLDERS
from grader.text import clean, escape

__all__ = ["Entry", "Snapshot", "find", "read"]


@dataclass(frozen=True)
class Entry:
    """One submission of a class.

    Attributes:
        student: its name as people may see it: the original, with what could steer a terminal escaped.
        folder: a name that is safe as a folder of the results, and this submission's alone.
        path: the folder or zip.
    """

    student: str
    folder: str
    path: Path


def find(submissions: Path) -> tuple[list[Entry], list[str]]:
    """Return the submissions of a class in the order of their names, and notes on what else lies there.

    Raises:
        ValueError: if there is no such folder.
    """
    found: dict[str, Path] = {}
    notes: list[str] = []
    for path in _listed(submissions):
        name, why = _submission(path)
        if why:
            notes.append(f"{clean(path.name)}: skipped: {why}")
        elif name in found:
            first = f"{clean(found[name].name)}{'/' if found[name].is_dir() else ''}"
            notes.append(f"{clean(path.name)}: skipped: {first} comes first")
        else:
            found[name] = path
    return _entries(found), notes


def read(entry: Entry) -> Snapshot:
    """Return what counts of one submission; its content can make it `rejected`, and never raises."""
    try:
        if entry.path.is_dir():
            return from_tree(read_folder(entry.path), strip=False)
        return from_tree(read_archive(entry.path), strip=True)
    except RejectedError as error:
        return refused(str(error))
    except OSError as error:
        return refused(f"submission: expected files that can be read, got: {error.strerror or 'no regular file'}.")
    except Exception as error:  # noqa: BLE001 - whatever a submission holds, the class is graded
        return refused(f"submission: expected files that can be read, got {type(error).__name__}. Is it damaged?")


def _listed(submissions: Path) -> list[Path]:
    """Return what lies in the folder: folders before files, so that NAME/ is met before NAME.zip."""
    try:
        paths = list(submissions.iterdir())
    except OSError as error:
        where = clean(str(submissions))
        raise ValueError(
            f"submissions: expected a folder, got {where} ({error.strerror}). Is the path right?"
        ) from error
    return sorted(paths, key=lambda path: (path.is_symlink() or not path.is_dir(), os.fsencode(path.name)))


def _submission(path: Path) -> tuple[str, str]:
    """Return a submission's name, and why the path is skipped; empty if it is not."""
    name = path.name
    if name.startswith(".") or name in IGNORED_FOLDERS:
        return name, "hidden"
    if path.is_symlink():
        return name, "a link, and links are not followed"
    if path.is_dir():
        return name, ""
    if not path.is_file():
        return name, "a special file"
    if not name.casefold().endswith(".zip"):
        return name, "expected a folder or a .zip for each student"
    return name[: -len(".zip")], ""


def _entries(found: dict[str, Path]) -> list[Entry]:
    entries: list[Entry] = []
    taken = {name for name in found if names.folder(name) == name}
    for name in sorted(found, key=os.fsencode):
        folder, count = names.folder(name), 1
        while folder != name and folder in taken:
            count += 1
            folder = f"{names.folder(name)}-{count}"
        taken.add(folder)
        entries.append(Entry(escape(name), folder, found[name]))
    return entries
