"""The hidden suites' side: markers for checks, the `student` fixture, assertions that explain themselves."""

from __future__ import annotations

import pytest


def core(task: str, name: str) -> pytest.MarkDecorator:
    """Mark a check without which the task earns nothing.

    Args:
        task: task id.
        name: what a student reads; ``{placeholders}`` are filled from ``parametrize``.
    """
    return _check(task, name, core=True)


def detail(task: str, name: str) -> pytest.MarkDecorator:
    """Mark a check that costs a share of the task's points; arguments as for ``core``."""
    return _check(task, name, core=False)


def _check(task: str, name: str, *, core: bool) -> pytest.MarkDecorator:
    mark: pytest.MarkDecorator = pytest.mark.check(task=task, name=name, core=core)
    return mark
