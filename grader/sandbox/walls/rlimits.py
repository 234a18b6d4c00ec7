"""Kernel limits of one process, and of each process that it starts: setrlimit(2)."""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Mapping
from pathlib import Path

from grader.sandbox.walls.model import MIB, Resources

# Address space without memory behind it: stacks of threads, arenas of malloc.
_ADDRESS_SLACK = 1024 * MIB


def mapped() -> tuple[int, int]:
    """Bytes of address space, and of data, that are mapped."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["VmSize"].split()[0]) << 10, int(fields["VmData"].split()[0]) << 10


def threads_of_user(uid: int) -> int:
    """Threads that a user has on this machine: where a limit counts them all, one's own come on top."""
    total = 0
    for entry in os.scandir("/proc"):
        with contextlib.suppress(OSError):  # it has ended in the meantime
            if entry.name.isdigit() and entry.stat().st_uid == uid:
                total += len(list(Path(entry.path, "task").iterdir()))
    return total


def of_worker(resources: Resources, before: tuple[int, int], threads_counted: int) -> dict[int, int]:
    """The limits of a worker.

    Args:
        resources: what it may use.
        before: what it had mapped when it was forked: torch alone maps 4 GB that cost nothing.
        threads_counted: threads of the same user that the kernel counts with the worker's.
    """
    address, data = before
    return {
        resource.RLIMIT_AS: address + resources.memory + _ADDRESS_SLACK,
        resource.RLIMIT_DATA: data + resources.memory,
        resource.RLIMIT_NPROC: threads_counted + resources.processes,
        resource.RLIMIT_NOFILE: resources.open_files,
        resource.RLIMIT_FSIZE: resources.file_size,
        resource.RLIMIT_CPU: resources.cpu_seconds,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_MEMLOCK: MIB,
    }


def of_reader(memory: int, cpu_seconds: int) -> dict[int, int]:
    """The limits of whoever reads a submission, which writes no file.

    Args:
        memory: bytes that it may take beside what it has mapped.
        cpu_seconds: of processor that it may use.
    """
    address, data = mapped()
    return {
        resource.RLIMIT_AS: address + memory,
        resource.RLIMIT_DATA: data + memory,
        resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 256,
    }


def impose(wanted: Mapping[int, int]) -> None:
    """Bind the calling process."""
    for kind, value in wanted.items():
        _, ceiling = resource.getrlimit(kind)
        allowed = value if ceiling == resource.RLIM_INFINITY else min(value, ceiling)
        # Soft equals hard: process 1 of a namespace would not even notice the gentler signals.
        resource.setrlimit(kind, (allowed, allowed))
