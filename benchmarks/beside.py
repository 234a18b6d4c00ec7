"""Runs the kit's hidden checks in the process of the student's code, as a test cell of other graders would.

`score("convolve", globals(), tasks)` runs the checks of all of these tasks, once, and returns the points of one. There
is no border, no limit and no isolation: it is only for benchmarks.
"""

from __future__ import annotations

import copy
import importlib
import sys
import tempfile
import types
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from grader.course import Task, course
from grader.grading import lay_out_data
from grader.hidden.plugin import CheckReport, Job
from grader.hidden.session import Code, TaskSession
from grader.hidden.suites import run_suites
from grader.sandbox.limits import Limits
from grader.sandbox.walls import Walls
from grader.sandbox.wire import Message
from grader.sandbox.worker import RequestHandler
from lesson import by_hand

SEED = 7
_scores: dict[str, float] = {}


def score(task_id: str, namespace: dict[str, Any], every: Iterable[str]) -> float:
    """Return the points of a task; the first call checks every task.

    Args:
        task_id: one of them.
        namespace: where the student's functions are.
        every: ids of the tasks whose symbols the namespace has.
    """
    if not _scores:
        _scores.update(_check(namespace, frozenset(every)))
    return _scores[task_id]


def checked_in_place() -> list[Task]:
    """Return the tasks that can be checked without the weights."""
    return [task for task in course().tasks if task.id != "fashion_accuracy"]


def _check(namespace: dict[str, Any], selected: frozenset[str]) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="cnn-kit-beside-") as folder:
        pool = _Pool(_InProcess(namespace), Path(folder))
        lay_out_data(Path(folder))
        files = {f"exercises/{task.module}.py": b"" for task in course().tasks}
        stubs = {task.module: {symbol: "" for t in course().tasks for symbol in t.symbols} for task in course().tasks}
        code = Code(files, stubs, {})

        def open_session(task: Task) -> TaskSession:
            return TaskSession(pool, Limits(), code, task)  # type: ignore[arg-type]

        found: list[CheckReport] = []
        run_suites(iter([Job("beside", SEED, selected, open_session, None)]), lambda _, checked: found.append(checked))
    return {task.id: task.score for task in found[0].tasks}


class _InProcess(RequestHandler):
    """Answers a checker's requests from a namespace of the same process."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._namespace = dict(namespace)
        self._watch = by_hand.Watch(block=False)
        self._watch.install()
        self._workspace = Path.cwd()

    def ask(self, kind: str, body: dict[str, Any], seconds: float) -> Message:
        """Return the reply, without limits."""
        del seconds
        reply, answer = self._answer(Message(0, kind, copy.deepcopy(body)))
        return Message(0, reply, answer)

    def _load(self, *, stubs: dict[str, str], **_: Any) -> dict[str, Any]:
        return {"states": dict.fromkeys(stubs, "written")}

    def _import(self, *, module: str, names: list[str]) -> dict[str, Any]:
        self._module = types.ModuleType(f"exercises.{module}")
        vars(self._module).update(self._namespace, __name__=f"exercises.{module}")
        return {"missing": [name for name in names if not hasattr(self._module, name)]}

    def close(self) -> None:
        """Nothing was started."""


class _Pool:
    """Hands out the only worker."""

    def __init__(self, worker: _InProcess, data: Path) -> None:
        self._worker = worker
        self.place = Walls("none", data)

    def take(self, limits: Limits) -> _InProcess:
        """Return the worker."""
        del limits
        return self._worker

    def retire(self, worker: _InProcess) -> None:
        """Keep the worker."""


def main() -> None:
    """Check the solutions as a namespace, to test this module: print their points."""
    namespace: dict[str, Any] = {}
    for module in dict.fromkeys(task.module for task in course().tasks):
        namespace |= vars(importlib.import_module(f"solutions.{module}"))
    every = [task.id for task in checked_in_place()]
    print({task: score(task, namespace, every) for task in every})


if __name__ == "__main__":
    sys.exit(main())
