"""The pytest plugin that runs the hidden suites: collected once, then run over one submission after another."""

from __future__ import annotations

import contextlib
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import pytest

from grader.checks.failures import CheckFailed, StudentFailure
from grader.checks.marks import MARKER, REFUSES, shares
from grader.checks.student import Session, Student
from grader.course import Task, course
from grader.errors import GraderError
from grader.figures import Figures
from grader.hidden.helpers import reported_once
from grader.hidden.inputs import Rng
from grader.results import CheckResult, TaskResult, TaskStatus, share_of_points
from grader.sandbox.client import SandboxBroken
from grader.sandbox.limits import Pace
from grader.sandbox.server import ZygoteDied
from grader.text import clean, for_students

CHECK_SECONDS = 20
"""Limit of the checker's own processor time, for one check; the reference's take less than one."""


DRAWING_SECONDS = 5.0
"""Limit for each answer that a picture on the pages needs."""


class CheckTooLong(BaseException):
    """A check computed for longer than allowed; no check can catch it."""


ENDED = ("timed_out", "out_of_memory", "protocol")


class OpenSession(Session, Protocol):
    """A session that the plugin inspects before the first check, and closes after the last."""

    pace: Pace
    disturbed: bool

    @property
    def uses(self) -> frozenset[str]:
        """Names used in the source of the task's functions, once it is known whether they are written."""

    def is_started(self) -> bool:
        """Return whether the task differs from the stub; raise StudentFailure if it cannot run at all."""

    def off_the_record(self, seconds: float) -> AbstractContextManager[None]:
        """Make calls that do not belong to the task's checks; raise StudentFailure if no worker is left."""

    def close(self) -> None:
        """End the worker."""


@dataclass(frozen=True)
class Job:
    """One submission to be checked.

    Attributes:
        name: returned with the result.
        seed: of the inputs.
        selected: ids of the tasks to grade.
        open: opens a session for one task.
        weights: the submitted weights, if any.
        way: how the artefact is judged, in the usual way if empty; checks for other ways are left out.
    """

    name: str
    seed: int
    selected: frozenset[str]
    open: Callable[[Task], OpenSession]
    weights: bytes | None
    way: str = ""


@dataclass(frozen=True)
class CheckReport:
    """The suites' report on one submission.

    Attributes:
        tasks: all of them, in teaching order.
        notes: advice for the instructor.
        paces: how long each tried task took, by id.
        disturbed: ids of the tasks that ended early perhaps through no fault of theirs; see `TaskSession`.
        figures: what the pages draw beside the results.
    """

    tasks: tuple[TaskResult, ...]
    notes: tuple[str, ...]
    paces: Mapping[str, Pace]
    disturbed: frozenset[str]
    figures: Figures = field(default_factory=dict)

    def updated(self, again: CheckReport) -> CheckReport:
        """Return the same with the tasks of a second try instead of the first."""
        tried = {task.id: task for task in again.tasks if task.status != "skipped"}
        return CheckReport(
            tuple(tried.get(task.id, task) for task in self.tasks),
            tuple(dict.fromkeys((*self.notes, *again.notes))),
            {**self.paces, **again.paces},
            frozenset(),
            {**self.figures, **again.figures},
        )


class CheckNotRun(GraderError):
    """A check ended without an outcome, though nothing was wrong with the student's answer: our own error."""


@dataclass(frozen=True)
class _Outcome:
    """The outcome of one check."""

    status: TaskStatus
    message: str
    misconception: str | None = None


NOT_RUN = _Outcome("failed", "Not run to its end.")
"""A check's initial outcome: whatever keeps it from finishing, it has not passed."""


