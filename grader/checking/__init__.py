"""The hidden suites' side: markers for checks, the `student` fixture, assertions that explain themselves."""

from __future__ import annotations

from typing import Literal

import pytest

Accuracy = Literal["weights", "retrain"]
"""How a trained network is judged: as it was handed in, or trained anew by the grader."""


def core(task: str, name: str, *, accuracy: Accuracy | None = None) -> pytest.MarkDecorator:
    """Mark a check without which the task earns nothing.

    Args:
        task: task id.
        name: what a student reads; ``{placeholders}`` are filled from ``parametrize``.
        accuracy: run it only where networks are judged in this way; always if None.
    """
    return _check(task, name, core=True, accuracy=accuracy)


def detail(task: str, name: str, *, accuracy: Accuracy | None = None) -> pytest.MarkDecorator:
    """Mark a check that costs a share of the task's points; arguments as for ``core``."""
    return _check(task, name, core=False, accuracy=accuracy)


def _check(task: str, name: str, *, core: bool, accuracy: Accuracy | None) -> pytest.MarkDecorator:
    mark: pytest.MarkDecorator = pytest.mark.check(task=task, name=name, core=core, accuracy=accuracy)
    return mark
