"""What a worker may use: beyond these a task times out, runs out of memory or crashes, and nothing else happens."""

from __future__ import annotations

from dataclasses import dataclass, field

from grader.sandbox.walls import Limits as Resources


@dataclass(frozen=True)
class Limits:
    """Limits of one worker, which serves one task.

    Attributes:
        load_seconds: wall time for importing the student's modules.
        call_seconds: wall time for one answer.
        task_seconds: wall time for all answers of a task together.
        log_bytes: how much of its output is kept.
        reply_bytes: how large one answer may be.
        resources: what the kernel counts: memory, processes, files, CPU time.
    """

    load_seconds: float = 30.0
    call_seconds: float = 30.0
    task_seconds: float = 120.0
    log_bytes: int = 64 << 10
    reply_bytes: int = 256 << 20
    resources: Resources = field(default_factory=Resources)
