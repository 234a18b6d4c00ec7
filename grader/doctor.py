"""`grader doctor`: what this machine can do, and what to install for more."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import os
import platform
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from grader import __version__
from grader.paths import DATA, ROOT
from grader.sandbox.limits import Limits

PACKAGES = ("torch", "torchvision", "pytorch-lightning", "torchinfo", "numpy", "pytest", "nbgrader", "jupytext")


def examine(console: Console) -> bool:
    """Print versions, data, sandbox and limits; tell whether all that grading needs is there."""
    console.print(
        f"grader {__version__}, Python {platform.python_version()}, {platform.platform()}, {os.cpu_count()} cores"
    )
    _print_table(console, "Packages", _versions())
    data = list(_data())
    _print_table(console, "Data", data)
    _print_table(console, "Limits of one task", _limits())
    return all(verdict == "ok" for _, verdict in data)


def _print_table(console: Console, title: str, rows: list[tuple[str, str]]) -> None:
    table = Table(title=title, title_justify="left", show_header=False)
    for name, value in rows:
        table.add_row(name, value)
    console.print(table)


def _versions() -> list[tuple[str, str]]:
    return [(name, _version(name)) for name in PACKAGES]


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return f"missing: run `{Path(sys.executable).name} -m pip install -e {ROOT}`"


def _data() -> Iterator[tuple[str, str]]:
    """Compare the archives with the checksums that data/README.md states."""
    stated = dict(re.findall(r"`([\w./-]+\.gz)`[^\n]*`([0-9a-f]{32})`", (DATA / "README.md").read_text("utf-8")))
    for name, expected in stated.items():
        path = DATA / name
        if not path.is_file():
            yield name, f"missing: expected MD5 {expected}. Fetch it again from the repository?"
            continue
        got = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        yield name, "ok" if got == expected else f"damaged: expected MD5 {expected}, got {got}"


def _limits() -> list[tuple[str, str]]:
    units = {"bytes": (1 << 20, "MiB"), "seconds": (1, "s")}
    rows = []
    for field in dataclasses.fields(Limits):
        factor, unit = units.get(field.name.rpartition("_")[2], (1, ""))
        value = getattr(Limits(), field.name) / factor
        rows.append((field.name.replace("_", " "), f"{value:g} {unit}".strip()))
    return rows
