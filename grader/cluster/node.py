"""What runs in a dask worker: it keeps one station per run, and hands submissions on to it.

Light on purpose: torch and all that grades are imported by the station alone.
"""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import threading
from multiprocessing import Pipe
from multiprocessing.connection import Connection

from grader.identity import difference, identity
from grader.paths import ROOT

END_SECONDS = 60.0

_stations: dict[str, _Station] = {}
_lock = threading.Lock()


def prepare(run: str, expected: dict[str, str], plan: bytes, threads: int) -> str:
    """Have a station ready; returns its level, or why it refuses, as a JSON document.

    Args:
        run: names the run; no two have the same.
        expected: identity of the kit where the run began; a node with another one refuses.
        plan: how to grade, pickled: it is for the station alone.
        threads: how many submissions will come at the same time.
    """
    if differs := difference(expected, identity()):
        return json.dumps({"refused": f"{differs}. Install the same there"})
    with _lock:
        if run not in _stations:
            _stations[run] = _Station(plan, threads)
        return _stations[run].state


def check(run: str, order: bytes) -> str:
    """Check one submission; returns what the suites say, or that it was lost, as a JSON document.

    Args:
        run: names the run.
        order: the submission, pickled: for the station.

    Raises:
        RuntimeError: if the station has ended.
    """
    try:
        return _stations[run].check(order)
    except (KeyError, EOFError, OSError) as error:
        leave(run)
        raise RuntimeError(f"the station ended: {error!r}") from None


def leave(run: str) -> None:
    """End the station of a run."""
    with _lock:
        if station := _stations.pop(run, None):
            station.close()


class _Station:
    """The station's process and the lines to it, one for each thread that may ask.

    Attributes:
        state: what it said first: that it grades, or refuses.
    """

    def __init__(self, plan: bytes, threads: int) -> None:
        pairs = [Pipe() for _ in range(threads)]
        self._lines = [ours for ours, _ in pairs]
        descriptors = [theirs.fileno() for _, theirs in pairs]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "grader.cluster.station", *map(str, descriptors)],
            cwd=ROOT,
            pass_fds=descriptors,
            stdin=subprocess.DEVNULL,
        )
        for _, theirs in pairs:
            theirs.close()
        self._free: queue.SimpleQueue[Connection] = queue.SimpleQueue()
        for line in self._lines:
            self._free.put(line)
        try:
            self.state = self.check(plan)
        except (EOFError, OSError):
            self.state = json.dumps({"refused": f"the station ended with exit status {self._process.wait()}"})

    def check(self, order: bytes) -> str:
        """Send the plan, which is the first, or an order, and return the answer.

        Raises:
            EOFError: if the station ends.
            OSError: likewise.
        """
        line = self._free.get()
        try:
            line.send_bytes(order)
            return line.recv_bytes().decode()
        finally:
            self._free.put(line)

    def close(self) -> None:
        """Hang up, and wait until nothing of it is left."""
        for line in self._lines:
            line.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(END_SECONDS)
        self._process.kill()
        self._process.wait()
