"""Runs a notebook's cells inside the sandbox with IPython's machinery, and keeps what they put out as plain values.

Everything here may be read and changed by the cells that it runs. The limits keep an honest notebook's answers small;
who reads the answers sets limits of its own.
"""

from __future__ import annotations

import base64
import contextlib
import importlib
import io
import os
import sys
from pathlib import Path
from typing import Any

import torch
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config

MAX_TEXT = 20_000
MAX_OUTPUTS = 60
MAX_PICTURE = 2 << 20
CUT = "\n… (cut here)\n"
MIME_TYPES = ["text/plain", "image/png"]
"""What people are shown; HTML and JavaScript of a student's would run in their browser."""

USUAL = (
    "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()",
    "%time 1",
    "1 / 0",
    "(",
    "from PIL import Image\nImage.new('L', (1, 1))",
    "!true",
)
"""Cells that make IPython import what most notebooks make it import."""


class Record:
    """What one cell puts out, in its order."""

    def __init__(self) -> None:
        self.outputs: list[dict[str, Any]] = []
        self._left = MAX_TEXT

    def stream(self, name: str, text: str) -> None:
        """Keep printed text, up to the limit of a cell."""
        if self._left <= 0 or not text:
            return
        kept = text[: self._left]
        self._left -= len(kept)
        if self._left <= 0:
            kept += CUT
        last = self.outputs[-1] if self.outputs else {}
        if last.get("name") == name:
            last["text"] += kept
        else:
            self._add({"kind": "stream", "name": name, "text": kept})

    def data(self, kind: str, bundle: dict[str, Any]) -> None:
        """Keep the text and the picture of a displayed value."""
        output: dict[str, Any] = {"kind": kind, "text": str(bundle.get("text/plain", ""))[:MAX_TEXT]}
        picture = bundle.get("image/png")
        raw = base64.b64decode(picture) if isinstance(picture, str) else picture
        if isinstance(raw, bytes) and 0 < len(raw) <= MAX_PICTURE:
            output["png"] = torch.frombuffer(bytearray(raw), dtype=torch.uint8)
        self._add(output)

    def error(self, name: str, text: str, traceback: str) -> None:
        """Keep an exception."""
        self._add({"kind": "error", "name": name, "text": text[:MAX_TEXT], "traceback": traceback[-MAX_TEXT:]})

    def _add(self, output: dict[str, Any]) -> None:
        if len(self.outputs) < MAX_OUTPUTS:
            self.outputs.append(output)


class _Stream(io.TextIOBase):
    """Takes the place of standard output or error."""

    encoding = "utf-8"

    def __init__(self, name: str) -> None:
        self._name = name
        self.record = Record()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.record.stream(self._name, text)
        return len(text)


class _Hook(DisplayHook):
    """Keeps the value at a cell's end."""

    shell: Shell

    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict: dict[str, Any], md_dict: Any = None) -> None:  # noqa: ARG002 - IPython's
        self.shell.record.data("result", format_dict)


class _Publisher(DisplayPublisher):
    """Keeps what is displayed."""

    def publish(self, data: dict[str, Any], *_args: Any, **_kwargs: Any) -> None:
        self.shell.record.data("display", data)

    def clear_output(self, wait: bool = False) -> None:  # noqa: ARG002 - IPython's signature
        self.shell.record.outputs.clear()


class Shell(InteractiveShell):
    """IPython without a terminal and without a kernel."""

    displayhook_class = Type(_Hook)
    display_pub_class = Type(_Publisher)
    record = Record()

    def enable_gui(self, gui: Any = None) -> None:
        """There is no screen."""

    def system(self, cmd: str) -> None:
        """No programs run here."""
        raise PermissionError(f"{cmd!r} was not run: there are no programs in the sandbox")

    def getoutput(self, cmd: str, split: bool = True, depth: int = 0) -> None:  # noqa: ARG002 - IPython's
        """No programs run here."""
        self.system(cmd)

    def ask_exit(self) -> None:
        """A notebook ends with its last cell."""

    def _showtraceback(self, etype: type[BaseException], evalue: BaseException, stb: list[str]) -> None:
        self.record.error(etype.__name__, str(evalue), "\n".join(stb))


class Cells:
    """A notebook's namespace; pictures are kept as a notebook would show them.

    Args:
        workspace: the folder that the cells can import from.
    """

    def __init__(self, workspace: Path) -> None:
        sys.path.append(str(workspace))
        config = Config()
        config.HistoryManager.enabled = False
        config.InteractiveShell.colors = "nocolor"
        self._shell = Shell.instance(config=config)
        assert self._shell.display_formatter is not None, "a shell is made with one"
        self._shell.display_formatter.active_types = MIME_TYPES
        self._shell.enable_matplotlib("inline")  # type: ignore[no-untyped-call]
        self._out, self._err = _Stream("stdout"), _Stream("stderr")

    def run(self, source: str) -> list[dict[str, Any]]:
        """Run one cell and return what it put out."""
        record = self._shell.record = self._out.record = self._err.record = Record()
        before = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = self._out, self._err
        try:
            self._shell.run_cell(source, store_history=True)  # type: ignore[no-untyped-call]
        finally:
            sys.stdout, sys.stderr = before
        return record.outputs


def prepare() -> None:
    """Import ahead of time what cells make IPython import; a child finds out, so that no shell is left here."""
    known, (reading, writing) = set(sys.modules), os.pipe()
    child = os.fork()
    if child == 0:
        try:
            cells = Cells(Path.cwd())
            for source in USUAL:
                cells.run(source)
            os.write(writing, " ".join(set(sys.modules) - known).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as found:
        for name in sorted(found.read().split()):
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
    os.waitpid(child, 0)
