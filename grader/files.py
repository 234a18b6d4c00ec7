"""Writing files so that a reader never sees half of one."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from grader.errors import GraderError

_UNFINISHED: Final = ".part"
BACKUPS: Final = ".backups"


class DiskFull(GraderError):
    """There is no room left to write to."""


@contextlib.contextmanager
def explaining_full_disk(folder: Path) -> Iterator[None]:
    """Say what to do where there is no room; every file is as it was before, or as it shall be.

    Raises:
        DiskFull: if the disk is full, or a quota is used up.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise DiskFull(
            f"{folder}: expected room for more, got: {error.strerror}. What is graded is kept; make room, and run the "
            "same command to go on."
        ) from error


def read_utf8(path: Path) -> str:
    """Return the text of a file that a person has saved, without the byte order mark that Excel begins it with.

    Raises:
        ValueError: if it is in another encoding.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"expected UTF-8, got other bytes ({error}). Save it as CSV UTF-8?") from None


def write_atomically(path: Path, data: str | bytes) -> None:
    """Write bytes, or a text as UTF-8, beside their target, then move them there in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=_UNFINISHED, dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def remove_unfinished(folder: Path) -> None:
    """Remove what a process that was killed has left beside its targets, in a folder and in the folders in it."""
    for pattern in (f".*{_UNFINISHED}", f"*/.*{_UNFINISHED}"):
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)


def keep_backup(path: Path) -> Path | None:
    """Copy a file into ``.backups/`` beside it, under a name that nothing has yet; None where there is no file."""
    if not path.is_file():
        return None
    stamp = datetime.now().astimezone().strftime("%Y-%m-%d-%H%M%S")
    folder = path.parent / BACKUPS
    again = ("", *(f"-{number}" for number in range(2, 1000)))
    names = (folder / f"{path.stem}-{stamp}{suffix}{path.suffix}" for suffix in again)
    backup = next(name for name in names if not name.exists())
    folder.mkdir(exist_ok=True)
    backup.write_bytes(path.read_bytes())
    return backup
