"""Where the time of grading one solved submission goes: `python benchmarks/grading.py [runs]`.

Prints seconds as median and p95 over the runs, and the ratio to the bare import of torch, torchvision and Lightning,
which every grader pays if it starts a Python process per submission. Other work on the machine affects all rows alike.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table
from tables import BASELINE, EVERYTHING, SETTLE_SECONDS, import_libraries, p95

from grader.canaries import reference_order
from grader.course import course
from grader.grading import Grader, lay_out_data
from grader.results import MAX_SCORE, Result
from grader.sandbox import walls
from grader.sandbox.client import Worker
from grader.sandbox.levels import candidates, start_behind_walls
from grader.sandbox.limits import Limits
from grader.sandbox.server import ZygoteServer
from grader.sandbox.walls import Walls

FORKS = 50


def timed(call: Callable[[], object]) -> float:
    """Return the wall seconds of a call."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def main(runs: int) -> None:
    """Measure and print the table."""
    rows: dict[str, list[float]] = defaultdict(list)
    levels = candidates(unsafe=False)
    with tempfile.TemporaryDirectory() as folder:
        rows["data set of synthetic images written"].append(timed(lambda: lay_out_data(Path(folder))))
        place = Walls(levels[0], Path(folder))
        for run in range(runs):
            print(f"run {run + 1} of {runs}", file=sys.stderr)
            rows[BASELINE].append(timed(import_libraries))
            rows["checker: its own imports and the suites, once a batch"].append(timed(collect_suites))
            measure_sandbox(rows, place)
    with Grader(1, levels) as grader:
        for run in range(runs):
            measure_submission(rows, grader, run)
    print_table(rows, levels[0])


def collect_suites() -> None:
    """Import a checker's modules in a new process, and collect the hidden checks."""
    code = "from grader.hidden.suites import collect_checks; collect_checks()"
    subprocess.run([sys.executable, "-c", code], check=True)


def measure_sandbox(rows: dict[str, list[float]], place: Walls) -> None:
    """Start a fork server, try its walls, and take workers from it."""
    started = time.perf_counter()
    server = ZygoteServer(1, place.level)
    server.wait_until_ready()
    rows["fork server: imports, once a batch"].append(time.perf_counter() - started)
    server.close()
    started = time.perf_counter()
    server, _ = start_behind_walls(1, place.data, (place.level,))
    rows["fork server with every wall tried, once a batch"].append(time.perf_counter() - started)
    try:
        for _ in range(FORKS):
            started = time.perf_counter()
            worker = Worker(server.channels[0], place, Limits())
            worker.wait_until_ready()
            rows["one worker: fork until its walls stand"].append(time.perf_counter() - started)
            rows["one worker: killed and swept away"].append(timed(worker.close))
    finally:
        server.close()


def measure_submission(rows: dict[str, list[float]], grader: Grader, seed: int) -> None:
    """Grade the reference, and add up the seconds of its tasks by module."""
    results: dict[int, Result] = {}
    used = walls.tree_processor_seconds(os.getpid())
    whole = timed(lambda: grader.grade([reference_order(seed, EVERYTHING)], results.__setitem__, tick=lambda: None))
    time.sleep(SETTLE_SECONDS)
    used = walls.tree_processor_seconds(os.getpid()) - used
    if results[0].score != MAX_SCORE:
        raise SystemExit("grading: expected full points for the reference. Does `grader verify --quick` hold?")
    rows["the whole submission"].append(whole)
    rows["its processor seconds: checker, fork server, workers"].append(used)
    seconds: dict[str, float] = defaultdict(float)
    for task in results[0].tasks:
        module = course().task(task.id).module
        seconds["evaluation" if task.id == "fashion_accuracy" else f"checks of {module}"] += task.seconds
    rows["the checks of all tasks but the evaluation"].append(
        sum(value for name, value in seconds.items() if name.startswith("checks"))
    )
    for name, value in seconds.items():
        rows[name].append(value)


def print_table(rows: dict[str, list[float]], level: str) -> None:
    """Print median, p95 and ratio of every row."""
    baseline = statistics.median(rows[BASELINE])
    table = Table(title=f"Grading one solved submission, level {level}")
    for column in ("what", "runs", "median s", "p95 s", "ratio"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for name, values in rows.items():
        median = statistics.median(values)
        table.add_row(name, str(len(values)), f"{median:.3f}", f"{p95(values):.3f}", f"{median / baseline:.3f}")
    Console(width=110).print(table)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
