"""What late work loses in nbgrader, by the rule of the term."""

from __future__ import annotations

from nbgrader.plugins import BasePlugin

from grader.course import course


class LateWork(BasePlugin):  # type: ignore[misc] # nbgrader has no types
    """Takes from late notebooks what the term.toml says."""

    def late_submission_penalty(self, student_id: str, score: float, total_seconds_late: float) -> float:
        """Return how many points a notebook loses.

        Args:
            student_id: not looked at: the rule is the same for all.
            score: of the notebook, in points.
            total_seconds_late: since the deadline.
        """
        del student_id
        return round(score * course().term.lost_by(total_seconds_late), 2)
