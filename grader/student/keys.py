"""Single keys, without Enter, while other work goes on."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def has_keys() -> bool:
    """Return whether there is somebody at a terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty()


@contextmanager
def listening(on_key: Callable[[str], None]) -> Iterator[None]:
    """Call a function, from another thread, with each key that is pressed; the terminal is put back at the end."""
    if not has_keys():
        yield
        return
    with _single_keys():
        threading.Thread(target=_listen, args=(on_key,), daemon=True).start()
        yield


def _listen(on_key: Callable[[str], None]) -> None:
    while (key := _key()) not in ("", "\x03"):  # the terminal is gone, or Ctrl-C on Windows
        on_key(key)
    on_key("q")


if sys.platform == "win32":
    from contextlib import nullcontext as _single_keys
    from msvcrt import getwch as _key

else:
    import termios
    import tty

    @contextmanager
    def _single_keys() -> Iterator[None]:
        before = termios.tcgetattr(sys.stdin)
        tty.setcbreak(sys.stdin)
        try:
            yield
        finally:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)

    def _key() -> str:
        return os.read(sys.stdin.fileno(), 1).decode("utf-8", "replace")
