"""The process beside a dask worker that grades: `python -m grader.cluster.station DESCRIPTOR...`.

A process of its own, since a grader forks its checkers, and a dask worker has threads. Each descriptor is a line to one
thread of the worker, which sends a submission and waits for the answer, a JSON document. The first thing that comes, on
the first line, is the plan. When the worker hangs up, however it ended, the station ends.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from multiprocessing.connection import Connection, wait
from typing import Any

from grader.canaries import try_canaries
from grader.cluster.plan import Plan, to_document
from grader.errors import GraderError
from grader.grading import Grader
from grader.sandbox.levels import candidates

LOOK_SECONDS = 0.02
IDLE_SECONDS = 300.0
"""How long a station waits for a submission: a run that was killed asks for no more, one that lives for a new one."""


def main(descriptors: list[int]) -> None:
    """Show that this machine grades rightly, then grade what comes until the worker hangs up."""
    lines = [Connection(descriptor) for descriptor in descriptors]
    plan: Plan = lines[0].recv()
    try:
        with Grader(len(lines), candidates(unsafe=plan.unsafe), plan.limits) as grader:
            paces = try_canaries(grader, frozenset(plan.selected), plan.seed, plan.way, lambda: None)
            grader.calibrate(paces)
            _answer(lines[0], {"level": grader.level})
            _serve(lines, grader)
    except (GraderError, OSError) as error:
        _answer(lines[0], {"refused": str(error)})


def _serve(lines: list[Connection], grader: Grader) -> None:
    idle, busy, used = [*lines], 0, time.monotonic()
    while (idle or busy) and time.monotonic() - used < IDLE_SECONDS:
        for line in wait(idle, timeout=0):
            assert isinstance(line, Connection), "only lines are waited for"
            idle.remove(line)
            try:
                order = line.recv()
            except (EOFError, OSError):
                continue  # the worker has hung up
            busy += 1
            grader.submit(line, order)
        if busy:
            used = time.monotonic()
        for line, checked in grader.collect(LOOK_SECONDS):
            _answer(line, {"level": grader.level, **(to_document(checked) if checked else {})})
            idle.append(line)
            busy -= 1


def _answer(line: Connection, document: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):  # the worker has hung up, which `_serve` will see
        line.send_bytes(json.dumps(document).encode())


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]])
