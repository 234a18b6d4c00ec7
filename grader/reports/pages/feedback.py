"""The page that a student reads: score, what to do next, each task, and what the course draws of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from grader.course import course
from grader.figures import Figures
from grader.reports.pages.environment import environment
from grader.results import Result, TaskResult

DONE = ("passed", "skipped")


@dataclass(frozen=True)
class ModuleResult:
    """The tasks of one module.

    Attributes:
        id: of the module.
        title: for people.
        tasks: in teaching order.
    """

    id: str
    title: str
    tasks: tuple[TaskResult, ...]

    @property
    def asked(self) -> tuple[TaskResult, ...]:
        """The tasks that this run asked for."""
        return tuple(task for task in self.tasks if task.status != "skipped")

    @property
    def score(self) -> float:
        """What they earned."""
        return sum(task.score for task in self.asked)

    @property
    def points(self) -> float:
        """What they are worth."""
        return sum(task.points for task in self.asked)


def feedback_page(result: Result, figures: Figures | None = None) -> str:
    """Return the page that a student reads.

    Args:
        result: as in results.json.
        figures: what there is to draw beside it.
    """
    unfinished = [task for task in result.tasks if task.status not in DONE]
    return (
        environment()
        .get_template("feedback.html")
        .render(
            result=result,
            titles={task.id: task for task in course().tasks},
            modules=_modules(result.tasks),
            next_task=unfinished[0] if unfinished else None,
            passed=sum(task.status == "passed" for task in result.tasks),
            asked=sum(task.status != "skipped" for task in result.tasks),
            pictures=_pictures(figures or {}),
        )
    )


def _modules(results: tuple[TaskResult, ...]) -> list[ModuleResult]:
    grouped = groupby(results, key=lambda result: course().task(result.id).module)
    return [ModuleResult(name, name.replace("_", " ").capitalize(), tuple(tasks)) for name, tasks in grouped]


def _pictures(figures: Figures) -> dict[str, Markup]:
    """Return what the course shows by task id, and as ``below`` what belongs to no single task."""
    pages = course().part("pages") if figures else None
    return defaultdict(Markup, pages.pictures(figures, environment()) if pages else {})
