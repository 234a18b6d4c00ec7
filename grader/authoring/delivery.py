"""Writes a tree of files, and leaves alone what somebody has changed since it was written."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from grader.files import write_atomically, write_bytes_atomically


@dataclass
class Release:
    """What a release did, file by file.

    Attributes:
        written: files that are new or changed.
        unchanged: files that were right already.
        kept: files that hold somebody's work and were left alone.
    """

    written: list[Path] = field(default_factory=list)
    unchanged: list[Path] = field(default_factory=list)
    kept: list[Path] = field(default_factory=list)


class Delivery:
    """A folder that is written again and again; a record of what was written tells whose a file is.

    Args:
        root: the folder.
        record: where it is kept what was written.
    """

    def __init__(self, root: Path, record: Path) -> None:
        self.root = root
        self.record = record
        self.done = Release()
        self._before = self._read()
        self._now: dict[str, str] = {}

    @property
    def names(self) -> list[str]:
        """Return the paths of all files so far, below the root."""
        return list(self._now)

    def put(self, name: str, data: bytes) -> None:
        """Write a file, unless it was changed by somebody else.

        Args:
            name: its path below the root, with slashes.
            data: what it holds.
        """
        path, digest = self.root / name, _digest(data)
        found = _digest(path.read_bytes()) if path.is_file() else None
        if found not in {None, digest, self._before.get(name)}:
            self.done.kept.append(path)
            digest = self._before.get(name, "")
        elif found == digest:
            self.done.unchanged.append(path)
        else:
            write_bytes_atomically(path, data)
            self.done.written.append(path)
        self._now[name] = digest

    def close(self) -> Release:
        """Remove what was written before and is not any more, and keep the record."""
        for name in self._before.keys() - self._now.keys():
            path = self.root / name
            if path.is_file() and _digest(path.read_bytes()) == self._before[name]:
                path.unlink()
        write_atomically(self.record, json.dumps(dict(sorted(self._now.items())), indent=0) + "\n")
        return self.done

    def _read(self) -> dict[str, str]:
        try:
            return {
                str(name): str(digest) for name, digest in json.loads(self.record.read_text(encoding="utf-8")).items()
            }
        except (OSError, ValueError, AttributeError):
            return {}  # then every file that differs is somebody's


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
