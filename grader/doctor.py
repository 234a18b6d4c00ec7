"""`grader doctor`: what this machine can do, and what to install for more."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader import __version__
from grader.course import course
from grader.paths import ROOT
from grader.versions import TRIED, installed_version, other_version, tried_versions

GRADING_PACKAGES = ("nbgrader", "jupytext")
GRADING = "grader.sandbox"
"""Students do not get this part."""

MISSING = "missing"


def examine(console: Console) -> bool:
    """Print versions, data and, where grading is installed, the sandbox; return whether all that is needed is there."""
    console.print(
        f"grader {__version__}, Python {platform.python_version()}, {platform.platform()}, {os.cpu_count()} cores"
    )
    grading = sys.platform == "linux" and importlib.util.find_spec(GRADING) is not None
    packages = (*course().packages, "pytest", *(GRADING_PACKAGES if grading else ()))
    others = [name for name in tried_versions() if name not in packages and other_version(name)]
    versions = [(name, _version(name)) for name in (*packages, *others)]
    print_table(console, "Packages", versions)
    if any(version.startswith(MISSING) for _, version in versions):
        return False
    data = list(_data())
    print_table(console, "Data", data)
    complete = all(verdict == "ok" for _, verdict in data)
    return (not grading or importlib.import_module(f"{GRADING}.examination").examine(console)) and complete


def print_table(console: Console, title: str, rows: list[tuple[str, str]]) -> None:
    """Print rows of a name and what is to be said of it."""
    table = Table(title=title, title_justify="left", show_header=False)
    for name, value in rows:
        table.add_row(Text(name), Text(value))  # a log may hold what rich takes for markup
    console.print(table)


def _version(package: str) -> str:
    installed, tried = installed_version(package), other_version(package)
    if not installed:
        return f"{MISSING}: run `{Path(sys.executable).name} -m pip install -c {TRIED} -e {ROOT}`"
    return f"{installed}: differs from {tried}, with which the kit was tried" if tried else installed


def _data() -> Iterator[tuple[str, str]]:
    """Compare the bundled archives with the checksums that the data sets state."""
    bundled = course().part("archives")
    for name, path, expected in bundled.archives() if bundled else ():
        got = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() if path.is_file() else ""
        damaged = f"damaged: expected MD5 {expected}, got {got}"
        missing = f"missing: expected MD5 {expected}. Fetch it again from the repository?"
        yield name, "ok" if got == expected else damaged if got else missing
