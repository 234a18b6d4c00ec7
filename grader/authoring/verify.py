"""`grader verify`: proves that the kit is sound, so that a grade means something."""

from __future__ import annotations

import itertools
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from grader.authoring.agreement import refusal_problems, stub_problems
from grader.authoring.answers import (
    Answer,
    artefact_answers,
    partial_answers,
    right_answers,
    task_results,
    wrong_answers,
)
from grader.authoring.building import build
from grader.authoring.fingerprints import fingerprint_problems
from grader.authoring.matrix import (
    Cell,
    beside,
    cells_of,
    matrix_page,
    matrix_problems,
    matrix_table,
    mutant_answers,
    never_alone,
    plainest_table,
    survivors,
)
from grader.authoring.partial import partial_problems, plainest
from grader.canaries import CanaryFailed, try_canaries
from grader.course import course
from grader.errors import GraderError
from grader.files import write_atomically
from grader.grading import Grader
from grader.hidden.suites import Check, collect_checks
from grader.paths import COURSE
from grader.results import MAX_SCORE, Result, TaskResult
from grader.sandbox.levels import candidates
from grader.sandbox.limits import Limits

MAX_CORE = 2
MATRIX = COURSE / "tests" / "kill-matrix.html"
QUICK = Limits(load_seconds=15, call_seconds=8, task_seconds=40)
"""A mutant often runs for ever; the reference's own pace is what gives a slow machine more time."""

FEW = 8
"""How many mutants are asked at a time about tasks that only use what was changed, until each check was once alone."""

SAMPLE = 4
"""How many right, and as many wrong, answers are graded twice."""


def verify_kit(console: Console, *, quick: bool = False, matrix: bool = False, only: Sequence[str] = ()) -> list[str]:
    """Run every proof and return what it found.

    Args:
        console: shows what is under way.
        quick: only what needs no training data, no wrong answers and no mutants.
        matrix: keep the kill matrix as a page.
        only: ids of the tasks whose stubs, answers and mutants are graded; all if there is none.

    Returns:
        One sentence per problem; empty if the kit is sound.
    """
    asked = frozenset(task.id for task in course().select(only))
    proof = _Proof(console, asked)
    proof.stage("manifest, solutions, stubs and hints agree", stub_problems)
    if any(problem.startswith("solutions/") for problem in proof.problems):
        return proof.problems  # nothing can be graded where a task has no reference
    proof.stage("the fingerprints of wrong answers are those of the bank", fingerprint_problems)
    checks = collect_checks()
    proof.stage("every task has its hidden checks", lambda: check_problems(checks))
    proof.stage("what docstrings say is refused is what is checked", lambda: refusal_problems(checks, asked=asked))
    with Grader(2, candidates(unsafe=False), QUICK) as grader:
        graded = asked - {course().judged} if quick else asked
        proof.stage("the stubs score 0, the reference full", lambda: score_problems(grader, graded))
        if not quick:
            proof.grader = grader
            proof.stage("right answers in other styles score full", proof.right)
            proof.stage("scores do not depend on the order", proof.repeated)
            proof.stage("wrong answers are rejected and named", proof.wrong)
            proof.stage("typical partial answers earn what a teacher would give", proof.partial)
            proof.stage("no mutant of the reference survives", lambda: proof.mutants(checks))
    if not quick and len(asked) == len(course().tasks):
        proof.stage("nothing that students get shows what they must not see", release_problems)
    if matrix:
        console.print(matrix_table(proof.cells, checks))
        console.print(plainest_table(proof.plainest))
        write_atomically(MATRIX, matrix_page(proof.cells, checks))
        console.print(f"Kill matrix: {MATRIX.relative_to(COURSE)}")
    return proof.problems


