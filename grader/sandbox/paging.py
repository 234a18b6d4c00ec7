"""How the fork server and its workers get memory from the kernel: in large pages, and seldom.

Both concern the cost of pages alone, and no value: a page that a process touches first costs microseconds, and a fork
copies an entry for each that it has.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path

SIZE = 2 << 20
_COLLAPSE = 25  # MADV_COLLAPSE, since Linux 6.1
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt(3)
_MAX_FROM_THE_HEAP = 32 << 20  # glibc takes no larger one
_FREED_KEPT = 1 << 30


def collapse() -> int:
    """Put all private memory of this process that is not a file's into pages of 2 MiB, where the kernel can.

    A fork then copies a few hundred entries instead of 100,000. A forked child that writes still gets a copy of 4 KiB
    alone: the kernel splits the large page for it.

    Returns:
        How many large pages there are now.
    """
    madvise = ctypes.CDLL(None).madvise
    return sum(madvise(ctypes.c_void_p(at), ctypes.c_size_t(SIZE), _COLLAPSE) == 0 for at in _places())


def keep_freed() -> bool:
    """Have what is freed used again by this process and its children, instead of going back to the kernel.

    A network's maps are some MiB each: by default glibc returns them after every batch, and touching them anew takes
    up to a third of a training step.

    Returns:
        Whether there is a glibc that does so; elsewhere nothing changes.

    Source: https://man7.org/linux/man-pages/man3/mallopt.3.html
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    settings = ((_MMAP_THRESHOLD, _MAX_FROM_THE_HEAP), (_TRIM_THRESHOLD, _FREED_KEPT))
    return mallopt is not None and all(mallopt(*setting) == 1 for setting in settings)


def _places() -> Iterator[int]:
    """Return where a large page would fit."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        bounds, rights, *rest = line.split(maxsplit=5)
        if rights == "rw-p" and (len(rest) < 4 or rest[3] == "[heap]"):
            start, end = (int(bound, 16) for bound in bounds.split("-"))
            yield from range(-(-start // SIZE) * SIZE, end - SIZE + 1, SIZE)
