"""Derives what lets public checks name a mistake: fingerprints of the bank's wrong answers on the public inputs."""

from __future__ import annotations

import inspect
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from grader import paths
from grader.course import course
from grader.files import write_atomically
from grader.hidden.mistakes import Diagnosis, bank, wrong_answer
from grader.paths import FINGERPRINTS
from grader.public.diagnosis import Call, Watched, answer_fingerprint


def derive_fingerprints() -> str:
    """Return the text of the file, from the kit's own public checks, solutions and bank.

    A wrong answer that is right on some input, or that two mistakes give, gets no entry.

    Raises:
        ValueError: if the reference does not pass the public checks.
    """
    found: dict[str, set[tuple[str, str]]] = {}
    for call in public_calls():
        for candidate in bank():
            if call.function in candidate.tasks:
                wrong = wrong_answer(candidate, Diagnosis(call.function, call.args, call.kwargs))
                key = answer_fingerprint(call.inputs, wrong)
                if wrong is not None and key is not None and key != answer_fingerprint(call.inputs, call.answer):
                    found.setdefault(key, set()).add((candidate.name, candidate.says))
    clear = {key: min(said) for key, said in found.items() if len({name for name, _ in said}) == 1}
    mistakes = sorted(set(clear.values()))
    entry = {
        "mistakes": [{"name": name, "says": says} for name, says in mistakes],
        "answers": {key: mistakes.index(said) for key, said in sorted(clear.items())},
    }
    return json.dumps(entry, indent=0) + "\n"


def write_fingerprints(folder: Path) -> bool:
    """Write the file into a folder of exercises; return whether it had another text."""
    path, text = folder / FINGERPRINTS, derive_fingerprints()
    stale = not path.is_file() or path.read_text(encoding="utf-8") != text
    if stale:
        write_atomically(path, text)
    return stale


def fingerprint_problems(folder: Path = paths.EXERCISES) -> list[str]:
    """Return a sentence if the committed file is not what would be derived, or nothing can be."""
    path = folder / FINGERPRINTS
    try:
        if path.is_file() and path.read_text(encoding="utf-8") == derive_fingerprints():
            return []
    except ValueError as error:
        return [str(error)]
    got = "another text" if path.is_file() else "none"
    wanted = "the fingerprints of the bank's wrong answers on the public inputs"
    return [f"exercises/{FINGERPRINTS}: expected {wanted}, got {got}. Run `grader release --stubs --to .`"]


def public_calls() -> Iterator[Call]:
    """Give what the public checks ask of each task that the bank knows, with the reference's answers.

    Raises:
        ValueError: if the reference does not pass.
    """
    known = {task for candidate in bank() for task in candidate.tasks}
    for module in course().modules:
        checks = course().load(f"exercises.test_{module}")
        reference = course().load(f"solutions.{module}")
        for check, values in _cases(checks, known):
            watched = Watched(reference)
            try:
                check(**values, student=watched)
            except Exception as error:
                where = f"exercises/test_{module}.py: {getattr(check, '__name__', check)}"
                got = f"{type(error).__name__}: {error}"
                raise ValueError(f"{where}: expected the reference to pass, got {got}") from error
            yield from (call for call in watched.calls if call.function in known)


def _cases(checks: ModuleType, known: set[str]) -> Iterator[tuple[Callable[..., None], dict[str, Any]]]:
    """Give the checks of known tasks that need nothing but the student, with each set of their parameters."""
    for check in (value for name, value in vars(checks).items() if name.startswith("test_")):
        marks = getattr(check, "pytestmark", [])
        sets = [_values(*mark.args) for mark in marks if mark.name == "parametrize"]
        names = {"student", *(name for values in sets for name in values[0])}
        is_known = any(mark.name == "check" and mark.kwargs["task"] in known for mark in marks)
        if is_known and names == set(inspect.signature(check).parameters):
            for chosen in itertools.product(*sets):
                yield check, {name: value for values in chosen for name, value in values.items()}


def _values(given: str | Sequence[str], rows: Iterable[Any]) -> list[dict[str, Any]]:
    """Return the sets of values of one `parametrize`."""
    names = [name.strip() for name in given.split(",")] if isinstance(given, str) else given
    return [dict(zip(names, row if len(names) > 1 else (row,), strict=True)) for row in rows]
