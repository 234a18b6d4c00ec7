"""What has been graded in an output folder: one complete result per submission, so that a run can go on."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from grader import __version__
from grader.files import write_atomically
from grader.paths import EXERCISES, HIDDEN_SUITES
from grader.results import Result, result_from_json

FILE_NAME = "gradebook.sqlite"


class Gradebook:
    """Results of a class, in SQLite beside the reports.

    Args:
        out: the output folder; created if it does not exist.
    """

    def __init__(self, out: Path) -> None:
        out.mkdir(parents=True, exist_ok=True)
        self._out = out
        self._connection = sqlite3.connect(out / FILE_NAME, timeout=30)
        with self._connection:
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS results (folder TEXT PRIMARY KEY, graded_as TEXT, document TEXT)"
            )

    def finished(self, folder: str, graded_as: str) -> Result | None:
        """Return the result of a submission that was graded just so, or None."""
        row = self._connection.execute(
            "SELECT document FROM results WHERE folder = ? AND graded_as = ?", (folder, graded_as)
        ).fetchone()
        if row is None or not (self._out / folder / "results.json").is_file():
            return None
        result = result_from_json(json.loads(row[0]))
        return None if result.status == "grader_error" else result

    def record(self, folder: str, graded_as: str, result: Result) -> None:
        """Write results.json, then the row that says so."""
        document = json.dumps(result.to_json(), indent=2, ensure_ascii=False)
        write_atomically(self._out / folder / "results.json", document + "\n")
        with self._connection:
            self._connection.execute("REPLACE INTO results VALUES (?, ?, ?)", (folder, graded_as, document))

    def close(self) -> None:
        """Close the database."""
        self._connection.close()


def grading_key(submission_sha256: str, selected: Iterable[str], level: str, accuracy: str) -> str:
    """Return a hash of everything that a result depends on, but for the seed."""
    suites = [path.read_bytes() for path in sorted(HIDDEN_SUITES.glob("*.py"))]
    given = [(EXERCISES / name).read_bytes() for name in ("datasets.py", "train.py")]
    parts = [submission_sha256, __version__, *sorted(selected), level, accuracy]
    return hashlib.sha256(b"\0".join([*(part.encode() for part in parts), *suites, *given])).hexdigest()
