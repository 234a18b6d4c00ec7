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
    from grader.graded.results import read_results  # noqa: PLC0415

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


@click.command()
@click.argument("submissions", type=GRADED)
@click.option("--out", "target", type=FILE, required=True, help="The page.")
@click.option(
    "--share",
    type=click.FloatRange(0.1, 1),
    default=0.5,
    show_default=True,
    help="How much of a module's own code a pair has in common, at least.",
)
def similar(submissions: Path, target: Path, share: float) -> None:
    """Write a page on submissions that are suspiciously alike: advice for a human, never a score.

    Nothing is run. Names, comments, and the code that everybody was given do not count.
    """
    try:
        import copydetect  # noqa: F401, PLC0415 - it says whether the extra is there
    except ImportError:
        raise click.UsageError("expected copydetect: pip install 'cnn-exercise-kit[similar]'.") from None
    from rich.console import Console  # noqa: PLC0415

    from grader.files import write_atomically  # noqa: PLC0415
    from grader.similar.classes import compare, read_class  # noqa: PLC0415
    from grader.similar.page import similarity_page  # noqa: PLC0415

    with Console(stderr=True).status("reading"):
        found = read_class(submissions)
        modules = compare(found, share)
    write_atomically(target, similarity_page(found, modules, share))
    alike = sum(len(module.groups) + len(module.pairs) + module.more for module in modules)
    click.echo(f"{target}: {found.students} submissions, {alike} groups or pairs that are alike")


VERBS = (export, similar)
