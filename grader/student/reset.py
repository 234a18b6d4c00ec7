"""`grader reset`: puts one task's stub back, and keeps what was there."""

from __future__ import annotations

from pathlib import Path

from grader.course import Task
from grader.files import keep_backup, write_atomically
from grader.splice import splice
from grader.student import CannotError
from grader.student.workspace import Workspace


def reset_task(workspace: Workspace, task: Task, *, whole_file: bool = False) -> Path | None:
    """Put the functions of a task back to their stubs, and leave every other line of the module as it is.

    Args:
        workspace: where the student's files lie.
        task: the task.
        whole_file: put the whole module back instead.

    Returns:
        A copy of the module from before, or None if nothing was to be done or there was none.

    Raises:
        CannotError: if the module cannot be read, or holds the functions in a form that cannot be replaced.
        GraderError: if the stub cannot be found.
        OSError: if a file cannot be written.
    """
    path, stub = workspace.module(task.module), workspace.stub(task.module)
    if not path.is_file():
        write_atomically(path, stub)
        return None
    data = path.read_bytes()
    new = stub if whole_file else _spliced(data, stub, workspace, task)
    text = data.decode("utf-8", "replace")
    if new == text.replace("\r\n", "\n"):
        return None
    backup = keep_backup(path)
    write_atomically(path, new.replace("\n", "\r\n") if "\r\n" in text else new)
    return backup


def _spliced(data: bytes, stub: str, workspace: Workspace, task: Task) -> str:
    shown = workspace.shown(workspace.module(task.module))
    remedy = f"Mend that, or put the whole file back: grader reset {task.id} --whole-file"
    try:
        text = data.decode("utf-8").replace("\r\n", "\n")
        if workspace.is_untouched(task):
            return text
        return splice(text, stub, only=task.symbols)
    except SyntaxError as error:
        raise CannotError(f"{shown} cannot be read: line {error.lineno}: {error.msg}. {remedy}") from error
    except ValueError as error:
        raise CannotError(f"{shown}: {str(error).removeprefix('splice: ')} {remedy}") from error
