"""`grader verify`: proves that the kit is sound, so that a grade means something."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from rich.console import Console

from grader import curriculum, intake
from grader.authoring.agreement import stub_problems
from grader.checking.suites import Check, collect_checks
from grader.grading import Grader, Order
from grader.paths import EXERCISES, SOLUTIONS
from grader.results import MAX_SCORE, Result
from grader.sandbox.levels import candidates

MIN_CHECKS = 120


def verify_kit(console: Console, *, quick: bool = False) -> list[str]:
    """Run every proof and tell what it found.

    Args:
        console: shows what is under way.
        quick: leave out the accuracy of the reference.

    Returns:
        One sentence per problem; empty if the kit is sound.
    """
    stages: list[tuple[str, Callable[[], list[str]]]] = [
        ("manifest, solutions, stubs and hints agree", stub_problems),
        ("every task has its hidden checks", lambda: check_problems(collect_checks())),
        ("the stubs score 0, the reference 100", lambda: score_problems(quick=quick)),
    ]
    problems = []
    for title, stage in stages:
        console.print(f"… {title}", highlight=False)
        found = stage()
        console.print(f"{'✗' if found else '✓'} {title}", highlight=False)
        problems += found
    return problems


def check_problems(checks: list[Check]) -> list[str]:
    """Check the hidden suites: known tasks, unique names, one core check per task, enough in all."""
    problems = []
    known = [task.id for task in curriculum.tasks()]
    problems += [
        f"hidden suites: expected a task id, got {c.task!r} at {c.name!r}." for c in checks if c.task not in known
    ]
    for (task_id, name), count in Counter((check.task, check.name) for check in checks).items():
        if count > 1:
            problems.append(f"hidden suites: expected {name!r} once at {task_id}, got it {count} times.")
    with_core = {check.task for check in checks if check.core}
    problems += [
        f"hidden suites: expected a core check for {task_id}, got none."
        for task_id in known
        if task_id not in with_core
    ]
    if len(checks) < MIN_CHECKS:
        problems.append(f"hidden suites: expected at least {MIN_CHECKS} checks, got {len(checks)}.")
    return problems


def score_problems(*, quick: bool) -> list[str]:
    """Grade the stubs and the reference as submissions, through the same sandbox as a student's."""
    selected = frozenset(task.id for task in curriculum.tasks() if not (quick and task.id == "fashion_accuracy"))
    results: dict[int, Result] = {}
    orders = [stub_order(1, selected), reference_order(1, selected)]
    with Grader(len(orders), candidates(unsafe=False)) as grader:
        grader.grade(orders, results.__setitem__, tick=lambda: None)
    return stubs_result_problems(results[0]) + reference_result_problems(results[1])


def stubs_result_problems(result: Result) -> list[str]:
    """Every task of the stubs is not started and earns nothing."""
    return [
        f"stubs: expected {task.id} not_started with 0 points, got {task.status} with {task.score:g}: {task.message}"
        for task in result.tasks
        if task.status not in ("not_started", "skipped") or task.score
    ] + _ungraded(result)


def reference_result_problems(result: Result) -> list[str]:
    """Every task of the reference passes and earns all its points."""
    problems = [
        f"reference: expected {task.id} to pass with {task.points:g} points, "
        f"got {task.status} with {task.score:g}: {task.message}"
        for task in result.tasks
        if task.status != "skipped" and (task.status != "passed" or task.score != task.points)
    ]
    if sum(task.points for task in result.tasks) not in (0, MAX_SCORE):
        problems.append(
            f"curriculum.toml: expected {MAX_SCORE:g} points in all, got {sum(t.points for t in result.tasks):g}."
        )
    return problems + _ungraded(result)


def reference_order(seed: int, selected: frozenset[str]) -> Order:
    """Return the solutions as a submission."""
    return Order("reference", intake.read(intake.Entry("reference", "reference", SOLUTIONS)), seed, selected)


def stub_order(seed: int, selected: frozenset[str]) -> Order:
    """Return the committed stubs as a submission."""
    return Order("stubs", intake.read(intake.Entry("stubs", "stubs", EXERCISES)), seed, selected)


def _ungraded(result: Result) -> list[str]:
    if result.status == "graded":
        return []
    return [f"{result.student}: expected it to be graded, got {result.status}: {result.message}"]
