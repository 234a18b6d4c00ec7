"""The public checks of one task, on what a notebook has defined: `check_here("convolve")`."""

from __future__ import annotations

import contextlib
import importlib
import io
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from grader.course import Task, course
from grader.public.progress import TaskProgress
from grader.stubs import says_not_written
from grader.student.workspace import PACKAGE


class NotGreenError(Exception):
    """A check does not hold, or there is nothing to look at yet; the text says all that there is to say."""

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows: where it was raised is of no interest."""
        return str(self).split("\n")


class OneTask:
    """A pytest plugin that keeps the checks of one task, and its progress.

    Args:
        task: the task.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self.progress: TaskProgress | None = None

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Leave out the checks of other tasks."""
        from grader.checks.marks import task_of  # noqa: PLC0415 - as pytest below

        items[:] = [item for item in items if task_of(item) == self.task.id]

    def pytest_sessionfinish(self, session: Any) -> None:
        """Keep what came out."""
        checks = session.config.pluginmanager.get_plugin("public-checks")
        self.progress = checks.progress.get(self.task.id) if checks else None


def check(task_id: str, names: Mapping[str, Any]) -> None:
    """Run the public checks of a task and print one line if they are green.

    Args:
        task_id: the task.
        names: what the notebook has defined so far.

    Raises:
        ValueError: if there is no such task.
        NotGreenError: with what a student reads, if they are not.
    """
    task = course().task(task_id)
    missing = [root for symbol in task.symbols if (root := symbol.partition(".")[0]) not in names]
    if missing:
        raise NotGreenError(f"{task_id}: expected {missing[0]}, got nothing of that name. Did you run its cell?")
    progress = _run(task, names)
    if progress.state != "green":
        raise NotGreenError(_told(progress))
    note = f" {progress.message}" if progress.message else ""
    print(f"{task_id}: green, {progress.checks} of {progress.checks} public checks.{note}")  # noqa: T201 - its answer


def _run(task: Task, names: Mapping[str, Any]) -> TaskProgress:
    import pytest  # noqa: PLC0415 - takes half a second, and whoever imports this may not need it
    from matplotlib import pyplot as plt  # noqa: PLC0415 - as above

    plugin, said = OneTask(task), io.StringIO()
    options = ["-p", "no:cacheprovider", "--capture=no", "--assert=plain"]
    module = ModuleType(f"{PACKAGE}.{task.module}")
    vars(module).update({name: value for name, value in names.items() if not name.startswith("__")})
    plt.switch_backend(plt.get_backend())  # it is only chosen so far, and is loaded with the first figure
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
        patch.setitem(sys.modules, module.__name__, module)
        patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        patch.setattr(plt, "switch_backend", lambda *_: None)  # the notebook goes on showing figures in its own way
        pytest.main([*options, str(_folder() / f"test_{task.module}.py")], plugins=[plugin])
    if plugin.progress is None:
        raise NotGreenError(f"{task.id}: expected its public checks to run, got:\n{said.getvalue()}")
    return plugin.progress


def _told(progress: TaskProgress) -> str:
    """Return what a student reads about a task that is not green."""
    task = progress.task
    stubs = [o.message.partition(" ")[0] for o in progress.outcomes if says_not_written(o.message)]
    if progress.state in ("partial", "failed") or not stubs:
        return progress.message
    own = [symbol for symbol in stubs if symbol in task.symbols]
    if own:
        return f"{own[0]} is not written yet: replace the line that says so in its cell above."
    return f"{task.id}: it uses {stubs[0]}, which is not written yet."


def _folder() -> Path:
    """Return the folder of the public checks.

    Raises:
        NotGreenError: if it is not there.
    """
    try:
        return Path(importlib.import_module(PACKAGE).__path__[0])
    except ImportError:
        raise NotGreenError(
            f"expected the folder {PACKAGE}/ beside this notebook, got none. Was it left out of the download?"
        ) from None
