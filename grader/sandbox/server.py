"""The fork server's process, and the line that each checker has to it."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from grader.errors import GraderError
from grader.paths import COURSE, COURSE_VARIABLE, ROOT, TERM_VARIABLE
from grader.sandbox import scratch, walls

START_SECONDS = 180.0
ANSWER_SECONDS = 60.0


class ZygoteDied(GraderError):
    """The fork server does not answer: the grader's own trouble, never a student's."""


class Channel:
    """One checker's line to the fork server, which answers requests in the order in which they come.

    Args:
        link: the checker's end.
    """

    def __init__(self, link: socket.socket) -> None:
        link.settimeout(ANSWER_SECONDS)
        self._link = link
        self._asked = 0
        self._answered = 0
        self._early: dict[int, tuple[dict[str, Any], int]] = {}

    def ask(self, request: dict[str, Any], fds: Sequence[int] = ()) -> int:
        """Send a request without waiting; returns the number to ask for its answer by.

        Raises:
            ZygoteDied: if the fork server has ended.
        """
        try:
            socket.send_fds(self._link, [json.dumps(request).encode()], fds)
        except OSError as error:
            raise _died(str(error)) from None
        self._asked += 1
        return self._asked

    def answer(self, number: int) -> tuple[dict[str, Any], int]:
        """Wait for the answer to a request; returns it and the descriptor that came along (-1: none).

        Raises:
            ZygoteDied: if the fork server ends first.
        """
        while self._answered < number:
            try:
                raw, received, _, _ = socket.recv_fds(self._link, 1 << 16, 1)
            except OSError as error:
                raise _died(str(error)) from None
            if not raw:
                raise _died("its end")
            self._answered += 1
            self._early[self._answered] = json.loads(raw), (received[0] if received else -1)
        return self._early.pop(number)

    def close(self) -> None:
        """Hang up."""
        self._link.close()


def _died(got: str) -> ZygoteDied:
    return ZygoteDied(f"sandbox: expected the fork server to answer, got {got}. Was it killed? Grade again.")


class ZygoteServer:
    """The fork server's process, shared by all checkers.

    Args:
        channels: how many checkers will ask it for workers.
        level: how high the walls around its workers are.
        outer: the command line of an outer wall, which runs the fork server inside.

    Attributes:
        channels: one line per checker.
    """

    def __init__(self, channels: int, level: walls.Level, outer: Sequence[str] = ()) -> None:
        pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(channels)]
        self.channels = [Channel(ours) for ours, _ in pairs]
        fds = [theirs.fileno() for _, theirs in pairs]
        self._home = scratch.make("home")
        try:
            self._process = self._started(level, outer, fds)
        except OSError:
            scratch.remove(self._home)
            raise
        for _, theirs in pairs:
            theirs.close()

    def _started(self, level: walls.Level, outer: Sequence[str], fds: list[int]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*outer, sys.executable, "-s", "-B", "-m", "grader.sandbox.zygote", level, *map(str, fds)],
            cwd=ROOT,
            env=_clean_environment(self._home),
            pass_fds=fds,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )

    def wait_until_ready(self) -> None:
        """Wait for its imports.

        Raises:
            ZygoteDied: if it ends, or takes longer than ``START_SECONDS``.
        """
        assert self._process.stdout is not None, "the process was started with a pipe"
        ready, _, _ = select.select([self._process.stdout], [], [], START_SECONDS)
        if not ready or self._process.stdout.readline() != b"ready\n":
            self.close()
            raise ZygoteDied("sandbox: expected the fork server to start, got no answer. Does `grader doctor` help?")

    def close(self) -> None:
        """Hang up and end the process."""
        for channel in self.channels:
            channel.close()
        with self._process:  # waits for it, and closes its pipe
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=2)
            self._process.kill()
        scratch.remove(self._home)


def _clean_environment(home: Path) -> dict[str, str]:
    return {
        COURSE_VARIABLE: str(COURSE),
        TERM_VARIABLE: "",
        "PATH": "/usr/bin:/bin",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "MPLBACKEND": "Agg",
        "TORCHINDUCTOR_COMPILE_THREADS": "1",
    }
