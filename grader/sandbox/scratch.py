"""Temporary folders that go away even where the grader that made them was killed: the next one sweeps them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

_PREFIX: Final = "cnn-kit-run-"
_held: dict[Path, int] = {}


def make(purpose: str) -> Path:
    """Make a folder that is this process's, and its forked children's, until it is removed or all of them have ended.

    That is said by a lock on the folder itself, which the kernel lets go with the last of them (systemd-tmpfiles looks
    at the same lock).
    """
    made = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}{purpose}-"))
    held = os.open(made, os.O_RDONLY | os.O_CLOEXEC)
    fcntl.flock(held, fcntl.LOCK_SH)
    folder = made.rename(made.with_name(made.name.removeprefix(".")))  # from here on a sweep finds it, and it is locked
    _held[folder] = held
    return folder


def remove(folder: Path) -> None:
    """Remove a folder of `make` and all that is in it."""
    shutil.rmtree(folder, ignore_errors=True)
    if (held := _held.pop(folder, None)) is not None:
        os.close(held)


def sweep() -> int:
    """Remove what processes left that were killed; returns the number of folders."""
    left = [folder for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*") if not _is_held(folder)]
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)
    return len(left)


def _is_held(folder: Path) -> bool:
    """Return whether the folder's processes live; one that cannot be looked into is somebody else's."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(descriptor)
        return False
    return True
