"""A wrong helper is reported once: at its own task, and not again at every task that uses it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from grader.course import Task
from grader.results import TaskResult

WRONG = {"failed", "crashed", "partial"}
"""Statuses of a task that was answered, and not as it should be."""


def reported_once(results: Mapping[Task, TaskResult], uses: Mapping[Task, frozenset[str]]) -> dict[Task, TaskResult]:
    """Return the results, where a task that fails with a helper of the student's own says so in place of its own words.

    Args:
        results: of the tasks that were tried, in teaching order.
        uses: names that the text of each task's functions mentions.
    """
    reported: dict[Task, TaskResult] = {}
    for task, result in results.items():
        helper = next(
            (other for other in reported if _explains(other, reported[other], task, result, uses[task])), None
        )
        reported[task] = result if helper is None else replace(result, misconception=None, message=_says(task, helper))
    return reported


def _says(task: Task, helper: Task) -> str:
    names = " and ".join(symbol.rpartition(".")[2] for symbol in helper.symbols)
    return (
        f"{task.id}: this builds on your {names}, and that is not right yet. What does the message at {helper.id} say?"
    )


def _explains(helper: Task, its: TaskResult, task: Task, result: TaskResult, used: frozenset[str]) -> bool:
    """Tell whether a task fails as a helper does that it builds on: one that its text mentions, or its own class."""
    if task.module != helper.module or task.symbols == helper.symbols or not {result.status, its.status} <= WRONG:
        return False
    if used.isdisjoint(helper.symbols) and _classes(helper).isdisjoint(_classes(task)):
        return False
    return result.score == its.score == 0 or (
        its.misconception is not None and its.misconception == result.misconception
    )


def _classes(task: Task) -> set[str]:
    return {symbol.partition(".")[0] for symbol in task.symbols if "." in symbol}
