"""What people read: what was wrong with a notebook, at its top, and what a task earned, in its autograder cell."""

from __future__ import annotations

from collections.abc import Sequence

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from grader.course import course
from grader.results import Result, TaskResult
from grader.text import clean

TAG = "grader-notes"
HEAD = "**Notes of the grader**\n\n"


def add_notes(nb: NotebookNode, notes: Sequence[str]) -> None:
    """Put notes into a cell at the notebook's top, below those that are there already."""
    if not notes:
        return
    there = next((index for index, cell in enumerate(nb.cells) if TAG in cell.metadata.get("tags", [])), None)
    cell = new_markdown_cell(HEAD, metadata={"tags": [TAG]}) if there is None else nb.cells.pop(there)
    nb.cells.insert(0, cell)
    cell.source += "".join(f"- {_as_markdown(note)}\n" for note in notes)


def _as_markdown(note: str) -> str:
    """Return a note with nothing in it that Markdown or HTML would take for markup."""
    return "".join(f"&#{ord(char)};" if char in "<>&*_`[]\\#$!|~" else char for char in clean(note, 600))


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


def tasks_of(result: Result) -> dict[str, TaskResult]:
    """Return the tasks of a result by id; a rejected submission has earned nothing anywhere."""
    if result.status == "rejected":
        return {
            task.id: TaskResult(task.id, task.points, 0.0, "missing", None, result.message, 0.0)
            for task in course().tasks
        }
    return {task.id: task for task in result.tasks}
