"""Single keys, without Enter, while other work goes on."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LOOK_EVERY = 0.1


def has_keys() -> bool:
    """Return whether there is somebody at a terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty()


@contextmanager
def listening(on_key: Callable[[str], None]) -> Iterator[None]:
    """Call a function, from another thread, with each key that is pressed; the terminal is put back at the end."""
    stop = threading.Event()
    if not has_keys():
        yield
        return
    with _single_keys():
        thread = threading.Thread(target=_listen, args=(on_key, stop), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(timeout=5 * LOOK_EVERY)


if sys.platform == "win32":
    import msvcrt

    @contextmanager
    def _single_keys() -> Iterator[None]:
        yield

    def _listen(on_key: Callable[[str], None], stop: threading.Event) -> None:
        while not stop.wait(LOOK_EVERY):
            while msvcrt.kbhit():
                on_key(msvcrt.getwch())

else:
    import os
    import select
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

    def _listen(on_key: Callable[[str], None], stop: threading.Event) -> None:
        terminal = sys.stdin.fileno()
        while not stop.is_set():
            if select.select([terminal], [], [], LOOK_EVERY)[0]:
                pressed = os.read(terminal, 1).decode("utf-8", "replace")
                on_key(pressed or "q")
                if not pressed:
                    return
