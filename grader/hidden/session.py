"""One submission's code for one task: a fresh worker, replaced when it dies, with failures in words for students."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from grader.checks.failures import StudentFailure, StudentRaised
from grader.checks.student import Observation
from grader.course import Task, course
from grader.hidden.mistakes import Diagnosis
from grader.intake import Snapshot
from grader.intake.box import boxed
from grader.intake.definitions import only_definitions
from grader.paths import EXERCISES
from grader.sandbox import wire
from grader.sandbox.client import Worker, WorkerEnded, WorkerTimedOut
from grader.sandbox.limits import Limits, Pace
from grader.sandbox.pool import WorkerPool
from grader.text import clean, for_students

DEFINING_SECONDS = 20
"""Limit of processor time for finding out which parts of a submission only demonstrate."""


@dataclass(frozen=True)
class Code:
    """The parts of a submission that a worker gets.

    Attributes:
        files: paths inside the workspace and their bytes: the modules, and the kit's own files beside them.
        stubs: hashes of the bodies of the stub's symbols, by module and symbol.
        broken: why a module cannot be read, by module.
        states: what the first worker of each module found its symbols to be, "stub", "written" or "missing", by module
            and symbol. A worker reads the source before it runs any of it, so that later ones need not read it again.
        uses: names that each symbol's text mentions, by symbol; found at the same time.
    """

    files: Mapping[str, bytes]
    stubs: Mapping[str, Mapping[str, str]]
    broken: Mapping[str, str]
    states: dict[str, dict[str, str]] = field(default_factory=dict)
    uses: dict[str, frozenset[str]] = field(default_factory=dict)

    def without_demonstrations(self) -> Code:
        """Return the same with modules reduced to the definitions of their tasks' functions, and what those need.

        If that cannot be found out within the limits of reading a submission, nothing is left out.
        """
        modules = {Path(name).stem: name for name in self.files}
        found = boxed(lambda: _definitions(self.files), EXERCISES, cpu_seconds=DEFINING_SECONDS)
        return replace(self, files={**self.files, **{modules[one]: text for one, text in found.modules.items()}})


class TaskSession:
    """Implements ``student.Session`` with workers of the sandbox.

    Args:
        pool: this checker's workers.
        limits: of the task's worker.
        code: the submission.
        task: the task whose checks will run.

    Attributes:
        pace: how long it took so far.
        disturbed: whether an answer was waited for in vain while the worker hardly got a processor, or the worker was
            killed, which may have been somebody else on this machine.
    """

    def __init__(self, pool: WorkerPool, limits: Limits, code: Code, task: Task) -> None:
        self._pool = pool
        self._limits = limits
        self._code = code
        self._task = task
        self._worker: Worker | None = None
        self._answers = 0
        self.pace = Pace()
        self.disturbed = False
        self.data_root: Path = pool.place.data_inside

    def is_started(self) -> bool:
        """Return whether the student has written anything for the task.

        Raises:
            StudentFailure: if the module is missing, does not parse or does not import, or lacks the task's names.
        """
        module = self._task.module
        if module in self._code.broken:
            raise StudentFailure("crashed", self._code.broken[module])
        if f"exercises/{module}.py" not in self._code.files:
            raise StudentFailure("missing", f"{self._task.id}: expected the file {module}.py, found none. Submit it?")
        worker, states = self._load()
        if all(state == "stub" for state in states.values()):
            return False
        try:
            self._import(worker)
        except StudentRaised as error:
            if not self._task.by_hand or not error.ops:
                raise
            # Only work by hand may run from the first line on, so that no code can prepare a way around it.
            self._import_without_demonstrations()
        return True

    def _import_without_demonstrations(self) -> None:
        self.close()
        self._code = self._code.without_demonstrations()
        self._ready_worker()

    @property
    def uses(self) -> frozenset[str]:
        """Names used in the source of the task's functions."""
        return frozenset[str]().union(*(self._code.uses.get(symbol, ()) for symbol in self._task.symbols))

    def call(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Observation:
        """Call a function of the student's module; see ``Student.observe``."""
        body = self._ask("call", {"function": function, "args": args, "kwargs": kwargs})
        return _observation(body)

    def probe(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call one of our probes beside the student's module; see ``Student.probe``."""
        return _value(self._ask("probe", {"name": name, "args": args, "kwargs": kwargs}))

    def in_clean_worker(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call one of our functions in a worker without student code; see ``Student.in_clean_worker``."""
        worker = self._pool.take(self._limits)
        try:
            body = {"name": name, "args": args, "kwargs": kwargs}
            return _value(self._exchange(worker, "in_clean_worker", body, self._limits.call_seconds))
        finally:
            self._pool.retire(worker)

    def diagnosis(
        self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any], right: Callable[..., Any]
    ) -> Diagnosis:
        """Return what names the mistake behind a wrong answer to a call; see ``Student.diagnosis``."""
        return Diagnosis(function, args, kwargs, right)

    @contextlib.contextmanager
    def off_the_record(self, seconds: float) -> Iterator[None]:
        """Make calls that do not belong to the checks: they do not affect the checks' times or endings.

        Args:
            seconds: the limit for each answer meanwhile.

        Raises:
            StudentFailure: if no worker is left.
        """
        if self._worker is None:
            raise StudentFailure("crashed", f"{self._task.id}: no process is left to ask.")
        before = self._limits, self.pace, self.disturbed
        self._limits = replace(self._limits, load_seconds=seconds, call_seconds=seconds)
        try:
            yield
        finally:
            self._limits, self.pace, self.disturbed = before

    def close(self) -> None:
        """End the worker."""
        if self._worker is not None:
            self._pool.retire(self._worker)
            self._worker = None

    def _ready_worker(self) -> Worker:
        if self._worker is None:
            worker, _ = self._load()
            self._import(worker)
        assert self._worker is not None, "loading leaves a worker or raises"
        return self._worker

    def _load(self) -> tuple[Worker, dict[str, str]]:
        worker = self._worker = self._pool.take(self._limits)
        task, code = self._task, self._code
        body = {
            "files": {name: _as_tensor(content) for name, content in code.files.items()},
            "module": task.module,
            "stubs": {} if task.module in code.states else dict(code.stubs[task.module]),
            "watch": task.watched,
            "by_hand": task.by_hand,
            "seed": 20_260,
        }
        reply = self._exchange(worker, "load", body, self._limits.load_seconds)
        if body["stubs"]:
            states = reply.get("states")
            if not isinstance(states, dict) or states.keys() != code.stubs[task.module].keys():
                raise _nonsense("the states of the module's functions")
            code.states[task.module] = states
            code.uses.update(_names(reply.get("uses"), states))
        return worker, {symbol: code.states[task.module][symbol] for symbol in task.symbols}

    def _import(self, worker: Worker) -> None:
        names = list(dict.fromkeys(symbol.partition(".")[0] for symbol in self._task.symbols))
        body = {"module": self._task.module, "names": names}
        reply = self._exchange(worker, "import", body, self._limits.load_seconds)
        missing = reply.get("missing")
        if not isinstance(missing, list):
            raise _nonsense("the names of the module")
        if missing:
            raise StudentFailure(
                "missing", f"{self._task.module}.py: expected {', '.join(names)}, got no {clean(str(missing[0]))}."
            )

    def _ask(self, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        worker = self._ready_worker()
        return self._exchange(worker, kind, body, self._limits.call_seconds)

    def _exchange(self, worker: Worker, kind: str, body: dict[str, Any], seconds: float) -> dict[str, Any]:
        started, remaining = time.monotonic(), max(0.0, self._limits.task_seconds - self.pace.task)
        try:
            reply = worker.ask(kind, body, min(seconds, remaining))
        except WorkerTimedOut as error:
            self.disturbed |= error.starved
            self._give_up(worker)
            raise self._too_slow(seconds, remaining) from None
        except WorkerEnded as error:
            self.disturbed |= error.killed
            self._give_up(worker)
            raise StudentFailure(
                "out_of_memory" if error.out_of_memory else "crashed",
                f"{self._task.id}: expected an answer, but the process {error.reason}. What ends it?",
            ) from None
        except wire.WireError:
            self._give_up(worker)
            raise _nonsense("a value") from None
        finally:
            self.pace = self.pace.after(kind, time.monotonic() - started)
        if reply.kind == "raised":
            raise _raised(self._task.id, reply.body)
        self._answers += kind in ("call", "probe")
        return dict(reply.body)

    def _give_up(self, worker: Worker) -> None:
        """Drop a worker that gave no answer; a separate one is retired by its caller, and is not the student's."""
        if worker is self._worker:
            self.close()

    def _too_slow(self, seconds: float, remaining: float) -> StudentFailure:
        expected = f"an answer within {seconds:.0f} s"
        if remaining < seconds:
            expected = f"all answers together within {self._limits.task_seconds:.0f} s"
        remedy = "Does a loop never end?"
        if self._answers:
            remedy = f"{self._answers} before came in time: this one is slow. Which work is done again and again?"
        return StudentFailure("timed_out", f"{self._task.id}: expected {expected}, got none. {remedy}")


def _definitions(files: Mapping[str, bytes]) -> Snapshot:
    """Return the modules that can be read without their demonstrations."""
    modules = {}
    for name, source in files.items():
        module = Path(name).stem
        wanted = [
            symbol.partition(".")[0] for task in course().tasks if task.module == module for symbol in task.symbols
        ]
        with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):  # its import says what is wrong
            if wanted:
                modules[module] = only_definitions(source.decode("utf-8"), wanted).encode("utf-8")
    return Snapshot(modules, None)


def _as_tensor(content: bytes) -> torch.Tensor:
    return torch.frombuffer(bytearray(content), dtype=torch.uint8) if content else torch.empty(0, dtype=torch.uint8)


def _value(body: dict[str, Any]) -> Any:
    if body.keys() != {"value"}:
        raise _nonsense("a value")
    return body["value"]


def _names(uses: Any, symbols: Collection[str]) -> dict[str, frozenset[str]]:
    """Return the names that symbols use; a wrong answer only costs a sentence about a helper."""
    if not isinstance(uses, dict):
        raise _nonsense("the names that functions use")
    lists = {symbol: names for symbol, names in uses.items() if symbol in symbols and isinstance(names, list)}
    return {symbol: frozenset(name for name in names if isinstance(name, str)) for symbol, names in lists.items()}


def _nonsense(expected: str) -> StudentFailure:
    return StudentFailure("protocol", f"expected {expected} from the process that runs your code, got something else.")


def _observation(body: dict[str, Any]) -> Observation:
    after, ops = body.get("args_after"), body.get("ops")
    if "value" not in body or not isinstance(after, tuple) or not isinstance(ops, tuple):
        raise _nonsense("a value")
    return Observation(body["value"], after, tuple(clean(str(op)) for op in ops))


def _raised(where: str, body: dict[str, Any]) -> StudentRaised:
    names, text, place, ops = (body.get(key) for key in ("type_names", "text", "where", "ops"))
    after = body.get("args_after", ())
    if not isinstance(names, list) or not names or not isinstance(text, str):
        raise _nonsense("an exception")
    if not isinstance(place, str) or not isinstance(ops, tuple) or not isinstance(after, tuple):
        raise _nonsense("an exception")
    type_names = tuple(clean(str(name)) for name in names)
    position = f" ({clean(place)})" if place else ""
    out_of_memory = "MemoryError" in type_names or "DefaultCPUAllocator" in text
    return StudentRaised(
        "out_of_memory" if out_of_memory else "crashed",
        f"{where}: {type_names[0]}{position}: {for_students(text)}",
        type_names,
        tuple(clean(str(op)) for op in ops),
        after,
    )
