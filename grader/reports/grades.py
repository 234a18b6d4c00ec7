"""grades.csv: one line per student, one column per task."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from grader.course import course
from grader.results import Result

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def grades_csv(results: Iterable[Result]) -> str:
    """Return the table as CSV: student, one column per task id, total; a submission without a score has empty cells."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["student", *(task.id for task in course().tasks), "total"])
    for result in results:
        writer.writerow([harmless_cell(result.student), *_scores(result)])
    return buffer.getvalue()


def harmless_cell(text: str) -> str:
    """Put an apostrophe before what a spreadsheet would run as a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _scores(result: Result) -> list[float | str]:
    if result.score is None:
        return [""] * (len(course().tasks) + 1)
    scores = {task.id: "" if task.status == "skipped" else task.score for task in result.tasks}
    return [*(scores.get(task.id, 0.0) for task in course().tasks), result.score]
