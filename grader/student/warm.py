"""A process that has the libraries imported: it runs public checks as soon as it is asked, and ends with them."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import multiprocessing
import os
import signal
import sys
import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from grader.course import course
from grader.public.progress import next_task

PRELOADED = (
    *("numpy", "torch", "matplotlib.pyplot", "matplotlib.backends.backend_agg", "pytest_timeout"),
    *("grader.checks", "grader.public.plugin", *course().preload),
)


@dataclass(frozen=True)
class Request:
    """Which checks to run.

    Attributes:
        files: public checks, as paths.
        keyword: as after pytest's ``-k``.
        limit: seconds for each check.
    """

    files: tuple[str, ...]
    keyword: str
    limit: float


@dataclass(frozen=True)
class Answer:
    """What came out.

    Attributes:
        states: of the tasks that were looked at, by id.
        following: id of the one that is next, if one of them is.
    """

    states: dict[str, str]
    following: str | None


class Progress:
    """A pytest plugin that reports when a check has ended, and keeps what came out of each task."""

    def __init__(self, line: Connection) -> None:
        self._line = line
        self.answer = Answer({}, None)

    def pytest_runtest_logfinish(self) -> None:
        """Give a sign of life."""
        self._line.send(None)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Note the state of each task, and which is next."""
        checks = session.config.pluginmanager.get_plugin("public-checks")
        if checks is not None:
            following = next_task(list(checks.progress.values()))
            states = {task_id: progress.state for task_id, progress in checks.progress.items()}
            self.answer = Answer(states, following.task.id if following else None)


def serve(line: Connection, root: Path) -> None:
    """Import the libraries and say so, with None; then run the checks that are asked for, and send their answer.

    Args:
        line: to the one who asks; when that process ends, this one and all that it has started end too.
        root: the folder that holds ``exercises``.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who asks
    if sys.platform != "win32":
        os.setsid()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.chdir(root)
    for name in PRELOADED:
        importlib.import_module(name)
    line.send(None)
    with contextlib.suppress(EOFError):
        answer = _run_checks(line.recv(), line)
        sys.stdout.flush()
        line.send(answer)
    os._exit(0)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "somebody has started this process"
    parent.join()
    if sys.platform != "win32":
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _run_checks(request: Request, line: Connection) -> Answer:
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ.pop("PYTEST_ADDOPTS", None)
    sys.dont_write_bytecode = True
    sys.stderr = sys.stdout
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    _forget_byte_code(request.files)
    plugin = Progress(line)
    options = ["-p", "no:cacheprovider", "-p", "no:logging", "-p", "pytest_timeout", "--brief"]
    pytest.main([*options, f"--timeout={request.limit:g}", "-k", request.keyword, *request.files], plugins=[plugin])
    return plugin.answer


def _forget_byte_code(files: tuple[str, ...]) -> None:
    """Remove what Python compiled: two saves within one second may leave it a text of the same length and time."""
    for folder in {Path(file).parent for file in files}:
        for path in folder.glob("[a-z]*.py"):
            Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)
