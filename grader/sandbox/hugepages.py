"""Puts a process's memory into pages of 2 MiB, so that a fork copies a few hundred entries instead of 100,000.

A forked child that writes still gets a copy of 4 KiB alone: the kernel splits the large page for it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path

SIZE = 2 << 20
_COLLAPSE = 25  # MADV_COLLAPSE, since Linux 6.1


def collapse() -> int:
    """Collapse all private memory of this process that is not a file's; where the kernel cannot, nothing changes.

    Returns:
        How many large pages there are now.
    """
    madvise = ctypes.CDLL(None).madvise
    return sum(madvise(ctypes.c_void_p(at), ctypes.c_size_t(SIZE), _COLLAPSE) == 0 for at in _places())


def _places() -> Iterator[int]:
    """Return where a large page would fit."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        bounds, rights, *rest = line.split(maxsplit=5)
        if rights == "rw-p" and (len(rest) < 4 or rest[3] == "[heap]"):
            start, end = (int(bound, 16) for bound in bounds.split("-"))
            yield from range(-(-start // SIZE) * SIZE, end - SIZE + 1, SIZE)
