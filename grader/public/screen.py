"""What a student sees of the public checks in the terminal."""

import os
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from grader.course import course
from grader.public.drawing import EDGE
from grader.public.progress import State, TaskProgress, line_of, next_task, score_line

COLOURS: dict[State, dict[str, bool]] = {
    "green": {"green": True},
    "failed": {"red": True},
    "unfinished": {"yellow": True},
    "waiting": {"yellow": True},
    "not started": {},
    "not run": {},
}
INDENT = 15
NEXT_INDENT = 6
HIDDEN_CHECKS = (
    f"Your points come from hidden checks. They ask for more than these: {course().unseen}. All of it stands in the "
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
    for line in _wrapped(message, terminal, INDENT):
        terminal.write_line(line, **COLOURS[progress.state])


@dataclass(frozen=True)
class Closing:
    """What the last lines of a run depend on.

    Attributes:
        progress: of each task that was looked at.
        folder: where the student's modules lie.
        cwd: where pytest was called.
        every: each task has its message already.
        brief: leave out commands, and what stands at the end of every run.
        remark: something about the run itself.
    """

    progress: Sequence[TaskProgress]
    folder: Path
    cwd: Path
    every: bool
    brief: bool
    remark: str = ""


def write_closing(terminal: pytest.TerminalReporter, closing: Closing) -> None:
    """Write how far it is, what is next, and what these checks do not look at."""
    everything = len(course().tasks)
    if closing.remark:
        _write(terminal, closing.remark)
    if not closing.brief:
        terminal.write_line(score_line(closing.progress, everything), bold=True)
        terminal.write_line("")
    following = next_task(closing.progress)
    if following is not None:
        _write_next(terminal, following, closing)
    elif len(closing.progress) == everything:
        _write(terminal, "Next: read the docstrings once more. Do they promise anything that no check here looks at?")
    elif not closing.brief:
        _write(terminal, f"Next: the other tasks: {_command(closing.folder, closing.cwd)}")
    if not closing.brief:
        terminal.write_line("")
        _write(terminal, HIDDEN_CHECKS)


def _write_next(terminal: pytest.TerminalReporter, following: TaskProgress, closing: Closing) -> None:
    task = following.task
    line = line_of(closing.folder / f"{task.module}.py", task.symbols)
    place = f"exercises/{task.module}.py" + (f", line {line}" if line else "")
    terminal.write_line(f"Next: {task.id}, {task.points:g} points: {place}", bold=True)
    if not closing.every:
        for row in _wrapped(following.message, terminal, NEXT_INDENT):
            terminal.write_line(row, **COLOURS[following.state])
    if closing.brief:
        return
    command = _command(closing.folder, closing.cwd)
    terminal.write_line(f"      {command} -k {task.id}")
    if following.state == "failed":
        terminal.write_line(f"      (stuck? grader hint {task.id})")
        terminal.write_line("      (add --traceback to see where it went wrong, -s to see what your code prints)")
    elif following.state == "not started" and task.predicted:
        terminal.write_line(f"      (before you write it: grader predict {task.id})")
    others = sum(p.state in ("failed", "unfinished") for p in closing.progress if p is not following)
    if others and not closing.every:
        terminal.write_line(f"      ({others} more of those tasks are not right yet: add --all to see every message)")


def _command(folder: Path, cwd: Path) -> str:
    """Return the command that runs the public checks from where the student is."""
    try:
        target = os.path.relpath(folder, cwd)
    except ValueError:  # another drive
        target = str(folder)
    return "pytest" if target == os.curdir else f"pytest {target}"


def _write(terminal: pytest.TerminalReporter, text: str) -> None:
    for line in _wrapped(text, terminal, 0):
        terminal.write_line(line)


def _wrapped(text: str, terminal: pytest.TerminalReporter, indent: int) -> list[str]:
    width = max(60, min(terminal._tw.fullwidth, 110))  # noqa: SLF001 - the width of the window has no public name
    margin = " " * indent
    lines = text.split("\n")
    words = "\n".join(line for line in lines if not line.startswith(EDGE))
    return [
        *textwrap.wrap(words, width, initial_indent=margin, subsequent_indent=margin, break_long_words=False),
        *(margin + line for line in lines if line.startswith(EDGE)),
    ]
