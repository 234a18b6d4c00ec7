"""What a student reads of a task in an autograder cell."""

from __future__ import annotations

from grader.results import TaskResult


def message_of(task: TaskResult, score: float, points: float) -> str:
    """Return the points of a task, its message, and which checks passed, in lines.

    Args:
        task: the result.
        score: what the cell earns.
        points: what the cell is worth, which an instructor may have changed.
    """
    head = f"{task.id}: {score:g} of {points:g} points ({task.status.replace('_', ' ')})"
    if task.misconception:
        head += f", {task.misconception}"
    message = task.message.removeprefix(f"{task.id}: ")
    checks = [f"  {'✓' if check.passed else '✗'} {check.name}" for check in task.checks]
    return "\n".join([head, *([message] if message else []), *checks]) + "\n"
