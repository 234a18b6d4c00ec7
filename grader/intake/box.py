"""Reads a submission in a process of its own, under limits: what a file does to Python's parsers stays in there.

What comes back is plain bytes that are checked like anything else of a student's, never pickled objects.
"""

from __future__ import annotations

import json
import os
import select
import signal
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from grader.course import course
from grader.intake import Entry, read, sizes
from grader.intake.snapshot import Snapshot, refused
from grader.paths import EXERCISES, ROOT
from grader.sandbox import walls

MEMORY = 1024 * sizes.MIB
"""Bytes that reading a submission may take beside what the grader has already."""

CPU_SECONDS = 60
WALL_SECONDS = 180
MAX_HEADER = 1 * sizes.MIB
MAX_MODULE = 4 * sizes.MAX_SOURCE
"""Bytes of a module in UTF-8, in whatever encoding it came."""

MAX_BODY = len(course().modules) * MAX_MODULE + sizes.MAX_WEIGHTS + 1

TOO_MUCH = (
    f"submission: expected files that can be read in {CPU_SECONDS} s and {sizes.in_words(MEMORY)} of memory, "
    "got more. What is in it that is so large, or so deeply nested?"
)


def read_boxed(entry: Entry) -> Snapshot:
    """Return what counts of a stranger's submission, read in a process of its own under limits."""
    return boxed(lambda: read(entry), entry.path)


def boxed(
    read: Callable[[], Snapshot], place: Path, *, memory: int = MEMORY, cpu_seconds: int = CPU_SECONDS
) -> Snapshot:
    """Return what a function reads, called in a process that is ended where it takes too much.

    Args:
        read: reads a submission.
        place: where that is; nothing else can be read, but for the kit's own code.
        memory: bytes that it may take.
        cpu_seconds: of processor that it may use.
    """
    inside, outside = os.pipe()
    process = os.fork()
    if process == 0:
        _read_inside(read, place, outside, memory, cpu_seconds)
    os.close(outside)
    try:
        data = _received(inside, time.monotonic() + WALL_SECONDS)
    finally:
        os.close(inside)
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
    try:
        return unpack(data)
    except ValueError:
        return refused(TOO_MUCH)


def _read_inside(read: Callable[[], Snapshot], place: Path, outside: int, memory: int, cpu_seconds: int) -> NoReturn:
    try:
        walls.only_read([place, ROOT / "grader", EXERCISES], memory, cpu_seconds)
        data = memoryview(pack(read()))
        while data:
            data = data[os.write(outside, data) :]
    finally:
        os._exit(0)  # whatever comes: nothing of the grader goes on in here


def _received(inside: int, deadline: float) -> bytes:
    data = bytearray()
    while len(data) <= MAX_HEADER + MAX_BODY + 8:
        ready, _, _ = select.select([inside], [], [], max(deadline - time.monotonic(), 0))
        part = os.read(inside, 1 << 20) if ready else b""
        if not part:
            break
        data += part
    return bytes(data)


def pack(snapshot: Snapshot) -> bytes:
    """Return a snapshot as bytes: a header in JSON, its length before it, then the files."""
    weights = snapshot.weights
    header = {
        "modules": {name: len(source) for name, source in snapshot.modules.items()},
        "weights": None if weights is None else len(weights),
        "notes": list(snapshot.notes),
        "rejected": snapshot.rejected,
        "broken": snapshot.broken,
    }
    text = json.dumps(header).encode()
    return b"".join([struct.pack("<Q", len(text)), text, *snapshot.modules.values(), weights or b""])


def unpack(data: bytes) -> Snapshot:
    """Return the snapshot that ``pack`` wrote, every name and size of it checked.

    Raises:
        ValueError: if the bytes are something else, or only a part of it.
    """
    try:
        (length,) = struct.unpack_from("<Q", data)
        if length > MAX_HEADER:
            raise ValueError("too long a header")
        header = json.loads(data[8 : 8 + length].decode())
        rest = memoryview(data)[8 + length :]
        modules: dict[str, bytes] = {}
        for name, size in header["modules"].items():
            if name not in course().modules or not 0 <= size <= MAX_MODULE:
                raise ValueError("not a module")
            modules[name], rest = bytes(rest[:size]), rest[size:]
            if len(modules[name]) != size:
                raise ValueError("cut off")
        size = header["weights"]
        weights = None if size is None else bytes(rest)
        if len(rest) != (size or 0) or len(rest) > sizes.MAX_WEIGHTS + 1:
            raise ValueError("cut off")
        notes = tuple(_text(note) for note in header["notes"])
        rejected = None if header["rejected"] is None else _text(header["rejected"])
        broken = {name: _text(why) for name, why in header["broken"].items() if name in course().modules}
    except (struct.error, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a snapshot: {error!r}") from None
    return Snapshot(modules, weights, notes[: sizes.MAX_NOTES + 1], rejected, broken)


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > sizes.MAX_NOTE:
        raise ValueError("not a text")
    return value
