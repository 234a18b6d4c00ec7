"""What a student sees of the public checks in the terminal."""

import os
import textwrap
from collections.abc import Sequence
from pathlib import Path

import pytest

from grader import curriculum
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
HIDDEN_CHECKS = (
    "Your points come from hidden checks. They ask for more than these: other sizes and numbers, float64, "
    "bad arguments, arguments that stay as they were, work by hand where that is asked, every image of a split, "
    "answers that do not depend on the rest of a batch. All of it stands in the docstrings: green here is a good "
    "start, and no more."
)


def write_task(terminal: pytest.TerminalReporter, progress: TaskProgress, message: str, *, new_module: bool) -> None:
    """Write the line of a task and a message below it; the first task of a module comes with a headline."""
    task = progress.task
    if new_module:
        points = sum(t.points for t in curriculum.tasks() if t.module == task.module)
        terminal.write_line("")
        terminal.write_line(f"exercises/{task.module}.py ({points:g} points)", bold=True)
    terminal.write(f"  {progress.state:<{INDENT - 2}}", **COLOURS[progress.state])
    count = progress.count()
    terminal.write_line(f"{task.id:<18}{task.points:>3g}  {task.title}{f' ({count})' if count else ''}")
    for line in _wrapped(message, terminal, INDENT):
        terminal.write_line(line, **COLOURS[progress.state])


def write_closing(terminal: pytest.TerminalReporter, progress: Sequence[TaskProgress], folder: Path, cwd: Path) -> None:
    """Write how far it is, what is next, and what these checks do not look at."""
    everything = len(curriculum.tasks())
    terminal.write_line(score_line(progress, everything), bold=True)
    terminal.write_line("")
    following = next_task(progress)
    if following is not None:
        _write_next(terminal, following, folder, cwd)
    elif len(progress) == everything:
        _write(terminal, "Next: read the docstrings once more. Do they promise anything that no check here looks at?")
    else:
        _write(terminal, f"Next: the other tasks: {_command(folder, cwd)}")
    terminal.write_line("")
    _write(terminal, HIDDEN_CHECKS)


def _write_next(terminal: pytest.TerminalReporter, following: TaskProgress, folder: Path, cwd: Path) -> None:
    task = following.task
    line = line_of(folder / f"{task.module}.py", task.symbols)
    place = f"exercises/{task.module}.py" + (f", line {line}" if line else "")
    terminal.write_line(f"Next: {task.id}, {task.points:g} points: {place}", bold=True)
    terminal.write_line(f"      {_command(folder, cwd)} -k {task.id}")
    if following.state == "failed":
        terminal.write_line("      (add --tb=short to see where it went wrong, -s to see what your code prints)")


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
    return textwrap.wrap(text, width, initial_indent=margin, subsequent_indent=margin, break_long_words=False)
