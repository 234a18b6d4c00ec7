"""Where the processor time of one solved submission goes, task by task: `python benchmarks/split.py [runs]`.

The kernel counts each worker's processor time (``/proc/PID/task/TID/schedstat``, in nanoseconds); it is read before and
after every request, from outside. The time of the fork server and of ended workers is read at the end.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from tables import EVERYTHING, SETTLE_SECONDS

from grader.canaries import reference_order
from grader.course import Task
from grader.grading import code_of, lay_out_data
from grader.hidden.plugin import CheckReport, Job
from grader.hidden.session import TaskSession
from grader.hidden.suites import run_suites
from grader.sandbox import walls
from grader.sandbox.client import Worker
from grader.sandbox.levels import candidates
from grader.sandbox.limits import Limits
from grader.sandbox.pool import WorkerPool
from grader.sandbox.server import ZygoteServer
from grader.sandbox.walls import Walls

COLUMNS = ("requests", "fork, walls", "load", "import", "answers", "checker", "of which border", "wall")
Spent = dict[str, dict[str, float]]


class SplitSession(TaskSession):
    """A session that adds up the time of its worker and of the checker."""

    def __init__(self, spent: dict[str, float], *args: Any) -> None:
        super().__init__(*args)
        self._spent = spent
        self._started = time.process_time(), time.perf_counter()

    def _exchange(self, worker: Worker, kind: str, body: dict[str, Any], seconds: float) -> dict[str, Any]:
        pid = walls.pid_behind(worker._pidfd) or 0  # noqa: SLF001 - measured from outside
        used = _used(pid)
        if kind == "load":
            self._spent["fork, walls"] += used
        border = time.process_time()
        try:
            return super()._exchange(worker, kind, body, seconds)
        finally:
            self._spent["of which border"] += time.process_time() - border
            self._spent[kind if kind in ("load", "import") else "answers"] += _used(pid) - used
            self._spent["requests"] += 1

    def close(self) -> None:
        """End the worker, and count the task's time in the checker."""
        super().close()
        cpu, wall = self._started
        self._spent["checker"] += time.process_time() - cpu
        self._spent["wall"] += time.perf_counter() - wall
        self._started = time.process_time(), time.perf_counter()


def _used(pid: int) -> float:
    """Return the processor seconds of a process's threads so far."""
    total = 0
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            total += int((thread / "schedstat").read_text().split()[0])
    return total / 1e9


def main(runs: int) -> None:
    """Grade the reference in this process, and print each task's time."""
    torch.set_num_threads(1)
    spent: Spent = defaultdict(lambda: defaultdict(float))
    behind: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        lay_out_data(Path(folder))
        place = Walls(candidates(unsafe=False)[0], Path(folder))
        server = ZygoteServer(1, place.level)
        server.wait_until_ready()
        try:
            with WorkerPool(server.channels[0], place) as pool:
                run_suites(_jobs(runs, pool, spent, behind, server), _require_full_points)
        finally:
            server.close()
    print_table(spent, behind, runs)


def _jobs(runs: int, pool: WorkerPool, spent: Spent, behind: list[float], server: ZygoteServer) -> Iterator[Job]:
    """Yield the reference once to warm up, and then as often as requested."""
    watchman = server._process.pid  # noqa: SLF001 - the tree below it is the fork server and its workers
    for run in range(runs + 1):
        order = reference_order(run, EVERYTHING)
        code = code_of(order.snapshot)

        def opened(task: Task, code: Any = code) -> SplitSession:
            return SplitSession(spent[task.id], pool, Limits(), code, task)

        before = walls.tree_processor_seconds(watchman)
        yield Job("reference", run, EVERYTHING, opened, order.snapshot.weights)
        time.sleep(SETTLE_SECONDS)
        behind.append(walls.tree_processor_seconds(watchman) - before)
        if run == 0:
            spent.clear()
            behind.clear()


def _require_full_points(_job: Job, checked: CheckReport) -> None:
    if any(task.status != "passed" for task in checked.tasks):
        raise SystemExit("split: expected the reference to pass every task. Does `grader verify --quick` hold?")


def print_table(spent: Spent, behind: list[float], runs: int) -> None:
    """Print each task's means, in milliseconds, their sums, and the rest."""
    table = Table(title=f"Processor milliseconds of one solved submission, mean of {runs}")
    table.add_column("task")
    for column in COLUMNS:
        table.add_column(column, justify="right")
    sums: dict[str, float] = defaultdict(float)
    for task, parts in spent.items():
        table.add_row(task, *(_shown(column, parts[column] / runs) for column in COLUMNS))
        for column in COLUMNS:
            sums[column] += parts[column] / runs
    table.add_row("all", *(_shown(column, sums[column]) for column in COLUMNS))
    workers = sum(sums[column] for column in ("fork, walls", "load", "import", "answers"))
    Console(width=120).print(table)
    print(f"Fork server, and workers that end: {1000 * (sum(behind) / runs - workers):.0f} ms")


def _shown(column: str, value: float) -> str:
    return f"{value:.0f}" if column == "requests" else f"{1000 * value:.1f}"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
