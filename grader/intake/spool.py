"""Keeps what was read of a class until it is graded, in a file without a name: a large class takes much memory."""

from __future__ import annotations

import os
import tempfile

from grader.intake.box import pack, unpack
from grader.intake.snapshot import Snapshot


class Spool:
    """Snapshots by number, in the order in which they were added; nothing can change them once student code runs."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="cnn-kit-class-")  # noqa: SIM115 - closed by `close`
        self._ends = [0]

    def add(self, snapshot: Snapshot) -> None:
        """Keep one more."""
        self._file.write(pack(snapshot))
        self._file.flush()
        self._ends.append(self._file.tell())

    def __getitem__(self, number: int) -> Snapshot:
        """Return one of them."""
        start, end = self._ends[number : number + 2]
        return unpack(os.pread(self._file.fileno(), end - start, start))

    def close(self) -> None:
        """Let go of all of them."""
        self._file.close()
