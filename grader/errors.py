"""Trouble of the grader's own: never a student's fault, and never a zero."""


class GraderError(Exception):
    """The grader cannot work; ends a verb with exit status 3."""
