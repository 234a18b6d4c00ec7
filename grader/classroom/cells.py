"""Runs the cells of a student's notebook in a worker of the sandbox, and keeps their outputs for people to read.

What comes back is a student's, so it earns nothing: it is cut, cleaned of controls, and limited to text and pictures.
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import torch
from nbformat import NotebookNode
from nbformat.v4 import new_output

from grader.sandbox import wire
from grader.sandbox.client import SandboxBroken, Worker, WorkerEnded, WorkerTimedOut
from grader.sandbox.limits import Limits
from grader.sandbox.pool import WorkerPool
from grader.text import clean, escape, without_places

MAX_OUTPUTS = 60
MAX_TEXT = 20_100
PNG = b"\x89PNG\r\n\x1a\n"
SEED = 20_260
ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


class CellRunner:
    """One notebook's cells, run one after the other in one worker; a context manager.

    Args:
        pool: gives the worker.
        limits: ``call_seconds`` is for one cell, ``task_seconds`` for all of them together.
        files: what the cells can import, by path.
    """

    def __init__(self, pool: WorkerPool, limits: Limits, files: Mapping[str, bytes]) -> None:
        self._pool = pool
        self._limits = limits
        self._files = files
        self._worker: Worker | None = None
        self._left = limits.task_seconds
        self._why_ended = ""

    def __enter__(self) -> Self:
        self._worker = self._pool.take(self._limits)
        files = {
            name: torch.frombuffer(bytearray(data or b"\n"), dtype=torch.uint8) for name, data in self._files.items()
        }
        found = self._ask("open", {"files": files, "seed": SEED}, self._limits.load_seconds, "no answer in time")
        if found or self._worker is None:  # no student code has run yet
            trouble = self._why_ended or clean(repr(found))
            self._end()
            raise SandboxBroken(f"sandbox: expected a namespace for a notebook's cells, got: {trouble}")
        self._left = self._limits.task_seconds
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._end()

    def run(self, source: str) -> list[NotebookNode]:
        """Run one cell.

        Returns:
            Its outputs. If the process ends or takes too long, the last is an error; a cell after that is not run.
        """
        if self._worker is None:
            return [new_output("stream", name="stdout", text=f"(not run: {self._why_ended})\n")]
        seconds = self._limits.call_seconds
        late = f"a cell took longer than {seconds:.0f} s"
        if self._left < seconds:
            seconds = self._left
            late = f"the cells of this notebook took longer than {self._limits.task_seconds:.0f} s together"
        found = self._ask("cell", {"source": source[: wire.MAX_TEXT]}, seconds, late)
        if self._worker is None:
            return [_error("CellEnded", self._why_ended)]
        return outputs(found)

    def _ask(self, kind: str, body: dict[str, Any], seconds: float, late: str) -> Any:
        """Return what the worker answers; without an answer the worker is ended, and it is kept why, be it late."""
        assert self._worker is not None, "asked only while there is a worker"
        started = time.monotonic()
        try:
            reply = self._worker.ask(kind, body, seconds)
        except WorkerTimedOut:
            self._end(late)
        except WorkerEnded as error:
            self._end(f"the process of this notebook {error.reason}")
        except wire.WireError:
            self._end("the process of this notebook answered nonsense")
        else:
            return reply.body.get("value") if reply.kind == "value" else [_error_of(reply.body)]
        finally:
            self._left = max(0.0, self._left - (time.monotonic() - started))
        return None

    def _end(self, why: str = "") -> None:
        if self._worker is not None:
            self._pool.retire(self._worker)
            self._worker = None
            self._why_ended = why


def outputs(found: Any) -> list[NotebookNode]:
    """Return what a worker says that a cell put out, as a notebook's outputs; anything else is left out."""
    described = found if isinstance(found, list) else []
    made = (_output(one) for one in described[:MAX_OUTPUTS] if isinstance(one, dict))
    return [output for output in made if output is not None]


def _output(one: dict[Any, Any]) -> Any:
    kind, text = one.get("kind"), readable(one.get("text"))
    if kind == "stream":
        return new_output("stream", name="stderr" if one.get("name") == "stderr" else "stdout", text=text)
    if kind == "error":
        return _error(readable(one.get("name"))[:100], text, readable(one.get("traceback")))
    data = {"text/plain": text}
    picture = one.get("png")
    if isinstance(picture, torch.Tensor) and picture.dtype == torch.uint8:
        raw = picture.numpy().tobytes()
        if raw.startswith(PNG):
            data["image/png"] = base64.b64encode(raw).decode("ascii")
    if kind == "result":
        return new_output("execute_result", data=data, execution_count=None)
    return new_output("display_data", data=data) if kind == "display" else None


def _error(name: str, text: str, traceback: str = "") -> Any:
    return new_output("error", ename=name, evalue=text, traceback=(traceback or f"{name}: {text}").split("\n"))


def _error_of(body: Mapping[str, Any]) -> dict[str, Any]:
    names = body.get("type_names")
    name = names[0] if isinstance(names, list) and names else "Error"
    return {"kind": "error", "name": str(name), "text": body.get("text")}


def readable(text: Any) -> str:
    """Return printed text as a terminal leaves it: no colours, overwritten lines gone; other controls are escaped."""
    if not isinstance(text, str):
        return ""
    lines = without_places(ANSI.sub("", text[:MAX_TEXT])).replace("\r\n", "\n").split("\n")
    shown = (line.rstrip("\r").rpartition("\r")[2] for line in lines)
    return "\n".join("\t".join(map(escape, line.split("\t"))) for line in shown)
