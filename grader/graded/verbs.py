"""The verbs for a class that has been graded; what each of them needs is imported when it runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from grader.course import course
from grader.errors import require_linux
from grader.options import judging

if TYPE_CHECKING:
    from grader.graded.export import Export, Format
    from grader.graded.regrade import Regraded

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
    "--assignment",
    default=f"{course().name.upper()} exercises",
    show_default=True,
    help="What the assignment is called in the gradebook.",
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
    from grader.reports.lms.roster import read_roster_file  # noqa: PLC0415

    try:
        results = [result for folder, result in read_results(out) if student in (None, folder, result.student)]
        done = export_results(results, to, assignment, None if roster is None else read_roster_file(roster))
    except ValueError as error:
        raise click.UsageError(f"{error}.") from None
    target = target or out / FILE_NAMES[to]
    write_atomically(target, done.text)
    _tell(done, target)
    sys.exit(1 if done.problems else 0)


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
        remedy = "pip install -c constraints.txt -e '.[similar]' in the kit's folder"
        raise click.UsageError(f"expected copydetect: {remedy}.") from None
    from grader.files import write_atomically  # noqa: PLC0415
    from grader.similar.classes import compare, read_class  # noqa: PLC0415
    from grader.similar.page import similarity_page  # noqa: PLC0415

    with Console(stderr=True).status("reading"):
        found = read_class(submissions)
        modules = compare(found, share)
    write_atomically(target, similarity_page(found, modules, share))
    alike = sum(len(module.groups) + len(module.pairs) + module.more for module in modules)
    click.echo(f"{target}: {found.students} submissions, {alike} groups or pairs that are alike")


@click.command()
@click.argument("submissions", type=GRADED)
@click.option("--out", type=GRADED, required=True, help="What `grader grade` wrote.")
@click.option("--yes", is_flag=True, help="Publish without asking.")
@click.option(
    "--jobs", type=click.IntRange(1, 256), help="Submissions checked at the same time [default: one per core]."
)
@judging()
@click.option("--timeout", type=click.FloatRange(1, 3600), default=30, show_default=True, help="As in `grader grade`.")
@click.option("--seed", metavar="TEXT", help="Other inputs than before, for everybody.")
@click.option("--unsafe", is_flag=True, help="Run student code without a sandbox. Stands on every report.")
def regrade(
    submissions: Path,
    out: Path,
    jobs: int | None,
    way: str,
    timeout: float,
    seed: str | None,
    *,
    yes: bool,
    unsafe: bool,
) -> None:
    """Grade a class again after a change of tests, and show who changes before it is published.

    The same tasks, with the inputs of before for whoever changed no file; scores in OUT/overrides.csv stay. The changes
    are in OUT/regrade.json as well. Without a terminal nothing is published unless --yes is given; the exit status is 1
    where new results wait.
    """
    require_linux()
    from grader.batch import Settings  # noqa: PLC0415
    from grader.graded import regrade as work  # noqa: PLC0415
    from grader.sandbox.levels import candidates  # noqa: PLC0415
    from grader.sandbox.limits import Limits  # noqa: PLC0415
    from grader.seeds import seed_of_text  # noqa: PLC0415
    from grader.terminal import ProgressBar  # noqa: PLC0415

    try:
        tasks = work.earlier_tasks(out)
    except ValueError as error:
        raise click.UsageError(f"{error}.") from None
    limits = Limits.per_answer(timeout)
    number = None if seed is None else seed_of_text(seed)
    settings = Settings(tasks, way, candidates(unsafe=unsafe), jobs or os.cpu_count() or 1, seed=number, limits=limits)
    with ProgressBar(Console(stderr=True)) as bar:
        found = work.regrade(submissions, out, settings, bar)
    _show(found)
    if not found.new:
        return
    if not yes and not (sys.stdin.isatty() and click.confirm("Publish?")):
        click.echo(f"Not published; {out} is as it was. `grader regrade` with --yes publishes.")
        sys.exit(1)
    with ProgressBar(Console(stderr=True)) as bar:
        work.publish_regrade(submissions, out, settings, bar, found)
    click.echo(f"Published: {out / 'report.html'}, {out / 'grades.csv'}, {out}/NAME/feedback.html")


def _show(found: Regraded) -> None:
    from grader.graded.changes import changes_table  # noqa: PLC0415

    if found.changes:
        Console().print(changes_table(found.changes))
    click.echo(f"{len(found.changes)} of {found.students} students change.")
    if found.new and not found.changes:
        click.echo("No score changes, but what the reports say does.")


VERBS = (export, regrade, similar)
