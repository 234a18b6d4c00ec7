"""The marker of a check: its task, and a hidden one's weight.

A public check runs in the student's own process, marked with its task: ``@check("TASK")``. A hidden one runs apart from
the student's code and says what it is worth. A task has one or two *core* checks: those without which nothing of its
idea is there, asked in its plainest call. What extends the idea is a *detail*, with a weight where counting alone would
mislead. What is refused, and how, is a *refusal*: all those of a task weigh a tenth of it together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pytest

Kind = Literal["core", "detail", "refusal"]

REFUSALS = 0.1
"""The share of a task's points that all its refusals weigh together."""

REFUSES = "refuses "
"""Prefix of the names of all refusal checks, and of no others."""

MARKER = "check(task, **worth): one check of a task"


def check(task: str) -> pytest.MarkDecorator:
    """Mark a public check with the id of its task."""
    return pytest.mark.check(task=task)


def core(task: str, name: str, *, weight: float = 1.0, way: str | None = None) -> pytest.MarkDecorator:
    """Mark a hidden check without which the task earns nothing.

    Args:
        task: task id.
        name: for students; ``{placeholders}`` are filled from ``parametrize``.
        weight: how much it counts relative to the task's other checks.
        way: run it only if the artefact is judged in this way; always if None.
    """
    return _hidden(task, name, "core", weight, way)


def detail(task: str, name: str, *, weight: float = 1.0, way: str | None = None) -> pytest.MarkDecorator:
    """Mark a hidden check that costs a share of the task's points; arguments as for ``core``."""
    return _hidden(task, name, "detail", weight, way)


def refusal(task: str, what: str) -> pytest.MarkDecorator:
    """Mark a hidden check that bad arguments are refused.

    Args:
        task: task id.
        what: a clause of the ``Raises:`` section of the task's docstring, word for word: "a negative padding" where it
            says "ValueError: for a stride below 1; for a negative padding."
    """
    return _hidden(task, f"{REFUSES}{what}", "refusal", 1.0, None)


def _hidden(task: str, name: str, kind: Kind, weight: float, way: str | None) -> pytest.MarkDecorator:
    return pytest.mark.check(task=task, name=name, kind=kind, weight=weight, way=way)


def task_of(item: pytest.Item) -> str:
    """Return the id of the task that a check is marked with; empty for a test that is not ours."""
    mark = item.get_closest_marker("check")
    return str(mark.kwargs["task"]) if mark else ""


def shares(checks: Sequence[tuple[Kind, float]]) -> list[float]:
    """Return each check's share of a task's points; together they are 1.

    Args:
        checks: kind and weight of each.
    """
    refusals = sum(kind == "refusal" for kind, _ in checks)
    others = sum(weight for kind, weight in checks if kind != "refusal")
    rest = 1 - REFUSALS if refusals else 1.0
    return [REFUSALS / refusals if kind == "refusal" else rest * weight / others for kind, weight in checks]
