"""The ``results.json`` that a Gradescope autograder leaves for one submission.

At the top: ``score`` (it overrides the tests' sum), ``output``, ``output_format``, ``visibility``,
``stdout_visibility``, ``execution_time``, ``extra_data``, ``tests``; each test has ``name``, ``score``, ``max_score``,
``status`` ("passed" or "failed"), ``output``, ``visibility`` and ``tags``.

Source: "Autograder Specifications", https://gradescope-autograders.readthedocs.io/en/latest/specs/.
"""

from __future__ import annotations

import json
from typing import Any

from grader.course import course
from grader.results import MAX_SCORE, Result, TaskResult


def gradescope_json(result: Result) -> str:
    """Return one submission's results as Gradescope reads them; notes for the instructor are not in them.

    Raises:
        ValueError: if the grader failed: Gradescope knows no result without a score, and a zero would be wrong.
    """
    if result.score is None:
        raise ValueError(f"gradescope: expected a score, got the grader's own failure: {result.message}")
    unsafe = " Graded without a sandbox." if result.sandbox == "none" else ""
    document = {
        "score": result.score,
        "execution_time": round(sum(task.seconds for task in result.tasks)),
        "output": (result.message or f"{result.score:g} of {MAX_SCORE:g} points.") + unsafe,
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",  # the grader's own output is for instructors
        "tests": [_test(task) for task in result.tasks if task.status != "skipped"],
        "extra_data": {"kit": result.kit, "seed": result.seed, "sandbox": result.sandbox},
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _test(task: TaskResult) -> dict[str, Any]:
    failed = [f"– {check.name}" for check in task.checks if not check.passed]
    return {
        "name": f"{task.id}: {course().task(task.id).title}",
        "score": task.score,
        "max_score": task.points,
        "status": "passed" if task.status == "passed" else "failed",
        "output": "\n".join([task.message, *(["Checks that failed:", *failed] if failed else [])]),
        "visibility": "visible",
        "tags": [task.misconception] if task.misconception else [],
    }
