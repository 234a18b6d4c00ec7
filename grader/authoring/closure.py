"""Which modules of the kit a module needs, found in its text: nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Container, Iterable, Iterator, Sequence
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
        ValueError: if one of the first modules is not there.
        SyntaxError: if a module is no Python.
    """
    found: dict[str, Path] = {}
    waiting = list(modules)
    for name in waiting:
        if _file(roots, name) is None:
            raise ValueError(f"import closure: expected a module {name} in {roots[0]}, got none.")
    while waiting:
        name = waiting.pop()
        path = _file(roots, name)
        if path is not None and name not in found:
            found[name] = path
            waiting += [name.rpartition(".")[0]] if "." in name else []
            waiting += imports_of(path, PACKAGES)
    return found


def imports_of(path: Path, packages: Container[str] | None = None) -> Iterator[str]:
    """Give the dotted names that a module imports, anywhere in its text, and those that may be names in a module.

    Args:
        path: the module; relative imports are not expected.
        packages: leave out what belongs to none of these.
    """
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        yield from (name for name in names if packages is None or name.partition(".")[0] in packages)


def _file(roots: Sequence[Path], name: str) -> Path | None:
    bases = [root.joinpath(*name.split(".")) for root in roots]
    candidates = [path for base in bases for path in (base.with_name(f"{base.name}.py"), base / "__init__.py")]
    return next((path for path in candidates if path.is_file()), None)
