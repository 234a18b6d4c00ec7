"""Writes a tree of files, and leaves alone what somebody has changed since it was written."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from grader.files import write_atomically


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


def deliver(root: Path, record: Path, files: Iterable[tuple[str, bytes]]) -> Release:
    """Write files below a folder, but no file that somebody else changed, and remove what is not delivered any more.

    Args:
        root: the folder.
        record: keeps what was written, and so whose a file is.
        files: each path below the root, with slashes, and what it holds.
    """
    before: dict[str, str] = {}
    with contextlib.suppress(OSError, ValueError, TypeError):  # without a record, every file that differs is somebody's
        before = dict(json.loads(record.read_text(encoding="utf-8")))
    done, now = Release(), {}
    for name, data in files:
        path, digest = root / name, _digest(data)
        found = _digest(path.read_bytes()) if path.is_file() else None
        now[name] = digest
        if found == digest:
            done.unchanged.append(path)
        elif found in (None, before.get(name)):
            write_atomically(path, data)
            done.written.append(path)
        else:
            done.kept.append(path)
            now[name] = before.get(name, "")
    for name in before.keys() - now.keys():
        path = root / name
        if path.is_file() and _digest(path.read_bytes()) == before[name]:
            path.unlink()
    write_atomically(record, json.dumps(dict(sorted(now.items())), indent=0) + "\n")
    return done


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
