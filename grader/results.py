"""What grading one submission answers: results.json and the rule for points."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from grader.course import course
from grader.figures import Figures

SCHEMA = 1
SUSPICION: Final = f"{course().judged}: suspicion: "
"""How a note begins about what looks memorised."""
MAX_SCORE: Final = course().max_score

SubmissionStatus = Literal["graded", "rejected", "grader_error"]
TaskStatus = Literal[
    "passed",
    "partial",
    "failed",
    "not_started",
    "missing",
    "crashed",
    "timed_out",
    "out_of_memory",
    "protocol",
    "skipped",
]


@dataclass(frozen=True)
class CheckResult:
    """One hidden check: what a student may know of it.

    Attributes:
        name: what it asks.
        core: whether the task earns nothing without it.
        passed: whether it ran to its end and holds.
        weight: its share of the task's points, from 0 to 1.
    """

    name: str
    core: bool
    passed: bool
    weight: float = 1.0


@dataclass(frozen=True)
class TaskResult:
    """One task of one submission.

    Attributes:
        id: task id, as in course.toml.
        points: what the task is worth.
        score: what it earned, from 0 to ``points``, rounded to 0.01.
        status: see ``TaskStatus``.
        misconception: the named mistake that explains the answer, if one does.
        message: what the student reads.
        seconds: wall time of all its checks.
        checks: in the order in which they ran.
    """

    id: str
    points: float
    score: float
    status: TaskStatus
    misconception: str | None
    message: str
    seconds: float
    checks: tuple[CheckResult, ...] = ()


@dataclass(frozen=True)
class Result:
    """One submission, as written to results.json.

    Attributes:
        student: the submission's own name, escaped.
        status: see ``SubmissionStatus``.
        sandbox: the level that student code ran under.
        kit: version of the kit.
        submission_sha256: hash of what was graded.
        seed: fingerprint of the seed that its inputs came from, which the gradebook keeps.
        notes: advice for the instructor.
        tasks: in teaching order; empty unless graded.
        message: why there are no tasks; empty if graded.
        figures: what the pages draw beside it; no part of results.json.
    """

    student: str
    status: SubmissionStatus
    sandbox: str
    kit: str
    submission_sha256: str
    seed: str
    notes: tuple[str, ...] = ()
    tasks: tuple[TaskResult, ...] = ()
    message: str = ""
    figures: Figures = field(default_factory=dict, compare=False, repr=False)

    @property
    def score(self) -> float | None:
        """Sum of the tasks' scores; None where the grader failed, which is never a zero."""
        if self.status == "grader_error":
            return None
        return round(sum(task.score for task in self.tasks), 2)

    def without_times(self) -> Result:
        """Return what must be the same whenever, and beside whomever, the submission is graded."""
        return dataclasses.replace(self, tasks=tuple(dataclasses.replace(task, seconds=0.0) for task in self.tasks))

    def to_json(self) -> dict[str, Any]:
        """Return the document that results.json holds."""
        fields = dataclasses.asdict(dataclasses.replace(self, figures={}))
        del fields["figures"]
        if self.status == "graded":
            del fields["message"]
        first = {"schema": SCHEMA, "student": self.student, "status": self.status}
        lists = {"notes": list(self.notes), "tasks": list(fields["tasks"])}
        return {**first, "score": self.score, "max_score": MAX_SCORE, **fields, **lists}


def task_from_json(document: dict[str, Any]) -> TaskResult:
    """Rebuild a task's result from its part of a results.json document."""
    return TaskResult(**{**document, "checks": tuple(CheckResult(**check) for check in document["checks"])})


def result_from_json(document: dict[str, Any]) -> Result:
    """Rebuild a result from its results.json document.

    Raises:
        ValueError: if the document has another schema.
    """
    if document.get("schema") != SCHEMA:
        raise ValueError(f"results.json: expected schema {SCHEMA}, got {document.get('schema')!r}. Grade again?")
    fields = {field.name: document[field.name] for field in dataclasses.fields(Result) if field.name in document}
    tasks = tuple(task_from_json(task) for task in document["tasks"])
    return Result(**{**fields, "seed": str(document["seed"]), "notes": tuple(document["notes"]), "tasks": tasks})


def share_of_points(checks: tuple[CheckResult, ...], credit: float | None) -> float:
    """Return the share of a task's points that its checks earn, in [0, 1].

    A failed core check earns nothing. Otherwise it is ``credit`` where a check measured one, else what the checks
    that passed weigh among all.
    """
    if not checks or any(check.core and not check.passed for check in checks):
        return 0.0
    if credit is not None:
        return min(max(credit, 0.0), 1.0)
    if all(check.passed for check in checks):
        return 1.0
    return sum(check.weight for check in checks if check.passed) / sum(check.weight for check in checks)
