"""The `student` of a hidden check: looks like a module, and is one round trip to a worker per call."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


class Named(Protocol):
    """A mistake with a name, and a sentence about it."""

    @property
    def name(self) -> str:
        """Return the name, such as ``flipped-kernel``."""

    @property
    def says(self) -> str:
        """Return the symptom, and one question."""


Diagnose = Callable[[object, object], Named | None]
"""Called with a wrong answer and the right one, returns the known mistake that gives exactly this answer, if any."""


@dataclass(frozen=True)
class Observation:
    """An answer, and the call's side effects.

    Attributes:
        value: what the function returned.
        args_after: the positional arguments after the call.
        ops: watched operations that ran, such as ``aten::convolution``.
    """

    value: Any
    args_after: tuple[Any, ...]
    ops: tuple[str, ...]


class Session(Protocol):
    """A worker that holds one submission's code for one task."""

    data_root: Path

    def call(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Observation:
        """Call a function of the student's module."""

    def probe(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call one of our probes beside the student's module."""

    def in_clean_worker(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call one of our functions without any student code."""

    def diagnosis(
        self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any], right: Callable[..., Any]
    ) -> Diagnose:
        """Return a function that names the mistake behind a wrong answer to a call."""


class Student:
    """One submission, as seen by the checks of one task.

    Attributes:
        weights: the submitted artefact, or None.
        data_root: the data folder as the student's code sees it.
        kept: what a check keeps for later checks of the same task.
    """

    def __init__(self, session: Session, weights: bytes | None, kept: dict[str, Any] | None = None) -> None:
        self._session = session
        self.weights = weights
        self.kept = {} if kept is None else kept
        self.data_root = session.data_root

    def __getattr__(self, function: str) -> Callable[..., Any]:
        """Return a function of the student's module: ``student.NAME(...)`` calls it there."""
        if function.startswith("_"):
            raise AttributeError(function)
        return functools.partial(self.call, function)

    def call(self, function: str, *args: Any, **kwargs: Any) -> Any:
        """Return the student's function's answer; if the name is a literal, use ``student.NAME(...)``.

        Raises:
            StudentFailure: if it gives no answer.
        """
        return self._session.call(function, args, kwargs).value

    def diagnosis(self, function: str, right: Callable[..., Any], *args: Any, **kwargs: Any) -> Diagnose:
        """Return a function that names the mistake behind a wrong answer to a call; ``right`` gives right ones."""
        return self._session.diagnosis(function, args, kwargs, right)

    def observe(self, function: str, *args: Any, **kwargs: Any) -> Observation:
        """Return the answer, the arguments after the call, and the watched operations that ran.

        Raises:
            StudentFailure: if the function gives no answer.
        """
        return self._session.call(function, args, kwargs)

    def probe(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Return the values that a probe of the task's module took from the student's objects.

        Raises:
            StudentFailure: if the student's code gives no answer.
        """
        return self._session.probe(name, args, kwargs)

    def in_clean_worker(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Apply one of our functions to a student's values, in a worker that never held student code.

        Raises:
            StudentFailure: if the values give no answer.
        """
        return self._session.in_clean_worker(name, args, kwargs)
