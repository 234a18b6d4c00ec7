"""Public checks name known mistakes by derived fingerprints that are never stale; right answers get no name."""

import functools
import importlib
import inspect
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from grader import paths
from grader.authoring import fingerprints
from grader.authoring.fingerprints import fingerprint_problems, public_calls, write_fingerprints
from grader.checks.assertions import CheckFailed
from grader.course import course
from grader.hidden.mistakes import Diagnosis, Misconception, bank, by_place, right_answer
from grader.paths import FINGERPRINTS
from grader.public.diagnosis import Call, Watched, answer_fingerprint, fingerprint, known_mistake
from grader.public.explain import outcome_of

VALUE_TASKS = sorted({call.function for call in public_calls()})
BANK = [(task, one) for one in bank() for task in one.tasks if task in VALUE_TASKS]


def test_the_committed_file_is_the_derived_one() -> None:
    assert fingerprint_problems() == []


@pytest.mark.parametrize("text", ["", "{}", None], ids=["empty", "another", "missing"])
def test_a_stale_file_is_a_problem_and_is_written_again(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / FINGERPRINTS).write_text(text)
    assert len(fingerprint_problems(tmp_path)) == 1
    assert write_fingerprints(tmp_path)
    assert fingerprint_problems(tmp_path) == []
    assert not write_fingerprints(tmp_path)


def test_a_reference_that_fails_a_public_check_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    solution = importlib.import_module("solutions.exploration")
    monkeypatch.setattr(solution, "class_counts", lambda labels, num_classes: labels)
    (problem,) = fingerprint_problems()
    assert "exercises/test_exploration.py: test_class_counts" in problem


def test_verify_checks_it(monkeypatch: pytest.MonkeyPatch) -> None:
    verify = importlib.import_module("grader.authoring.verify")
    assert verify.fingerprint_problems is fingerprint_problems
    assert "fingerprint_problems" in inspect.getsource(verify.verify_kit)


def test_the_hand_out_holds_only_hashes_names_and_sentences() -> None:
    entry = json.loads((paths.EXERCISES / FINGERPRINTS).read_text(encoding="utf-8"))
    assert set(entry) == {"mistakes", "answers"}
    said = {(one.name, one.says) for one in bank()}
    assert {(mistake["name"], mistake["says"]) for mistake in entry["mistakes"]} <= said
    assert all(len(key) == 20 and int(key, 16) >= 0 for key in entry["answers"])


def test_a_right_answer_has_no_name() -> None:
    for call in public_calls():
        assert answer_fingerprint(call.inputs, call.answer) is not None
        assert known_mistake(paths.EXERCISES, [call]) is None


class Wrong(ModuleType):
    """A module in which one task has a named wrong answer."""

    def __init__(self, task: str, mistake: Misconception) -> None:
        super().__init__("wrong")

        def function(*args: Any, **kwargs: Any) -> Any:
            return mistake.answer(functools.partial(right_answer, task), *by_place(Diagnosis(task, args, kwargs)))

        setattr(self, task, function)


@functools.cache
def names_given(task: str, mistake: Misconception) -> tuple[str | None, ...]:
    """Run the public checks of a task on a wrong answer, and return the name at each that fails."""
    module = course().task(task).module
    given: list[str | None] = []
    for check, values in fingerprints._cases(importlib.import_module(f"exercises.test_{module}"), {task}):
        watched = Watched(Wrong(task, mistake))
        try:
            check(**values, student=watched)
        except AssertionError:
            found = known_mistake(paths.EXERCISES, watched.calls)
            given.append(found.name if found else None)
        except Exception:  # noqa: BLE001 - a mistake that cannot be made on this input
            continue
    return tuple(given)


@pytest.mark.parametrize(("task", "mistake"), BANK, ids=[f"{task}-{one.answer.__name__}" for task, one in BANK])
def test_a_wrong_answer_gets_its_own_name_or_none(task: str, mistake: Misconception) -> None:
    assert set(names_given(task, mistake)) <= {mistake.name, None}


FRACTIONS = {"integer-output", "truncates-instead-of-rounds"}
"""Mistakes that lose a fraction: the public checks are worked by hand, in integers."""


@pytest.mark.parametrize("name", sorted({one.name for task, one in BANK} - FRACTIONS))
def test_each_name_is_given_somewhere(name: str) -> None:
    assert name in [given for task, one in BANK if one.name == name for given in names_given(task, one)]


def test_an_unknown_wrong_answer_keeps_the_question_of_the_check(tmp_path: Path) -> None:
    error = CheckFailed("convolve: 1 is wrong.", shown="convolve: expected 1, got 2.", asks="Which window?")
    call = Call("convolve", (), {}, fingerprint("convolve"), torch.tensor([[3.0]]))
    told = outcome_of(error, course().task("convolve"), paths.EXERCISES, 30, [call])
    assert told.message == "convolve: expected 1, got 2. Which window?"


def test_a_damaged_file_costs_only_the_names(tmp_path: Path) -> None:
    (tmp_path / FINGERPRINTS).write_text("[]")
    assert known_mistake(tmp_path, [Call("f", (), {}, "x", 1)]) is None


# fingerprints


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (torch.ones(2, 3), torch.ones(3, 2)),
        (torch.ones(2), torch.ones(2).long()),
        (torch.tensor([1.0, 2.0]), torch.tensor([2.0, 1.0])),
        (1, 1.0),
        (1, True),
        ((1, 2), (2, 1)),
        (None, 0),
        (torch.ones(1), 1.0),
    ],
    ids=["shape", "kind", "order", "float", "bool", "tuple", "none", "tensor"],
)
def test_different_answers_have_different_fingerprints(one: object, other: object) -> None:
    assert fingerprint(one) != fingerprint(other)


def test_rounding_and_precision_play_no_part() -> None:
    third = torch.tensor([1.0]) / 3
    assert fingerprint(third) == fingerprint(third.double() + 1e-9)
    assert fingerprint(torch.tensor([-0.0])) == fingerprint(torch.tensor([0.0]))


@pytest.mark.parametrize("value", [object(), {1, 2}, torch.ones(200_000), torch.ones(1).to(torch.complex64)])
def test_incomparable_values_have_no_fingerprint(value: object) -> None:
    assert fingerprint(value) is None


@pytest.mark.parametrize("value", [float("nan"), float("inf"), torch.tensor([float("nan"), float("-inf")]), 1e300])
def test_odd_numbers_have_one(value: object) -> None:
    assert fingerprint(value) is not None


def test_arguments_are_noted_as_they_were_before_the_call() -> None:
    module = ModuleType("student")
    module.clear = lambda image: image.zero_()  # type: ignore[attr-defined]
    watched, image = Watched(module), torch.ones(2)
    watched.clear(image)
    assert watched.calls[0].inputs == fingerprint("clear", (torch.ones(2),), {})
