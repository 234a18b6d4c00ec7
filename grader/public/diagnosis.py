"""Names mistakes without knowing any: the hand-out has fingerprints of wrong answers, and no code that makes them."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from grader.paths import FINGERPRINTS

LENGTH = 20
MAX_NUMBERS = 20_000
"""Larger answers are ignored: the inputs of the public checks are small."""


@dataclass(frozen=True)
class Mistake:
    """A known mistake.

    Attributes:
        name: as in results.json, such as ``flipped-kernel``.
        says: the symptom, and one question that leads on.
    """

    name: str
    says: str


@dataclass(frozen=True)
class Call:
    """One call of a function by a public check.

    Attributes:
        function: its name.
        args: by place, as they are after the call.
        kwargs: by name.
        inputs: the fingerprint of the function's name and its arguments, before the call.
        answer: what it returned.
    """

    function: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    inputs: str | None
    answer: Any


class Watched(ModuleType):
    """A module that records the calls of its functions: a student's, or the reference.

    Attributes:
        calls: of its functions, in order, except those that raised.
    """

    def __init__(self, module: ModuleType) -> None:
        super().__init__(module.__name__, module.__doc__)
        self.calls: list[Call] = []
        self._module = module

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._module, name)
        return value if isinstance(value, type) or not callable(value) else self._noted(name, value)

    def _noted(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def noted(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            inputs = fingerprint(name, args, kwargs)
            answer = function(*args, **kwargs)
            self.calls.append(Call(name, args, kwargs, inputs, answer))
            return answer

        return noted


def known_mistake(folder: Path, calls: Iterable[Call]) -> Mistake | None:
    """Return the known mistake that gives one of these answers, or None.

    Args:
        folder: with the student's modules and the fingerprints.
        calls: of one check.
    """
    table = _table(folder / FINGERPRINTS)
    for call in calls:
        found = table.get(answer_fingerprint(call.inputs, call.answer) or "")
        if found is not None:
            return found
    return None


def answer_fingerprint(inputs: str | None, answer: object) -> str | None:
    """Return the fingerprint of an answer to certain inputs, or None if there is none."""
    return fingerprint(inputs, answer) if inputs is not None else None


def fingerprint(*values: object) -> str | None:
    """Return a hash of types, shapes, kinds of dtype and values up to rounding; None if a value has none."""
    try:
        words = json.dumps([_plain(value) for value in values])
    except TypeError:
        return None
    return hashlib.sha256(words.encode()).hexdigest()[:LENGTH]


@functools.cache
def _table(path: Path) -> dict[str, Mistake]:
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
        mistakes = [Mistake(str(one["name"]), str(one["says"])) for one in entry["mistakes"]]
        return {str(key): mistakes[place] for key, place in entry["answers"].items()}
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        return {}  # names help, but are not required


def _plain(value: object) -> Any:
    """Write a value as lists, strings and integers.

    Raises:
        TypeError: if the value has no fingerprint.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return ["float", _rounded(value)]
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return ["dict", *([str(key), _plain(part)] for key, part in value.items())]
    if isinstance(value, Image.Image) and value.mode == "L":
        pixels = torch.frombuffer(bytearray(value.tobytes()), dtype=torch.uint8)
        return _plain(pixels.reshape(value.height, value.width).double())
    if isinstance(value, Tensor) and value.numel() <= MAX_NUMBERS and not value.is_complex():
        numbers = value.detach().double().flatten().tolist()
        return ["tensor", list(value.shape), _kind(value.dtype), [_rounded(number) for number in numbers]]
    raise TypeError(f"fingerprint: expected a plain value, got {type(value).__name__}")


def _kind(dtype: torch.dtype) -> str:
    if dtype.is_floating_point:
        return "float"
    return "bool" if dtype == torch.bool else "int"


def _rounded(number: float) -> int | str:
    """Return thousandths: sums in another order give the same."""
    return round(number * 1000) if abs(number) < 1e12 else str(number)
