"""The page that a student reads: score, what to do next, each task, and what the course draws of them."""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby

from markupsafe import Markup

from grader.course import course
from grader.figures import Figures
from grader.reports.pages.environment import environment, rendered
from grader.results import Result


def feedback_page(result: Result, figures: Figures | None = None) -> str:
    """Return the page that a student reads.

    Args:
        result: as in results.json.
        figures: what there is to draw beside it.
    """
    asked = [task for task in result.tasks if task.status != "skipped"]
    grouped = groupby(asked, key=lambda task: course().task(task.id).module)
    return rendered(
        "feedback.html",
        result=result,
        titles={task.id: task for task in course().tasks},
        modules=[(module, list(tasks)) for module, tasks in grouped],
        next_task=next((task for task in asked if task.status != "passed"), None),
        passed=sum(task.status == "passed" for task in asked),
        asked=len(asked),
        pictures=_pictures(figures or {}),
    )


def _pictures(figures: Figures) -> dict[str, Markup]:
    """Return what the course shows by task id, and as ``below`` what belongs to no single task."""
    pages = course().part("pages") if figures else None
    return defaultdict(Markup, pages.pictures(figures, environment()) if pages else {})
