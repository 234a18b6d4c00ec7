"""The command `grader`: which verbs there are, and what their exit status is."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from typing import NoReturn

import click
from rich.console import Console

from grader import __version__

WRONG_CALL = 2
GRADER_FAILED = 3
PARTS = ("grader.verbs", "grader.student.verbs")
"""Where the verbs are; students get the second alone."""

KEEPING = (["demo"], ["grade"], ["regrade"])
"""Verbs that go on where they were stopped."""

# What a verb needs is imported when it runs: importing torch takes seconds, and `--help` should not.


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=False)
@click.version_option(__version__, prog_name="grader")
def cli() -> None:
    """Autograded exercises on convolutional networks."""


for part in PARTS:
    if importlib.util.find_spec(part):
        for verb in importlib.import_module(part).VERBS:
            cli.add_command(verb)


@cli.command()
def doctor() -> None:
    """Show what this machine can do, and what to install for more."""
    from grader.doctor import examine  # noqa: PLC0415

    sys.exit(0 if examine(Console()) else 1)


def main() -> NoReturn:
    """Run a verb; a wrong call is one line and exit status 2, the grader's own trouble is status 3."""
    from grader.errors import GraderError  # noqa: PLC0415

    try:
        cli.main(prog_name="grader", standalone_mode=False)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "grader"
        click.echo(f"{command}: {error.format_message()} Try `{command} --help`.".replace("\n", " "), err=True)
        sys.exit(WRONG_CALL)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except (click.Abort, KeyboardInterrupt):
        kept = " What is graded is kept; run the same command to go on." if sys.argv[1:2] in KEEPING else ""
        click.echo(f"Stopped.{kept}", err=True)
        sys.exit(130)
    except (GraderError, OSError) as error:
        click.echo(f"grader: {error}", err=True)
        sys.exit(GRADER_FAILED)
    except Exception:  # noqa: BLE001 - a bug of ours must not look like a check that does not hold
        traceback.print_exc()
        sys.exit(GRADER_FAILED)
    sys.exit(0)
