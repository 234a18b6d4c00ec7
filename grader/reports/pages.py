"""HTML pages: feedback for one student, the report of a class; escaped, self-contained, without script."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Sequence

import jinja2

from grader.curriculum import tasks
from grader.results import Result

STATUS_WORDS = {
    "passed": "passed",
    "partial": "partly right",
    "failed": "not right yet",
    "not_started": "not started",
    "missing": "missing",
    "crashed": "stopped with an error",
    "timed_out": "took too long",
    "out_of_memory": "ran out of memory",
    "protocol": "gave no readable answer",
    "skipped": "not asked for",
}


@functools.cache
def environment() -> jinja2.Environment:
    """Return the templates' environment, which escapes whatever is put into a page."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("grader.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )


def feedback_page(result: Result) -> str:
    """Return the page that a student reads."""
    titles = {task.id: task for task in tasks()}
    unfinished = [task for task in result.tasks if task.status not in ("passed", "skipped")]
    return (
        environment()
        .get_template("feedback.html")
        .render(result=result, titles=titles, words=STATUS_WORDS, next_task=unfinished[0] if unfinished else None)
    )


def class_page(results: Sequence[tuple[str, Result]], skipped: Sequence[str]) -> str:
    """Return the page that an instructor reads.

    Args:
        results: output folder's name and result of each submission.
        skipped: notes on what was passed over in the folder of submissions.
    """
    graded = [result for _, result in results if result.score is not None]
    scores = sorted(result.score or 0.0 for result in graded)
    return (
        environment()
        .get_template("report.html")
        .render(
            results=results,
            skipped=skipped,
            tasks=tasks(),
            words=STATUS_WORDS,
            median=scores[len(scores) // 2] if scores else None,
            misconceptions=_misconceptions(graded),
            means=_means(graded),
        )
    )


def _misconceptions(results: Sequence[Result]) -> list[tuple[str, int]]:
    found = Counter((task.misconception, task.id) for result in results for task in result.tasks if task.misconception)
    return [(f"{name} at {task_id}", count) for (name, task_id), count in found.most_common()]


def _means(results: Sequence[Result]) -> dict[str, float]:
    """Return the mean share of each task's points over the graded submissions, as a percentage."""
    totals: dict[str, list[float]] = {task.id: [] for task in tasks()}
    for result in results:
        for task in result.tasks:
            if task.status != "skipped":
                totals[task.id].append(100 * task.score / task.points)
    return {task_id: sum(shares) / len(shares) for task_id, shares in totals.items() if shares}
