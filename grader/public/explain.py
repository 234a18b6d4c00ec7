"""Turns a failure of a public check into a sentence for the student."""

import builtins
import difflib
import importlib
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest

from grader.checks.drawing import EDGE
from grader.checks.failures import CheckFailed, NotStarted
from grader.course import Task
from grader.public.diagnosis import Call, Mistake, Watched, known_mistake
from grader.public.progress import Outcome
from grader.stubs import says_not_written

_endless: set[str] = set()
"""Modules whose import timed out: nobody should wait for them twice."""


class BrokenModuleError(Exception):
    """A student's module cannot be imported."""


def load(module: str) -> ModuleType:
    """Import one of the exercise modules.

    Raises:
        BrokenModuleError: with one line that says why it cannot be imported, and where.
    """
    if module in _endless:
        raise BrokenModuleError(f"exercises/{module}.py: importing it takes too long, as above.")
    try:
        return Watched(importlib.import_module(f"exercises.{module}"))
    except SyntaxError as error:
        other = Path(error.filename or "").name
        place = f"line {error.lineno}" if other == f"{module}.py" else f"exercises/{other}, line {error.lineno}"
        raise BrokenModuleError(
            f"exercises/{module}.py cannot be read: {place}: {error.msg} ({type(error).__name__}).{_pointed_at(error)}"
        ) from None
    except pytest.fail.Exception:  # the time limit
        _endless.add(module)
        raise
    except NotImplementedError:  # a stub that is called while the module is imported
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, the student reads it
        place = _place(error, folder())
        raise BrokenModuleError(f"exercises/{module}.py cannot be imported: {_name(error)}{place}") from None


def outcome_of(error: BaseException, task: Task, folder: Path, limit: float, calls: Sequence[Call] = ()) -> Outcome:
    """Return what an exception means for the task whose check it ended.

    Args:
        error: what the check raised.
        task: its task.
        folder: with the student's modules.
        limit: the check's time in seconds.
        calls: of the student's functions in this check.
    """
    text = str(error)
    if isinstance(error, NotStarted) or (isinstance(error, NotImplementedError) and says_not_written(text)):
        return Outcome("unwritten", text, waits_for=getattr(error, "task", ""))
    if isinstance(error, BrokenModuleError):
        return Outcome("failed", text)
    if isinstance(error, pytest.fail.Exception):
        slow = "pytest-timeout" in text
        return Outcome("failed", too_slow(task, limit) if slow else text, slow=slow)
    if isinstance(error, AttributeError) and isinstance(error.obj, ModuleType):
        return Outcome(
            "failed", f"exercises/{task.module}.py: expected {error.name}, got nothing of that name. Did it change?"
        )
    if isinstance(error, AssertionError) and not _place(error, folder):
        return Outcome("failed", _wrong(error, known_mistake(folder, calls)))
    got = f"{_name(error)}{_place(error, folder)}{_meant(error)}"
    return Outcome("failed", f"{task.id}: expected an answer, got {got}")


def _wrong(error: AssertionError, mistake: Mistake | None) -> str:
    """Return the message for a wrong answer: with a known mistake's sentence, or the check's question."""
    if mistake is None:
        return str(error).split("\nassert ", 1)[0]
    said, drawing = (error.shown, error.drawing) if isinstance(error, CheckFailed) else (str(error), "")
    return f"{said} {mistake.says} ({mistake.name})" + f"\n{drawing}".rstrip()


def raised_in(error: BaseException, folder: Path) -> str:
    """Return the innermost function of the student's that an exception came from, methods by their bare names."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).parent == folder]
    own = [frame.name for frame in frames if not Path(frame.filename).name.startswith(("test_", "conftest"))]
    return own[-1] if own else ""


def too_slow(task: Task, limit: float) -> str:
    """Return the message for a check that timed out."""
    return (
        f"{task.id}: expected an answer within {limit:g} seconds, got none, so this check was stopped. "
        "Is there a loop that never ends?"
    )


def _pointed_at(error: SyntaxError) -> str:
    """Return the line that cannot be read, and a caret below the place, as lines that are shown as they are."""
    if not error.text or not error.offset:
        return ""
    line = error.text.rstrip()
    column = min(error.offset, len(line) + 1) - 1 - (len(line) - len(line.lstrip()))
    return f"\n{EDGE}{line.lstrip()}\n{EDGE}{' ' * max(column, 0)}^"


def _meant(error: BaseException) -> str:
    """Return a question about a name that is nearly there, or nothing; Python itself asks it in a traceback only."""
    if not isinstance(error, NameError | AttributeError) or not error.name:
        return ""
    if isinstance(error, AttributeError):
        known = dir(error.obj)
    else:
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)][-1:]
        known = [name for frame in frames for scope in (frame.f_locals, frame.f_globals) for name in scope]
    close = difflib.get_close_matches(error.name, [*known, *dir(builtins)], 1, 0.7)
    return f". Did you mean {close[0]}?" if close else ""


def _name(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def folder() -> Path:
    """Return the folder of the exercises being checked."""
    return Path(importlib.import_module("exercises").__path__[0])


def _place(error: BaseException, folder: Path) -> str:
    """Name the student's last line that the error came through, or nothing."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.parent == folder and not path.name.startswith(("test_", "conftest")):
            return f" (exercises/{path.name}, line {frame.lineno})"
    return ""
