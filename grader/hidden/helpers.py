"""A wrong helper is reported once: at its own task, not again at every task that uses it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from grader.checks.failures import builds_on
from grader.course import Task
from grader.results import TaskResult

WRONG = {"failed", "crashed", "partial"}
"""Statuses of a task with a wrong answer."""


def reported_once(results: Mapping[Task, TaskResult], uses: Mapping[Task, frozenset[str]]) -> dict[Task, TaskResult]:
    """Return the results; a task that fails because of the student's own helper says only that.

    Args:
        results: of the tasks that were tried, in teaching order.
        uses: names used in the source of each task's functions.
    """
    reported: dict[Task, TaskResult] = {}
    for task, result in results.items():
        helper = next(
            (other for other in reported if _explains(other, reported[other], task, result, uses[task])), None
        )
        reported[task] = result if helper is None else replace(result, misconception=None, message=_says(task, helper))
    return reported


def _explains(helper: Task, its: TaskResult, task: Task, result: TaskResult, used: frozenset[str]) -> bool:
    """Return whether a task fails like a helper on which it builds: one used in its source, or its own class."""
    if task.module != helper.module or task.symbols == helper.symbols or not {result.status, its.status} <= WRONG:
        return False
    if used.isdisjoint(helper.symbols) and _classes(helper).isdisjoint(_classes(task)):
        return False
    return result.score == its.score == 0 or (
        its.misconception is not None and its.misconception == result.misconception
    )


def _classes(task: Task) -> set[str]:
    return {symbol.partition(".")[0] for symbol in task.symbols if "." in symbol}


def _says(task: Task, helper: Task) -> str:
    return builds_on(task.id, [symbol.rpartition(".")[2] for symbol in helper.symbols], helper.id)
