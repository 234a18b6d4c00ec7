"""Which modules a save touches: itself, and those that import it."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

from grader.course import course


def touched_modules(folder: Path, saved: Iterable[str]) -> list[str]:
    """Return the modules whose checks may have changed, in teaching order.

    Args:
        folder: where the student's modules lie.
        saved: names of modules, ``datasets`` included, without ``.py``.
    """
    imports = {name: imported_by(folder / f"{name}.py") for name in course().modules}
    found, grown = set(saved), True
    while grown:
        more = {name for name, others in imports.items() if others & found} - found
        found |= more
        grown = bool(more)
    return [name for name in course().modules if name in found]


def imported_by(path: Path) -> set[str]:
    """Return the names of the modules of ``exercises`` that a module imports; none if it cannot be read."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return set()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {_inside(alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            origin = f"exercises.{node.module or ''}" if node.level else node.module or ""
            inside = _inside(f"{origin.rstrip('.')}.")
            found |= {inside} if inside else {_inside(f"{origin.rstrip('.')}.{alias.name}") for alias in node.names}
    return found - {""}


def _inside(name: str) -> str:
    """Return the module that a dotted name has below ``exercises``, or nothing."""
    package, _, rest = name.partition(".")
    return rest.partition(".")[0] if package == "exercises" else ""
