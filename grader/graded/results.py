"""The results that an output folder holds, as its students see them."""

from __future__ import annotations

import json
from pathlib import Path

from grader.results import Result, result_from_json


def read_results(out: Path) -> list[tuple[str, Result]]:
    """Return folder and result of each submission, in the order of the folders' names.

    Args:
        out: what `grader grade` wrote.

    Raises:
        ValueError: if there is no result, or one of them is none of ours.
    """
    paths = sorted(path for path in out.glob("*/results.json") if not path.parent.name.startswith("."))
    if not paths:
        raise ValueError(f"expected a folder that `grader grade` wrote, got no NAME/results.json in {str(out)!r}")
    return [(path.parent.name, _read(path)) for path in paths]


def _read(path: Path) -> Result:
    try:
        return result_from_json(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: expected a results.json of this kit ({error})") from None
