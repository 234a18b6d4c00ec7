"""How high the walls around student code are."""

from __future__ import annotations


def choose_level(*, unsafe: bool) -> str:  # noqa: ARG001 - the walls come next
    """Return the level to grade at."""
    return "none"
