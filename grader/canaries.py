"""Before a class is graded, the reference must score full and the stubs nothing: a grader that errs grades nobody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from grader import intake
from grader.errors import GraderError
from grader.executor import Order
from grader.grading import Grader
from grader.paths import EXERCISES, SOLUTIONS
from grader.results import TaskResult
from grader.sandbox.limits import Pace

PATIENCE: Final = 10.0
"""How much longer than a student's a canary's answers may take: how slow the machine is, is not known yet."""


class CanaryFailed(GraderError):
    """The reference does not score full, or the stubs score: no grade of this machine would mean anything.

    Attributes:
        problems: one sentence per task that got another score than it must.
    """

    def __init__(self, problems: list[str]) -> None:
        lines = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(
            f"canaries: expected full points for the reference and none for the stubs. Nobody was graded.\n{lines}\n"
            "Does `grader verify` hold, and was anything in solutions/, exercises/ or tests/hidden/ changed?"
        )
        self.problems = problems


def try_canaries(
    grader: Grader, selected: frozenset[str], seed: int, way: str, tick: Callable[[], None]
) -> Mapping[str, Pace]:
    """Grade the reference and the stubs with the inputs of the class.

    Args:
        grader: an entered one.
        selected: ids of the tasks that the class is graded on.
        seed: of the inputs.
        way: how the artefact is judged; see ``Course.ways``.
        tick: called a few times a second, to show progress.

    Returns:
        How long the reference took for each task.

    Raises:
        CanaryFailed: if they get another score than they must.
    """
    orders = [reference_order(seed, selected, way), stub_order(seed, selected, way)]
    patient = [replace(order, patience=PATIENCE) for order in orders]
    found = {index: checked for index, _, checked in grader.check(patient, tick=tick)}
    reference, stubs = found[0], found[1]
    if reference is None or stubs is None:
        raise CanaryFailed(["expected the reference and the stubs to be graded, but the grader itself failed."])
    problems = [*reference_result_problems(reference.tasks), *stubs_result_problems(stubs.tasks)]
    if problems:
        raise CanaryFailed(problems)
    return reference.paces


def reference_result_problems(tasks: tuple[TaskResult, ...]) -> list[str]:
    """Each task of the reference must pass and earn all its points; one sentence for every exception."""
    return [
        f"reference: expected {task.id} to pass with {task.points:g} points, "
        f"got {task.status} with {task.score:g}: {task.message}"
        for task in tasks
        if task.status != "skipped" and (task.status != "passed" or task.score != task.points)
    ]


def stubs_result_problems(tasks: tuple[TaskResult, ...]) -> list[str]:
    """Each task of the stubs must be not started and earn nothing; one sentence for every exception."""
    return [
        f"stubs: expected {task.id} not_started with 0 points, got {task.status} with {task.score:g}: {task.message}"
        for task in tasks
        if task.status not in ("not_started", "skipped") or task.score
    ]


def reference_order(seed: int, selected: frozenset[str], way: str = "") -> Order:
    """Return the solutions as a submission."""
    return Order("reference", intake.read(intake.Entry("reference", "reference", SOLUTIONS)), seed, selected, way)


def stub_order(seed: int, selected: frozenset[str], way: str = "") -> Order:
    """Return the committed stubs as a submission."""
    return Order("stubs", intake.read(intake.Entry("stubs", "stubs", EXERCISES)), seed, selected, way)
