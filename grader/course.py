"""A course: what is taught and asked, read from its `course.toml`: all that the grader knows of a lesson."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.paths import COURSE


@dataclass(frozen=True)
class Task:
    """One thing that a student writes and is graded on.

    Attributes:
        id: the name used in results, tests and notebooks.
        module: the stub module it lives in, without ``.py``.
        title: what it is about, for people.
        points: at most this many; all tasks together are ``Course.max_score``.
        symbols: functions or ``Class.method`` that the student writes for it.
        needs: ids of the tasks whose answers it builds on.
        hints: from a nudge to a plan.
    """

    id: str
    module: str
    title: str
    points: float
    symbols: tuple[str, ...]
    needs: tuple[str, ...]
    hints: tuple[str, ...]


@dataclass(frozen=True)
class Course:
    """One course.

    Attributes:
        root: the folder of its ``course.toml``.
        max_score: what all tasks together are meant to be worth.
        tasks: in teaching order.
    """

    root: Path
    max_score: float
    tasks: tuple[Task, ...]

    @classmethod
    def read(cls, root: Path) -> Course:
        """Read the course that lies in a folder."""
        document = tomllib.loads((root / "course.toml").read_text(encoding="utf-8"))
        return cls(root, float(document["max_score"]), tuple(map(_task, document["task"])))

    @functools.cached_property
    def modules(self) -> tuple[str, ...]:
        """The names of the stub modules in teaching order."""
        return tuple(dict.fromkeys(task.module for task in self.tasks))

    def task(self, task_id: str) -> Task:
        """Return one task by its id.

        Raises:
            ValueError: if there is no such task.
        """
        for candidate in self.tasks:
            if candidate.id == task_id:
                return candidate
        raise ValueError(f"task: expected one of {', '.join(one.id for one in self.tasks)}, got {task_id!r}")

    def select(self, task_ids: Sequence[str]) -> tuple[Task, ...]:
        """Return the named tasks in teaching order, or all of them if none is named."""
        wanted = {self.task(task_id).id for task_id in task_ids} or {one.id for one in self.tasks}
        return tuple(one for one in self.tasks if one.id in wanted)


def _task(entry: dict[str, Any]) -> Task:
    return Task(
        id=entry["id"],
        module=entry["module"],
        title=entry["title"],
        points=float(entry["points"]),
        symbols=tuple(entry["symbols"]),
        needs=tuple(entry["needs"]),
        hints=tuple(entry["hints"]),
    )


@functools.cache
def course() -> Course:
    """Return the course that this process is about; see `paths.COURSE`."""
    return Course.read(COURSE)
