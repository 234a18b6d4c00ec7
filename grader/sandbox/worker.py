"""Runs inside the sandbox, beside the student's code: takes requests, answers with values, decides nothing.

Everything here may be read and changed by the code that it runs, so there is nothing here worth reading: no
expected value, no tolerance, no verdict.
"""

from __future__ import annotations

import importlib
import inspect
import random
import socket
import sys
import traceback
from collections.abc import Container
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from grader import bodies
from grader.paths import LESSON
from grader.sandbox import wire
from grader.sandbox.walls import attacks

PACKAGE = "exercises"
MAX_REQUEST_BYTES = 512 << 20


class RequestHandler:
    """Serves the requests of one checker about one task.

    Args:
        channel: carries requests in and replies out.
        workspace: an empty folder of its own, where the submission is laid out.
    """

    def __init__(self, channel: socket.socket, workspace: Path) -> None:
        self._channel = channel
        self._requests = channel.makefile("rb")
        self._workspace = workspace
        self._module: ModuleType | None = None
        self._watch: Any = None
        self._cells: Any = None

    def serve(self) -> None:
        """Answer requests until the checker hangs up."""
        while True:
            try:
                request = wire.decode(self._read, MAX_REQUEST_BYTES, views=True)
            except EOFError:
                return
            for chunk in self._reply(request):
                self._channel.sendall(chunk)

    def _read(self, size: int) -> bytearray:
        buffer = bytearray(size)
        if self._requests.readinto(buffer) < size:
            raise EOFError
        return buffer

    def _reply(self, request: wire.Message) -> list[memoryview]:
        kind, body = self._answer(request)
        try:
            return wire.encode(wire.Message(request.id, kind, body))
        except BaseException as error:  # noqa: BLE001 - an answer that cannot be sent, such as a tensor that does not fit
            return wire.encode(wire.Message(request.id, "raised", self._explain(error)))

    def _answer(self, request: wire.Message) -> tuple[str, Any]:
        try:
            return "value", getattr(self, f"_{request.kind}")(**request.body)
        except BaseException as error:  # noqa: BLE001 - whatever student code raises is an answer
            args_after = {"args_after": request.body["args"]} if request.kind == "call" else {}
            return "raised", {**self._explain(error), **args_after}

    def _load(
        self,
        *,
        files: dict[str, torch.Tensor],
        module: str,
        stubs: dict[str, str],
        watch: bool,
        by_hand: bool,
        seed: int,
    ) -> dict[str, Any]:
        """Lay the submission out and say which of the module's symbols are still the stub's, and which names they use.

        Import comes later.
        """
        self._lay_out(files, seed)
        found, uses = _read(self._workspace / PACKAGE / f"{module}.py", stubs) if stubs else ({}, {})
        states = {name: _state(found.get(name), stub) for name, stub in stubs.items()}
        if watch:
            self._watch = sys.modules[f"{LESSON.name}.by_hand"].Watch(block=by_hand)
            self._watch.install()
        return {"states": states, "uses": uses}

    def _lay_out(self, files: dict[str, torch.Tensor], seed: int) -> None:
        torch.set_num_threads(1)  # other submissions have the other cores, and two threads cost more than twice one
        torch.default_generator.manual_seed(seed)  # torch.manual_seed formats a traceback for the GPU that is not here
        np.random.seed(seed % 2**32)  # noqa: NPY002 - the legacy global state is what student code draws from
        random.seed(seed)
        for name, content in files.items():
            path = self._workspace / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.numpy().tobytes())

    def _import(self, *, module: str, names: list[str]) -> dict[str, Any]:
        """Import the student's module and say which of the names it lacks."""
        sys.path.append(str(self._workspace))
        self._module = importlib.import_module(f"{PACKAGE}.{module}")
        return {"missing": [name for name in names if not hasattr(self._module, name)]}

    def _call(self, *, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        target = getattr(self._module, function)
        _check_signature(function, target, args, kwargs)
        if self._watch is not None:
            self._watch.seen.clear()
        return {"value": target(*args, **kwargs), "args_after": args, "ops": self._ops()}

    def _probe(self, *, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Call one of our functions beside the student's module."""
        assert self._module is not None, "probe: expected the module to be imported first"
        whole = name if "." in name else f"{self._module.__name__.rpartition('.')[2]}.{name}"
        return self._in_clean_worker(name=whole, args=(self._module, *args), kwargs=kwargs)

    def _in_clean_worker(self, *, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Call one of our functions where no student's code was ever loaded."""
        where, _, function = name.rpartition(".")
        ours = importlib.import_module(f"{LESSON.name}.probes.{where}")
        return {"value": getattr(ours, function)(*args, **kwargs)}

    def _open(self, *, files: dict[str, torch.Tensor], seed: int) -> dict[str, Any]:
        """Lay the submission out, and make a namespace for the cells of a notebook."""
        self._lay_out(files, seed)
        self._cells = importlib.import_module("grader.sandbox.shell").Cells(self._workspace)
        return {"value": None}

    def _cell(self, *, source: str) -> dict[str, Any]:
        """Run one cell of the notebook."""
        return {"value": self._cells.run(source)}

    def _ops(self) -> tuple[str, ...]:
        return tuple(self._watch.seen) if self._watch is not None else ()

    def _attempt(self, *, name: str, facts: dict[str, Any]) -> dict[str, Any]:
        """Try one forbidden act, for the preflight."""
        held, seen = attacks.attempt(name, **facts)
        return {"held": held, "seen": seen}

    def _explain(self, error: BaseException) -> dict[str, Any]:
        return {
            "type_names": [cls.__name__ for cls in type(error).__mro__],
            "text": _text(error),
            "where": self._where(error),
            "ops": self._ops(),
        }

    def _where(self, error: BaseException) -> str:
        """Name the last line of the student's own that the exception passed through."""
        if isinstance(error, SyntaxError) and isinstance(error.filename, str):
            return f"{Path(error.filename).name}, line {error.lineno}"
        inside = [
            (Path(frame.f_code.co_filename).name, line)
            for frame, line in traceback.walk_tb(error.__traceback__)
            if frame.f_code.co_filename.startswith(str(self._workspace))
        ]
        return "{}, line {}".format(*inside[-1]) if inside else ""


def _read(path: Path, wanted: Container[str]) -> tuple[dict[str, str], dict[str, list[str]]]:
    try:
        source = path.read_text(encoding="utf-8")
        return bodies.body_hashes(source, wanted), bodies.names_used(source, wanted)
    except SyntaxError as error:
        error.filename = path.name
        raise


def _state(found: str | None, stub: str) -> str:
    if found is None:
        return "missing"
    return "stub" if found == stub else "written"


def _text(error: BaseException) -> str:
    try:
        return str((error.msg or "") if isinstance(error, SyntaxError) else error)[:1000]
    except BaseException:  # noqa: BLE001 - a student's exception may fail to say what it is
        return ""


def _check_signature(function: str, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    try:
        signature = inspect.signature(target)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{function}{signature} cannot be called as the task asks: {error}") from None
