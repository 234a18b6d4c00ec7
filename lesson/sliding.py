"""The animation of the first lesson: a kernel slides over a digit and leaves its answers behind."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

CELL = 14
GAP = 40
SECONDS_PER_PLACE = 0.08


def sliding_kernel(image: Tensor, kernel: Tensor, *, moving: bool = True) -> str:
    """Return an SVG: on the left the image with the kernel's window on it, on the right the answers.

    Args:
        image: grey levels in [0, 1], float, shape (H, W).
        kernel: same dtype, shape (kH, kW).
        moving: whether the window slides and the answers appear one by one, again and again; otherwise the window
            is in the middle and all answers are shown.

    Returns:
        A picture of about 150 bytes per pixel, without script; colours are its own, so it suits any page.
    """
    answers = F.conv2d(image[None, None], kernel[None, None])[0, 0]
    (rows, columns), (height, width) = answers.shape, kernel.shape
    left = image.shape[1] * CELL + GAP
    size = (left + columns * CELL + 2, image.shape[0] * CELL + 2)
    places = [(row, column) for row in range(rows) for column in range(columns)]
    seconds = len(places) * SECONDS_PER_PLACE + 2
    down = (height - 1) / 2 * CELL
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-1 -1 {size[0]} {size[1]}" role="img">',
        "<title>A kernel slides over a digit; each place gives one number of the map</title>",
        f'<rect x="-1" y="-1" width="{size[0]}" height="{size[1]}" fill="#fff"/>',
        *(
            _cell(column * CELL, row * CELL, _grey(image[row, column].item()))
            for row in range(image.shape[0])
            for column in range(image.shape[1])
        ),
    ]
    largest = answers.abs().max().clamp_min(1e-9)
    for number, (row, column) in enumerate(places):
        colour = _diverging((answers[row, column] / largest).item())
        appears = _appears(number / len(places) * (1 - 2 / seconds), seconds) if moving else ""
        parts.append(_cell(left + column * CELL, down + row * CELL, colour, appears))
    parts.append(_window(places, (int(height), int(width)), left, down, seconds if moving else None))
    return "".join([*parts, "</svg>"])


def _window(
    places: list[tuple[int, int]], kernel: tuple[int, int], left: int, down: float, seconds: float | None
) -> str:
    """Return the frame around the kernel's window, and the one around its answer."""
    middle_row, middle_column = (number // 2 for number in places[-1])
    frames = []
    for x, y, width, height in ((0.0, 0.0, kernel[1], kernel[0]), (float(left), down, 1, 1)):
        stands = f"translate({x + middle_column * CELL:g} {y + middle_row * CELL:g})"
        frames.append(
            f'<g transform="{stands}"><rect width="{width * CELL}" height="{height * CELL}" fill="none" '
            f'stroke="#d9480f" stroke-width="2.5"/>{_slides(places, x, y, seconds) if seconds else ""}</g>'
        )
    return "".join(frames)


def _slides(places: list[tuple[int, int]], x: float, y: float, seconds: float) -> str:
    points = [f"{x + column * CELL:g} {y + row * CELL:g}" for row, column in places]
    shares = [f"{n / len(places) * (1 - 2 / seconds):.4f}" for n in range(len(places))]
    return (
        f'<animateTransform attributeName="transform" type="translate" calcMode="discrete" dur="{seconds:g}s" '
        f'repeatCount="indefinite" values="{";".join(points)}" keyTimes="{";".join(shares)}"/>'
    )


def _appears(share: float, seconds: float) -> str:
    if not share:
        return ""
    return (
        f'<animate attributeName="opacity" calcMode="discrete" dur="{seconds:g}s" repeatCount="indefinite" '
        f'values="0;1" keyTimes="0;{share:.4f}"/>'
    )


def _cell(x: float, y: float, colour: str, inside: str = "") -> str:
    return f'<rect x="{x:g}" y="{y:g}" width="{CELL - 1}" height="{CELL - 1}" fill="{colour}">{inside}</rect>'


def _grey(level: float) -> str:
    """Return dark on light, like ink: 0 is paper."""
    value = round(245 - 225 * level)
    return f"#{value:02x}{value:02x}{value:02x}"


def _diverging(share: float) -> str:
    """Return blue for negative answers, red for positive ones, white for none; ``share`` is in [-1, 1]."""
    ends = (202, 60, 50) if share > 0 else (40, 90, 180)
    mixed = (round(245 + (end - 245) * abs(share)) for end in ends)
    return "#" + "".join(f"{value:02x}" for value in mixed)
