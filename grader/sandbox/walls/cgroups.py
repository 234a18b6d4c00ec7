"""Control groups: memory and processes of a whole worker, counted by the kernel, where this machine lets us.

Version 1 (as root) and version 2 (as root, or in a delegated subtree) are used as found; elsewhere there is no cage
and the checker polls `processes.tree_memory` instead.
"""

from __future__ import annotations

import contextlib
import fnmatch
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from grader.sandbox.walls.model import Resources

_PREFIX: Final = "cnn-grader"
_CONTROLLERS: Final = ("memory", "pids")


def _own_groups() -> dict[str, str]:
    """Controller -> path of this process's group; version 2 has the empty name."""
    groups: dict[str, str] = {}
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            groups.update(dict.fromkeys(controllers.split(","), path))
    return groups


def _mounted_at(kind: str, controller: str = "") -> Path | None:
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/mountinfo").read_text().splitlines():
            mount, _, source = line.partition(" - ")
            name, _, options = source.split(" ", 2)
            if name == kind and (not controller or controller in options.split()[-1].split(",")):
                return Path(mount.split()[4])
    return None


def _version_1(controller: str) -> Path | None:
    mounted, own = _mounted_at("cgroup", controller), _own_groups().get(controller)
    return mounted / own.lstrip("/") if mounted and own else None


def _version_2() -> Path | None:
    """The nearest group that hands memory and processes down to groups below it, and is ours to write."""
    mounted, own = _mounted_at("cgroup2"), _own_groups().get("")
    if not mounted or own is None:
        return None
    group = mounted / own.lstrip("/")
    while group.is_relative_to(mounted):
        with contextlib.suppress(OSError):
            handed_down = (group / "cgroup.subtree_control").read_text().split()
            if {*_CONTROLLERS} <= {*handed_down} and os.access(group, os.W_OK):
                return group
        group = group.parent
    return None


def _parents() -> list[Path]:
    """The groups below which a worker's groups are made: one per controller, or a single one in version 2."""
    unified = _version_2()
    if unified:
        return [unified]
    found = [_version_1(controller) for controller in _CONTROLLERS]
    # All or none: with a cage that counts processes alone, nobody would count memory.
    return [one for one in found if one] if all(one and os.access(one, os.W_OK) for one in found) else []


@dataclass(frozen=True)
class Cage:
    """The control groups of one worker.

    Attributes:
        folders: their places under /sys/fs/cgroup, also what to hand to another process.
    """

    folders: tuple[Path, ...]

    @classmethod
    def make(cls, resources: Resources, name: str) -> Cage | None:
        """Groups with these limits, or None where this machine does not let us.

        Args:
            resources: memory and processes are taken from them.
            name: unique among this process's cages.
        """
        made: list[Path] = []
        try:
            for parent in _parents():
                folder = parent / f"{_PREFIX}-{os.getpid()}-{name}"
                folder.mkdir()
                made.append(folder)
                _write_limits(folder, resources)
        except OSError:
            cls(tuple(made)).remove()
            return None
        return cls(tuple(made)) if made else None

    def join(self) -> None:
        """Move the calling process into the cage; what it starts stays there too."""
        for folder in self.folders:
            (folder / "cgroup.procs").write_text("0")

    def ran_out_of_memory(self) -> bool:
        """Whether the kernel has ended a process of the worker for its memory."""
        for folder in self.folders:
            for name in ("memory.events", "memory.oom_control"):
                with contextlib.suppress(OSError):
                    words = (folder / name).read_text().split()
                    return int(words[words.index("oom_kill") + 1]) > 0
        return False

    def remove(self, patience: float = 2.0) -> bool:
        """Take the groups away once the worker has ended; True if they are gone."""
        deadline = time.monotonic() + patience
        gone = [_remove(folder, deadline) for folder in self.folders]  # all of them, even after a failure
        return all(gone)


def _write_limits(folder: Path, resources: Resources) -> None:
    settings = {"memory.limit_in_bytes": resources.memory, "memory.memsw.limit_in_bytes": resources.memory,
                "memory.max": resources.memory, "memory.swap.max": 0, "memory.oom.group": 1,
                "pids.max": resources.processes}  # fmt: skip
    for name, value in settings.items():
        if (folder / name).exists():
            (folder / name).write_text(str(value))


def _remove(folder: Path, deadline: float) -> bool:
    """Remove a group, and end what is still in it: where there are no namespaces, processes outlive their worker."""
    while True:
        try:
            folder.rmdir()
        except FileNotFoundError:
            return True
        except OSError:
            if time.monotonic() > deadline:
                return False
            _kill_all(folder)
            time.sleep(0.002)
        else:
            return True


def _kill_all(folder: Path) -> None:
    with contextlib.suppress(OSError):
        for pid in map(int, (folder / "cgroup.procs").read_text().split()):
            if pid:  # 0 is a process that this one cannot see
                os.kill(pid, signal.SIGKILL)


def sweep() -> int:
    """Remove what graders that were themselves killed have left behind; returns the number of groups.

    All groups are looked through: the grader that left one may have run in another session's.
    """
    removed = 0
    mounts = {_mounted_at("cgroup2"), *(_mounted_at("cgroup", controller) for controller in _CONTROLLERS)}
    for mounted in filter(None, mounts):
        # Groups come and go meanwhile: `os.walk` passes over those that are gone, which `Path.glob` does not.
        for place, names, _ in list(os.walk(mounted)):
            for name in fnmatch.filter(names, f"{_PREFIX}-*-*"):
                owner = name.split("-")[2]
                if owner.isdigit() and not Path(f"/proc/{owner}").exists():
                    removed += _remove(Path(place, name), time.monotonic() + 0.2)
    return removed
