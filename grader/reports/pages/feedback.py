"""The page that a student reads: score, what to do next, each task, and pictures of the student's own network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from grader.course import course
from grader.figures import Comparison, Figures, Raster
from grader.reports.pages import drawing
from grader.reports.pages.environment import environment
from grader.results import Result, TaskResult

DONE = ("passed", "skipped")
CURVE_TITLES = {"loss": "Cross-entropy", "acc": "Accuracy"}


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


@dataclass(frozen=True)
class Row:
    """One row of the confusion matrix.

    Attributes:
        label: the class.
        counts: images of that class by the network's answer.
    """

    label: str
    counts: tuple[int, ...]

    @property
    def shares(self) -> tuple[int, ...]:
        """Return the counts in per cent of the row."""
        whole = sum(self.counts) or 1
        return tuple(round(100 * count / whole) for count in self.counts)


def feedback_page(result: Result, figures: Figures | None = None) -> str:
    """Return the page that a student reads.

    Args:
        result: as in results.json.
        figures: what there is to draw beside it.
    """
    figures = figures or Figures()
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
            comparisons={task: _pictures(one) for task, one in figures.comparisons.items()},
            figures=figures,
            classes=figures.classes,
            confusion=[Row(*row) for row in zip(figures.classes, figures.confusion, strict=False)],
            accuracy=_accuracy(figures.confusion),
            mixed_up=_mixed_up(figures),
            curves=_curves(figures.curves),
            filters=_sheet(figures.filters, is_signed=True),
            activations=_sheet(figures.activations, is_signed=False),
        )
    )


def _modules(results: tuple[TaskResult, ...]) -> list[ModuleResult]:
    grouped = groupby(results, key=lambda result: course().task(result.id).module)
    return [ModuleResult(name, name.replace("_", " ").capitalize(), tuple(tasks)) for name, tasks in grouped]


def _pictures(one: Comparison) -> dict[str, str]:
    """Return expected, got and difference as data URIs, expected and got in the same colours."""
    low, high = one.expected.low, one.expected.high
    reach = max(abs(low), abs(high))

    def painted(raster: Raster) -> str:
        return drawing.png(drawing.signed(raster, reach) if low < 0 else drawing.grey(raster, low, high))

    pictures = {"expected": painted(one.expected), "yours": painted(one.got)}
    if one.difference is not None:
        reach = max(abs(one.difference.low), abs(one.difference.high))
        pictures["difference"] = drawing.png(drawing.signed(one.difference, reach))
    return pictures


def _accuracy(confusion: tuple[tuple[int, ...], ...]) -> float | None:
    whole = sum(map(sum, confusion))
    return sum(row[index] for index, row in enumerate(confusion)) / whole if whole else None


def _mixed_up(figures: Figures) -> list[tuple[int, str, str]]:
    """Return the three most frequent mistakes: how often, label and answer."""
    found = [
        (count, figures.classes[label], figures.classes[answer])
        for label, row in enumerate(figures.confusion)
        for answer, count in enumerate(row)
        if count and answer != label
    ]
    return sorted(found, reverse=True)[:3]


def _curves(curves: Mapping[str, tuple[float | None, ...]]) -> list[tuple[str, Markup, tuple[str, ...]]]:
    """Return title, chart, and whose curves are in it for loss and for accuracy, where something is known of them."""
    charts = []
    for kind, title in CURVE_TITLES.items():
        series = {
            split: curves[f"{split}_{kind}"] for split in ("train", "val") if _is_known(curves, f"{split}_{kind}")
        }
        if series:
            charts.append((title, drawing.curves(series, title), tuple(series)))
    return charts


def _is_known(curves: Mapping[str, tuple[float | None, ...]], name: str) -> bool:
    return any(value is not None for value in curves.get(name, ()))


def _sheet(rasters: tuple[Raster, ...], *, is_signed: bool) -> str:
    """Return the filters or maps of a layer as one picture, each in colours of its own range; empty without any."""
    if not rasters:
        return ""
    tiles = [
        drawing.signed(one, max(abs(one.low), abs(one.high))) if is_signed else drawing.grey(one, one.low, one.high)
        for one in rasters
    ]
    return drawing.png(drawing.mosaic(tiles, columns=8))
