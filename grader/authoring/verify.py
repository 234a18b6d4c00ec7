"""`grader verify`: proves that the kit is sound, so that a grade means something."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from rich.console import Console

from grader import curriculum
from grader.authoring.agreement import stub_problems
from grader.authoring.fingerprints import fingerprint_problems
from grader.canaries import CanaryFailed, try_canaries
from grader.checking.suites import Check, collect_checks
from grader.grading import Grader
from grader.results import MAX_SCORE
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
        ("the fingerprints of wrong answers are those of the bank", fingerprint_problems),
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
    with Grader(2, candidates(unsafe=False)) as grader:
        try:
            try_canaries(grader, selected, seed=1, accuracy="weights", tick=lambda: None)
        except CanaryFailed as error:
            return error.problems
    points = sum(task.points for task in curriculum.tasks())
    return [] if points == MAX_SCORE else [f"curriculum.toml: expected {MAX_SCORE:g} points in all, got {points:g}."]
