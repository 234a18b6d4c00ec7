"""Records docs/first-half-hour.md: `python docs/record_first_half_hour.py`.

A hand-out is made in a temporary folder, and a newcomer's first half hour is played in it on a pseudo-terminal. What
stands on the screen is written down as it is; what the newcomer writes into the file is told in words alone.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

from grader import paths
from grader.authoring.release import release_stubs
from grader.stubs import TODO, not_written

PAGE = Path(__file__).parent / "first-half-hour.md"
COLUMNS = 100
COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
VERDICT = r"\(\d+\.\d\d s\)\s+h hint.*quit\s"
SHOWN = 14
"""How many lines of a long screen are shown from its end."""


PROSE = """\
# The first half hour

From fresh stubs to the first green task. All screens are recorded, not written: `python docs/record_first_half_hour.py`
plays this session on a pseudo-terminal, 100 columns wide. What the newcomer writes into the file is only
described, since it is for you to find.

## 1. Where am I?

{}

Nothing is wrong, since nothing has been started: *not started* is neither right nor wrong. One thing is next, and the
last lines say which, where it is, and how to check it alone.

## 2. Guess before you write

{}

The first and the last guess are right. The second is not, and the arithmetic of exactly that case says why. No code is
shown: that is for you to write.

## 3. Watch

In a second terminal, beside the editor:

{}

PyTorch and Lightning were imported once, and stay imported. From now on every save is checked in well under a second.

## 4. Save, and read one thing

The newcomer writes three lines: how far the kernel reaches, how long the padded row is, and how many steps fit. The
first save comes too early; a bracket is open:

{}

With the bracket closed:

{}

What was expected and what came are shown first, then a question that leads on, and the mistake's name. It is
not clear yet, so the newcomer presses `h`:

{}

The kernel has one more position than it makes steps. The newcomer fixes that and saves:

{}

The numbers are right. But the docstring promises more than numbers: a kernel that does not fit must raise an
error. The newcomer reads *Raises* once more, checks the arguments, and saves:

{}

The first task is green, and the next one is named. `q` stops watching:

{}

## 5. What counts as done

{}

The same checks, without a warm process; the exit status is 0 when everything that was checked is green. Hints shown,
guesses and tasks that were green once are kept in `exercises/.progress.json`.
"""


class Terminal:
    """A command on a pseudo-terminal, and what it has written since it was last looked at."""

    def __init__(self, root: Path, *command: str) -> None:
        self.mine, its = pty.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
        environment = {**os.environ, "PYTHONPATH": str(paths.ROOT), "CNN_DATA": str(paths.DATA), "TERM": "xterm"}
        environment.pop("COLUMNS", None)
        self.process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=root, env=environment, stdin=its, stdout=its, stderr=its
        )
        os.close(its)

    def press(self, keys: str) -> None:
        """Type something."""
        os.write(self.mine, keys.encode())

    def until(self, words: str | None) -> str:
        """Return what is written up to some words (a regular expression), or up to the end."""
        seen, deadline = "", time.monotonic() + 300
        while words is None or not re.search(words, seen):
            if time.monotonic() > deadline:
                raise TimeoutError(f"expected {words!r} on the screen, got {seen!r}")
            if select.select([self.mine], [], [], 0.5)[0]:
                try:
                    seen += COLOURS.sub("", os.read(self.mine, 65536).decode()).replace("\r\n", "\n")
                except OSError:  # the command has ended
                    break
        return seen


def block(command: str, screen: str, *, lines: int = 1000) -> str:
    """Return a screen as a block of text, cut in the middle if it is long."""
    rows = [row.rstrip() for row in screen.strip("\n").split("\n")]
    if len(rows) > lines + SHOWN:
        rows = [*rows[:lines], "  ...", *rows[-SHOWN:]]
    head = [f"$ {command}"] if command else []
    return "\n".join(["```text", *head, *rows, "```"])


def run(root: Path, command: str, *, lines: int = 1000, typed: str = "") -> str:
    """Run a command to its end, and return its screen as a block."""
    terminal = Terminal(root, *command.split())
    seen = ""
    for answer in typed.split():
        seen += terminal.until("> $")
        terminal.press(f"{answer}\n")
    return block(command, seen + terminal.until(None), lines=lines)


class Editor:
    """Writes attempts at `output_size` into a stub; all of them are made from the solution."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stub = path.read_text("utf-8")
        solution = (paths.SOLUTIONS / path.name).read_text("utf-8")
        body = solution.split("def output_size(")[1].split("### BEGIN SOLUTION\n")[1].split("    ### END SOLUTION")[0]
        self.right = body.rstrip().split("\n")
        self.plain = [line for line in self.right if re.match(r"    (covered|padded) =|    return", line)]

    def save(self, lines: list[str]) -> None:
        """Put these lines in place of the one that says that nothing is written."""
        raising = f'raise NotImplementedError("{not_written("output_size", "convolution")}")'
        text = self._stub.replace(f"    {TODO}\n    {raising}", "\n".join(lines), 1)
        if text == self._stub:
            raise ValueError(f"{self._path}: expected the stub of output_size, got another text.")
        self._path.write_text(text, "utf-8")


def play(root: Path) -> str:
    """Play the half hour; return the page."""
    editor = Editor(root / "exercises" / "convolution.py")
    plain, last = editor.plain, editor.plain[-1]
    screens = [
        run(root, "pytest exercises/", lines=16),
        run(root, "grader predict output_size --seed 3", typed="7 4 6"),
    ]
    watch = Terminal(root, "grader", "watch")
    screens.append(block("grader watch", watch.until(VERDICT)))
    for lines in ([*plain[:-1], last.replace(")", "", 1)], [*plain[:-1], last.removesuffix(" + 1")]):
        editor.save(lines)
        screens.append(block("", watch.until(VERDICT)))
    watch.press("h")
    screens.append(block("", watch.until(r"try first\.\s")))
    for lines in (plain, editor.right):
        editor.save(lines)
        screens.append(block("", watch.until(VERDICT)))
    watch.press("q")
    screens.append(block("", watch.until(None)))
    screens.append(run(root, "pytest exercises/ -k output_size"))
    return PROSE.format(*screens)


def main() -> None:
    """Record the page."""
    with tempfile.TemporaryDirectory() as folder:
        release_stubs(Path(folder))
        PAGE.write_text(play(Path(folder)), "utf-8")


if __name__ == "__main__":
    main()
