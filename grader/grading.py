"""Grades a class: checkers take submissions in turn, and one fork server gives all of them workers."""

from __future__ import annotations

import gzip
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Self

import torch

from grader import __version__, curriculum
from grader.checking import Accuracy, synthetic
from grader.checking.plugin import Checked, Job
from grader.checking.session import Code, TaskSession
from grader.checking.suites import run_suites
from grader.curriculum import Task, tasks
from grader.figures import Figures
from grader.intake import Snapshot
from grader.paths import DATA, EXERCISES
from grader.results import Result, SubmissionStatus
from grader.sandbox.client import Place, SandboxBroken
from grader.sandbox.fingerprints import symbol_fingerprints
from grader.sandbox.levels import start_behind_walls
from grader.sandbox.limits import Limits, Pace
from grader.sandbox.pool import WorkerPool
from grader.sandbox.server import Channel, ZygoteDied, ZygoteServer
from grader.sandbox.walls import Level, sweep

KIT_FILES = ("__init__.py", "datasets.py", "train.py")
RESTARTS = 3


@dataclass(frozen=True)
class Order:
    """One submission to be graded.

    Attributes:
        student: its display name.
        snapshot: what was handed in.
        seed: of the inputs.
        selected: ids of the tasks asked for.
        accuracy: how the network is judged, by its "weights" or by a "retrain".
    """

    student: str
    snapshot: Snapshot
    seed: int
    selected: frozenset[str]
    accuracy: Accuracy = "weights"


class Grader:
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

    def __enter__(self) -> Self:
        sweep()
        self._data_root = Path(tempfile.mkdtemp(prefix="cnn-kit-data-"))
        try:
            lay_out_data(self._data_root)
            self._start()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._leave()

    def _leave(self) -> None:
        self._stop()
        shutil.rmtree(self._data_root, ignore_errors=True)

    def calibrate(self, paces: Mapping[str, Pace]) -> None:
        """Give each task's answers a multiple of the time that the reference took, where that is over the limits."""
        self._limits_by_task = self._limits.calibrated(paces)

    def grade(
        self, orders: Sequence[Order], on_result: Callable[[int, Result], None], *, tick: Callable[[], None]
    ) -> None:
        """Grade submissions, as many at a time as there are checkers.

        A task that timed out while others took the processors is tried once more at the end, alone.

        Args:
            orders: what to grade.
            on_result: called with the order's index and its result, in the order in which they end.
            tick: called a few times a second, to show progress.
        """
        again: dict[int, Checked] = {}

        def take(index: int, checked: Checked | None) -> None:
            if checked is not None and checked.starved:
                again[index] = checked
            else:
                on_result(index, self._result(orders[index], checked))

        self.check(orders, take, tick=tick)
        for index, first in again.items():
            found: dict[int, Checked | None] = {}
            self.check([replace(orders[index], selected=first.starved)], found.__setitem__, tick=tick)
            second = found[0]
            on_result(index, self._result(orders[index], second and first.updated(second)))

    def check(
        self,
        orders: Sequence[Order],
        on_checked: Callable[[int, Checked | None], None],
        *,
        tick: Callable[[], None],
        patience: float = 1.0,
    ) -> None:
        """Run the hidden suites over submissions; None is what comes of one that the grader failed on.

        Args:
            orders: what to check.
            on_checked: called with the order's index and what the suites say.
            tick: called a few times a second, to show progress.
            patience: multiplies every limit of time.
        """
        limits = {task.id: self._limits_by_task.get(task.id, self._limits).times(patience) for task in tasks()}
        waiting = list(range(len(orders)))[::-1]
        tries = dict.fromkeys(waiting, 0)
        running: dict[Connection, int] = {}
        while waiting or running:
            for connection in [c for c in self._checkers if c not in running]:
                if waiting:
                    running[connection] = waiting.pop()
                    connection.send((orders[running[connection]], limits))
            for ready in wait(list(running), timeout=0.2):
                assert isinstance(ready, Connection), "only checkers are waited for"
                index = running.pop(ready)
                checked = _receive(ready)
                if checked is not None:
                    on_checked(index, checked)
                    continue
                # A checker or the fork server ended: start anew, and grade what was under way once more.
                lost = [index, *running.values()]
                running.clear()
                self._stop()
                self._start()
                for one in lost:
                    tries[one] += one == index
                    if tries[one] < RESTARTS:
                        waiting.append(one)
                    else:
                        on_checked(one, None)
                break
            tick()

    def _start(self) -> None:
        place = Place(self.level, self._data_root, self._limits)
        self._zygote, self.level = start_behind_walls(self._count + self._own_workers, place, self._levels)
        place = place.at(self.level)
        if self._own_workers:
            self.workers = WorkerPool(self._zygote.channels[self._count], place)
        context = multiprocessing.get_context("fork")
        for channel in self._zygote.channels[: self._count]:
            ours, theirs = context.Pipe()
            process = context.Process(target=_checker, args=(theirs, channel, place), daemon=True)
            process.start()
            theirs.close()
            self._checkers[ours] = process

    def _stop(self) -> None:
        for connection, process in self._checkers.items():
            connection.close()
            process.terminate()
            process.join()
        self._checkers.clear()
        if self.workers is not None:
            self.workers.close()
        if self._zygote is not None:
            self._zygote.close()

    def _result(self, order: Order, checked: Checked | None) -> Result:
        if checked is None:
            message = (
                f"The grader itself failed {RESTARTS} times on this submission; no score is given. Grade it again?"
            )
            return _result(order, "grader_error", self.level, message=message)
        return _result(order, "graded", self.level, checked)


