"""How high the walls around student code are: the highest level whose every wall holds when it is tried."""

from __future__ import annotations

from pathlib import Path

from grader.errors import GraderError
from grader.sandbox import outer, walls
from grader.sandbox.client import SandboxBroken
from grader.sandbox.preflight import Outcome, try_walls
from grader.sandbox.server import ZygoteDied, ZygoteServer
from grader.sandbox.walls import Level, Walls

ADVICE = (
    "Install or enable one of: user namespaces (sysctl kernel.unprivileged_userns_clone=1), Landlock (Linux 5.13 or "
    "later, `lsm=landlock`), or grade as root. `grader doctor` shows every probe; --unsafe grades without walls."
)
STARTS = 2


class NoSandbox(GraderError):
    """No level of the sandbox holds on this machine."""


def candidates(*, unsafe: bool) -> tuple[Level, ...]:
    """Return the levels worth trying here, the highest first.

    Raises:
        NoSandbox: if there is none.
    """
    levels = (walls.NONE,) if unsafe else walls.available_levels()
    if not levels:
        raise NoSandbox(f"sandbox: expected namespaces or Landlock, got neither. {ADVICE}")
    return levels


def start_behind_walls(channels: int, data: Path, levels: tuple[Level, ...]) -> tuple[ZygoteServer, Walls]:
    """Start a fork server at the first level that holds.

    Args:
        channels: how many checkers will ask it for workers.
        data: the data folder that workers read.
        levels: from ``candidates``.

    Returns:
        The fork server, and what stands around its workers.

    Raises:
        NoSandbox: if none holds; the text names the walls that did not.
    """
    troubles = []
    for level in levels:
        place = Walls(level, data)
        for command in outer.commands(level, [data]):
            server, trouble = _try_level(channels, place, command)
            if server is not None:
                return server, place
            troubles.append(f"{level}{' in bubblewrap' if command else ''}: {trouble}")
    raise NoSandbox(f"sandbox: no level holds. {'; '.join(troubles)}. {ADVICE}")


def _try_level(channels: int, place: Walls, command: list[str]) -> tuple[ZygoteServer | None, str]:
    """Start a fork server whose walls hold, or return why it could not be.

    One that ends meanwhile has not shown that a wall falls (somebody may have ended it), so it is started once more.
    """
    trouble = ""
    for _ in range(STARTS):
        try:
            server, outcomes = started(channels, place, command)
        except (ZygoteDied, SandboxBroken) as error:
            trouble = str(error)
            continue
        fallen = [outcome.attack.title for outcome in outcomes if not outcome.held]
        if not fallen:
            return server, ""
        server.close()
        return None, f"a worker could {', '.join(fallen)}"
    return None, trouble


def started(channels: int, place: Walls, command: list[str]) -> tuple[ZygoteServer, list[Outcome]]:
    """Start a fork server and try its walls; nothing is tried where there are none.

    Raises:
        ZygoteDied, SandboxBroken: if they cannot be tried.
    """
    server = ZygoteServer(channels, place.level, command)
    try:
        server.wait_until_ready()
        return server, [] if place.level == walls.NONE else list(try_walls(server.channels[0], place))
    except BaseException:
        server.close()
        raise
