"""The cost of grading one solved submission above its floor: `python benchmarks/floor.py [runs]`.

The floor is what the student's own code and the evaluation cost with nothing around them: every call that the hidden
checks make to the reference is recorded while it is graded (a function or a probe, with its arguments),
and repeated directly in one process that has imported everything and has made all of them once before. There
is no border, no fork, no import of the submission and no check in it. Of the trained network's answers the floor
includes those to the 10,000 test images; the others, which look for a memorised set, count as grading.

Processor seconds are those of the checker, the fork server and all workers together.
"""

from __future__ import annotations

import contextlib
import copy
import gc
import importlib
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import torch
from rich.console import Console
from rich.table import Table
from tables import EVERYTHING, SETTLE_SECONDS, p95

from grader.canaries import reference_order
from grader.checks.student import Observation
from grader.course import course
from grader.grading import Grader, code_of, lay_out_data
from grader.hidden.plugin import Job
from grader.hidden.session import TaskSession
from grader.hidden.suites import run_suites
from grader.results import Result
from grader.sandbox import walls
from grader.sandbox.levels import candidates
from grader.sandbox.limits import Limits
from grader.sandbox.pool import WorkerPool
from grader.sandbox.server import ZygoteServer
from grader.sandbox.walls import Walls
from grader.sandbox.zygote import PRELOADED

TEST_IMAGES = 10_000
SEED = 7


