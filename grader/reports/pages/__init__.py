"""HTML pages: feedback for one student, the report of a class; escaped, self-contained, readable without script."""

from grader.reports.pages.class_report import class_page, pages_beside
from grader.reports.pages.environment import STATUS_WORDS, rendered
from grader.reports.pages.student_page import feedback_page

__all__ = ["STATUS_WORDS", "class_page", "feedback_page", "pages_beside", "rendered"]