@dataclass
class _Run:
    """The results of one task's checks."""

    job: Job
    task: Task
    session: OpenSession
    credit: float | None = None
    notes: list[str] = field(default_factory=list)
    praise: list[str] = field(default_factory=list)
    kept: dict[str, Any] = field(default_factory=dict)
    drawn: Any = None
    outcomes: list[tuple[CheckResult, _Outcome]] = field(default_factory=list)
    current: _Outcome = NOT_RUN
    ended: _Outcome | None = None
    seconds: float = 0.0
    grader_trouble: Exception | None = None

    def result(self) -> TaskResult:
        """Judge the task: by what ended it before its checks, else its first core failure, else its heaviest details.

        Among failed details a named one is shown before an unnamed one, and a wrong answer before a missing refusal.
        """
        if self.ended is not None:
            return self._result(0.0, self.ended, ())
        checks = tuple(check for check, _ in self.outcomes)
        failed = [(check, outcome) for check, outcome in self.outcomes if not check.passed]
        if not failed:
            verdict = _Outcome("passed", " ".join(["All checks passed.", *self.praise]))
        elif core := [outcome for check, outcome in failed if check.core]:
            verdict = core[0]
        else:
            named = [(check, outcome) for check, outcome in failed if outcome.misconception]
            computed = [(check, outcome) for check, outcome in named or failed if not check.name.startswith(REFUSES)]
            verdict = replace(max(computed or named or failed, key=lambda one: one[0].weight)[1], status="partial")
        return self._result(self.task.points * share_of_points(checks, self.credit), verdict, checks)

    def _result(self, score: float, verdict: _Outcome, checks: tuple[CheckResult, ...]) -> TaskResult:
        return TaskResult(
            self.task.id,
            self.task.points,
            round(score, 2),
            verdict.status,
            verdict.misconception,
            for_students(verdict.message),
            self.seconds,
            checks,
        )


class CheckPlugin:
    """Runs every hidden check over each job.

    Args:
        jobs: the submissions; taken one at a time.
        emit: called with each job and the suites' report on it.
    """

    def __init__(self, jobs: Iterator[Job], emit: Callable[[Job, CheckReport], None]) -> None:
        self._jobs = jobs
        self._emit = emit
        self._run: _Run | None = None
        self.grader_trouble: Exception | None = None

    @pytest.fixture
    def student(self) -> Student:
        """Return the submission under check."""
        run = self._running()
        return Student(run.session, run.job.weights, run.kept)

    @pytest.fixture
    def rng(self, request: pytest.FixtureRequest) -> Rng:
        """Return the generator of this check's inputs."""
        return Rng(self._running().job.seed, request.node.name)

    @pytest.fixture
    def credit(self) -> Callable[[float], None]:
        """Return a function that sets the share of the task's points, from 0 to 1."""

        def give(share: float) -> None:
            self._running().credit = share

        return give

    @pytest.fixture
    def note(self) -> Callable[[str], None]:
        """Return a function that leaves advice for the instructor."""
        return self._running().notes.append

    @pytest.fixture
    def praise(self) -> Callable[[str], None]:
        """Return a function that adds a sentence to the message of a task that passed."""
        return self._running().praise.append

    def pytest_configure(self, config: pytest.Config) -> None:
        """Register the marker of `core`, `detail` and `refusal`."""
        config.addinivalue_line("markers", MARKER)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Grade nobody if a file of checks cannot be imported: what was not checked has not passed."""
        if report.failed:
            got = report.longreprtext.strip().rpartition("\n")[2]
            self.grader_trouble = CheckNotRun(f"hidden suites: expected {report.nodeid} to be imported, got {got}")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run all checks over one job after another, instead of once."""
        if self.grader_trouble is not None:
            return True
        checks = checks_by_task(session.items)
        for job in self._jobs:
            try:
                checked = self._check_job(job, checks)
            except (ZygoteDied, SandboxBroken, CheckNotRun) as error:
                self.grader_trouble = error
                return True
            self._emit(job, checked)
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self) -> Iterator[None]:
        """Turn a check's exception into its outcome."""
        run = self._running()
        try:
            yield
            run.current = _Outcome("passed", "")
        except CheckFailed as error:
            run.current = _Outcome("failed", error.message, error.misconception)
        except StudentFailure as error:
            run.current = _Outcome(error.status, error.text)
        except CheckTooLong:
            said = "The answers take too long to check. Are there far too many of something?"
            run.current = _Outcome("protocol", said)
        except (ZygoteDied, SandboxBroken) as error:
            run.grader_trouble = error
        except AssertionError as error:
            run.current = _Outcome("failed", str(error))
        except Exception as error:  # noqa: BLE001 - the reference passes this check, so the answer provoked it
            run.current = _Outcome(
                "failed", "The answer is of a kind that cannot be checked. What does the docstring promise?"
            )
            run.notes.append(f"{run.task.id}: a check stopped with {type(error).__name__}: {clean(str(error), 200)}")
        return True  # type: ignore[return-value]

    def _running(self) -> _Run:
        assert self._run is not None, "fixtures are only used while a check runs"
        return self._run

    def _check_job(self, job: Job, checks: Mapping[str, list[pytest.Function]]) -> CheckReport:
        if without := [task_id for task_id in sorted(job.selected) if not checks[task_id]]:
            raise CheckNotRun(f"hidden suites: expected checks of {', '.join(without)}, got none.")
        runs = {
            task.id: self._check_task(job, task, checks[task.id]) for task in course().tasks if task.id in job.selected
        }
        results = reported_once(
            {run.task: run.result() for run in runs.values()}, {run.task: run.session.uses for run in runs.values()}
        )
        return CheckReport(
            tuple(results.get(task) or _skipped(task) for task in course().tasks),
            tuple(dict.fromkeys(note for run in runs.values() for note in run.notes)),
            {task_id: run.session.pace for task_id, run in runs.items()},
            frozenset(task_id for task_id, run in runs.items() if run.session.disturbed),
            {task_id: run.drawn for task_id, run in runs.items() if run.drawn},
        )

    def _check_task(self, job: Job, task: Task, items: list[pytest.Function]) -> _Run:
        started = time.monotonic()
        session = job.open(task)
        self._run = run = _Run(job, task, session)
        try:
            if session.is_started():
                self._run_checks(run, items)
                _draw(run)
            else:
                run.ended = _Outcome("not_started", "Not started: nothing is written yet.")
        except StudentFailure as error:
            run.ended = _Outcome(error.status, error.text)
        finally:
            session.close()
            self._run = None
        run.seconds = round(time.monotonic() - started, 3)
        return run

    def _run_checks(self, run: _Run, items: list[pytest.Function]) -> None:
        lost = False
        marks = [
            (item, mark) for item in items if (mark := check_of(item))["way"] in (None, run.job.way or course().ways[0])
        ]
        weights = shares([(mark["kind"], mark["weight"]) for _, mark in marks])
        for (item, mark), weight in zip(marks, weights, strict=True):
            run.current = NOT_RUN
            if lost:
                run.current = _Outcome("failed", "Not run: an earlier check already ended this task.")
            else:
                # A check's fixtures are torn down with it: the next one may be another task's, or another submission's.
                with _bounded():
                    item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
                if run.grader_trouble is not None:
                    raise run.grader_trouble
            is_core, passed = mark["kind"] == "core", run.current.status == "passed"
            if run.current is NOT_RUN:
                raise CheckNotRun(f"{run.task.id}: the check {mark['name']!r} did not run to its end.")
            run.outcomes.append((CheckResult(mark["name"], is_core, passed, round(weight, 4)), run.current))
            lost = lost or (is_core and run.current.status in ENDED)


