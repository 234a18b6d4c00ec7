"""A cheap look at what this machine might do; only the attacks of the preflight tell the truth."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from grader.sandbox.walls import _libc, landlock, privileges
from grader.sandbox.walls.model import LANDLOCK, NAMESPACES, Level


def _user_namespaces() -> bool:
    """Try one, in a child that ends at once: the settings that may forbid them are many."""
    child = os.fork()
    if not child:
        try:
            _libc.unshare(_libc.CLONE_NEWUSER | _libc.CLONE_NEWPID)
        except OSError:
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return status == 0


def available_levels() -> tuple[Level, ...]:
    """The levels worth trying here, strongest first; empty on anything but Linux."""
    if sys.platform != "linux" or _libc.MACHINE not in ("x86_64", "aarch64"):
        return ()
    levels: list[Level] = []
    if Path("/proc/self/ns/pid").exists() and (
        privileges.has_capability(privileges.CAP_SYS_ADMIN) or _user_namespaces()
    ):
        levels.append(NAMESPACES)
    if landlock.version():
        levels.append(LANDLOCK)
    return tuple(levels)