def rejected(order: Order, level: str) -> Result:
    """Return the result of a submission of which nothing can be run."""
    return _result(order, "rejected", level, message=order.snapshot.rejected or "")


def _result(
    order: Order, status: SubmissionStatus, level: str, checked: Checked | None = None, message: str = ""
) -> Result:
    return Result(
        student=order.student,
        status=status,
        sandbox=level,
        kit=__version__,
        submission_sha256=order.snapshot.sha256,
        seed=order.seed,
        notes=(*order.snapshot.notes, *(checked.notes if checked else ())),
        tasks=checked.tasks if checked else (),
        message=message,
        figures=checked.figures if checked else Figures(),
    )


def lay_out_data(root: Path) -> None:
    """Write the data folder that workers read: the kit's digits, and a FashionMNIST of synthetic images."""
    synthetic.write(root, seed=0)
    raw = root / "MNIST5k" / "raw"
    raw.mkdir(parents=True)
    for archive in (DATA / "MNIST5k" / "raw").glob("*.gz"):
        (raw / archive.stem).write_bytes(gzip.decompress(archive.read_bytes()))
    root.chmod(0o755)  # workers are other users


def code_of(snapshot: Snapshot) -> Code:
    """Return what a worker is given of a submission: its modules, and the kit's own files beside them."""
    files = {f"exercises/{name}": (EXERCISES / name).read_bytes() for name in KIT_FILES}
    files |= {f"exercises/{module}.py": source for module, source in snapshot.modules.items()}
    return Code(files, _stub_fingerprints(), snapshot.broken)


@cache
def _stub_fingerprints() -> dict[str, dict[str, str]]:
    return {
        module: symbol_fingerprints((EXERCISES / f"{module}.py").read_text(encoding="utf-8"))
        for module in curriculum.modules()
    }


def _receive(connection: Connection) -> Checked | None:
    try:
        answer = connection.recv()
    except (EOFError, OSError):
        return None
    return answer if isinstance(answer, Checked) else None


def _checker(connection: Connection, channel: Channel, place: Place) -> None:
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

    return Job(order.student, order.seed, order.selected, open_session, order.snapshot.weights, order.accuracy)
