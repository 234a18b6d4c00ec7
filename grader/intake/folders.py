"""Reads a submission's folder: regular files only, no link followed, nothing opened that could block."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grader.intake import sizes
from grader.intake.tree import Tree, cap, is_hidden, too_much

OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
OPEN_FOLDER = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC


def read_folder(path: Path) -> Tree:
    """Return what a submission's folder holds.

    Raises:
        RejectedError: if it holds too much.
        OSError: if the folder itself cannot be read.
    """
    walk = _Walk()
    with _opened(str(path), OPEN_FOLDER) as handle:
        walk.folder(handle, "", depth=0)
    return walk.tree


def read_regular(name: str, most: int, dir_fd: int | None = None) -> bytes:
    """Return the first bytes of a regular file, one more than ``most`` if it has them.

    Raises:
        OSError: if it is a link, no regular file, or cannot be read.
    """
    with _opened(name, OPEN_FILE, dir_fd) as handle:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(f"{name}: expected a regular file")
        with os.fdopen(os.dup(handle), "rb") as stream:
            return stream.read(most + 1)


class _Walk:
    """One walk over a folder, with what it has met so far."""

    def __init__(self) -> None:
        self.tree = Tree()
        self.entries = 0
        self.size = 0

    def folder(self, handle: int, prefix: str, depth: int) -> None:
        if depth > sizes.MAX_DEPTH:
            raise too_much("a depth", f"{sizes.MAX_DEPTH} folders", "more")
        for entry in self._listed(handle):
            about = entry.stat(follow_symlinks=False)
            path = f"{prefix}{entry.name}/" if stat.S_ISDIR(about.st_mode) else f"{prefix}{entry.name}"
            try:
                if stat.S_ISDIR(about.st_mode):
                    self._subfolder(handle, entry.name, path, depth)
                elif stat.S_ISREG(about.st_mode):
                    self._file(handle, entry.name, path, about.st_size)
                else:
                    self.tree.special.append(path)
            except OSError as error:
                self.tree.unreadable[path] = error.strerror or "not a regular file"

    def _listed(self, handle: int) -> list[os.DirEntry[str]]:
        entries = []
        with os.scandir(handle) as listing:
            for entry in listing:
                self.entries += 1
                if self.entries > sizes.MAX_FILES:
                    raise too_much("a number of files", f"{sizes.MAX_FILES:,}", "more")
                entries.append(entry)
        return sorted(entries, key=lambda entry: os.fsencode(entry.name))

    def _subfolder(self, parent: int, name: str, path: str, depth: int) -> None:
        if is_hidden(name):
            self.tree.others.append(path)
            return
        with _opened(name, OPEN_FOLDER, parent) as handle:
            self.folder(handle, path, depth + 1)

    def _file(self, parent: int, name: str, path: str, size: int) -> None:
        self.size += size
        if self.size > sizes.MAX_UNPACKED:
            raise too_much("a size", sizes.in_words(sizes.MAX_UNPACKED), "more")
        most = cap(path)
        if most is None:
            self.tree.others.append(path)
        else:
            self.tree.files[path] = read_regular(name, most, parent)


@contextmanager
def _opened(name: str, flags: int, dir_fd: int | None = None) -> Iterator[int]:
    handle = os.open(name, flags, dir_fd=dir_fd)
    try:
        yield handle
    finally:
        os.close(handle)
