"""`grader hint`: one more hint each time."""

from __future__ import annotations

from grader.course import Task
from grader.public.memory import Memory


def next_hint(memory: Memory, task: Task) -> list[str]:
    """Return the lines that show one more hint for a task, and remember that it was shown.

    After the last hint, all of them are shown again.

    Raises:
        OSError: if the memory cannot be written.
    """
    count, shown = len(task.hints), memory.hints.get(task.id, 0)
    if shown >= count:
        again = [f"  {number}. {text}" for number, text in enumerate(task.hints, 1)]
        return [f"{task.id}: there are no more hints. Here they are again:", *again]
    memory.hints[task.id] = shown + 1
    memory.save()
    left = count - shown - 1
    more = f"{left} more: ask again, but try first." if left else "That was the last one."
    return [f"{task.id}, hint {shown + 1} of {count}: {task.hints[shown]}", more]
