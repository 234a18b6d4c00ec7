"""Where a student's files lie, and what each of them looked like when it was handed out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from grader.course import Task, course
from grader.errors import GraderError
from grader.public.progress import unwritten_symbols
from grader.stubs import STUBS, stub_text

PACKAGE = "exercises"


@dataclass(frozen=True)
class Workspace:
    """One folder of exercises.

    Attributes:
        folder: the folder ``exercises`` with the student's modules.
    """

    folder: Path

    @classmethod
    def find(cls, start: Path) -> Workspace:
        """Find the exercises from a folder: below it, or below one of the folders around it.

        Raises:
            UsageError: if there are none.
        """
        for base in (start, *start.parents):
            folder = base / PACKAGE
            if any((folder / f"{name}.py").is_file() for name in course().modules):
                return cls(folder)
        raise click.UsageError(
            f"expected a folder {PACKAGE}/ with the modules in {start}, got none. Is it the right folder?"
        )

    def module(self, name: str) -> Path:
        """Return where a module lies, or would lie."""
        return self.folder / f"{name}.py"

    def is_untouched(self, task: Task) -> bool:
        """Return whether all functions of a task still are what the stub has."""
        return unwritten_symbols(self.module(task.module), task.symbols) == set(task.symbols)

    def shown(self, path: Path) -> str:
        """Name a file of the student's, as seen from beside ``exercises``."""
        return path.relative_to(self.folder.parent).as_posix()

    def stub(self, name: str) -> str:
        """Return a module as it was handed out: a copy in the hand-out, or derived where the solutions lie.

        Raises:
            GraderError: if there is neither.
        """
        if stub := stub_text(self.folder, name):
            return stub
        copy = self.folder / STUBS / f"{name}.py"
        raise GraderError(f"expected {self.shown(copy)}, the file as it was handed out, got none. Unpack it once more.")
