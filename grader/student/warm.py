"""A process that has the libraries imported: it runs public checks as soon as it is asked, and ends with them."""

from __future__ import annotations

import contextlib
import importlib
import io
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from grader.course import course
from grader.student.workspace import PACKAGE

PRELOADED = (
    *("numpy", "torch", "matplotlib.pyplot", "matplotlib.backends.backend_agg", "pytest_timeout"),
    *("grader.checks", "grader.public.plugin", *course().preload),
)

States = dict[str, str]
"""What came out: by id the state of each task that was looked at, in teaching order."""


class Progress:
    """A pytest plugin that reports when a check has ended, and keeps what came out of each task."""

    def __init__(self, line: Connection) -> None:
        self._line = line
        self.states: States = {}

    def pytest_runtest_logfinish(self) -> None:
        """Give a sign of life."""
        self._line.send(None)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Note the state of each task."""
        if checks := session.config.pluginmanager.get_plugin("public-checks"):
            self.states = {task_id: progress.state for task_id, progress in checks.progress.items()}


def serve(line: Connection, root: Path) -> None:
    """Import the libraries and say so, with None; then run the checks that are asked for, and send their states.

    Args:
        line: to the one who asks, with arguments for pytest; when that process ends, this one and all that it has
            started end too.
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
        states = _run_checks(line.recv(), line)
        sys.stdout.flush()
        line.send(states)
    os._exit(0)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "somebody has started this process"
    parent.join()
    if sys.platform != "win32":
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _run_checks(asked: Sequence[str], line: Connection) -> States:
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ.pop("PYTEST_ADDOPTS", None)
    sys.dont_write_bytecode = True
    # Two saves within one second may leave what Python compiled a text of the same length and time.
    for path in Path(PACKAGE).glob(f"__pycache__/*.{sys.implementation.cache_tag}.pyc"):
        path.unlink(missing_ok=True)
    sys.stderr = sys.stdout
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    plugin = Progress(line)
    pytest.main(
        ["-p", "no:cacheprovider", "-p", "no:logging", "-p", "pytest_timeout", "--brief", *asked], plugins=[plugin]
    )
    return plugin.states
