"""The verbs for a class that has been graded; what each of them needs is imported when it runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from grader.graded.export import Export, Format
    from grader.reports.lms.roster import Roster

GRADED = click.Path(path_type=Path, file_okay=False, exists=True)
FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("out", type=GRADED)
@click.option("--to", required=True, type=click.Choice(["canvas", "moodle", "gradescope", "junit"]), help="The format.")
@click.option(
    "--roster",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="CSV with the course's people: the gradebook's own export, or a list with logins, numbers or addresses.",
)
@click.option("--file", "target", type=FILE, help="Where the export goes [default: a file in OUT].")
@click.option("--student", help="This submission alone.")
@click.option(
    "--assignment", default="CNN exercises", show_default=True, help="What the assignment is called in the gradebook."
)
def export(
    out: Path, to: Format, roster: Path | None, target: Path | None, student: str | None, assignment: str
) -> None:
    """Write the grades in OUT in the format that a gradebook imports.

    The exit status is 1 if the roster does not tell whose some submission is; the file holds the others.
    """
    from grader.files import write_atomically  # noqa: PLC0415
    from grader.graded.export import FILE_NAMES  # noqa: PLC0415
    from grader.graded.export import export as export_results  # noqa: PLC0415
    from grader.graded.published import read_results  # noqa: PLC0415

    try:
        results = [result for folder, result in read_results(out) if student in (None, folder, result.student)]
        done = export_results(results, to, assignment, _roster(roster))
    except ValueError as error:
        raise click.UsageError(f"{error}.") from None
    target = target or out / FILE_NAMES[to]
    write_atomically(target, done.text)
    _tell(done, target)
    sys.exit(1 if done.problems else 0)


def _roster(path: Path | None) -> Roster | None:
    from grader.reports.lms.roster import read_roster  # noqa: PLC0415

    return None if path is None else read_roster(path.read_text(encoding="utf-8", errors="replace"))


def _tell(done: Export, target: Path) -> None:
    click.echo(f"{target}: {done.lines} {'student' if done.lines == 1 else 'students'}")
    if done.absent:
        click.echo(f"{len(done.absent)} of the roster handed nothing in: {', '.join(done.absent)}")
    for problem in done.problems:
        click.echo(f"left out: {problem}", err=True)


VERBS = (export,)
