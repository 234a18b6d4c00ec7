"""Grades a class: checkers take submissions in turn, and one fork server gives all of them workers."""

from __future__ import annotations

import gzip
import multiprocessing
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Self

import torch

from grader import __version__, curriculum
from grader.checking import synthetic
from grader.checking.plugin import Checked, Job
from grader.checking.session import Code, TaskSession
from grader.checking.suites import run_suites
from grader.intake import Snapshot
from grader.paths import DATA, EXERCISES
from grader.results import Result
from grader.sandbox.client import Place, SandboxBroken, ZygoteDied, ZygoteServer
from grader.sandbox.fingerprints import symbol_fingerprints
from grader.sandbox.levels import start_behind_walls
from grader.sandbox.limits import Limits
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
    """

    student: str
    snapshot: Snapshot
    seed: int
    selected: frozenset[str]


class Grader:
    """Grades submissions on this machine; a context manager that starts and ends its processes.

    Args:
        checkers: how many submissions are checked at the same time.
        levels: how high the walls around student code may be; the first that holds is taken.
        limits: what a worker may use.

    Attributes:
        level: the level taken, once it is entered.
    """

    def __init__(self, checkers: int, levels: tuple[Level, ...], limits: Limits | None = None) -> None:
        self.level: Level = levels[0]
        self._count = checkers
        self._levels = levels
        self._limits = limits or Limits()
        self._data_root = Path()
        self._zygote: ZygoteServer | None = None
        self._checkers: dict[Connection, BaseProcess] = {}

    def __enter__(self) -> Self:
        sweep()
        self._data_root = Path(tempfile.mkdtemp(prefix="cnn-kit-data-"))
        lay_out_data(self._data_root)
        self._start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stop()
        shutil.rmtree(self._data_root, ignore_errors=True)

    def grade(
        self, orders: Sequence[Order], on_result: Callable[[int, Result], None], *, tick: Callable[[], None]
    ) -> None:
        """Grade submissions, as many at a time as there are checkers.

        Args:
            orders: what to grade.
            on_result: called with the order's index and its result, in the order in which they end.
            tick: called a few times a second, to show progress.
        """
        waiting = list(range(len(orders)))[::-1]
        tries = dict.fromkeys(waiting, 0)
        running: dict[Connection, int] = {}
        while waiting or running:
            for connection in [c for c in self._checkers if c not in running]:
                if waiting:
                    running[connection] = waiting.pop()
                    connection.send(orders[running[connection]])
            for ready in wait(list(running), timeout=0.2):
                assert isinstance(ready, Connection), "only checkers are waited for"
                index = running.pop(ready)
                checked = _receive(ready)
                if checked is not None:
                    on_result(index, self._result(orders[index], checked))
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
                        on_result(one, self._failure(orders[one]))
                break
            tick()

    def _start(self) -> None:
        place = Place(self.level, self._data_root, self._limits)
        self._zygote, self.level = start_behind_walls(self._count, place, self._levels)
        place = place.at(self.level)
        context = multiprocessing.get_context("fork")
        for channel in self._zygote.channels:
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
        if self._zygote is not None:
            self._zygote.close()

    def _result(self, order: Order, checked: Checked) -> Result:
        return Result(
            student=order.student,
            status="graded",
            sandbox=self.level,
            kit=__version__,
            submission_sha256=order.snapshot.sha256,
            seed=order.seed,
            notes=(*order.snapshot.notes, *checked.notes),
            tasks=checked.tasks,
        )

    def _failure(self, order: Order) -> Result:
        return Result(
            student=order.student,
            status="grader_error",
            sandbox=self.level,
            kit=__version__,
            submission_sha256=order.snapshot.sha256,
            seed=order.seed,
            notes=order.snapshot.notes,
            message=f"The grader itself failed {RESTARTS} times on this submission; no score is given. Grade it again?",
        )


def rejected(order: Order, level: str) -> Result:
    """Return the result of a submission of which nothing can be run."""
    return Result(
        student=order.student,
        status="rejected",
        sandbox=level,
        kit=__version__,
        submission_sha256=order.snapshot.sha256,
        seed=order.seed,
        notes=order.snapshot.notes,
        message=order.snapshot.rejected or "",
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


def _checker(connection: Connection, zygote: socket.socket, place: Place) -> None:
    """Run the hidden suites over what the parent sends; the body of one checker process."""
    torch.set_num_threads(1)

    def jobs() -> Iterator[Job]:
        while True:
            try:
                order: Order = connection.recv()
            except EOFError:
                return
            yield Job(
                order.student,
                order.seed,
                order.selected,
                partial(TaskSession, zygote, place, code_of(order.snapshot)),
                order.snapshot.weights,
            )

    try:
        run_suites(jobs(), lambda _job, checked: connection.send(checked))
    except (ZygoteDied, SandboxBroken):
        os._exit(1)
