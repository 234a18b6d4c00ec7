"""The files of one submission, written from its recorded result."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from grader.figures import kept_figures
from grader.files import write_atomically
from grader.reports.pages import feedback_page
from grader.results import Result


def publish(folder: Path, result: Result) -> None:
    """Write feedback.html and results.json, unless they are there and say just that.

    results.json comes last: where it is of this result, so is the page. What the page draws is in figures.json.

    Args:
        folder: the submission's own in the output folder; created if it does not exist.
        result: as recorded in the gradebook.
    """
    document = json.dumps(result.to_json(), indent=2, ensure_ascii=False) + "\n"
    page, data = folder / "feedback.html", folder / "results.json"
    with contextlib.suppress(OSError, ValueError):
        if page.stat().st_size and data.read_text(encoding="utf-8") == document:
            return
    write_atomically(page, feedback_page(result, kept_figures(folder, result.submission_sha256)))
    write_atomically(data, document)
