"""Reads what a student drew of activation maps."""

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
    figure = module.plot_activations(maps.requires_grad_(requires_grad))
    return {**describe_figure(figure), "modified": not torch.equal(before, maps.detach())}


def describe_figure(figure: Any) -> dict[str, Any]:
    """Tell the type of a figure, its texts, and title and pictures of each visible axes that holds a picture."""
    if not isinstance(figure, Figure):
        return {"type": type(figure).__name__, "axes": [], "texts": []}
    figure.canvas.draw()
    bars = {id(image.colorbar.ax) for axes in figure.axes for image in axes.images if image.colorbar is not None}
    shown = [axes for axes in figure.axes if id(axes) not in bars and axes.get_visible()]
    return {
        "type": "Figure",
        "texts": _texts(figure),
        "axes": [describe_axes(axes) for axes in shown],
    }


def describe_axes(axes: Axes) -> dict[str, Any]:
    """Tell texts, frame, place and pictures of one axes."""
    place = axes.get_position()
    return {
        "title": " ".join(axes.get_title(loc=side) for side in ("left", "center", "right")).strip(),
        "ylabel": axes.get_ylabel(),
        "texts": [text.get_text() for text in axes.texts],
        "on": bool(axes.axison),
        "row": float(place.y0 + place.y1) / 2,
        "column": float(place.x0 + place.x1) / 2,
        "images": [_pixels(image.get_array()) for image in axes.images],
    }


def _texts(figure: Figure) -> list[str]:
    texts = [*figure.texts]
    if figure._suptitle is not None:  # type: ignore[attr-defined]  # noqa: SLF001 - get_suptitle() is newer
        texts.append(figure._suptitle)  # type: ignore[attr-defined]  # noqa: SLF001
    return [text.get_text() for text in texts]


def _pixels(array: Any) -> Any:
    return torch.from_numpy(np.ascontiguousarray(np.ma.getdata(array), dtype=np.float64))
