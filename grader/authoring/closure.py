"""Which modules of the kit a module needs, found in its text: nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

PACKAGES = ("grader", "lesson")


def import_closure(roots: Sequence[Path], modules: Iterable[str]) -> dict[str, Path]:
    """Return all modules of both packages that some of them import, now or when a function is called.

    Args:
        roots: folders that hold the packages.
        modules: dotted names to begin with.

    Returns:
        Where each module lies, by its dotted name; the packages around a module are among them.

    Raises:
        SyntaxError: if a module is no Python.
    """
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in found and name.partition(".")[0] in PACKAGES and (path := _file(roots, name)):
            found[name] = path
            waiting += [name.rpartition(".")[0], *imports_of(path)]
    return found


def imports_of(path: Path) -> Iterator[str]:
    """Give the dotted names that a module imports, anywhere in its text, and those that may be names in a module.

    Relative imports are not expected.
    """
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))


def _file(roots: Sequence[Path], name: str) -> Path | None:
    bases = [root.joinpath(*name.split(".")) for root in roots]
    candidates = [path for base in bases for path in (base.with_name(f"{base.name}.py"), base / "__init__.py")]
    return next((path for path in candidates if path.is_file()), None)
