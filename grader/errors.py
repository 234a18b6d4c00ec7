"""Trouble of the grader's own: never a student's fault, and never a zero."""

import sys


class GraderError(Exception):
    """The grader cannot work; ends a verb with exit status 3."""


def require_linux() -> None:
    """Refuse to grade elsewhere, before anything is imported that is not there.

    Raises:
        GraderError: on another system.
    """
    if sys.platform != "linux":
        raise GraderError(
            f"sandbox: expected Linux, got {sys.platform}. Grading needs Linux; `pytest exercises/` does not."
        )
