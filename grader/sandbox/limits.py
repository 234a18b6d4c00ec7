"""What a worker may use: beyond these a task times out, runs out of memory or crashes, and nothing else happens."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Limits of one worker, which serves one task.

    Attributes:
        load_seconds: wall time for importing the student's modules.
        call_seconds: wall time for one answer.
        task_seconds: wall time for all answers of a task together.
        cpu_seconds: CPU time of one process.
        memory_bytes: memory of all its processes together, beyond what the fork shares.
        processes: processes and threads.
        open_files: descriptors of one process.
        disk_bytes: size of its private temporary folder, and of one file.
        log_bytes: how much of its output is kept.
        reply_bytes: how large one answer may be.
    """

    load_seconds: float = 30.0
    call_seconds: float = 30.0
    task_seconds: float = 120.0
    cpu_seconds: int = 240
    memory_bytes: int = 2048 * MIB
    processes: int = 128
    open_files: int = 512
    disk_bytes: int = 256 * MIB
    log_bytes: int = MIB // 16
    reply_bytes: int = 256 * MIB
