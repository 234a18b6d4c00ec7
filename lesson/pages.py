"""Shows on a student's page what `pictures` has drawn."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jinja2
from markupsafe import Markup

from grader.course import course
from lesson import drawing
from lesson.figures import Comparison, Network, Raster

CURVE_TITLES = {"loss": "Cross-entropy", "acc": "Accuracy"}
CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
"""FashionMNIST's, by label."""


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
        """Return the counts as percentages of the row."""
        whole = sum(self.counts) or 1
        return tuple(round(100 * count / whole) for count in self.counts)


def pictures(figures: Mapping[str, Any], environment: jinja2.Environment) -> dict[str, Markup]:
    """Return the figures of a page.

    Args:
        figures: by task id what `pictures.draw` returned, perhaps read from a file; damaged parts are left out.
        environment: escapes everything in a template.

    Returns:
        By task id what is shown with the task, and as ``below`` what is shown below all of them.
    """
    templates: Any = environment.get_template("lesson/pictures.html").module
    shown, network, table = {}, Network(), ""
    for task, drawn in figures.items():
        with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError):
            if task == course().judged:
                network = Network.read(drawn)
            elif isinstance(drawn, str):
                table = drawn
            else:
                one = Comparison.read(drawn)
                shown[task] = templates.comparison(one, _pictures(one))
    if network != Network() or table:
        shown["below"] = templates.network(
            network,
            classes=CLASSES,
            rows=[Row(*row) for row in zip(CLASSES, network.confusion, strict=False)],
            accuracy=_accuracy(network.confusion),
            mixed_up=_mixed_up(network.confusion),
            curves=_curves(network.curves),
            filters=_sheet(network.filters, is_signed=True),
            activations=_sheet(network.activations, is_signed=False),
            table=table,
        )
    return shown


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


def _mixed_up(confusion: tuple[tuple[int, ...], ...]) -> list[tuple[int, str, str]]:
    """Return the three most frequent mistakes: how often, label and answer."""
    found = [
        (count, CLASSES[label], CLASSES[answer])
        for label, row in enumerate(confusion)
        for answer, count in enumerate(row)
        if count and answer != label
    ]
    return sorted(found, reverse=True)[:3]


def _curves(curves: Mapping[str, tuple[float | None, ...]]) -> list[tuple[str, Markup, tuple[str, ...]]]:
    """Return title, chart, and the curves in it, for loss and for accuracy, if anything is known about them."""
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
    """Return the filters or maps of a layer as one picture, each in colours of its own range; empty if none."""
    if not rasters:
        return ""
    tiles = [
        drawing.signed(one, max(abs(one.low), abs(one.high))) if is_signed else drawing.grey(one, one.low, one.high)
        for one in rasters
    ]
    return drawing.png(drawing.mosaic(tiles, columns=8))
