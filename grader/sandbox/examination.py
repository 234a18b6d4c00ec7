"""What `grader doctor` finds out about the sandbox: its limits, and which walls hold on this machine."""

from __future__ import annotations

import dataclasses

from rich.console import Console

from grader.doctor import print_table
from grader.paths import DATA
from grader.sandbox import outer
from grader.sandbox.client import SandboxBroken
from grader.sandbox.levels import ADVICE, NoSandbox, candidates, started
from grader.sandbox.limits import MARGIN, Limits
from grader.sandbox.server import ZygoteDied
from grader.sandbox.walls import Level, Walls
from grader.sandbox.walls.attacks import HELD


def examine(console: Console) -> bool:
    """Print the limits, try every wall of every level that there may be, and return whether grading has one."""
    print_table(console, f"Limits of one task (times: or {MARGIN} times the reference's)", _limits())
    try:
        levels = candidates(unsafe=False)
    except NoSandbox as error:
        console.print(str(error), style="bold red", markup=False)
        return False
    holding = []
    for level in levels:
        for command in outer.commands(level, [DATA]):
            name = f"{level} in bubblewrap" if command else level
            with console.status(f"trying the walls of level {name}"):
                outcomes = _outcomes(level, command)
            print_table(console, f"Sandbox level {name}", outcomes)
            if outcomes and all(verdict == HELD for _, verdict in outcomes):
                holding.append(name)
                break
    if not outer.program():
        console.print("bubblewrap is not installed: with it the fork server gets a wall of its own.")
    console.print(f"Grading runs at level {holding[0]}." if holding else f"No level holds. {ADVICE}")
    return bool(holding)


def _limits() -> list[tuple[str, str]]:
    limits = dataclasses.asdict(Limits())
    return [_limit(name, value) for name, value in {**limits.pop("resources"), **limits}.items()]


def _limit(name: str, value: float) -> tuple[str, str]:
    if value >= 1 << 10:
        return name.replace("_", " "), f"{value / (1 << 20):g} MiB"
    return name.replace("_", " "), f"{value:g} s" if name.endswith("seconds") else f"{value:g}"


def _outcomes(level: Level, command: list[str]) -> list[tuple[str, str]]:
    try:
        server, outcomes = started(1, Walls(level, DATA), command)
    except (ZygoteDied, SandboxBroken) as error:
        return [("start the fork server", str(error))]
    server.close()
    return [(one.attack.title, HELD if one.held else f"NOT HELD: {one.seen}") for one in outcomes]
