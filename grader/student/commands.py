"""The students' verbs of `grader`; what each of them needs is imported when it runs."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.course import course
from grader.student import CannotError

if TYPE_CHECKING:
    from grader.course import Task
    from grader.public.memory import Memory
    from grader.student.workspace import Workspace


def _task(_context: click.Context, _parameter: click.Parameter, value: str) -> Task:
    """Return the task of an id; a wrong one is a wrong call."""
    try:
        return course().task(value)
    except ValueError as error:
        raise click.BadParameter(f"{str(error).removeprefix('task: ')}.") from None


TASK = click.argument("task", callback=_task)


@click.command()
@TASK
def hint(task: Task) -> None:
    """Show one more hint for TASK."""
    from grader.student.hints import next_hint  # noqa: PLC0415

    with _exercises() as (_, memory):
        for line in next_hint(memory, task):
            click.echo(line)


@click.command()
@TASK
@click.option("--whole-file", is_flag=True, help="Put the whole module back, not the functions of TASK alone.")
def reset(task: Task, *, whole_file: bool) -> None:
    """Put the stub of TASK back; your text is kept in exercises/.backups/."""
    from grader.student.reset import reset_task  # noqa: PLC0415

    with _exercises() as (workspace, _):
        backup = reset_task(workspace, task, whole_file=whole_file)
        shown = workspace.shown(workspace.module(task.module))
        if backup:
            click.echo(f"{shown}: {'all of it' if whole_file else task.id} is as it was handed out.")
            click.echo(f"Your text is kept: {workspace.shown(backup)}")
        else:
            click.echo(f"{shown}: {task.id} already is as it was handed out.")


@click.command()
@click.argument("task", type=click.Choice([task.id for task in course().tasks if task.predicted]), metavar="TASK")
@click.option("--seed", type=int, help="Draw the same cases again.")
def predict(task: str, seed: int | None) -> None:
    """Guess output shapes before you write TASK."""
    from random import Random  # noqa: PLC0415

    from grader.student.predict import CASES, ask_cases  # noqa: PLC0415

    with _exercises() as (_, memory):
        right = ask_cases(task, _typed(), click.echo, Random(seed))  # noqa: S311 - drawn, not secret
        memory.predictions[task] = {"right": right, "asked": CASES}
        memory.save()
        click.echo(f"{right} of {CASES} right. Now write {task}: your code can check you.")


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="The zip; else submission.zip beside the exercises."
)
@click.option("--yes", is_flag=True, help="Write it even if something is missing or red, without asking.")
def submit(out: Path | None, *, yes: bool) -> None:
    """Make the zip to hand in, and say what is in it, what is missing and what is red."""
    from grader.student.submit import Row, write_submission  # noqa: PLC0415

    def agree(rows: list[Row]) -> None:
        for row in rows:
            click.echo(f"  {'ok  ' if row.good else '    '}{row.name:<26}{row.said}")
        if not yes and (open_ends := sum(not row.good for row in rows)):
            question = f"{open_ends} of {len(rows)} files are not complete or not green. Write the zip all the same?"
            if not _agreed(question):
                raise CannotError("nothing is written. `--yes` writes it as it is")

    with _exercises() as (workspace, _):
        to = (out or workspace.folder.parent / "submission.zip").resolve()
        write_submission(workspace, to, agree)
        click.echo(f"Written: {to}")


@click.command()
@click.option(
    "--limit", type=click.FloatRange(1, 600), default=20.0, help="Seconds after which a single check is ended."
)
def watch(limit: float) -> None:
    """Check at each save what the save touches; keys for hint, list, next, reset and quit."""
    from grader.student.watch import Watch  # noqa: PLC0415

    with _exercises() as (workspace, _):
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # the terminal is put back
        Watch(workspace, limit).run()


def _agreed(question: str) -> bool:
    """Ask; no answer, as where nobody can be asked, is a no."""
    try:
        return click.confirm(question)
    except click.Abort:
        return False


def _typed() -> Iterator[str]:
    """Give the lines that are typed, each after a prompt where there is a terminal."""
    while True:
        if sys.stdin.isatty():
            click.echo("  > ", nl=False)
        if not (line := sys.stdin.readline()):
            return
        yield line


@contextmanager
def _exercises() -> Iterator[tuple[Workspace, Memory]]:
    """Find the exercises and what is remembered of them; say in one line why the verb cannot do its work."""
    from grader.public.memory import Memory  # noqa: PLC0415
    from grader.student.workspace import Workspace  # noqa: PLC0415

    command = click.get_current_context().command_path
    try:
        workspace = Workspace.find(Path.cwd())
        memory = Memory.load(workspace.folder)
        if memory.remark:
            click.echo(memory.remark, err=True)
        yield workspace, memory
    except CannotError as error:
        click.echo(f"{command}: {error}", err=True)
        sys.exit(1)


VERBS = (hint, predict, reset, submit, watch)
