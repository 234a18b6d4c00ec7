"""What a node must know of a run before it grades, and the documents that it answers with."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from grader.hidden.plugin import CheckReport
from grader.results import task_from_json
from grader.sandbox.limits import Limits


@dataclass(frozen=True)
class Plan:
    """How a run grades, wherever.

    Attributes:
        selected: ids of the tasks.
        way: how the artefact is judged; see ``Course.ways``.
        seed: of the inputs.
        limits: what a worker may use at least.
        unsafe: whether student code may run without walls.
    """

    selected: tuple[str, ...]
    way: str
    seed: int
    limits: Limits
    unsafe: bool


def to_document(checked: CheckReport) -> dict[str, Any]:
    """Return what the suites say of a submission as a JSON document."""
    return {
        "tasks": [dataclasses.asdict(task) for task in checked.tasks],
        "notes": checked.notes,
        "disturbed": sorted(checked.disturbed),
        "figures": checked.figures,
    }


def from_document(document: dict[str, Any]) -> CheckReport:
    """Rebuild it.

    Raises:
        KeyError, TypeError: if the document has other parts.
    """
    tasks = tuple(task_from_json(task) for task in document["tasks"])
    notes, disturbed = tuple(map(str, document["notes"])), frozenset(map(str, document["disturbed"]))
    return CheckReport(tasks, notes, {}, disturbed, dict(document["figures"]))
