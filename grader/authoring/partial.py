"""What answers earn that are right in part: each what a teacher would give, and the plainest right one nearly all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from grader.authoring.answers import Answer, task_results
from grader.results import Result, TaskResult

PLAINEST = "plainest"
"""How the title begins of an answer whose numbers are right for ordinary arguments, and nothing else is."""

PLAIN = 0.8
"""The share of a task that its plainest right answer earns at least."""

TYPICAL = 4
"""How many answers that are right in part each task has at least, beside the plainest right one."""


def plainest(partial: Sequence[Answer], results: Sequence[Result]) -> dict[str, TaskResult]:
    """Return what the plainest right answer of each task got, by the task's id."""
    return {task.id: task for one, task in task_results(partial, results) if one.name.startswith(PLAINEST)}


def partial_problems(partial: Sequence[Answer], results: Sequence[Result], asked: Collection[str]) -> list[str]:
    """Return which answers fall out of their range, and which tasks lack answers.

    Args:
        partial: the answers, each asked for one task.
        results: what each of them got.
        asked: ids of the tasks that must have some.
    """
    plain = plainest(partial, results)
    known = Counter(task for one in partial for task in one.tasks)
    return [
        *(
            f"partial answer {one.name!r} of {task.id}: expected {one.low:g} to {one.high:g} points, "
            f"got {task.score:g}. It fails: "
            f"{'; '.join(check.name for check in task.checks if not check.passed) or task.message}"
            for one, task in task_results(partial, results)
            if not one.low <= task.score <= one.high
        ),
        *(
            f"{task.id}: expected the plainest right answer to earn at least {PLAIN:.0%}, got {task.score:g} of "
            f"{task.points:g}."
            for task in plain.values()
            if task.score < PLAIN * task.points
        ),
        *(
            f"{task}: expected the plainest right answer and at least {TYPICAL} that are right in part, "
            f"got {known[task]}."
            for task in sorted(asked)
            if known[task] <= TYPICAL or task not in plain
        ),
    ]
