"""A small matrix drawn as text: what was expected, what came, and the difference."""

from __future__ import annotations

from torch import Tensor

EDGE = "│ "
"""Lines that start with this are shown as they are, without wrapping."""

MAX_ROWS = 8
MAX_WIDTH = 84


def draw(expected: Tensor, got: Tensor, place: tuple[int, ...]) -> str:
    """Return both and their difference side by side, or nothing if that would be too large.

    Args:
        expected: of any shape with two axes or more.
        got: of the same shape.
        place: index of the first value that differs; if there are more than two axes, its slice is drawn.
    """
    if expected.ndim < 2 or expected.shape[-2] > MAX_ROWS:
        return ""
    right, came = expected[place[:-2]].double(), got.detach()[place[:-2]].double()
    blocks = [_block(title, matrix) for title, matrix in (("expected", right), ("got", came))]
    blocks.append(_block("difference", came - right, zero="."))
    lines = [f"{EDGE}{'   '.join(row)}".rstrip() for row in zip(*blocks, strict=True)]
    return "\n".join(lines) if max(map(len, lines)) <= MAX_WIDTH else ""


def _block(title: str, matrix: Tensor, zero: str = "0") -> list[str]:
    """Return a title and one line per row, all of the same width."""
    cells = [[f"{value:.4g}" if value else zero for value in row] for row in matrix.tolist()]
    width = max(len(cell) for row in cells for cell in row)
    rows = [" ".join(cell.rjust(width) for cell in row) for row in cells]
    longest = max(len(title), len(rows[0]))
    return [line.ljust(longest) for line in (title, *rows)]
