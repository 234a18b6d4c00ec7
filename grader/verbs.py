"""The verbs of those who grade a class or write the kit; what each of them needs is imported when it runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
from rich.console import Console

from grader.course import course
from grader.errors import require_kit, require_linux
from grader.graded.verbs import VERBS as GRADED
from grader.options import judging

FOLDER = click.Path(path_type=Path, file_okay=False)
SKIP = "skip"
"""The way of judging that leaves out the task about the artefact."""


@click.command()
@click.argument("submissions", type=FOLDER)
@click.option(
    "--out", type=FOLDER, required=True, help="Gets NAME/results.json, NAME/feedback.html, grades.csv, report.html."
)
@click.option(
    "--jobs", type=click.IntRange(1, 256), help="Submissions checked at the same time [default: one per core]."
)
@click.option("--only", default="", metavar="TASK,..", help="Grade these tasks alone.")
@judging(SKIP)
@click.option(
    "--timeout",
    type=click.FloatRange(1, 3600),
    default=30,
    show_default=True,
    help="Seconds for one answer, at least; more where the reference takes more than a twentieth of it.",
)
@click.option(
    "--seed", metavar="TEXT", help="Draws the same hidden inputs in each run with this text; keep it from students."
)
@click.option("--unsafe", is_flag=True, help="Run student code without a sandbox. Stands on every report.")
@click.option(
    "--executor",
    type=click.Choice(["local", "dask"]),
    default="local",
    show_default=True,
    help="What grades: this machine, or the nodes of a dask cluster.",
)
@click.option("--scheduler", default="", metavar="ADDRESS", help="Of the cluster, such as tcp://10.0.0.1:8786.")
@click.option(
    "--node-timeout",
    type=click.FloatRange(1, 3600),
    default=60,
    show_default=True,
    help="Seconds that a node may be silent before its submissions are graded by others.",
)
def grade(
    submissions: Path,
    out: Path,
    jobs: int | None,
    only: str,
    way: str,
    timeout: float,
    seed: str | None,
    executor: str,
    scheduler: str,
    node_timeout: float,
    *,
    unsafe: bool,
) -> None:
    """Grade a class: SUBMISSIONS/NAME/ or SUBMISSIONS/NAME.zip, one per student."""
    if (executor == "dask") != bool(scheduler):
        raise click.UsageError(
            f"--executor {executor}: expected {'--scheduler ADDRESS' if not scheduler else 'no --scheduler'}. "
            "A cluster has both, this machine neither."
        )
    if scheduler and jobs:
        raise click.UsageError(
            "--jobs: expected none with --executor dask. `dask worker --nthreads` says it of a node."
        )
    _grade(submissions, out, jobs, only, way, timeout, seed, scheduler, node_timeout, unsafe=unsafe)


@click.command()
@click.option("--out", type=FOLDER, default=Path("demo-out"), show_default=True, help="Where the reports go.")
@click.option(
    "--jobs", type=click.IntRange(1, 256), help="Submissions checked at the same time [default: one per core]."
)
@click.option("--unsafe", is_flag=True, help="Run student code without a sandbox.")
def demo(out: Path, jobs: int | None, *, unsafe: bool) -> None:
    """Grade a small sample class, from good to hopeless to hostile."""
    require_linux()
    from grader.authoring.samples import write_class  # noqa: PLC0415
    from grader.sandbox import scratch  # noqa: PLC0415

    folder = scratch.make("class")
    try:
        write_class(folder)
        _grade(folder, out, jobs, timeout=5, unsafe=unsafe)  # one of the samples never answers
    finally:
        scratch.remove(folder)


@click.command()
@click.option("--quick", is_flag=True, help="Without training, wrong answers and mutants: for every commit.")
@click.option("--matrix", is_flag=True, help="Print which checks notice what, and keep it in tests/kill-matrix.html.")
@click.option("--only", default="", metavar="TASK,..", help="Grade these tasks alone, while you write them.")
def verify(*, quick: bool, matrix: bool, only: str) -> None:
    """Prove that the kit is sound: stubs score 0, the reference full, wrong answers and mutants are noticed."""
    if matrix and (quick or only):
        other = "--quick" if quick else "--only"
        raise click.UsageError(f"--matrix: expected a whole run, got {other} as well. Which of the two?")
    asked = _selection(only)
    require_linux()
    from grader.authoring.verify import verify_kit  # noqa: PLC0415

    console = Console()
    problems = verify_kit(console, quick=quick, matrix=matrix, only=asked)
    for problem in problems:
        console.print(f"✗ {problem}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"{len(problems)} problems." if problems else "The kit is sound.")
    sys.exit(1 if problems else 0)


@click.command()
@click.option("--to", type=FOLDER, required=True, help="A folder; what is built is written below it.")
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
        from grader.authoring.gradescope import write_autograder  # noqa: PLC0415

        click.echo(f"{to / 'gradescope.zip'}: {write_autograder(to / 'gradescope.zip')} files, not for students")
    for leak in leaks:
        click.echo(f"✗ {leak}", err=True)
    if leaks:
        click.echo(f"{len(leaks)} leaks: do not hand this out. There is no zip until they are mended.", err=True)
        sys.exit(1)


def _grade(
    submissions: Path,
    out: Path,
    jobs: int | None,
    only: str = "",
    way: str = "",
    timeout: float = 30,
    seed: str | None = None,
    scheduler: str = "",
    node_timeout: float = 60,
    *,
    unsafe: bool,
) -> None:
    require_linux()
    selected = tuple(name for name in _selection(only) if not (way == SKIP and name == course().judged))
    if not selected:
        raise click.UsageError(f"--only: expected a task besides {course().judged}, which is skipped, got none.")
    if not submissions.is_dir():
        raise click.UsageError(f"SUBMISSIONS: expected a folder, got {str(submissions)!r}. Is the path right?")

    from grader.batch import Settings, grade_folder  # noqa: PLC0415
    from grader.sandbox.levels import candidates  # noqa: PLC0415
    from grader.sandbox.limits import Limits  # noqa: PLC0415
    from grader.seeds import seed_of_text  # noqa: PLC0415
    from grader.terminal import ProgressBar, class_table  # noqa: PLC0415

    settings = Settings(
        selected,
        way if way in course().ways else course().ways[0],
        candidates(unsafe=unsafe),
        jobs or os.cpu_count() or 1,
        None if seed is None else seed_of_text(seed),
        Limits.per_answer(timeout),
        scheduler=scheduler,
        node_seconds=node_timeout,
    )
    console = Console(stderr=True)
    with ProgressBar(console) as bar:
        results = grade_folder(submissions, out, settings, bar)
    Console().print(class_table(results))
    click.echo(f"Reports: {out / 'report.html'}, {out / 'grades.csv'}, {out}/NAME/feedback.html")


def _selection(only: str) -> tuple[str, ...]:
    """Return the ids of the named tasks, or of all if none is named."""
    try:
        return tuple(task.id for task in course().select([n.strip() for n in only.split(",") if n.strip()]))
    except ValueError as error:
        raise click.UsageError(f"--only: {error}.") from None


VERBS = (grade, demo, verify, release, *GRADED)
