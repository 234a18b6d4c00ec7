"""What runs in a dask worker: it keeps one station per run, and hands submissions on to it.

Light on purpose: torch and all that grades are imported by the station alone.
"""

from __future__ import annotations

import contextlib
import json
import queue
import socket
import subprocess
import sys
import threading
import time
from multiprocessing.connection import Connection

from grader.identity import identity
from grader.paths import ROOT

IDLE_SECONDS = 120.0
END_SECONDS = 60.0

_stations: dict[str, _Station] = {}
_lock = threading.Lock()


def greet() -> str:
    """Say what this node has, as a JSON document."""
    return json.dumps(identity())


def prepare(run: str, plan: bytes, threads: int) -> str:
    """Have a station ready; returns its level, or why it refuses, as a JSON document.

    Args:
        run: names the run.
        plan: its plan, pickled: it is for the station alone.
        threads: how many submissions will come at the same time.
    """
    with _lock:
        _close_idle_stations(run)
        station = _stations.get(run) or _stations.setdefault(run, _Station(plan, threads))
    return station.ready()


def check(run: str, order: bytes) -> str:
    """Check one submission; returns what the suites say, or that it was lost, as a JSON document.

    Args:
        run: names the run.
        order: the submission and whether it is to be alone, pickled: for the station.
    """
    with _lock:
        station = _stations.get(run)
    if station is None:
        return json.dumps({"ended": "there is no station"})
    try:
        return station.check(order)
    except (EOFError, OSError) as error:
        leave(run)
        return json.dumps({"ended": f"the station ended: {error!r}"})


def leave(run: str) -> None:
    """End the station of a run."""
    with _lock:
        station = _stations.pop(run, None)
    if station is not None:
        station.close()


def _close_idle_stations(but: str) -> None:
    """End the stations of runs that were killed: one that lives would have asked for something."""
    for run, station in list(_stations.items()):
        if run != but and station.idle_seconds() > IDLE_SECONDS:
            _stations.pop(run).close()


class _Station:
    """The station's process and the lines to it, one for each thread that may ask."""

    def __init__(self, plan: bytes, threads: int) -> None:
        pairs = [socket.socketpair() for _ in range(threads)]
        self._lines = [Connection(ours.detach()) for ours, _ in pairs]
        descriptors = [theirs.fileno() for _, theirs in pairs]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "grader.cluster.station", *map(str, descriptors)],
            cwd=ROOT,
            pass_fds=descriptors,
            stdin=subprocess.DEVNULL,
        )
        for _, theirs in pairs:
            theirs.close()
        self._free: queue.Queue[Connection] = queue.Queue()
        self._starting = threading.Lock()
        self._state = ""
        self._used = time.monotonic()
        self._lines[0].send_bytes(plan)

    def ready(self) -> str:
        """Wait until it grades, or refuses."""
        with self._starting:
            if not self._state:
                self._state = self._first_answer()
                for line in self._lines:
                    self._free.put(line)
            return self._state

    def _first_answer(self) -> str:
        try:
            return self._lines[0].recv_bytes().decode()
        except (EOFError, OSError):
            return json.dumps({"refused": f"the station ended with exit status {self._process.wait()}"})

    def check(self, order: bytes) -> str:
        """Have a submission checked.

        Raises:
            EOFError: if the station ends.
            OSError: likewise.
        """
        line = self._free.get()
        self._used = time.monotonic()
        try:
            line.send_bytes(order)
            return line.recv_bytes().decode()
        finally:
            self._used = time.monotonic()
            self._free.put(line)

    def idle_seconds(self) -> float:
        """How long nothing has been asked of it."""
        busy = not self._state or self._free.qsize() < len(self._lines)
        return 0.0 if busy else time.monotonic() - self._used

    def close(self) -> None:
        """Hang up, and wait until nothing of it is left."""
        for line in self._lines:
            line.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(END_SECONDS)
        self._process.kill()
        self._process.wait()
