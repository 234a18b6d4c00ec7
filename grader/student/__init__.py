"""What students use besides `pytest exercises/`: watch, hint, predict, reset, submit; and `check_here` in notebooks."""

import sys


class CannotError(Exception):
    """What the verb was asked for cannot be done with the student's files as they are; the text says why."""


def check_here(task_id: str) -> None:
    """Run the public checks of a task on what the calling notebook has defined so far.

    Raises:
        ValueError: if there is no such task.
        NotGreenError: with what a student reads, if the checks are not green.
    """
    from grader.student.here import check  # noqa: PLC0415 - whoever imports a verb needs none of it

    check(task_id, sys._getframe(1).f_globals)  # noqa: SLF001 - a notebook's cells share these names
