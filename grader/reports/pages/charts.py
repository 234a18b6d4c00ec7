"""Charts inside a page, as SVG; made of numbers only, so there is nothing to escape."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup


def histogram(values: Sequence[float], top: float, bins: int = 10) -> Markup:
    """Draw how many values fall into each of so many equal parts of 0 to ``top``; the last part includes ``top``."""
    counts = [0] * bins
    for value in values:
        counts[min(int(value / top * bins), bins - 1)] += 1
    step, highest = top / bins, max([*counts, 1])
    said = ", ".join(f"{n * step:g} to {(n + 1) * step:g} points: {count}" for n, count in enumerate(counts) if count)
    bars = []
    for n, count in enumerate(counts):
        height = round(120 * count / highest, 1)
        x = 10 + n * 34
        bars.append(
            f'<rect class="bar" x="{x}" y="{140 - height:g}" width="30" height="{height:g}"/>'
            + (f'<text x="{x + 15}" y="{134 - height:g}" text-anchor="middle">{count}</text>' if count else "")
        )
    ticks = "".join(
        f'<text class="muted" x="{8 + n * 34}" y="156" text-anchor="middle">{n * step:g}</text>'
        for n in range(bins + 1)
    )
    return Markup(  # noqa: S704 - numbers of our own
        f'<svg class="chart" viewBox="-6 0 372 162" role="img" aria-label="Scores: {said or "none"}">'
        f'<line class="axis" x1="6" y1="140.5" x2="350" y2="140.5"/>{"".join(bars)}{ticks}</svg>'
    )


def shares(parts: Sequence[tuple[str, int]], said: str) -> Markup:
    """Draw one bar, divided by counts.

    Args:
        parts: class name of ours and count of each part.
        said: read out by screen readers; text of ours.
    """
    whole, start, drawn = sum(count for _, count in parts) or 1, 0.0, []
    for name, count in parts:
        width = 100 * count / whole
        if count:
            drawn.append(f'<rect class="{name}" x="{start:.2f}" width="{width:.2f}" height="8"/>')
        start += width
    return Markup(  # noqa: S704 - numbers and words of our own
        f'<svg class="shares" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="{said}">'
        f"{''.join(drawn)}</svg>"
    )
