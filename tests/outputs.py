"""What a grader wrote, so that two runs can be compared."""

from __future__ import annotations

from typing import Any


def without_seconds(result: dict[str, Any]) -> dict[str, Any]:
    """Return a document of results.json in which no task took time."""
    return result | {"tasks": [task | {"seconds": 0} for task in result["tasks"]]}
