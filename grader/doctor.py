"""`grader doctor`: what this machine can do, and what to install for more."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table
from torchvision.datasets import FashionMNIST  # type: ignore[import-untyped]

from exercises.datasets import MNIST5k
from grader import __version__
from grader.paths import DATA, ROOT
from grader.sandbox import outer
from grader.sandbox.client import Place, SandboxBroken
from grader.sandbox.levels import ADVICE, NoSandbox, candidates
from grader.sandbox.limits import MARGIN, Limits
from grader.sandbox.preflight import describe, try_walls
from grader.sandbox.server import ZygoteDied, ZygoteServer
from grader.sandbox.walls import Level

PACKAGES = ("torch", "torchvision", "pytorch-lightning", "torchinfo", "numpy", "pytest", "nbgrader", "jupytext")


def examine(console: Console) -> bool:
    """Print versions, data, sandbox and limits; tell whether all that grading needs is there."""
    console.print(
        f"grader {__version__}, Python {platform.python_version()}, {platform.platform()}, {os.cpu_count()} cores"
    )
    _print_table(console, "Packages", _versions())
    data = list(_data())
    _print_table(console, "Data", data)
    _print_table(console, f"Limits of one task (times: or {MARGIN} times the reference's)", _limits())
    return _sandbox(console) and all(verdict == "ok" for _, verdict in data)


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
    """Compare the bundled archives with the checksums that the data sets state."""
    for folder, resources in (("FashionMNIST", FashionMNIST.resources), ("MNIST5k", MNIST5k.resources)):
        for name, expected in resources:
            yield f"{folder}/{name}", _archive(DATA / folder / "raw" / name, expected)


def _archive(path: Path, expected: str) -> str:
    if not path.is_file():
        return f"missing: expected MD5 {expected}. Fetch it again from the repository?"
    got = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    return "ok" if got == expected else f"damaged: expected MD5 {expected}, got {got}"


def _limits() -> list[tuple[str, str]]:
    limits = dataclasses.asdict(Limits())
    return [_limit(name, value) for name, value in {**limits.pop("resources"), **limits}.items()]


def _limit(name: str, value: float) -> tuple[str, str]:
    if value >= 1 << 10:
        return name.replace("_", " "), f"{value / (1 << 20):g} MiB"
    return name.replace("_", " "), f"{value:g} s" if name.endswith("seconds") else f"{value:g}"


def _sandbox(console: Console) -> bool:
    """Try every wall of every level that this machine may have; tell whether grading has one to run at."""
    try:
        levels = candidates(unsafe=False)
    except NoSandbox as error:
        console.print(str(error), style="bold red")
        return False
    holding = []
    for level in levels:
        for command in outer.commands(level, [DATA]):
            name = f"{level} in bubblewrap" if command else level
            with console.status(f"trying the walls of level {name}"):
                outcomes = _outcomes(level, command)
            _print_table(console, f"Sandbox level {name}", outcomes)
            if outcomes and all(verdict == "held" for _, verdict in outcomes):
                holding.append(name)
                break
    if not outer.program():
        console.print("bubblewrap is not installed: with it the fork server gets a wall of its own.")
    console.print(f"Grading runs at level {holding[0]}." if holding else f"No level holds. {ADVICE}")
    return bool(holding)


def _outcomes(level: Level, command: list[str]) -> list[tuple[str, str]]:
    server = ZygoteServer(1, level, command)
    try:
        server.wait_until_ready()
        return [describe(outcome) for outcome in try_walls(server.channels[0], Place(level, DATA, Limits()))]
    except (ZygoteDied, SandboxBroken) as error:
        return [("start the fork server", str(error))]
    finally:
        server.close()
