"""The verbs of those who grade a class or write the kit; what each of them needs is imported when it runs."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from grader.course import course
from grader.errors import require_kit, require_linux
from grader.seeds import seed_of_text

if TYPE_CHECKING:
    from grader.batch import Settings
    from grader.graded.lms_file import Format

Command = Callable[..., None]

NEW_FOLDER = click.Path(path_type=Path, file_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
NEW_FILE = click.Path(path_type=Path, dir_okay=False)
SECONDS = click.FloatRange(1, 3600)
SKIP = "skip"
"""The way of judging that leaves out the task about the artefact."""


def _tasks(_context: click.Context, _option: click.Parameter, only: str | None) -> tuple[str, ...]:
    """Return the ids of the named tasks in teaching order, none if none is named."""
    names = [name.strip() for name in (only or "").split(",") if name.strip()]
    try:
        return tuple(task.id for task in course().select(names)) if names else ()
    except ValueError as error:
        raise click.UsageError(f"--only: {error}.") from None


ONLY = click.option("--only", callback=_tasks, metavar="TASK,..", help="These tasks alone.")
JOBS = click.option(
    "--jobs", type=click.IntRange(1, 256), help="Submissions checked at the same time [default: one per core]."
)
UNSAFE = click.option("--unsafe", is_flag=True, help="Run student code without a sandbox. Stands on every report.")


def _grading(*more_ways: str) -> Callable[[Command], Command]:
    """Add the options that say how a class is graded, which `_settings` takes.

    Args:
        *more_ways: values beside the course's own ways of the option that says how its artefact is judged.
    """
    options = [
        JOBS,
        click.option(
            "--timeout",
            type=SECONDS,
            default=30,
            help="Seconds for one answer, at least; more where the reference takes more than a twentieth of it.",
        ),
        click.option(
            "--seed",
            type=seed_of_text,
            metavar="TEXT",
            help="Draws the same hidden inputs in each run with this text; keep it from students.",
        ),
        UNSAFE,
    ]
    if artefact := course().artefact:
        ways = click.Choice([*artefact.ways, *more_ways])
        name = f"--{artefact.option}"
        options.append(click.option(name, "way", type=ways, default=artefact.ways[0], help=artefact.help))
    return lambda command: functools.reduce(lambda one, option: option(one), reversed(options), command)


def _settings(
    tasks: tuple[str, ...],
    *,
    jobs: int | None,
    unsafe: bool,
    timeout: float,
    seed: int | None = None,
    way: str = "",
    **cluster: Any,
) -> Settings:
    """Return how a class is graded; ``cluster`` is what `Settings` holds about one."""
    from grader.batch import Settings  # noqa: PLC0415
    from grader.sandbox.levels import candidates  # noqa: PLC0415
    from grader.sandbox.limits import Limits  # noqa: PLC0415

    way = way if way in course().ways else course().ways[0]
    checkers = jobs or os.cpu_count() or 1
    limits = Limits.per_answer(timeout)
    return Settings(tasks, way, candidates(unsafe=unsafe), checkers, seed=seed, limits=limits, **cluster)


@click.command()
@click.argument("submissions", type=FOLDER)
@click.option(
    "--out", type=NEW_FOLDER, required=True, help="Gets NAME/results.json, NAME/feedback.html, grades.csv, report.html."
)
@ONLY
@_grading(SKIP)
@click.option(
    "--executor",
    type=click.Choice(["local", "dask"]),
    default="local",
    help="What grades: this machine, or the nodes of a dask cluster.",
)
@click.option("--scheduler", metavar="ADDRESS", help="Of the cluster, such as tcp://10.0.0.1:8786.")
@click.option(
    "--node-timeout",
    "node_seconds",
    type=SECONDS,
    default=60,
    help="Seconds that a node may be silent before its submissions are graded by others.",
)
def grade(
    submissions: Path, out: Path, only: tuple[str, ...], executor: str, scheduler: str | None, **how: Any
) -> None:
    """Grade a class: SUBMISSIONS/NAME/ or SUBMISSIONS/NAME.zip, one per student."""
    if (executor == "dask") != bool(scheduler):
        raise click.UsageError(
            f"--executor {executor}: expected {'--scheduler ADDRESS' if not scheduler else 'no --scheduler'}. "
            "A cluster has both, this machine neither."
        )
    if scheduler and how["jobs"]:
        raise click.UsageError(
            "--jobs: expected none with --executor dask. `dask worker --nthreads` says it of a node."
        )
    skipped = course().judged if how.get("way") == SKIP else ""
    tasks = tuple(name for name in only or _every_task() if name != skipped)
    if not tasks:
        raise click.UsageError(f"--only: expected a task besides {skipped}, which is skipped, got none.")
    require_linux()
    _grade(submissions, out, _settings(tasks, scheduler=scheduler or "", **how))


@click.command()
@click.option("--out", type=NEW_FOLDER, default=Path("demo-out"), help="Where the reports go.")
@JOBS
@UNSAFE
def demo(out: Path, **how: Any) -> None:
    """Grade a small sample class, from good to hopeless to hostile."""
    require_linux()
    from grader.authoring.samples import write_class  # noqa: PLC0415
    from grader.sandbox import scratch  # noqa: PLC0415

    folder = scratch.make("class")
    try:
        write_class(folder)
        _grade(folder, out, _settings(_every_task(), timeout=5, **how))  # one of the samples never answers
    finally:
        scratch.remove(folder)


def _every_task() -> tuple[str, ...]:
    return tuple(task.id for task in course().tasks)


def _grade(submissions: Path, out: Path, settings: Settings) -> None:
    from grader.batch import grade_folder  # noqa: PLC0415
    from grader.terminal import ProgressBar, class_table  # noqa: PLC0415

    with ProgressBar(Console(stderr=True)) as bar:
        results = grade_folder(submissions, out, settings, bar)
    Console().print(class_table(results))
    _point_to_reports("Reports", out)


def _point_to_reports(title: str, out: Path) -> None:
    click.echo(f"{title}: {out / 'report.html'}, {out / 'grades.csv'}, {out}/NAME/feedback.html")


@click.command()
@click.argument("submissions", type=FOLDER)
@click.option("--out", type=FOLDER, required=True, help="What `grader grade` wrote.")
@click.option("--yes", is_flag=True, help="Publish without asking.")
@_grading()
def regrade(submissions: Path, out: Path, *, yes: bool, **how: Any) -> None:
    """Grade a class again after a change of tests, and show who changes before it is published.

    The same tasks, and without --seed the inputs of before for whoever changed no file; scores in OUT/overrides.csv
    stay. The changes are in OUT/regrade.json as well. Without a terminal nothing is published unless --yes is given;
    the exit status is 1 where new results wait.
    """
    require_linux()
    from grader.graded import regrade as work  # noqa: PLC0415
    from grader.graded.changes import changes_table  # noqa: PLC0415
    from grader.terminal import ProgressBar  # noqa: PLC0415

    try:
        settings = _settings(work.earlier_tasks(out), **how)
    except ValueError as error:
        raise click.UsageError(f"{error}.") from None
    with ProgressBar(Console(stderr=True)) as bar:
        found = work.regrade(submissions, out, settings, bar)
    if found.changes:
        Console().print(changes_table(found.changes))
    click.echo(f"{len(found.changes)} of {found.students} students change.")
    if not found.new:
        return
    if not found.changes:
        click.echo("No score changes, but what the reports say does.")
    if not yes and not (sys.stdin.isatty() and click.confirm("Publish?")):
        click.echo(f"Not published; {out} is as it was. `grader regrade` with --yes publishes.")
        sys.exit(1)
    with ProgressBar(Console(stderr=True)) as bar:
        work.publish_regrade(submissions, out, settings, bar, found)
    _point_to_reports("Published", out)


@click.command()
@click.argument("out", type=FOLDER)
@click.option("--to", required=True, type=click.Choice(["canvas", "moodle", "gradescope", "junit"]), help="The format.")
@click.option(
    "--roster",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="CSV with the course's people: the gradebook's own export, or a list with logins, numbers or addresses.",
)
@click.option("--file", "target", type=NEW_FILE, help="Where the export goes [default: a file in OUT].")
@click.option("--student", help="This submission alone.")
@click.option(
    "--assignment", default=f"{course().name.upper()} exercises", help="What the assignment is called in the gradebook."
)
def export(
    out: Path, to: Format, roster: Path | None, target: Path | None, student: str | None, assignment: str
) -> None:
    """Write the grades in OUT in the format that a gradebook imports.

    The exit status is 1 if the roster does not say whose some submission is; the file holds the others.
    """
    from grader.files import write_atomically  # noqa: PLC0415
    from grader.graded.lms_file import FILE_NAMES, lms_file  # noqa: PLC0415
    from grader.reports.lms.roster import read_roster_file  # noqa: PLC0415
    from grader.reports.published import read_results  # noqa: PLC0415

    try:
        results = [result for folder, result in read_results(out) if student in (None, folder, result.student)]
        done = lms_file(results, to, assignment, None if roster is None else read_roster_file(roster))
    except ValueError as error:
        raise click.UsageError(f"{error}.") from None
    target = target or out / FILE_NAMES[to]
    write_atomically(target, done.text)
    click.echo(f"{target}: {done.lines} {'student' if done.lines == 1 else 'students'}")
    if done.absent:
        click.echo(f"{len(done.absent)} of the roster handed nothing in: {', '.join(done.absent)}")
    for problem in done.problems:
        click.echo(f"left out: {problem}", err=True)
    sys.exit(1 if done.problems else 0)


@click.command()
@click.argument("submissions", type=FOLDER)
@click.option("--out", "target", type=NEW_FILE, required=True, help="The page.")
@click.option(
    "--share",
    type=click.FloatRange(0.1, 1),
    default=0.5,
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
@click.option("--quick", is_flag=True, help="Without training, wrong answers and mutants: for every commit.")
@click.option("--matrix", is_flag=True, help="Print which checks notice what, and keep it in tests/kill-matrix.html.")
@ONLY
def verify(*, quick: bool, matrix: bool, only: tuple[str, ...]) -> None:
    """Prove that the kit is sound: stubs score 0, the reference full, wrong answers and mutants are noticed."""
    if matrix and (quick or only):
        other = "--quick" if quick else "--only"
        raise click.UsageError(f"--matrix: expected a whole run, got {other} as well. Which of the two?")
    require_linux()
    from grader.authoring.verify import verify_kit  # noqa: PLC0415

    console = Console()
    problems = verify_kit(console, quick=quick, matrix=matrix, only=only)
    for problem in problems:
        console.print(f"✗ {problem}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"{len(problems)} problems." if problems else "The kit is sound.")
    sys.exit(1 if problems else 0)


@click.command()
@click.option("--to", type=NEW_FOLDER, required=True, help="A folder; what is built is written below it.")
@click.option("--stubs", is_flag=True, help="For authors: derive TO/exercises/ anew from the solutions, and no more.")
@click.option("--gradescope", is_flag=True, help="Also TO/gradescope.zip, an autograder: it holds the solutions.")
def release(to: Path, *, stubs: bool, gradescope: bool) -> None:
    """Build what students get, and the nbgrader course: TO/handout/, TO/handout.zip, TO/course/."""
    require_kit()
    from grader.authoring.building import build  # noqa: PLC0415
    from grader.authoring.release import refresh_stubs  # noqa: PLC0415

    done, leaks = (refresh_stubs(to), []) if stubs else build(to, click.echo)
    for path in done.written if stubs else []:
        click.echo(f"wrote {path}")
    for path in done.kept:
        click.echo(f"kept {path}: it holds somebody's work")
    click.echo(f"{len(done.written)} files written, {len(done.unchanged)} up to date, {len(done.kept)} kept: {to}")
    if gradescope:
        from grader.authoring.autograder_zip import write_autograder  # noqa: PLC0415

        click.echo(f"{to / 'gradescope.zip'}: {write_autograder(to / 'gradescope.zip')} files, not for students")
    for leak in leaks:
        click.echo(f"✗ {leak}", err=True)
    if leaks:
        click.echo(f"{len(leaks)} leaks: do not hand this out. There is no zip until they are mended.", err=True)
        sys.exit(1)


VERBS = (grade, demo, verify, release, export, regrade, similar)
