"""What the checker sees of a worker from outside: its process id, its tree, its memory, its files."""

from __future__ import annotations

import contextlib
import math
import os
import select
import signal
from collections.abc import Iterator
from pathlib import Path


def pid_behind(pidfd: int) -> int | None:
    """The process id, in the caller's own numbering, of the process behind a pidfd; None if it has ended."""
    for line in Path(f"/proc/self/fdinfo/{pidfd}").read_text().splitlines():
        if line.startswith("Pid:"):
            pid = int(line.split()[1])
            return pid if pid > 0 else None
    return None


def tree(pid: int | None) -> Iterator[int]:
    """A process and all below it; none for None. Orphans stay: they are handed to process 1 of the namespace."""
    if pid is None:
        return
    yield pid
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                yield from tree(int(child))


SOCKET_BYTES = 212_992
"""What one socket holds in the kernel, whose memory no process shows: Linux's default, which workers may not change."""

FREE_DESCRIPTORS = 1024
"""Room for descriptors that is free of charge: for sixteen processes, which begin with room for 64 each."""


def _use(pid: int) -> tuple[int, int]:
    """Return bytes of anonymous, shared and swapped memory of one process, and for how many descriptors it has room."""
    memory = descriptors = 0
    with contextlib.suppress(OSError):  # it has ended
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(("RssAnon:", "RssShmem:", "VmSwap:")):
                memory += int(line.split()[1]) << 10
            elif line.startswith("FDSize:"):
                descriptors = int(line.split()[1])
    return memory, descriptors


def tree_memory(pid: int | None, baseline: int = 0) -> int:
    """Bytes that a worker and all its processes have made their own, or may hold in sockets.

    Reads status files alone: they stay readable when the worker is closed to inspection, and cost microseconds where
    a look at every mapping costs milliseconds. Memory shared among the worker's processes counts once for each.

    Args:
        pid: process 1 of the worker, as the caller numbers it; None if it has ended.
        baseline: bytes of memory that each process has inherited from the zygote.
    """
    uses = [_use(one) for one in tree(pid)]
    descriptors = sum(room for _, room in uses)
    own = sum(max(0, memory - baseline) for memory, _ in uses)
    return own + SOCKET_BYTES * max(0, descriptors - FREE_DESCRIPTORS)


def tree_processor_seconds(pid: int | None) -> float:
    """Seconds of processor time that a worker and its processes, those that ended included, have used."""
    ticks = 0
    for one in tree(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))  # utime, stime, and both of the children that were waited for
    return ticks / os.sysconf("SC_CLK_TCK")


def tree_queued_seconds(pid: int | None) -> float:
    """Seconds that a worker, or the one of its processes that did so longest, was ready to run and did not get to.

    A process that sleeps waits for nobody; infinity where the kernel does not count this.
    """
    waited = [0.0]
    for one in tree(pid):
        with contextlib.suppress(ProcessLookupError):
            try:
                waited.append(int(Path(f"/proc/{one}/schedstat").read_text().split()[1]) / 1e9)
            except (FileNotFoundError, IndexError):
                if Path(f"/proc/{one}").exists():
                    return math.inf
    return max(waited)


def folder_size(folder: Path) -> int:
    """Bytes on disk below a folder: for the scratch folder of the landlock level, which has no quota."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += Path(path, name).lstat().st_blocks * 512
    return total


def kill(pidfd: int) -> None:
    """Kill a worker without waiting.

    At `namespaces` the kernel takes all its processes along; at `landlock` it has none but itself.
    """
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)


def gone(pidfd: int, patience: float = 0) -> bool:
    """Whether a worker has ended, after waiting for it for so many seconds at most."""
    ready, _, _ = select.select([pidfd], [], [], patience)
    return bool(ready)
