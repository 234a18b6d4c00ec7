"""What the pages show of a submission beside its result: drawn by the course, and never part of a grade."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grader.files import write_atomically

FILE_NAME = "figures.json"

Figures = Mapping[str, Any]
"""By a task's id what the course's ``pictures.draw`` made of it, in plain values, as JSON knows them."""


def keep_figures(folder: Path, submission_sha256: str, figures: Figures) -> None:
    """Write figures.json of one submission, or remove an old one where there is nothing to draw."""
    if not figures:
        (folder / FILE_NAME).unlink(missing_ok=True)
        return
    document = {"submission_sha256": submission_sha256, "figures": figures}
    write_atomically(folder / FILE_NAME, json.dumps(document, separators=(",", ":")) + "\n")


def kept_figures(folder: Path, submission_sha256: str) -> Figures:
    """Return what was kept of just this submission; nothing where the file is missing, damaged or another's."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        document = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
        if document["submission_sha256"] == submission_sha256:
            return dict(document["figures"])
    return {}