@dataclass(frozen=True)
class Call:
    """One call that a hidden check made of the reference.

    Attributes:
        task: the check's task.
        module: the student's module.
        probe: whether ``name`` is a probe or a function of the module.
        name: of a function, or of a probe as used in the checks.
        args: positional arguments.
        kwargs: keyword arguments.
    """

    task: str
    module: str
    probe: bool
    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class RecordingSession(TaskSession):
    """A session that records every call."""

    def __init__(self, calls: list[Call], *args: Any) -> None:
        super().__init__(*args)
        self._calls = calls

    def call(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Observation:
        """Record a call of a function, and make it."""
        self._keep(False, function, args, kwargs)
        return super().call(function, args, kwargs)

    def probe(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Record a probe, and run it."""
        self._keep(True, name, args, kwargs)
        return super().probe(name, args, kwargs)

    def _keep(self, probe: bool, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._calls.append(Call(self._task.id, self._task.module, probe, name, *copy.deepcopy((args, kwargs))))


def record(data: Path) -> list[Call]:
    """Grade the reference once, and return the calls that make up the floor."""
    calls: list[Call] = []
    order = reference_order(SEED, EVERYTHING)
    place = Walls(candidates(unsafe=False)[0], data)
    server = ZygoteServer(1, place.level)
    server.wait_until_ready()
    try:
        with WorkerPool(server.channels[0], place) as pool:

            def jobs() -> Iterator[Job]:
                code = code_of(order.snapshot)
                yield Job(
                    *("reference", SEED, EVERYTHING),
                    lambda task: RecordingSession(calls, pool, Limits(), code, task),
                    order.snapshot.weights,
                )

            run_suites(jobs(), lambda _job, _checked: None)
    finally:
        server.close()
    inside = place.data_inside
    return [_with_data(call, inside, data) for call in _without_suspicions(calls)]


def _without_suspicions(calls: list[Call]) -> Iterator[Call]:
    """Leave out the network's calls after the test images."""
    asked = 0
    for call in calls:
        if call.name == "evaluation.predict":
            if asked == TEST_IMAGES:
                continue
            asked += len(call.args[0])
        yield call


def _with_data(call: Call, inside: Path, data: Path) -> Call:
    """Replace the data folder by its path outside a worker."""
    known: dict[object, object] = {inside: data, str(inside): str(data)}
    args = tuple(known.get(arg, arg) if isinstance(arg, str | Path) else arg for arg in call.args)
    return Call(call.task, call.module, call.probe, call.name, args, call.kwargs)


def replay(connection: Connection, calls: list[Call]) -> None:
    """Make all calls once, and then as often as requested; the body of the warm process."""
    torch.set_num_threads(1)
    for name in PRELOADED:
        importlib.import_module(name)
    sys.modules["lesson.mapping"].prepare()
    sys.modules["lesson.warming"].warm_up()
    targets = [_target(call) for call in calls]
    _replay(calls, targets)
    connection.send("warm")
    while connection.recv() == "again":
        connection.send(_replay(calls, targets))


def _target(call: Call) -> Callable[..., Any]:
    """Return the function that a worker would call, with the student's module bound to a probe."""
    module = importlib.import_module(f"solutions.{call.module}")
    if not call.probe:
        return getattr(module, call.name)  # type: ignore[no-any-return]
    where, _, function = call.name.rpartition(".")
    probe = getattr(importlib.import_module(f"lesson.probes.{where or call.module}"), function)
    return lambda *args, **kwargs: probe(module, *args, **kwargs)


def _replay(calls: list[Call], targets: list[Callable[..., Any]]) -> dict[str, tuple[float, float]]:
    """Return processor and wall seconds of the calls of each task."""
    spent: dict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    task = ""
    for call, target in zip(calls, targets, strict=True):
        if call.task != task:
            task = call.task
            _as_in_a_fresh_worker()
        args, kwargs = copy.deepcopy((call.args, call.kwargs))
        cpu, wall = time.process_time(), time.perf_counter()
        with contextlib.suppress(Exception):  # some calls are meant to be refused
            target(*args, **kwargs)
        before = spent[call.task]
        spent[call.task] = before[0] + time.process_time() - cpu, before[1] + time.perf_counter() - wall
    return dict(spent)


def _as_in_a_fresh_worker() -> None:
    """Forget what earlier tasks left behind: a probe collects garbage, and would scan all of it each time."""
    importlib.import_module("lesson.probes.data_module")._BUILT.clear()  # noqa: SLF001 - has no public way
    plt.close("all")
    gc.collect()
    gc.freeze()


def grade(grader: Grader) -> dict[str, tuple[float, float]]:
    """Grade the reference; return processor and wall seconds with the evaluation, and without it."""
    found = {}
    for name, selected in (("all", EVERYTHING), ("checks", EVERYTHING - {"fashion_accuracy"})):
        results: dict[int, Result] = {}
        cpu, wall = walls.tree_processor_seconds(os.getpid()), time.perf_counter()
        grader.grade([reference_order(SEED, selected)], results.__setitem__, tick=lambda: None)
        wall = time.perf_counter() - wall
        time.sleep(SETTLE_SECONDS)
        found[name] = walls.tree_processor_seconds(os.getpid()) - cpu, wall
        if any(task.status not in ("passed", "skipped") for task in results[0].tasks):
            raise SystemExit("floor: expected the reference to pass every task. Does `grader verify --quick` hold?")
    return found


def main(runs: int) -> None:
    """Measure and print the table."""
    levels = candidates(unsafe=False)
    rows: dict[str, list[tuple[float, float]]] = defaultdict(list)
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder, Grader(1, levels) as grader:
        lay_out_data(Path(folder))
        ours, theirs = context.Pipe()
        warm = context.Process(target=replay, args=(theirs, record(Path(folder))), daemon=True)
        warm.start()
        assert ours.recv() == "warm", "the process says so before anything else"
        for run in range(runs):
            print(f"run {run + 1} of {runs}", file=sys.stderr)
            ours.send("again")
            _keep(rows, ours.recv(), grade(grader))
        ours.send("end")
        warm.join()
    print_table(rows, levels[0])


def _keep(
    rows: dict[str, list[tuple[float, float]]],
    floor: dict[str, tuple[float, float]],
    graded: dict[str, tuple[float, float]],
) -> None:
    evaluation = floor.pop("fashion_accuracy")
    modules: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for task, spent in floor.items():
        modules[course().task(task).module].append(spent)
    for module, parts in modules.items():
        rows[f"floor: calls of {module}"].append(_sum(parts))
    rows["floor: all calls but the evaluation"].append(_sum(floor.values()))
    rows["graded: all tasks but the evaluation"].append(graded["checks"])
    rows["floor: evaluation of 10,000 images"].append(evaluation)
    rows["floor"].append(_sum([*floor.values(), evaluation]))
    rows["graded"].append(graded["all"])


def _sum(parts: Iterable[tuple[float, float]]) -> tuple[float, float]:
    cpu, wall = zip(*parts, strict=True)
    return sum(cpu), sum(wall)


def print_table(rows: dict[str, list[tuple[float, float]]], level: str) -> None:
    """Print median and p95 of every row, and the ratio of the medians to the floor."""
    table = Table(title=f"Grading one solved submission and its floor, level {level}")
    for column in ("what", "runs", "cpu s: median", "p95", "wall s: median", "p95"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for name, values in rows.items():
        table.add_row(name, str(len(values)), *_median_and_p95([cpu for cpu, _ in values]),
                      *_median_and_p95([wall for _, wall in values]))  # fmt: skip
    for graded, floor in (("graded: all tasks but the evaluation", "floor: all calls but the evaluation"),
                          ("graded", "floor")):  # fmt: skip
        cpu, wall = (
            statistics.median(one[kind] / other[kind] for one, other in zip(rows[graded], rows[floor], strict=True))
            for kind in (0, 1)
        )
        table.add_row(f"ratio, {graded}", "", f"{cpu:.2f}", "", f"{wall:.2f}", "")
    Console(width=110).print(table)


def _median_and_p95(values: list[float]) -> tuple[str, str]:
    return f"{statistics.median(values):.3f}", f"{p95(values):.3f}"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
