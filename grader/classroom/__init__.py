"""What runs inside nbgrader: grading in the sandbox, repair of notebooks, feedback; and `check` for stock kernels."""

from __future__ import annotations


def check(task_id: str) -> float:
    """Grade a task where nbgrader's own ``Execute`` runs the notebook; the autograder cells call it.

    It prints what the student reads, and returns the points, which nbgrader takes as partial credit. The grading is
    that of ``grader grade``, in a process and a sandbox of its own; the cells around it ran without, as is printed too.
    Where the grader itself fails it returns infinity, at which nbgrader gives up on the student: no zero is recorded.

    Raises:
        RuntimeError: if this kit has no hidden checks, as a student's has not.
    """
    from grader.classroom.stock import check_here  # noqa: PLC0415 - importing nbgrader's configuration must be quick

    return check_here(task_id)
