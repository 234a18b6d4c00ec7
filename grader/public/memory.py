"""What the kit remembers about a student between runs: hints, predictions, tasks that were green, the last states."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from grader.files import write_atomically

FILE = ".progress.json"
SCHEMA = 1


@dataclass
class Memory:
    """The memory of one folder of exercises.

    Attributes:
        folder: with the student's modules and the memory.
        hints: task id -> how many hints were shown.
        predictions: task id -> how the last guesses went: how many were ``right``, of how many ``asked``.
        passed: task id -> when its public checks were green for the first time, in UTC.
        states: task id -> ``state`` after its public checks ran last, and the ``code`` of its module then.
        remark: what the student should know about the file itself, or nothing.
    """

    folder: Path
    hints: dict[str, int] = field(default_factory=dict)
    predictions: dict[str, dict[str, int]] = field(default_factory=dict)
    passed: dict[str, str] = field(default_factory=dict)
    states: dict[str, dict[str, str]] = field(default_factory=dict)
    remark: str = ""

    @classmethod
    def load(cls, folder: Path) -> Memory:
        """Read the memory; an unreadable file is set aside, and the memory starts over.

        Raises:
            OSError: if the file exists but can be neither read nor set aside.
        """
        path = folder / FILE
        try:
            return cls(folder, **_checked(json.loads(path.read_text(encoding="utf-8"))))
        except FileNotFoundError:
            return cls(folder)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            aside = path.with_name(f"{FILE}.damaged")
            path.replace(aside)
            return cls(folder, remark=f"{FILE} could not be read, so it is now {aside.name}, and a new one begins.")

    def save(self) -> None:
        """Write the memory in one step.

        Raises:
            OSError: if the folder cannot be written to.
        """
        parts = {"hints": self.hints, "predictions": self.predictions, "passed": self.passed, "states": self.states}
        write_atomically(self.folder / FILE, json.dumps({"schema": SCHEMA, **parts}, indent=1) + "\n")

    def note(self, states: Mapping[str, tuple[str, str]]) -> None:
        """Remember how tasks are, and when they were green for the first time; write only if something is new.

        Args:
            states: task id -> its state, and the name of its module.
        """
        codes = {module: code_of(self.folder / f"{module}.py") for _, module in states.values()}
        last = {task_id: {"state": state, "code": codes[module]} for task_id, (state, module) in states.items()}
        now = datetime.now(UTC).isoformat(timespec="seconds")
        green = {task_id: now for task_id, (state, _) in states.items() if state == "green"}
        before = self.states, self.passed
        self.states, self.passed = {**self.states, **last}, {**green, **self.passed}
        if before != (self.states, self.passed):
            self.save()


def code_of(path: Path) -> str:
    """Return a short hash of a file; empty if it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    except OSError:
        return ""


def _checked(entry: Any) -> dict[str, Any]:
    """Return the parts of a memory, each of the right type.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: if it is not one.
    """
    if entry["schema"] != SCHEMA:
        raise ValueError("another schema")
    hints = {str(task): _count(shown) for task, shown in entry["hints"].items()}
    passed = {str(task): str(when) for task, when in entry["passed"].items()}
    guesses = {
        str(task): {name: _count(guess[name]) for name in ("right", "asked")}
        for task, guess in entry["predictions"].items()
    }
    states = {
        str(task): {name: str(last[name]) for name in ("state", "code")}
        for task, last in entry.get("states", {}).items()
    }
    return {"hints": hints, "passed": passed, "predictions": guesses, "states": states}


def _count(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("a count is not a whole number from 0")
    return value
