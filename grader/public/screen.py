"""The terminal output of the public checks."""

import os
import textwrap
from collections.abc import Sequence
from pathlib import Path

import pytest

from grader.checks.drawing import EDGE
from grader.course import course
from grader.public.progress import State, TaskProgress, line_of, next_task, score_line

COLOURS: dict[State, dict[str, bool]] = {
    "green": {"green": True},
    "partial": {"yellow": True},
    "failed": {"red": True},
    "unfinished": {"yellow": True},
    "waiting": {"yellow": True},
    "not started": {},
    "not run": {},
}
INDENT = 15
NEXT_INDENT = 6
HIDDEN_CHECKS = (
    f"Your points come from hidden checks. They test more than these: {course().unseen}. All of it is in the "
    "docstrings: green here is a good start, and no more."
)


def write_task(terminal: pytest.TerminalReporter, progress: TaskProgress, message: str, *, new_module: bool) -> None:
    """Write the line of a task and a message below it; the first task of a module comes with a headline."""
    task = progress.task
    if new_module:
        points = sum(t.points for t in course().tasks if t.module == task.module)
        terminal.write_line("")
        terminal.write_line(f"exercises/{task.module}.py ({points:g} points)", bold=True)
    terminal.write(f"  {progress.state:<{INDENT - 2}}", **COLOURS[progress.state])
    count = progress.count()
    terminal.write_line(f"{task.id:<18}{task.points:>3g}  {task.title}{f' ({count})' if count else ''}")
    write(terminal, message, INDENT, **COLOURS[progress.state])


def write_closing(
    terminal: pytest.TerminalReporter, progress: Sequence[TaskProgress], folder: Path, *, every: bool, brief: bool
) -> None:
    """Write the progress, what is next, and what these checks do not cover.

    Args:
        terminal: where to write.
        progress: of each checked task.
        folder: with the student's modules.
        every: whether each task already has its message.
        brief: whether to leave out commands, and what every run ends with.
    """
    everything = len(course().tasks)
    command = _command(folder, terminal.config.invocation_params.dir)
    if not brief:
        terminal.write_line(score_line(progress, everything), bold=True)
        terminal.write_line("")
    following = next_task(progress)
    if following is not None:
        line = line_of(folder / f"{following.task.module}.py", following.task.symbols)
        _write_next(terminal, following, line, every=every)
    elif len(progress) == everything:
        write(terminal, "Next: read the docstrings once more. Do they promise anything that no check here tests?")
    elif not brief:
        write(terminal, f"Next: the other tasks: {command}")
    if not brief:
        if following is not None:
            others = sum(p.state in ("failed", "unfinished") for p in progress if p is not following)
            _write_commands(terminal, following, command, 0 if every else others)
        terminal.write_line("")
        write(terminal, HIDDEN_CHECKS)


def _write_next(terminal: pytest.TerminalReporter, following: TaskProgress, line: int | None, *, every: bool) -> None:
    task = following.task
    place = f"exercises/{task.module}.py" + (f", line {line}" if line else "")
    terminal.write_line(f"Next: {task.id}, {task.points:g} points: {place}", bold=True)
    if not every:
        write(terminal, following.message, NEXT_INDENT, **COLOURS[following.state])


def _write_commands(terminal: pytest.TerminalReporter, following: TaskProgress, command: str, others: int) -> None:
    task = following.task
    terminal.write_line(f"      {command} -k {task.id}")
    if following.state == "failed":
        terminal.write_line(f"      (stuck? grader hint {task.id})")
        terminal.write_line("      (add --traceback to see where it went wrong, -s to see what your code prints)")
    elif following.state == "not started" and task.predicted:
        terminal.write_line(f"      (before you write it: grader predict {task.id})")
    if others:
        terminal.write_line(f"      ({others} more of those tasks are not right yet: add --all to see every message)")


def _command(folder: Path, cwd: Path) -> str:
    """Return the command that runs the public checks from the student's folder."""
    try:
        target = os.path.relpath(folder, cwd)
    except ValueError:  # another drive
        target = str(folder)
    return "pytest" if target == os.curdir else f"pytest {target}"


def write(terminal: pytest.TerminalReporter, text: str, indent: int = 0, **colours: bool) -> None:
    """Write a text in lines that fit the window, but those of a drawing as they are."""
    width = max(60, min(terminal._tw.fullwidth, 110))  # noqa: SLF001 - the width of the window has no public name
    margin = " " * indent
    lines = text.split("\n")
    words = "\n".join(line for line in lines if not line.startswith(EDGE))
    wrapped = textwrap.wrap(words, width, initial_indent=margin, subsequent_indent=margin, break_long_words=False)
    for line in (*wrapped, *(margin + line for line in lines if line.startswith(EDGE))):
        terminal.write_line(line, **colours)
