"""Grades a class: checkers take submissions in turn, and one fork server gives all of them workers."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from functools import cache
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Self

import torch

from grader.bodies import body_hashes
from grader.course import Task, course
from grader.executor import Executor, Order
from grader.hidden.plugin import CheckReport, Job
from grader.hidden.session import Code, TaskSession
from grader.hidden.suites import run_suites
from grader.intake import Snapshot
from grader.paths import EXERCISES
from grader.sandbox import scratch, walls
from grader.sandbox.client import SandboxBroken
from grader.sandbox.levels import start_behind_walls
from grader.sandbox.limits import Limits, Pace
from grader.sandbox.pool import WorkerPool
from grader.sandbox.server import Channel, ZygoteDied, ZygoteServer
from grader.sandbox.walls import Level, Walls
from grader.stubs import given_text

SLACK, SLACK_SECONDS = 2.0, 300.0
"""How much longer than all its tasks' limits together a submission may take before its checker is ended."""
END_SECONDS = 30.0


class Grader(Executor):
    """Grades submissions on this machine; a context manager that starts and ends its processes.

    Args:
        checkers: how many submissions are checked at the same time.
        levels: how high the walls around student code may be; the first that holds is taken.
        limits: what a worker may use.
        own_workers: whether whoever holds it wants workers too, from the same fork server.

    Attributes:
        level: the level taken, once it is entered.
        workers: those workers; None if they were not asked for.
    """

    def __init__(
        self, checkers: int, levels: tuple[Level, ...], limits: Limits | None = None, *, own_workers: bool = False
    ) -> None:
        self.level: Level = levels[0]
        self.workers: WorkerPool | None = None
        self._own_workers = own_workers
        self._count = checkers
        self._levels = levels
        self._limits = limits or Limits()
        self._limits_by_task: dict[str, Limits] = {}
        self._data_root = Path()
        self._zygote: ZygoteServer | None = None
        self._checkers: dict[Connection, BaseProcess] = {}
        self._under_way: dict[Connection, tuple[Any, Order, float]] = {}  # the float: when it must have answered

    def __enter__(self) -> Self:
        _sweep()
        self._data_root = scratch.make("data")
        try:
            lay_out_data(self._data_root)
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        scratch.remove(self._data_root)
        _sweep()

    def calibrate(self, paces: Mapping[str, Pace]) -> None:
        """Give each task's answers a multiple of the time that the reference took, where that is over the limits."""
        self._limits_by_task = self._limits.calibrated(paces)

    def has_room(self, *, alone: bool) -> bool:
        """Return whether a checker is free; alone: whether all are."""
        if alone or any(order.alone for _, order, _ in self._under_way.values()):
            return not self._under_way
        return len(self._under_way) < len(self._checkers)

    def submit(self, ticket: Any, order: Order) -> None:
        """Hand a submission to a free checker."""
        limits = {task: self._limits_by_task.get(task, self._limits).times(order.patience) for task in order.selected}
        longest = sum(one.task_seconds for one in limits.values())
        connection = next(connection for connection in self._checkers if connection not in self._under_way)
        self._under_way[connection] = ticket, order, time.monotonic() + SLACK * longest + SLACK_SECONDS
        with contextlib.suppress(OSError):  # it has ended: `collect` finds out
            connection.send((order, limits))

    def collect(self, seconds: float) -> list[tuple[Any, CheckReport | None]]:
        """Wait for checkers; where one, or the fork server, has ended, its submission is lost and all start anew."""
        done: list[tuple[Any, CheckReport | None]] = []
        for ready in wait(list(self._under_way), timeout=seconds):
            assert isinstance(ready, Connection), "only checkers are waited for"
            ticket, _, _ = self._under_way.pop(ready)
            checked: CheckReport | None = None
            with contextlib.suppress(EOFError, OSError):
                checked = ready.recv()
            done.append((ticket, checked))
            if checked is None:
                self._start_anew()
                break
        self._end_the_overdue()
        return done

    def _start_anew(self) -> None:
        interrupted = list(self._under_way.values())
        self._stop()
        self._start()
        for ticket, order, _ in interrupted:
            self.submit(ticket, order)

    def _end_the_overdue(self) -> None:
        """End checkers that hang; every answer of a worker has a deadline of its own, so this is trouble of ours."""
        for connection, (_, _, deadline) in self._under_way.items():
            if time.monotonic() > deadline:
                self._checkers[connection].kill()

    def _start(self) -> None:
        self._zygote, place = start_behind_walls(self._count + self._own_workers, self._data_root, self._levels)
        self.level = place.level
        if self._own_workers:
            self.workers = WorkerPool(self._zygote.channels[self._count], place)
        context = multiprocessing.get_context("fork")
        for channel in self._zygote.channels[: self._count]:
            ours, theirs = context.Pipe()
            process = context.Process(target=_checker, args=(theirs, channel, place, os.getpid()), daemon=True)
            process.start()
            theirs.close()
            self._checkers[ours] = process

    def _stop(self) -> None:
        for connection, process in self._checkers.items():
            connection.close()
            process.terminate()
            process.join(END_SECONDS)
            process.kill()
            process.join()
        self._checkers.clear()
        if self.workers is not None:
            self.workers.close()
        self._under_way.clear()
        if self._zygote is not None:
            self._zygote.close()


def _sweep() -> None:
    """Remove what processes left that were killed: those of earlier graders, and this one's checkers."""
    walls.sweep()
    scratch.sweep()


def lay_out_data(root: Path) -> None:
    """Write the data folder that workers read, if the course has data."""
    if data := course().part("data"):
        data.lay_out(root)
    root.chmod(0o755)  # workers are other users


def code_of(snapshot: Snapshot) -> Code:
    """Return what a worker is given of a submission: its modules, and the kit's own files beside them."""
    files = {f"exercises/{name}": given_text(name) for name in ("__init__.py", *course().given)}
    files |= {f"exercises/{module}.py": source for module, source in snapshot.modules.items()}
    return Code(files, _stub_hashes(), snapshot.broken)


@cache
def _stub_hashes() -> dict[str, dict[str, str]]:
    return {
        module: body_hashes((EXERCISES / f"{module}.py").read_text(encoding="utf-8")) for module in course().modules
    }


def _checker(connection: Connection, channel: Channel, place: Walls, parent: int) -> None:
    """Run the hidden suites over what the parent sends; the body of one checker process."""
    torch.set_num_threads(1)

    def jobs() -> Iterator[Job]:
        while True:
            try:
                order, limits = connection.recv()
            except EOFError:
                return
            yield _job(order, limits, pool)

    with WorkerPool(channel, place) as pool:
        signal.signal(signal.SIGTERM, lambda *_: _leave(pool))
        walls.die_with_parent(signal.SIGTERM)
        if os.getppid() != parent:
            _leave(pool)
        try:
            run_suites(jobs(), lambda _job, checked: connection.send(checked))
        except (ZygoteDied, SandboxBroken):
            sys.exit(1)


def _leave(pool: WorkerPool) -> None:
    """End at once, wherever the checker is, but leave no worker and nothing of one."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        pool.close()
    finally:
        os._exit(0)


def _job(order: Order, limits: Mapping[str, Limits], pool: WorkerPool) -> Job:
    code = code_of(order.snapshot)

    def open_session(task: Task) -> TaskSession:
        return TaskSession(pool, limits[task.id], code, task)

    return Job(order.student, order.seed, order.selected, open_session, order.snapshot.weights, order.way)
