"""What a folder or a zip holds, in memory, before anything of it is understood."""

from dataclasses import dataclass, field
from pathlib import PurePosixPath

from grader.course import course
from grader.intake import sizes

GIVEN = (*course().given, "conftest.py")
IGNORED_FOLDERS = frozenset({"__MACOSX", "__pycache__", "node_modules"})


@dataclass
class Tree:
    """The files of a submission, by their path with ``/`` between folders.

    Attributes:
        files: contents of the files that could count, cut one byte after the size that is allowed.
        others: paths of all other regular files.
        special: paths of links, pipes, devices and sockets; none of them was opened.
        unreadable: path -> why a file that could count cannot be read.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)
    special: list[str] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)

    def paths(self) -> list[str]:
        """Return the paths of everything but what is ignored silently."""
        return sorted([*self.files, *self.others, *self.special, *self.unreadable])


def cap(path: str) -> int | None:
    """Return how many bytes of this file may count, or None if it cannot count at all."""
    name = PurePosixPath(path).name
    if name == course().artefact_file:
        return sizes.MAX_WEIGHTS
    stem, dot, suffix = name.rpartition(".")
    if name in GIVEN or (suffix == "py" and stem in course().modules):
        return sizes.MAX_SOURCE
    return sizes.MAX_NOTEBOOK if dot and suffix == "ipynb" and stem in course().modules else None


def is_hidden(name: str) -> bool:
    """Return whether a folder of this name is left alone: ``.git``, ``.venv``, ``__MACOSX`` and their like."""
    return name.startswith(".") or name in IGNORED_FOLDERS


def too_much(what: str, allowed: str, got: str) -> sizes.RejectedError:
    """Return the refusal of a submission that is beyond a limit."""
    return sizes.RejectedError(
        f"submission: expected {what} of at most {allowed}, got {got}. Is a data set or an environment in it?"
    )
