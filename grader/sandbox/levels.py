"""How high the walls around student code are: the highest level whose every wall holds when it is tried."""

from __future__ import annotations

from grader.errors import GraderError
from grader.sandbox import outer, walls
from grader.sandbox.client import Place, SandboxBroken
from grader.sandbox.preflight import try_walls
from grader.sandbox.server import ZygoteDied, ZygoteServer
from grader.sandbox.walls import Level

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
    if unsafe:
        return (walls.NONE,)
    levels = walls.available_levels()
    if not levels:
        raise NoSandbox(f"sandbox: expected namespaces or Landlock, got neither. {ADVICE}")
    return levels


def start_behind_walls(channels: int, place: Place, levels: tuple[Level, ...]) -> tuple[ZygoteServer, Level]:
    """Start a fork server at the first level that holds.

    Args:
        channels: how many checkers will ask it for workers.
        place: data folder and limits; its level is replaced.
        levels: from ``candidates``.

    Raises:
        NoSandbox: if none holds; the text names the walls that did not.
    """
    troubles = []
    for level in levels:
        for command in outer.commands(level, [place.data]):
            server, trouble = _try_level(channels, place.at(level), command)
            if server is not None:
                return server, level
            troubles.append(f"{level}{' in bubblewrap' if command else ''}: {trouble}")
    raise NoSandbox(f"sandbox: no level holds. {'; '.join(troubles)}. {ADVICE}")


def _try_level(channels: int, place: Place, command: list[str]) -> tuple[ZygoteServer | None, str]:
    """Start a fork server whose walls hold, or say why there is none.

    One that ends meanwhile has not shown that a wall falls (somebody may have ended it), so it is started once more.
    """
    trouble = ""
    for _ in range(STARTS):
        server = ZygoteServer(channels, place.level, command)
        try:
            server.wait_until_ready()
            trouble = _fallen(server, place)
        except (ZygoteDied, SandboxBroken) as error:
            trouble = str(error)
            server.close()
            continue
        if not trouble:
            return server, ""
        server.close()
        break
    return None, trouble


def _fallen(server: ZygoteServer, place: Place) -> str:
    """Name the walls that did not hold; nothing is tried where there are none."""
    tried = [] if place.level == walls.NONE else try_walls(server.channels[0], place)
    fallen = [outcome.attack.title for outcome in tried if not outcome.held]
    return f"a worker could {', '.join(fallen)}" if fallen else ""
