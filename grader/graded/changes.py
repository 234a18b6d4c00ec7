"""What differs between two gradings of a class: who, by how much, because of which check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.table import Table

from grader.results import Result, TaskResult
from grader.terminal import points, short_table


@dataclass(frozen=True)
class CheckChange:
    """A check that now answers otherwise; None where it is not there."""

    name: str
    before: bool | None
    after: bool | None

    def __str__(self) -> str:
        if self.after is None:
            return f"no longer checked: {self.name}"
        new = "new check " if self.before is None else "now "
        return f"{new}{'passes' if self.after else 'fails'}: {self.name}"


@dataclass(frozen=True)
class TaskChange:
    """A task whose points or checks differ; None where the task is not there."""

    id: str
    before: float | None
    after: float | None
    status_before: str | None
    status_after: str | None
    checks: tuple[CheckChange, ...]

    def __str__(self) -> str:
        status = f" ({self.status_before} → {self.status_after})" if self.status_before != self.status_after else ""
        reasons = f": {'; '.join(map(str, self.checks))}" if self.checks else ""
        return f"{self.id} {points(self.before)} → {points(self.after)}{status}{reasons}"


@dataclass(frozen=True)
class Change:
    """A student whose result differs.

    Attributes:
        student: for people.
        before: score, None where there was none.
        after: likewise.
        status_before: of the submission, None where it was not graded.
        status_after: likewise.
        submission_changed: whether other files were handed in since, so that it is not the tests alone.
        tasks: those that differ.
    """

    student: str
    before: float | None
    after: float | None
    status_before: str | None
    status_after: str
    submission_changed: bool
    tasks: tuple[TaskChange, ...]


def changes(before: Mapping[str, Result], after: Mapping[str, Result]) -> list[Change]:
    """Return the students whose points, status or checks differ: other scores first, those who lose most before all.

    Args:
        before: output folder's name -> result.
        after: likewise; who is not in it is no longer in the class, and not compared.
    """
    found = [change for folder, result in after.items() if (change := _change(before.get(folder), result))]
    return sorted(found, key=lambda one: (one.before == one.after, (one.after or 0.0) - (one.before or 0.0)))


def changes_table(found: list[Change]) -> Table:
    """Return the table for the terminal."""
    rows = []
    for change in found:
        reasons = ["other files were handed in"] if change.submission_changed else []
        if change.status_before != change.status_after:
            reasons.append(f"{change.status_before or 'not graded before'} → {change.status_after}")
        reasons += map(str, change.tasks)
        rows.append((change.student, points(change.before), points(change.after), "\n".join(reasons)))
    return short_table("What changes", ("student", "before", "after", "because of"), rows, "regrade.json")


def _change(before: Result | None, after: Result) -> Change | None:
    old, new = ({task.id: task for task in result.tasks} if result else {} for result in (before, after))
    tasks = (_task_change(task_id, old.get(task_id), new.get(task_id)) for task_id in {**old, **new})
    change = Change(
        after.student,
        before.score if before else None,
        after.score,
        before.status if before else None,
        after.status,
        before is not None and before.submission_sha256 != after.submission_sha256,
        tuple(filter(None, tasks)),
    )
    same = (change.before, change.status_before) == (change.after, change.status_after)
    return None if same and not change.tasks else change


def _task_change(task_id: str, before: TaskResult | None, after: TaskResult | None) -> TaskChange | None:
    (old, old_status, was), (new, new_status, now) = _facts(before), _facts(after)
    names = {**was, **now} if before and after else {}
    checks = tuple(CheckChange(name, was.get(name), now.get(name)) for name in names if was.get(name) != now.get(name))
    same = (old, old_status) == (new, new_status) and not checks
    return None if same else TaskChange(task_id, old, new, old_status, new_status, checks)


def _facts(task: TaskResult | None) -> tuple[float | None, str | None, dict[str, bool]]:
    return (task.score, task.status, {one.name: one.passed for one in task.checks}) if task else (None, None, {})
