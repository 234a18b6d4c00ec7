"""Landlock: which files a process may touch, decided by itself and for good (Linux 5.13 or later, no privilege)."""

from __future__ import annotations

import contextlib
import functools
import os
import stat
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from grader.sandbox.walls import _libc
from grader.sandbox.walls.model import WallsUnavailable

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_QUERY: Final = 1
_PATH_BENEATH: Final = 1

# In the kernel's order, from bit 0 on.
(_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_DIR, _REMOVE_FILE, _MAKE_CHAR, _MAKE_DIR, _MAKE_REG, _MAKE_SOCK,
 _MAKE_FIFO, _MAKE_BLOCK, _MAKE_SYM, _REFER, _TRUNCATE, _IOCTL_DEVICE) = (1 << bit for bit in range(16))  # fmt: skip

READ: Final = _READ_FILE | _READ_DIR
WRITE: Final = (READ | _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _MAKE_SOCK | _MAKE_FIFO
                | _MAKE_SYM | _REFER | _TRUNCATE)  # fmt: skip
_ON_A_FILE: Final = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEVICE
_EVERYTHING: Final = (1 << 16) - 1
_LISTEN_AND_CONNECT: Final = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS: Final = 0b11


@functools.cache
def version() -> int:
    """Landlock's version on this kernel, 0 where there is none."""
    try:
        return _libc.syscall(_CREATE_RULESET, None, 0, _VERSION_QUERY, what="landlock_create_ruleset")
    except OSError:
        return 0


def _handled(abi: int) -> int:
    """The file rights that this version knows: older kernels refuse a mask with bits that they do not know."""
    unknown = (_REFER if abi < 2 else 0) | (_TRUNCATE if abi < 3 else 0) | (_IOCTL_DEVICE if abi < 5 else 0)
    return _EVERYTHING & ~unknown


def _attributes(abi: int) -> bytes:
    network = _LISTEN_AND_CONNECT if abi >= 4 else 0
    scoped = _ABSTRACT_SOCKETS_AND_SIGNALS if abi >= 6 else 0
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    return struct.pack("<QQQ", _handled(abi), network, scoped)[:size]


def _allow(ruleset: int, path: Path, rights: int) -> None:
    """Grant rights on a path and all below it; a path that is not there needs none."""
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= _ON_A_FILE
        rule = struct.pack("<Qi", rights, descriptor)
        _libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0, what=f"landlock_add_rule {path}")
    finally:
        os.close(descriptor)


def restrict(rules: Iterable[tuple[Path, int]]) -> None:
    """Bind the calling process, and all it will start, to `rules`: every right not granted is gone.

    TCP is refused where the kernel can (Linux 6.7), and so are signals and abstract sockets to processes outside
    (Linux 6.12).
    """
    abi = version()
    if not abi:
        raise WallsUnavailable("landlock: expected Linux 5.13 or later with Landlock enabled, got a kernel without it. "
                               "Is `landlock` in the kernel's lsm= list?")  # fmt: skip
    attributes = _attributes(abi)
    ruleset = _libc.syscall(_CREATE_RULESET, attributes, len(attributes), 0, what="landlock_create_ruleset")
    try:
        for path, rights in rules:
            _allow(ruleset, path, rights & _handled(abi))
        _libc.syscall(_RESTRICT_SELF, ruleset, 0, what="landlock_restrict_self")
    finally:
        os.close(ruleset)


def spare_the_hidden(readable: Sequence[Path], hidden: Sequence[Path]) -> list[tuple[Path, int]]:
    """Rules that open `readable` but nothing in `hidden`, where the deeper of the two wins.

    Landlock can only add: a folder that contains a hidden one is therefore opened child by child. Names in it can be
    listed (Python's import needs that), but not what is hidden read.
    """
    rules: list[tuple[Path, int]] = []
    waiting = list(readable)
    while waiting:
        path = waiting.pop()
        if path in hidden:
            continue
        if not any(one.is_relative_to(path) for one in hidden):
            rules.append((path, READ))
            continue
        rules.append((path, _READ_DIR))
        with contextlib.suppress(OSError):
            waiting.extend(path.iterdir())
    return rules
