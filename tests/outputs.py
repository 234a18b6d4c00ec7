"""A grader's output in a form that two runs can be compared by."""

from __future__ import annotations

from typing import Any


def without_seconds(result: dict[str, Any]) -> dict[str, Any]:
    """Return a results.json document without times."""
    return result | {"tasks": [task | {"seconds": 0} for task in result["tasks"]]}
