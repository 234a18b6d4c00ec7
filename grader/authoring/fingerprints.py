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
from grader.checking.mistakes import Diagnosis, bank, wrong_answer
from grader.course import course
from grader.files import write_atomically
from grader.paths import FINGERPRINTS
from grader.public.diagnosis import answer_fingerprint, fingerprint


class Recorder(ModuleType):
    """Stands in for a student's module in a public check: answers as the reference does, and keeps the arguments."""

    def __init__(self, reference: ModuleType) -> None:
        super().__init__(reference.__name__)
        self.diagnoses: list[tuple[Diagnosis, Any]] = []
        self._reference = reference

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._reference, name)

        def recorded(*args: Any, **kwargs: Any) -> Any:
            answer = function(*args, **kwargs)
            self.diagnoses.append((Diagnosis(name, args, kwargs), answer))
            return answer

        return recorded


def derive_fingerprints() -> str:
    """Return the text of the file, from the kit's own public checks, solutions and bank.

    A wrong answer that is right on some input, or that two mistakes give, gets no entry.

    Raises:
        ValueError: if the reference does not pass the public checks.
    """
    found: dict[str, set[tuple[str, str]]] = {}
    for diagnosis, right in public_inputs():
        inputs = fingerprint(diagnosis.task, diagnosis.args, diagnosis.kwargs)
        for candidate in bank():
            if diagnosis.task in candidate.tasks:
                wrong = wrong_answer(candidate, diagnosis)
                key = answer_fingerprint(inputs, wrong)
                if wrong is not None and key is not None and key != answer_fingerprint(inputs, right):
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


def public_inputs() -> Iterator[tuple[Diagnosis, Any]]:
    """Give what the public checks ask of each task that the bank knows, with the reference's answers.

    Raises:
        ValueError: if the reference does not pass.
    """
    known = {task for candidate in bank() for task in candidate.tasks}
    for module in course().modules:
        checks = course().load(f"exercises.test_{module}")
        reference = course().load(f"solutions.{module}")
        for check, values in _cases(checks, known):
            recorder = Recorder(reference)
            try:
                check(**values, student=recorder)
            except Exception as error:
                where = f"exercises/test_{module}.py: {getattr(check, '__name__', check)}"
                got = f"{type(error).__name__}: {error}"
                raise ValueError(f"{where}: expected the reference to pass, got {got}") from error
            yield from (found for found in recorder.diagnoses if found[0].task in known)


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