class _Proof:
    """Runs stages one after another, shows how far they are, and gathers what they find."""

    grader: Grader

    def __init__(self, console: Console, asked: frozenset[str]) -> None:
        self._console = console
        self._asked = asked
        self.problems: list[str] = []
        self.cells: list[Cell] = []
        self.plainest: dict[str, TaskResult] = {}

    def stage(self, title: str, find_problems: Callable[[], list[str]]) -> None:
        """Run one stage."""
        self._title = title
        self._console.print(f"… {title}", end="\r" if self._console.is_terminal else "\n", highlight=False)
        found = find_problems()
        self._console.print(f"{'✗' if found else '✓'} {title}", highlight=False)
        self.problems += found

    def right(self) -> list[str]:
        """Right answers in other styles score full and get no name."""
        answers = self._of_asked(right_answers())
        return [
            f"right answer {answer.name!r}: expected {task.id} to pass without a name, "
            f"got {task.status}, {task.misconception}: {task.message}"
            for answer, task in task_results(answers, self._graded(answers))
            if task.status != "passed" or task.misconception
        ]

    def wrong(self) -> list[str]:
        """Wrong answers lose points and are named for what they are."""
        answers = self._of_asked(wrong_answers())
        results = self._graded(answers)
        self.cells += cells_of(answers, results, wrong=True)
        return [
            f"wrong answer {answer.name!r} of {task.id}: expected to lose points and that name, "
            f"got {task.status} with {task.score:g} of {task.points:g}, {task.misconception}: {task.message}"
            for answer, task in task_results(answers, results)
            if task.score == task.points or (task.misconception or "") != answer.name
        ]

    def partial(self) -> list[str]:
        """Answers that are right in part earn points in the range that a teacher would give."""
        answers = self._of_asked(partial_answers())
        results = self._graded(answers)
        self.cells += cells_of(answers, results, wrong=True)
        self.plainest = plainest(answers, results)
        return partial_problems(answers, results, self._asked - {course().judged})

    def mutants(self, checks: list[Check]) -> list[str]:
        """Every mutant loses points, and every check fails for something, or it is explained why not."""
        answers = self._of_asked(mutant_answers() + artefact_answers())
        asked = [check for check in checks if check.task in self._asked]
        self.cells = [*cells_of(answers, self._graded(answers), wrong=False), *self.cells]
        others = {answer.name: other for answer in answers if (other := beside(answer))}
        few = [others.pop(cell.name) for cell in survivors(self.cells) if cell.name in others]
        while True:  # ask about what only uses the change, and add what is found to what is known of it
            found = {cell.name: cell for cell in cells_of(few, self._graded(few), wrong=False)}
            self.cells = [cell.joined(found[cell.name]) if cell.name in found else cell for cell in self.cells]
            tasks = {check.task for check in never_alone(self.cells, asked) if check.task != course().judged}
            names = [name for name, one in others.items() if tasks.intersection(one.tasks)][:FEW]
            if not names:
                return matrix_problems(self.cells, asked, whole=len(asked) == len(checks))
            few = [others.pop(name) for name in names]

    def repeated(self) -> list[str]:
        """A class gets the same results the other way round."""
        answers = self._of_asked(right_answers())[:SAMPLE] + self._of_asked(wrong_answers())[:SAMPLE]
        once = self._graded(answers)
        again = self._graded(answers[::-1])[::-1]
        return [
            f"{answer.name!r}: expected the same result twice, got {first.score} and {second.score}"
            for answer, first, second in zip(answers, once, again, strict=True)
            if first.without_times() != second.without_times()
        ]

    def _of_asked(self, answers: list[Answer]) -> list[Answer]:
        return [answer for answer in answers if self._asked.issuperset(answer.tasks)]

    def _graded(self, answers: Sequence[Answer]) -> list[Result]:
        results: dict[int, Result] = {}

        def take(index: int, result: Result) -> None:
            results[index] = result
            if self._console.is_terminal:
                self._console.print(f"… {self._title}: {len(results)} of {len(answers)}", end="\r", highlight=False)

        self.grader.grade([answer.order for answer in answers], take, tick=lambda: None)
        for index, answer in enumerate(answers):
            if not {task.id for task in results[index].tasks}.issuperset(answer.tasks):
                got = results[index].message or results[index].status
                raise GraderError(f"{answer.name!r}: expected a result for {', '.join(answer.tasks)}, got {got}")
        return [results[index] for index in range(len(answers))]


def release_problems() -> list[str]:
    """Build all that leaves the kit for a class, and look for leaks in it."""
    with tempfile.TemporaryDirectory(prefix="cnn-kit-release-") as folder:
        try:
            return build(Path(folder), lambda _: None)[1]
        except (ValueError, GraderError) as error:
            return [str(error)]


def check_problems(checks: list[Check]) -> list[str]:
    """Check the hidden suites: known tasks, unique names, one or two core checks per task."""
    known = [task.id for task in course().tasks]
    problems = [
        f"hidden suites: expected a task id, got {c.task!r} at {c.name!r}." for c in checks if c.task not in known
    ]
    problems += [
        f"hidden suites: expected {name!r} once at {task_id}, got it {count} times."
        for (task_id, name), count in Counter((check.task, check.name) for check in checks).items()
        if count > 1
    ]
    for task_id, way in itertools.product(known, course().ways):
        cores = sum(check.core and check.task == task_id and check.way in (None, way) for check in checks)
        if not 1 <= cores <= MAX_CORE:
            problems.append(f"hidden suites: expected one or two core checks for {task_id}, got {cores}.")
    return list(dict.fromkeys(problems))


def score_problems(grader: Grader, selected: frozenset[str]) -> list[str]:
    """Grade the stubs and the reference as submissions, and let the grader take the reference's pace."""
    try:
        grader.calibrate(try_canaries(grader, selected, seed=1, way=course().ways[0], tick=lambda: None))
    except CanaryFailed as error:
        return error.problems
    points = sum(task.points for task in course().tasks)
    return [] if points == MAX_SCORE else [f"course.toml: expected {MAX_SCORE:g} points in all, got {points:g}."]
