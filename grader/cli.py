"""The command `grader`: which verbs there are, and what their exit status is."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import itertools
import os
import sys
import traceback
from pathlib import Path
from typing import NoReturn

import click
from rich.console import Console

from grader import __version__

WRONG_CALL = 2
GRADER_FAILED = 3
PARTS = ("grader.verbs", "grader.student.commands")
"""Where the verbs are; students get the second alone."""

OF_ALL_VERBS = ("--course", "--term")
WITHOUT_TERM = {"verify", "demo", "--stubs"}
"""What is about the whole course."""

KEEPING = {"demo", "grade", "regrade"}
"""Verbs that go on where they were stopped."""

# What a verb needs is imported when it runs: importing torch takes seconds, and `--help` should not.


class _Verbs(click.Group):
    """Loads the verbs when they are asked for: by then it is known which course they are about."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        args = _options_first(args)
        _find_term(args)
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        self._load()
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        self._load()
        return super().get_command(ctx, cmd_name)

    @functools.cache  # noqa: B019 - there is one, and it lives as long as the process
    def _load(self) -> None:
        for part in PARTS:
            if importlib.util.find_spec(part):
                for verb in importlib.import_module(part).VERBS:
                    self.add_command(verb)


def _options_first(args: list[str]) -> list[str]:
    """Let the options of all verbs stand behind the verb as well."""
    first: list[str] = []
    rest: list[str] = []
    ahead = iter(args)
    for arg in ahead:
        name, has_value, _ = arg.partition("=")
        if name in OF_ALL_VERBS:
            first += [arg, *itertools.islice(ahead, 0 if has_value else 1)]
        else:
            rest.append(arg)
    return first + rest


def _find_term(args: list[str]) -> None:
    """Follow the term.toml in or beside a folder of the command; what is about the whole course has none."""
    if WITHOUT_TERM.intersection(args):
        os.environ["GRADER_TERM"] = ""
    named = [Path(arg) for arg in args if not arg.startswith("-") and Path(arg).is_dir()]
    beside = [folder / "term.toml" for one in named for folder in (one, one.resolve().parent)]
    found = next(filter(Path.is_file, beside), None)
    if found is not None:
        os.environ.setdefault("GRADER_TERM", str(found.resolve()))


def _choose_term(_context: click.Context, _option: click.Parameter, file: Path | None) -> None:
    """Settle which term this process, and every one that it starts, follows."""
    from grader.paths import TERM_VARIABLE, term_file  # noqa: PLC0415 - after the course is known

    os.environ[TERM_VARIABLE] = str(file.resolve() if file else term_file() or "")


def _choose_course(_context: click.Context, _option: click.Parameter, folder: Path | None) -> None:
    """Settle which course this process, and every one that it starts, is about."""
    if folder is not None:
        os.environ["GRADER_COURSE"] = str(folder.resolve())
    from grader.paths import COURSE, COURSE_FILE, COURSE_VARIABLE  # noqa: PLC0415 - it looks at the variable

    if folder is not None and not (folder / COURSE_FILE).is_file():
        raise click.UsageError(f"--course: expected a folder with a {COURSE_FILE}, got {str(folder)!r}.")
    os.environ[COURSE_VARIABLE] = str(COURSE)


@click.group(
    cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "show_default": True}, no_args_is_help=False
)
@click.version_option(__version__, prog_name="grader")
@click.option(
    "--course",
    type=click.Path(path_type=Path, file_okay=False),
    callback=_choose_course,
    is_eager=True,
    expose_value=False,
    metavar="DIR",
    help="The folder of a course.toml [default: the one around the current folder, else the grader's own].",
)
@click.option(
    "--term",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    callback=_choose_term,
    expose_value=False,
    metavar="FILE",
    help="What a class is taught and how it is judged [default: the term.toml beside it, else around here].",
)
def cli() -> None:
    """Autograded exercises: what is taught stands in a course.toml."""


@cli.command()
def doctor() -> None:
    """Show what this machine can do, and what to install for more."""
    from grader.doctor import examine  # noqa: PLC0415

    sys.exit(0 if examine(Console()) else 1)


def main() -> NoReturn:
    """Run a verb; a wrong call is one line and exit status 2, the grader's own trouble is status 3."""
    from grader.errors import GraderError, WrongTerm  # noqa: PLC0415

    try:
        sys.exit(cli.main(prog_name="grader", standalone_mode=False))
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "grader"
        click.echo(f"{command}: {error.format_message()} Try `{command} --help`.".replace("\n", " "), err=True)
        sys.exit(WRONG_CALL)
    except (click.Abort, KeyboardInterrupt):
        kept = " What is graded is kept; run the same command to go on." if KEEPING.intersection(sys.argv) else ""
        click.echo(f"Stopped.{kept}", err=True)
        sys.exit(130)
    except (GraderError, OSError) as error:
        click.echo(f"grader: {error}", err=True)
        sys.exit(WRONG_CALL if isinstance(error, WrongTerm) else GRADER_FAILED)
    except Exception:  # noqa: BLE001 - a bug of ours must not look like a check that does not hold
        traceback.print_exc()
        sys.exit(GRADER_FAILED)
