"""Reads curriculum.toml, the only list of tasks."""

import functools
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Task:
    """One thing that a student writes and is graded on.

    Attributes:
        id: the name used in results, tests and notebooks.
        module: the stub module it lives in, without ``.py``.
        title: what it is about, for people.
        points: at most this many; all tasks together are ``max_score()``.
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


@functools.cache
def _document() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "curriculum.toml").read_text(encoding="utf-8"))


@functools.cache
def tasks() -> tuple[Task, ...]:
    """Return all tasks in teaching order."""
    return tuple(
        Task(
            id=entry["id"],
            module=entry["module"],
            title=entry["title"],
            points=float(entry["points"]),
            symbols=tuple(entry["symbols"]),
            needs=tuple(entry["needs"]),
            hints=tuple(entry["hints"]),
        )
        for entry in _document()["task"]
    )


def max_score() -> float:
    """Return what all tasks together are meant to be worth."""
    return float(_document()["max_score"])


def modules() -> tuple[str, ...]:
    """Return the names of the stub modules in teaching order."""
    return tuple(dict.fromkeys(task.module for task in tasks()))


def task(task_id: str) -> Task:
    """Return one task by its id.

    Raises:
        ValueError: if there is no such task.
    """
    for candidate in tasks():
        if candidate.id == task_id:
            return candidate
    raise ValueError(f"task: expected one of {', '.join(t.id for t in tasks())}, got {task_id!r}")


def select(task_ids: Sequence[str]) -> tuple[Task, ...]:
    """Return the named tasks in teaching order, or all of them if none is named."""
    wanted = {task(task_id).id for task_id in task_ids} or {t.id for t in tasks()}
    return tuple(t for t in tasks() if t.id in wanted)
