"""Describes a student's drawing of activation maps."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure


def plot_activations(module: ModuleType, maps: torch.Tensor, *, requires_grad: bool = False) -> dict[str, Any]:
    """Call ``plot_activations`` and describe the figure."""
    before = maps.clone()
    drawn = module.plot_activations(maps.requires_grad_(requires_grad))
    return {**describe_drawn(drawn), "modified": not torch.equal(before, maps.detach())}


def describe_drawn(drawn: Any) -> dict[str, Any]:
    """Describe a figure, or the one that axes belong to; report which of the two it was."""
    return {**describe_figure(_figure_of(drawn)), "given": type(drawn).__name__}


def _figure_of(drawn: Any) -> Any:
    parts = drawn.flat if isinstance(drawn, np.ndarray) else drawn if isinstance(drawn, tuple | list) else [drawn]
    owners = [part if isinstance(part, Figure) else getattr(part, "figure", None) for part in parts]
    return next((owner for owner in owners if isinstance(owner, Figure)), drawn)


def describe_figure(figure: Any) -> dict[str, Any]:
    """Report a figure's type and texts, and title and pictures of each visible axes with a picture."""
    if not isinstance(figure, Figure):
        return {"type": type(figure).__name__, "axes": [], "texts": []}
    figure.draw_without_rendering()
    bars = {id(image.colorbar.ax) for axes in figure.axes for image in axes.images if image.colorbar is not None}
    shown = [axes for axes in figure.axes if id(axes) not in bars and axes.get_visible()]
    return {
        "type": "Figure",
        "texts": [text for text, _ in _texts(figure)],
        "placed": _texts(figure),
        "axes": [describe_axes(axes) for axes in shown],
    }


def describe_axes(axes: Axes) -> dict[str, Any]:
    """Report the visible texts, frame, place and pictures of one axes."""
    place = axes.get_window_extent().transformed(axes.get_figure(root=True).transFigure.inverted())  # type: ignore[union-attr]
    return {
        "title": " ".join(axes.get_title(loc=side) for side in ("left", "center", "right")).strip(),
        "words": _words(axes),
        "on": _is_on(axes),
        "row": float(place.y0 + place.y1) / 2,
        "column": float(place.x0 + place.x1) / 2,
        "images": [_pixels(image.get_array()) for image in axes.images],
    }


def _words(axes: Axes) -> list[str]:
    beside = [*axes.get_xticklabels(), *axes.get_yticklabels(), axes.xaxis.label, axes.yaxis.label]
    labels = [*axes.texts, *(beside if axes.axison else [])]
    titles = [axes.get_title(loc="left"), axes.get_title(loc="center"), axes.get_title(loc="right")]
    return [*titles, *(text.get_text() for text in labels)]


def _is_on(axes: Axes) -> bool:
    """Return whether anything of an empty axes is visible."""
    framed = axes.get_frame_on() and any(spine.get_visible() for spine in axes.spines.values())
    ticked = len(axes.get_xticks()) + len(axes.get_yticks()) > 0
    return bool(axes.axison and framed and ticked)


def _texts(figure: Figure) -> list[tuple[str, float]]:
    """Return the texts that belong to no axes, each with its height in the figure, from 0 to 1."""
    parts = [figure, *figure.subfigs]
    texts = [text for part in parts for text in (*part.texts, getattr(part, "_suptitle", None)) if text is not None]
    height = figure.bbox.height
    return [(text.get_text(), float(text.get_window_extent().y0 / height)) for text in texts]


def _pixels(array: Any) -> Any:
    return torch.from_numpy(np.ascontiguousarray(np.ma.getdata(array), dtype=np.float64))
