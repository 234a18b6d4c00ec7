"""The files of one submission: written from its recorded result, and read again."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from grader.figures import kept_figures
from grader.files import write_atomically
from grader.reports.pages import feedback_page
from grader.results import Result, result_from_json

RESULT = "results.json"


def publish(folder: Path, result: Result) -> None:
    """Write feedback.html and results.json, unless they are there and say just that.

    results.json comes last: where it is of this result, so is the page. What the page draws is in figures.json.

    Args:
        folder: the submission's own in the output folder; created if it does not exist.
        result: as recorded in the gradebook.
    """
    document = json.dumps(result.to_json(), indent=2, ensure_ascii=False) + "\n"
    page, data = folder / "feedback.html", folder / RESULT
    with contextlib.suppress(OSError, ValueError):
        if page.stat().st_size and data.read_text(encoding="utf-8") == document:
            return
    write_atomically(page, feedback_page(result, kept_figures(folder, result.submission_sha256)))
    write_atomically(data, document)


def read_results(out: Path) -> list[tuple[str, Result]]:
    """Return folder and result of each submission, as its student sees it, in the order of the folders' names.

    Args:
        out: what `grader grade` wrote.

    Raises:
        ValueError: if there is no result, or one of them is not of this kit.
    """
    paths = sorted(path for path in out.glob(f"*/{RESULT}") if not path.parent.name.startswith("."))
    if not paths:
        raise ValueError(f"expected a folder that `grader grade` wrote, got no NAME/{RESULT} in {str(out)!r}")
    return [(path.parent.name, read_result(path.parent)) for path in paths]


def read_result(folder: Path) -> Result:
    """Return the published result of one submission.

    Raises:
        OSError: if it is not there.
        ValueError: if it is not of this kit.
    """
    path = folder / RESULT
    try:
        return result_from_json(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: expected a {RESULT} of this kit ({error})") from None
