"""What a worker may use: beyond these a task times out, runs out of memory or crashes, and nothing else happens."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from grader.sandbox.walls import Resources

MARGIN = 20
"""How many times the reference's own time a submission gets: a slow machine fails nobody."""

THREADS = 2
"""Threads that a worker computes with at most, each of which counts as processor time."""


@dataclass(frozen=True)
class Pace:
    """Seconds of wall time that a submission took for one task.

    Attributes:
        load: for laying out and importing its modules.
        call: for its longer answer.
        task: for all of it together.
    """

    load: float = 0.0
    call: float = 0.0
    task: float = 0.0

    def after(self, kind: str, seconds: float) -> Pace:
        """Return the pace after one more request of a kind."""
        longer = replace(self, task=self.task + seconds)
        if kind in ("load", "import"):
            return replace(longer, load=max(self.load, seconds))
        return replace(longer, call=max(self.call, seconds))


@dataclass(frozen=True)
class Limits:
    """Limits of one worker, which serves one task.

    Attributes:
        load_seconds: wall time for importing the student's modules.
        call_seconds: wall time for one answer.
        task_seconds: wall time for all answers of a task together.
        reply_bytes: how large one answer may be.
        resources: what the kernel counts: memory, processes, files, processor time.
    """

    load_seconds: float = 30.0
    call_seconds: float = 30.0
    task_seconds: float = 120.0
    reply_bytes: int = 256 << 20
    resources: Resources = field(default_factory=Resources)

    @classmethod
    def per_answer(cls, seconds: float) -> Limits:
        """Return the limits where one answer may take this long, and a task four times as long."""
        return cls(load_seconds=seconds, call_seconds=seconds, task_seconds=4 * seconds)

    def times(self, factor: float) -> Limits:
        """Return the same with every time multiplied."""
        seconds = self.load_seconds, self.call_seconds, self.task_seconds, self.resources.cpu_seconds
        return self._with_times(*(factor * one for one in seconds))

    def calibrated(self, paces: Mapping[str, Pace]) -> dict[str, Limits]:
        """Return each task's limits: these, or ``MARGIN`` times what the reference took where that is more.

        Args:
            paces: of the reference on this machine, by task id.
        """
        slowest = max((MARGIN * pace.task for pace in paces.values()), default=0.0)
        cpu_seconds = max(self.resources.cpu_seconds, slowest * THREADS)  # one for all: workers are forked ahead
        return {
            task: self._with_times(
                max(self.load_seconds, MARGIN * pace.load),
                max(self.call_seconds, MARGIN * pace.call),
                max(self.task_seconds, MARGIN * pace.task),
                cpu_seconds,
            )
            for task, pace in paces.items()
        }

    def _with_times(self, load: float, call: float, task: float, cpu: float) -> Limits:
        resources = replace(self.resources, cpu_seconds=math.ceil(cpu))
        return replace(self, load_seconds=load, call_seconds=call, task_seconds=task, resources=resources)
