"""Keeps a warm process at hand, and runs one set of checks at a time in it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from grader import paths
from grader.errors import GraderError
from grader.student.warm import ONE_THREAD, Request

CAN_FORK = sys.platform == "linux"
"""Windows has no fork, and the system libraries of macOS do not survive one."""

Answer = dict[str, Any]


class Runner:
    """Runs checks; a new request ends the checks that still run.

    `handle` must be given everything that `post` was called with, in order and from one thread.

    Args:
        root: the folder that holds ``exercises``.
        post: called from another thread with a mark and an answer of the warm process, or None at its end.
        fork: whether the warm process forks a child per request, or is replaced after each.
    """

    def __init__(self, root: Path, post: Callable[[int, Answer | None], None], *, fork: bool = CAN_FORK) -> None:
        self._root = root
        self._post = post
        self._fork = fork
        self._mark = 0
        self._child = 0
        self._ready = False
        self._stopping = False
        self._pending: Request | None = None
        self.busy = False
        self._start()

    def check(self, request: Request) -> None:
        """Run these checks next; what still runs is ended."""
        self._pending = request
        if self.busy:
            self.stop()
        else:
            self._send()

    def stop(self) -> None:
        """End the checks that run, with all their processes."""
        if not self.busy:
            return
        self._stopping = True
        if not self._fork:
            self._kill()
            self._start()
        elif self._child:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._child, signal.SIGKILL)

    def close(self) -> None:
        """End everything."""
        self._pending = None
        self.stop()
        self._kill()

    def handle(self, mark: int, answer: Answer | None) -> Answer | None:
        """Note what an answer means for the process, and return it if it is of interest to the student."""
        if mark != self._mark:
            return None  # of a process that is no more
        if answer is None:
            return self._ended()
        if "pid" in answer:
            self._child = answer["pid"]
            if self._stopping:
                self.stop()
        elif "ready" in answer:
            self._ready = True
            self._send()
            return answer
        elif "done" in answer:
            return self._done(answer)
        elif not self._stopping:
            return answer
        return None

    def _ended(self) -> Answer | None:
        """Replace a process that is gone: after its only request, or because something ended it."""
        if not self._ready:
            raise GraderError("watch: expected PyTorch to be imported, got an error, as above. Is the kit installed?")
        was_busy = self.busy
        self._kill()
        self._start()
        return self._done({"done": 1}) if was_busy else None

    def _done(self, answer: Answer) -> Answer | None:
        stopped = self._stopping
        self.busy = self._stopping = False
        self._child = 0
        self._send()
        return None if stopped else answer

    def _send(self) -> None:
        if self._pending is None or not self._ready or self.busy:
            return
        request, self._pending, self.busy = self._pending, None, True
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{request.to_json()}\n")
            self._process.stdin.flush()
        except OSError:
            self._pending = request  # its end is on the way, and is handled then

    def _start(self) -> None:
        self._mark += 1
        self._ready = self.busy = self._stopping = False
        self._child = 0
        environment = {**os.environ, **ONE_THREAD}
        kit = str(paths.ROOT)  # the folder that holds `grader`, where it is not installed
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [environment.get("PYTHONPATH"), kit]))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "grader.student.warm", "fork" if self._fork else "once"],
            cwd=self._root,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C is for the one who watches; on Windows the flag says so
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        threading.Thread(target=self._listen, args=(self._mark, self._process), daemon=True).start()

    def _listen(self, mark: int, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self._post(mark, json.loads(line))
        self._post(mark, None)

    def _kill(self) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):  # what it did not read is of no interest any more
                self._process.stdin.close()
