"""What has been graded in an output folder: one complete result per submission, so that a run can go on."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from grader.errors import GraderError
from grader.identity import identity
from grader.results import Result, result_from_json
from grader.sandbox.walls import NONE

FILE_NAME = "gradebook.sqlite"


class GradebookBroken(GraderError):
    """The database cannot be read or written."""


class Gradebook:
    """Results of a class, in SQLite beside the reports, which are derived from it.

    A result is one row, and recording it one transaction: after whatever ends the process, or the machine, it is there
    whole or not at all. SQLite's own defaults see to that (a rollback journal, synced at each commit); a write-ahead
    log would be faster by milliseconds, but does not work on network folders.

    Args:
        out: the output folder; created if it does not exist.

    Raises:
        GradebookBroken: if there is no room, or the file is not a database; so do all methods.
    """

    def __init__(self, out: Path) -> None:
        out.mkdir(parents=True, exist_ok=True)
        self._path = out / FILE_NAME
        with self._explaining_errors():
            self._connection = sqlite3.connect(self._path, timeout=30)
            with self._connection:
                self._connection.execute(
                    "CREATE TABLE IF NOT EXISTS results (folder TEXT PRIMARY KEY, graded_as TEXT, document TEXT)"
                )
                self._connection.execute(
                    "CREATE TABLE IF NOT EXISTS seeds (folder TEXT PRIMARY KEY, submission_sha256 TEXT, seed TEXT)"
                )

    def finished(self, folder: str, graded_as: str) -> Result | None:
        """Return the result of a submission that was graded just so, or None."""
        with self._explaining_errors():
            row = self._connection.execute(
                "SELECT document FROM results WHERE folder = ? AND graded_as = ?", (folder, graded_as)
            ).fetchone()
        if row is None:
            return None
        result = result_from_json(json.loads(row[0]))
        return None if result.status == "grader_error" else result

    def record(self, folder: str, graded_as: str, result: Result, seed: int) -> None:
        """Put a result, and the seed of its inputs, in the place of the submission's earlier one."""
        row = (folder, graded_as, json.dumps(result.to_json(), ensure_ascii=False))
        with self._explaining_errors(), self._connection:
            self._connection.execute("REPLACE INTO results VALUES (?, ?, ?)", row)
            self._connection.execute(
                "REPLACE INTO seeds VALUES (?, ?, ?)", (folder, result.submission_sha256, f"{seed:x}")
            )

    def seeds(self) -> dict[tuple[str, str], int]:
        """Return the seed of each submission, by its folder and hash."""
        with self._explaining_errors():
            rows = self._connection.execute("SELECT folder, submission_sha256, seed FROM seeds").fetchall()
        return {(folder, sha256): int(seed, 16) for folder, sha256, seed in rows}

    def adopt(self, other: Path) -> None:
        """Put every result of another database in the place of the submission's earlier one, all of them at once."""
        with self._explaining_errors(), contextlib.closing(sqlite3.connect(other)) as source, self._connection:
            for table in ("results", "seeds"):
                rows = source.execute(f"SELECT * FROM {table}")  # noqa: S608 - one of ours
                self._connection.executemany(f"REPLACE INTO {table} VALUES (?, ?, ?)", rows)  # noqa: S608

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    @contextlib.contextmanager
    def _explaining_errors(self) -> Iterator[None]:
        """Say what to do about trouble of the database."""
        try:
            yield
        except sqlite3.Error as error:
            raise GradebookBroken(
                f"{self._path}: expected to read and write it, got: {error}. Results recorded before are kept. "
                "Is the disk full, or the file damaged?"
            ) from error


def grading_key(submission_sha256: str, selected: Iterable[str], level: str, way: str) -> str:
    """Return a hash of everything that a result depends on, but for the seed.

    Which walls stood does not count, only whether any did: a run goes on, on this machine or another, wherever it
    began.
    """
    walls = NONE if level == NONE else "walls"
    depends = [f"{name}: {value}" for name, value in identity().items()]
    parts = [submission_sha256, *sorted(selected), walls, way, *depends]
    return hashlib.sha256(b"\0".join(part.encode() for part in parts)).hexdigest()
