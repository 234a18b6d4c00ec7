"""Keeps a warm process at hand, and runs one set of checks at a time."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from grader.errors import GraderError
from grader.student.warm import PRELOADED, States, serve

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

CAN_FORK = sys.platform == "linux"
"""Windows has no fork, and the system libraries of macOS do not survive one."""

Said = States | GraderError | None
"""What a process says: a sign of life, what came out of its checks, or that it has ended."""


class Warm:
    """A process that waits for checks to run, and its line to here.

    Args:
        root: the folder that holds ``exercises``.
        context: how it is started.
    """

    def __init__(self, root: Path, context: ForkServerContext | SpawnContext) -> None:
        self.line, self._its = context.Pipe()
        self.process = context.Process(target=serve, args=(self._its, root))
        self.ready = False

    def attend(self, post: Callable[[Warm, Said], None]) -> None:
        """Start it and pass on what it says; its end is an error, of interest to whoever still expects something."""
        with contextlib.suppress(EOFError, OSError):
            self.process.start()
            self._its.close()
            while True:
                post(self, self.line.recv())
        post(self, GraderError("watch: expected PyTorch to be imported, got an error, as above. Is the kit installed?"))

    def end(self) -> None:
        """End it, with all processes that it has started."""
        if self.process.is_alive():
            if sys.platform != "win32":
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.process.pid or 0, signal.SIGKILL)
            self.process.kill()


class Runner:
    """Runs checks; a new request ends the checks that still run.

    `handle` must be given everything that `post` was called with, in order and from one thread.

    Args:
        root: the folder that holds ``exercises``.
        post: called from other threads with a process and what it says.
        fork: whether processes are forked from one that has the libraries, or import them each.
    """

    def __init__(self, root: Path, post: Callable[[Warm, Said], None], *, fork: bool = CAN_FORK) -> None:
        self._root = root
        self._post = post
        self._context: ForkServerContext | SpawnContext = multiprocessing.get_context("spawn")
        self._pending: Sequence[str] = ()
        self._running: Warm | None = None
        if fork:
            from multiprocessing import forkserver  # noqa: PLC0415 - not on Windows

            self._context = multiprocessing.get_context("forkserver")
            forkserver.set_forkserver_preload(list(PRELOADED))
            before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # is handed down: Ctrl-C is for the one who watches
            forkserver.ensure_running()
            signal.signal(signal.SIGINT, before)
        self._next = self._start()

    @property
    def busy(self) -> bool:
        """Whether checks run."""
        return self._running is not None

    def check(self, asked: Sequence[str]) -> None:
        """Run checks next, those that these arguments of pytest ask for; what still runs is ended."""
        self._pending = asked
        self.stop()
        self._send()

    def stop(self) -> None:
        """End the checks that run, with all their processes."""
        if self._running is not None:
            self._running.end()
            self._running = None

    def close(self) -> None:
        """End everything."""
        self.stop()
        self._next.end()

    def handle(self, process: Warm, said: Said) -> States | None:
        """Note what a process says; return what came out of the checks that run, be it nothing, when they have ended.

        Raises:
            GraderError: if a process has ended before it was ready.
        """
        if process is self._running and said is not None:
            self._running = None
            return said if isinstance(said, dict) else {}
        if process is self._next and said is None:
            process.ready = True
            self._send()
        elif process is self._next:
            if isinstance(said, GraderError) and not process.ready:
                raise said
            self._next = self._start()
        return None

    def _send(self) -> None:
        if self._pending and self._next.ready:
            self._running, self._next = self._next, self._start()
            with contextlib.suppress(OSError):  # its end is on the way, and is handled then
                self._running.line.send(self._pending)
            self._pending = ()

    def _start(self) -> Warm:
        new = Warm(self._root, self._context)
        threading.Thread(target=new.attend, args=(self._post,), daemon=True).start()
        return new
