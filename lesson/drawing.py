"""Pictures inside a page: PNG as data URIs, SVG as markup; made of numbers only, so there is nothing to escape."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping, Sequence

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image

from lesson.figures import Raster

Colours = NDArray[np.uint8]

NEGATIVE, ZERO, POSITIVE = (33, 102, 172), (247, 247, 247), (178, 24, 43)
"""Blue through nearly white to red: distinguishable by colour-blind readers, and on paper."""

GAP, GAP_GREY = 2, 128
TILE = 28
"""Small pictures of a mosaic are enlarged up to this many pixels."""


def values_of(raster: Raster) -> NDArray[np.float64]:
    """Return the values, shape (height, width), as exactly as 256 levels allow."""
    levels = np.frombuffer(base64.b64decode(raster.levels), dtype=np.uint8).reshape(raster.height, raster.width)
    return raster.low + levels / 255 * (raster.high - raster.low)


def grey(raster: Raster, low: float, high: float) -> Colours:
    """Draw ``low`` and everything below black, ``high`` and everything above white; shape (height, width)."""
    share = np.clip((values_of(raster) - low) / (high - low or 1.0), 0, 1)
    return (share * 255).round().astype(np.uint8)


def signed(raster: Raster, reach: float) -> Colours:
    """Draw zero white, negative values blue, positive ones red, fully at +- ``reach``; shape (height, width, 3)."""
    share = np.clip(values_of(raster) / (reach or 1.0), -1, 1)[..., None]
    end = np.where(share < 0, np.array(NEGATIVE), np.array(POSITIVE))
    colours: Colours = (np.array(ZERO) + np.abs(share) * (end - np.array(ZERO))).round().astype(np.uint8)
    return colours


def mosaic(tiles: Sequence[Colours], columns: int) -> Colours:
    """Lay out pictures of one size in rows, with a grey line between them."""
    scale = max(1, TILE // max(tiles[0].shape[:2]))
    tiles = [tile.repeat(scale, axis=0).repeat(scale, axis=1) for tile in tiles]
    height, width, *channels = tiles[0].shape
    rows = math.ceil(len(tiles) / columns)
    size = (rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, *channels)
    sheet = np.full(size, GAP_GREY, dtype=np.uint8)
    for index, tile in enumerate(tiles):
        top, left = (index // columns) * (height + GAP), (index % columns) * (width + GAP)
        sheet[top : top + height, left : left + width] = tile
    return sheet


def png(colours: Colours) -> str:
    """Return a picture as a data URI."""
    buffer = io.BytesIO()
    Image.fromarray(colours).save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def curves(series: Mapping[str, Sequence[float | None]], title: str) -> Markup:
    """Draw one line per name over the epochs; unknown values are left out.

    Args:
        series: name (letters of our own, not a student's) -> one value per epoch.
        title: read out by screen readers.
    """
    known = [value for values in series.values() for value in values if value is not None]
    low, high = min(known), max(known)
    epochs = max(map(len, series.values()))
    span = (high - low) or 1.0

    def place(epoch: int, value: float) -> str:
        return f"{44 + 300 * epoch / max(epochs - 1, 1):.1f},{130 - 116 * (value - low) / span:.1f}"

    lines = "".join(
        f'<polyline class="line {name}" points="{" ".join(dots)}"/>'
        + "".join(f'<circle class="dot {name}" cx="{d.split(",")[0]}" cy="{d.split(",")[1]}" r="2.5"/>' for d in dots)
        for name, values in series.items()
        if (dots := [place(epoch, value) for epoch, value in enumerate(values) if value is not None])
    )
    said = "; ".join(f"{name} {_said(values)}" for name, values in series.items())
    return Markup(  # noqa: S704 - numbers of our own
        f'<svg class="chart" viewBox="0 0 360 162" role="img" aria-label="{title}: {said}">'
        f'<line class="axis" x1="40" y1="134.5" x2="350" y2="134.5"/><line class="axis" x1="40.5" y1="10" x2="40.5" '
        f'y2="134"/><text class="muted" x="36" y="18" text-anchor="end">{high:.3g}</text><text class="muted" x="36" '
        f'y="134" text-anchor="end">{low:.3g}</text><text class="muted" x="44" y="150">1</text><text class="muted" '
        f'x="344" y="150" text-anchor="end">{epochs}</text><text class="muted" x="195" y="150" text-anchor="middle">'
        f"epoch</text>{lines}</svg>"
    )


def _said(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"from {known[0]:.3g} to {known[-1]:.3g}" if known else "unknown"
