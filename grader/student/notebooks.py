"""Notebooks as modules: `exercises.MODULE` is what MODULE.ipynb defines, without magics and demonstrations."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.abc import FileLoader, MetaPathFinder, SourceLoader
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

from grader import paths
from grader.course import course
from grader.intake.code_cells import module_source
from grader.intake.sizes import UnreadableError


class NotebookLoader(FileLoader, SourceLoader):  # type: ignore[misc] # typeshed: one method in two forms
    """Loads a module from the notebook of its name."""

    def get_data(self, path: str) -> bytes:
        """Return the source that the notebook defines, as the grader takes it.

        Raises:
            ImportError: if it is not a notebook.
        """
        try:
            return module_source(Path(path).stem, super().get_data(path))[0].encode()
        except UnreadableError as error:
            raise ImportError(f"{Path(path).name}: {error}") from None


class NotebookFinder(MetaPathFinder):
    """Finds the modules of a package that are not in it, but lie beside it: NAME.py, or else NAME.ipynb.

    Args:
        package: its name.
        folder: where the modules lie.
    """

    def __init__(self, package: str, folder: Path) -> None:
        self._package = package
        self._folder = folder

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find one of the six modules."""
        del path, target
        package, _, name = fullname.rpartition(".")
        if package != self._package or name not in course().modules:
            return None
        module, notebook = self._folder / f"{name}.py", self._folder / f"{name}.ipynb"
        if module.is_file():
            return spec_from_file_location(fullname, module)
        loader = NotebookLoader(fullname, str(notebook))
        return spec_from_file_location(fullname, notebook, loader=loader) if notebook.is_file() else None


def serve(package: str, file: str) -> None:
    """Let a package have the notebooks beside it as modules, and the installed kit's data where it has none.

    Args:
        package: its name.
        file: its ``__init__.py``.
    """
    folder = Path(file).resolve().parent.parent
    if course().data_variable and not (folder / paths.DATA.name).is_dir() and paths.DATA.is_dir():
        os.environ.setdefault(course().data_variable, str(paths.DATA))
    sys.meta_path.append(NotebookFinder(package, folder))