@contextlib.contextmanager
def _bounded() -> Iterator[None]:
    """Stop a check that computes on the answers for too long: a hostile one may contain whatever makes that slow.

    Only the checker's own processor time counts: waiting for answers has its own limits.
    """

    def stop(_signal: int, _frame: object) -> None:
        raise CheckTooLong

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, CHECK_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _draw(run: _Run) -> None:
    """Get what the pages show of the task beside its result; whatever goes wrong, only the picture is missing."""
    all_passed = all(check.passed for check, _ in run.outcomes)
    with contextlib.suppress(Exception, CheckTooLong), _bounded(), run.session.off_the_record(DRAWING_SECONDS):
        student = Student(run.session, run.job.weights, run.kept)
        if pictures := course().part("pictures"):
            run.drawn = pictures.draw(run.task.id, student, all_passed=all_passed)


def check_of(item: pytest.Function) -> dict[str, Any]:
    """Return task, name, kind, weight and way of a hidden check, its placeholders filled in."""
    mark = item.get_closest_marker("check")
    if mark is None:
        raise pytest.UsageError(
            f"{item.nodeid}: expected @core, @detail or @refusal, found none. Which task does it check?"
        )
    params = item.callspec.params if hasattr(item, "callspec") else {}
    return {**mark.kwargs, "name": mark.kwargs["name"].format(**params)}


def checks_by_task(items: list[pytest.Item]) -> dict[str, list[pytest.Function]]:
    """Sort the collected checks by task, in the order of their files."""
    sorted_items: dict[str, list[pytest.Function]] = defaultdict(list)
    for item in items:
        assert isinstance(item, pytest.Function), "hidden suites contain only functions"
        sorted_items[check_of(item)["task"]].append(item)
    return sorted_items


def _skipped(task: Task) -> TaskResult:
    return TaskResult(task.id, task.points, 0.0, "skipped", None, "Not asked for in this run.", 0.0)
