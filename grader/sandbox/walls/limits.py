"""Kernel limits of one worker process, and of each process that it starts."""

from __future__ import annotations

import functools
import os
import resource
from pathlib import Path

from grader.sandbox.walls.model import MIB, Limits

# Address space without memory behind it: stacks of threads, arenas of malloc.
_ADDRESS_SLACK = 1024 * MIB


@functools.cache
def mapped() -> tuple[int, int]:
    """Bytes of address space, and of data, that are mapped: the zygote looks once, its workers inherit the answer."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["VmSize"].split()[0]) << 10, int(fields["VmData"].split()[0]) << 10


def threads_of_user(uid: int) -> int:
    """Threads that a user has on this machine: where a limit counts them all, one's own come on top."""
    total = 0
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            if entry.stat().st_uid == uid:
                total += len(list(Path(f"/proc/{entry.name}/task").iterdir()))
        except OSError:  # it has ended in the meantime
            continue
    return total


def impose(limits: Limits, before: tuple[int, int], *, threads_counted: int = 0) -> None:
    """Bind the calling process.

    Args:
        limits: what it may use.
        before: what it had mapped when it was forked: torch alone maps 4 GB that cost nothing.
        threads_counted: threads of the same user that the kernel counts with the worker's.
    """
    address, data = before
    wanted = {
        resource.RLIMIT_AS: address + limits.memory + _ADDRESS_SLACK,
        resource.RLIMIT_DATA: data + limits.memory,
        resource.RLIMIT_NPROC: threads_counted + limits.processes,
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_FSIZE: limits.file_size,
        resource.RLIMIT_CPU: limits.cpu_seconds,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_MEMLOCK: MIB,
    }
    for kind, value in wanted.items():
        _, ceiling = resource.getrlimit(kind)
        allowed = value if ceiling == resource.RLIM_INFINITY else min(value, ceiling)
        # Soft equals hard: process 1 of a namespace would not even notice the gentler signals.
        resource.setrlimit(kind, (allowed, allowed))
