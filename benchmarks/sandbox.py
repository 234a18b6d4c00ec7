"""The cost of a fork: `python benchmarks/sandbox.py [workers] [user]`; with `user`, root measures an ordinary user.

Prints, for every level of this machine, the milliseconds of each step of a worker's life as median and p95, the
private memory of a worker, and whether checker and fork server grow over many workers.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table
from tables import BASELINE, import_libraries, p95

from grader.canaries import reference_order
from grader.course import course
from grader.grading import code_of, lay_out_data
from grader.hidden.session import TaskSession
from grader.paths import ROOT
from grader.sandbox import walls
from grader.sandbox.client import Worker
from grader.sandbox.limits import Limits
from grader.sandbox.pool import WorkerPool
from grader.sandbox.server import ZygoteServer
from grader.sandbox.walls import Level, Walls

sys.path.append(str(ROOT / "tests"))
from identities import BECOME, ordinary_python

IMPORTS = 3
FORKS = 100
LIMITS = Limits()
TASK = course().task("output_size")
HEAVY = """
import torch
from torch import nn

def output_size(size, kernel_size):
    network = nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32 * 26 * 26, 10))
    network(torch.rand(8, 1, 28, 28)).sum().backward()
    return int((torch.rand(200, 200) @ torch.rand(200, 200)).sum()) and 1
"""

Rows = dict[str, list[float]]


def milliseconds(call: Callable[[], object]) -> float:
    """Return the wall time of a call in milliseconds."""
    started = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - started)


def main(workers: int) -> None:
    """Measure every level and print a table for each."""
    imports = [milliseconds(import_libraries) for _ in range(IMPORTS)]
    with tempfile.TemporaryDirectory() as folder:
        lay_out_data(Path(folder))
        Path(folder).chmod(0o755)
        for level in walls.available_levels():
            print_table(f"level {level}", measure(Walls(level, Path(folder)), workers, imports))


def measure(place: Walls, workers: int, imports: list[float]) -> tuple[Rows, Rows]:
    """Start a fork server and take workers from it; return milliseconds and MiB by what was measured."""
    times: Rows = defaultdict(list)
    sizes: Rows = defaultdict(list)
    times[BASELINE] = imports
    started = time.perf_counter()
    server = ZygoteServer(1, place.level)
    server.wait_until_ready()
    times["fork server: all imports and warming up"].append(1000 * (time.perf_counter() - started))
    try:
        for _ in range(FORKS):
            measure_bare_fork(times, server, place)
        with WorkerPool(server.channels[0], place) as pool:
            measure_cycles(times, sizes, pool, server, workers)
            measure_memory(sizes, pool)
    finally:
        server.close()
    return times, sizes


def measure_bare_fork(times: Rows, server: ZygoteServer, place: Walls) -> None:
    """Take a worker that was not forked ahead, and wait until it is gone."""
    started = time.perf_counter()
    worker = Worker(server.channels[0], place, LIMITS)
    worker.wait_until_ready()
    times["without a spare: fork until its walls stand"].append(1000 * (time.perf_counter() - started))
    times["without a spare: killed, waited for, swept away"].append(milliseconds(worker.close))


def measure_cycles(times: Rows, sizes: Rows, pool: WorkerPool, server: ZygoteServer, workers: int) -> None:
    """Serve one small task per worker, as checkers do; sample the memory of both sides now and then."""
    code = code_of(reference_order(1, frozenset([TASK.id])).snapshot)
    for number in range(workers):
        started = time.perf_counter()
        session = TaskSession(pool, LIMITS, code, TASK)
        session.is_started()
        loaded = time.perf_counter()
        session.call(TASK.id, (28, 3), {})
        times["one answer of a worker that is at hand"].append(
            milliseconds(partial(session.call, TASK.id, (28, 3), {}))
        )
        session.close()
        times["a worker taken, a small submission loaded and imported"].append(1000 * (loaded - started))
        times["whole task: taken, loaded, two answers, ended"].append(1000 * (time.perf_counter() - started))
        if number in (50, workers - 1):
            when = f"after {number + 1} workers"
            for who, pid in (("checker", os.getpid()), ("fork server", process_of(server, pool.place.level))):
                sizes[f"{who}, {when}"] = [resident(pid)]
                sizes[f"{who}, {when}: open descriptors (a number)"] = [float(descriptors(pid))]


def measure_memory(sizes: Rows, pool: WorkerPool) -> None:
    """Measure a worker's private memory: at first, and after a convolution, a product and a backward pass."""
    code = code_of(reference_order(1, frozenset([TASK.id])).snapshot)
    files = {**code.files, "exercises/convolution.py": HEAVY.encode()}
    heavy = type(code)(files, code.stubs, code.broken)
    for _ in range(FORKS // 2):
        for what, one in (("a small task", code), ("convolution, product and backward", heavy)):
            session = TaskSession(pool, LIMITS, one, TASK)
            session.is_started()
            session.call(TASK.id, (28, 3), {})
            with contextlib.suppress(PermissionError):  # an ordinary user's worker is closed to inspection
                own = private(worker_of(session))
                sizes[f"private to a worker, {what}"].append(own)
            session.close()


def process_of(server: ZygoteServer, level: Level) -> int:
    """Return the fork server's process: with namespaces, the process started only waits for it."""
    processes = list(walls.processes.tree(server._process.pid))  # noqa: SLF001 - only needed for measuring
    return processes[1] if level == walls.NAMESPACES else processes[0]


def worker_of(session: TaskSession) -> int:
    """Return the process that serves a session."""
    worker = session._worker  # noqa: SLF001 - as above
    pid = walls.pid_behind(worker._pidfd) if worker else None  # noqa: SLF001 - as above
    assert pid is not None, "it has just answered"
    return pid


def resident(pid: int) -> float:
    """Return the resident memory of a process in MiB."""
    return field(f"/proc/{pid}/status", "VmRSS:")


def private(pid: int) -> float:
    """Return a process's private memory, in MiB."""
    return sum(field(f"/proc/{pid}/smaps_rollup", name) for name in ("Private_Clean:", "Private_Dirty:"))


def field(path: str, name: str) -> float:
    """Return a field in kB of a file in /proc, in MiB."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))


def descriptors(pid: int) -> int:
    """Return how many descriptors a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def print_table(title: str, measured: tuple[Rows, Rows]) -> None:
    """Print median and p95 of every row."""
    for unit, rows in zip(("ms", "MiB"), measured, strict=True):
        table = Table(title=f"{title}, {unit}")
        for column in ("what", "runs", "median", "p95"):
            table.add_column(column, justify="left" if column == "what" else "right")
        for name, values in rows.items():
            table.add_row(name, str(len(values)), f"{statistics.median(values):.1f}", f"{p95(values):.1f}")
        Console(width=110).print(table)


def as_ordinary_user(workers: str) -> int:
    """Run this script as an ordinary user; return its exit status."""
    python = ordinary_python()
    if not python:
        print("benchmark: expected a Python with torch that an ordinary user can start, got none.")
        return 1
    with tempfile.TemporaryDirectory(prefix="cnn-kit-benchmark-") as folder:
        Path(folder).chmod(0o777)
        command = [*BECOME, python, __file__, workers]
        return subprocess.run(command, env=os.environ | {"HOME": folder, "TMPDIR": folder}, check=False).returncode


if __name__ == "__main__":
    if sys.argv[2:] == ["user"]:
        sys.exit(as_ordinary_user(sys.argv[1]))
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
