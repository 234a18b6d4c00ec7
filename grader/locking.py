"""One grader at a time works in an output folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from grader.errors import GraderError

FILE_NAME = ".grader.lock"


class AnotherGrader(GraderError):
    """Another grader works in the same output folder."""


@contextlib.contextmanager
def only_grader(out: Path) -> Iterator[None]:
    """Keep other graders out of a folder, created if it does not exist.

    The lock is the process's own: the kernel lets it go however that ends, and forked children do not hold it.

    Raises:
        AnotherGrader: if there is one; the text says which.
    """
    out.mkdir(parents=True, exist_ok=True)
    with (out / FILE_NAME).open("a+", encoding="utf-8") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise AnotherGrader(
                f"{out}: expected no other grader at work here, got {file.read().strip() or 'one'}. "
                "Wait until it is done, or give another --out."
            ) from None
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        file.flush()
        yield
