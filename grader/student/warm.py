"""A process that has the libraries imported: it runs public checks as soon as it is asked.

`python -m grader.student.warm fork|once` reads requests from its input and answers on its output, one line of JSON
each. With `fork` every request gets a child of its own, so that the next one finds the libraries imported again; with
`once`, where a process cannot be forked, the first request is the last, and whoever asks starts the next process.

Answers: `ready`; `pid`, the child's, which leads its own process group; `text` to show; `alive`, when a check has
ended; `states` of the tasks that were looked at, with `next`; `done`, with a child's exit status.
"""

from __future__ import annotations

import gc
import importlib
import io
import json
import os
import select
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

import pytest

from grader.course import course

PRELOADED = (
    "numpy",
    "torch",
    "matplotlib.pyplot",
    "matplotlib.backends.backend_agg",
    "pytest_timeout",
    "grader.public.asserts",
    "grader.public.plugin",
)
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""For the environment: a child that is forked from a process with OpenMP threads hangs at its first use of them."""

Reply = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Request:
    """Which checks to run, and how to show them.

    Attributes:
        files: public checks, as paths.
        keyword: as after pytest's ``-k``.
        limit: seconds for each check.
        colour: whether to write colours.
        columns: width of the window.
    """

    files: tuple[str, ...]
    keyword: str
    limit: float
    colour: bool
    columns: int

    def to_json(self) -> str:
        """Return it as one line."""
        return json.dumps(asdict(self))


class Told(io.TextIOBase):
    """A text stream that answers with what is written to it."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    def write(self, text: str) -> int:
        """Answer with a text."""
        if text:
            self._reply({"text": text})
        return len(text)

    def writable(self) -> bool:
        """Return True."""
        return True


class Progress:
    """A pytest plugin that answers how far the checks are, and what came out of each task."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    def pytest_runtest_logfinish(self) -> None:
        """Give a sign of life."""
        self._reply({"alive": True})

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Tell the state of each task, and which is next."""
        from grader.public.progress import next_task  # noqa: PLC0415 - `once` needs it late

        checks = session.config.pluginmanager.get_plugin("public-checks")
        if checks is not None:
            following = next_task(list(checks.progress.values()))
            states = {task_id: progress.state for task_id, progress in checks.progress.items()}
            self._reply({"states": states, "next": following.task.id if following else None})


def run_checks(request: Request, reply: Reply) -> int:
    """Run public checks in this process, and return pytest's exit status."""
    os.environ["COLUMNS"] = str(request.columns)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ.pop("PYTEST_ADDOPTS", None)
    sys.dont_write_bytecode = True
    sys.stdout = sys.stderr = Told(reply)
    _forget_byte_code(request.files)
    options = ["-p", "no:cacheprovider", "-p", "no:logging", "-p", "pytest_timeout"]
    options += ["--brief", f"--timeout={request.limit:g}"]
    options += [f"--color={'yes' if request.colour else 'no'}", "-k", request.keyword]
    return int(pytest.main([*options, *request.files], plugins=[Progress(reply)]))


def _forget_byte_code(files: tuple[str, ...]) -> None:
    """Remove what Python compiled: two saves within one second may leave it a text of the same length and time."""
    for folder in {Path(file).parent for file in files}:
        for path in folder.glob("[a-z]*.py"):
            Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)


def serve(requests: TextIO, reply: Reply, *, fork: bool) -> None:
    """Import the libraries, then run checks until nobody asks any more."""
    _preload()
    reply({"ready": True})
    child = 0
    for line in requests:
        request = Request(**json.loads(line))
        if not fork:
            os._exit(run_checks(request, reply))
        if child:
            os.waitpid(child, 0)
        child = _fork(request, reply, requests.fileno())


def _fork(request: Request, reply: Reply, asked: int) -> int:
    """Run checks in a child, and return its pid; it is not reaped yet, so that the pid stays its own."""
    child = os.fork()
    if child == 0:
        status = 3
        try:
            status = run_checks(request, reply)
        finally:
            os._exit(status)
    os.setpgid(child, child)
    reply({"pid": child})
    _wait(child, asked)
    ended = os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    reply({"done": ended.si_status if ended else 0})
    return child


def _wait(child: int, asked: int) -> None:
    """Wait for a child; once the one who asked is gone, end it and this process."""
    ended = os.pidfd_open(child)
    poll = select.poll()
    poll.register(ended, select.POLLIN)
    poll.register(asked, 0)  # a hang-up is always told
    ready = dict(poll.poll())
    os.close(ended)
    if ended not in ready:
        os.killpg(child, signal.SIGKILL)
        os._exit(0)


def _preload() -> None:
    for name in (*PRELOADED, *course().preload):
        importlib.import_module(name)
    torch = sys.modules["torch"]
    torch.set_num_threads(1)
    torch.ones(3, 3) @ torch.ones(3, 3)
    gc.collect()
    gc.freeze()


def main() -> None:
    """Serve on what was the standard output; whatever else is written there goes nowhere."""
    answers = os.dup(1)
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)

    def reply(answer: dict[str, Any]) -> None:
        data = f"{json.dumps(answer)}\n".encode()
        while data:
            data = data[os.write(answers, data) :]

    serve(requests, reply, fork=sys.argv[1] == "fork")
    os._exit(0)  # libraries that count what is left would complain about what is frozen


if __name__ == "__main__":
    main()
