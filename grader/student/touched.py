"""Which modules a save touches: itself, and those that import it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path

from grader.course import course
from grader.student.workspace import PACKAGE


def touched_modules(folder: Path, saved: Iterable[str]) -> list[str]:
    """Return the modules whose checks may have changed, in teaching order.

    Args:
        folder: where the student's modules lie.
        saved: names of modules, ``datasets`` included, without ``.py``.
    """
    imports = {name: imported_by(folder / f"{name}.py") for name in course().modules}
    found = set(saved)
    while more := {name for name, others in imports.items() if others & found} - found:
        found |= more
    return [name for name in course().modules if name in found]


def imported_by(path: Path) -> set[str]:
    """Return all names in imports from ``exercises``, those of its modules among them; none if it cannot be read."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return set()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            words = set(re.findall(r"\w+", ast.unparse(node)))
            if PACKAGE in words or (isinstance(node, ast.ImportFrom) and node.level):
                found |= words
    return found
