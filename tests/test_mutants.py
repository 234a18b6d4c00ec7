"""Mutants of the reference, and what the kill matrix says about them."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from grader.authoring.answers import Answer
from grader.authoring.matrix import (
    Cell,
    beside,
    matrix_page,
    matrix_problems,
    mutant_answers,
    never_alone,
    survivors,
)
from grader.authoring.mutants import BEHAVIOURS, mutants
from grader.course import course
from grader.hidden.suites import Check
from grader.paths import SOLUTIONS

LESSON = '''
OUTSIDE = 1 + 1


def told(name: str, value: object) -> None:
    """Is given."""


def count(size: Tensor, step: int = 2) -> Tensor:
    """Say 1 + 1."""
    ### BEGIN SOLUTION
    if size < 1 and not step:
        raise ValueError(f"count: {1 + 1}")
    told("count: size", size)
    total = min(size.round(), 7, key=abs)
    total += 2
    return total // step
    ### END SOLUTION
'''


def changes() -> list[str]:
    return [mutant.change for mutant in mutants(LESSON, "lesson")]


@pytest.mark.parametrize(
    "change",
    [
        "size < 1 → size <= 1",
        "size < 1 and (not step) → size < 1 or not step",
        "not step → step",
        "total // step → total * step",
        "7 → 8",
        "total += 2 → total -= 2",
        "total += 2 → nothing",
        "min(size.round(), 7, key=abs) → min(size.round(), 7)",
        "min(size.round(), 7, key=abs) → min(size.round(), key=abs)",
        "min(size.round(), 7, key=abs) → min(7, size.round(), key=abs)",
        "raise ValueError(f'count: {1 + 1}') → nothing",
        "size.round → size.trunc",
        "ignores step",
        "changes size",
        "adds its answers up",
        "squeezes its answer",
        "returns its argument",
        "remembers its answer to arguments of the same shape",
    ],
)
def test_a_small_change_is_made(change: str) -> None:
    assert change in changes()


def test_messages_docstrings_signatures_and_code_outside_are_not_mutated() -> None:
    before = ast.parse(LESSON)
    for mutant in mutants(LESSON, "lesson"):
        after = ast.parse(mutant.source)
        assert list(map(ast.dump, after.body[:2])) == list(map(ast.dump, before.body[:2]))
        assert ast.dump(after.body[2].args) == ast.dump(before.body[2].args)  # type: ignore[attr-defined]
        assert "Say 1 + 1." in mutant.source
        assert "count: sizex" not in mutant.source
        assert "{1 + 1}" in mutant.source or "raise" in mutant.change or "if size" in mutant.change


def behaving(change: str) -> Any:
    """Return `count` with a wrapper around it."""
    source = next(mutant.source for mutant in mutants(LESSON, "lesson") if mutant.change == change)
    namespace: dict[str, Any] = {"Tensor": torch.Tensor}
    exec(source, namespace)
    return namespace["count"]


def test_wrappers_around_a_function_do_what_they_say() -> None:
    one, five = torch.tensor([1.0]), torch.tensor([5.0])
    right = behaving("7 → 8")
    assert (right(one), right(five), right(five, step=1)) == (1, 3, 7)
    remembering, adding = (behaving(name) for name in list(BEHAVIOURS)[:2])
    assert (remembering(one), remembering(five)) == (1, 1)
    assert (adding(one), adding(five)) == (1, 4)
    assert behaving("ignores step")(five, step=1) == behaving("ignores step")(five, 1) == 3
    behaving("changes size")(one)
    assert one == 2
    assert behaving("returns its argument")(five) is five
    assert behaving("squeezes its answer")(five).shape == ()


def test_every_mutant_differs_from_the_lesson_and_from_all_others() -> None:
    sources = [mutant.source for mutant in mutants(LESSON, "lesson")]
    assert len({*sources, ast.unparse(ast.parse(LESSON))}) == len(sources) + 1


@pytest.mark.parametrize("module", course().modules)
def test_the_mutants_of_the_solutions_have_unique_names(module: str) -> None:
    names = [mutant.name for mutant in mutants((SOLUTIONS / f"{module}.py").read_text(encoding="utf-8"), module)]
    assert len(names) >= 30
    assert len(set(names)) == len(names)


CHECKS = [Check("convolve", "is right", "core"), Check("convolve", "is kind", "detail")]
NOTICED = Cell("m.f: 1 → 2", ("convolve",), wrong=False, killed=frozenset({("convolve", "is right")}), lost=True)
ALIVE = Cell("m.f: a [b] → nothing", ("convolve",), wrong=False, killed=frozenset(), lost=False)


KIND = replace(NOTICED, name="m.f: 3 → 4", killed=frozenset({("convolve", "is kind")}))


@pytest.fixture
def explained(tmp_path: Path) -> Path:
    path = tmp_path / "survivors.toml"
    path.write_text("[[survivor]]\nmutant = 'm.f: a [b] *'\nreason = 'the same'\n")
    return path


def test_survivors_are_found() -> None:
    assert survivors([NOTICED, ALIVE]) == [ALIVE]


def test_checks_that_are_never_alone_are_found() -> None:
    both = replace(NOTICED, killed=NOTICED.killed | KIND.killed)
    assert never_alone([NOTICED, ALIVE], CHECKS) == [CHECKS[1]]
    assert never_alone([both], CHECKS) == [CHECKS[1]]  # a core check need only be alone among core checks
    assert never_alone([both, KIND], CHECKS) == []
    second = Check("convolve", "is right too", "core")
    cores = replace(NOTICED, killed=NOTICED.killed | {("convolve", second.name)})
    assert never_alone([cores, KIND], [*CHECKS, second]) == [CHECKS[0], second]


def test_explained_survivors_are_no_problem(explained: Path) -> None:
    assert matrix_problems([NOTICED, KIND, ALIVE], CHECKS, explained) == []


def test_unexplained_survivors_are_reported(tmp_path: Path) -> None:
    (tmp_path / "none.toml").write_text("")
    assert matrix_problems([NOTICED, ALIVE], CHECKS, tmp_path / "none.toml") == [
        "mutant survives: m.f: a [b] → nothing",
        "no answer fails this check alone: convolve: is kind",
    ]


def test_an_unneeded_or_too_wide_explanation_is_reported(explained: Path) -> None:
    explained.write_text(explained.read_text() + "[[survivor]]\nmutant = 'm.f: 1 *'\nreason = 'too wide'\n")
    first, second = matrix_problems([NOTICED, KIND, ALIVE], CHECKS, explained)
    assert "expected a survivor for 'm.f: 1 *', got none" in first
    assert "'m.f: 1 → 2' is noticed" in second


def test_a_part_of_the_mutants_leaves_no_explanation_stale(explained: Path) -> None:
    assert len(matrix_problems([], [], explained)) == 1
    assert matrix_problems([], [], explained, whole=False) == []


def test_the_page_escapes_and_marks_what_is_noticed() -> None:
    page = matrix_page([NOTICED, Cell("<b>", ("convolve",), wrong=True, killed=frozenset(), lost=True)], CHECKS)
    assert "&lt;b&gt;" in page
    assert page.count('class="hit"') == 1


@pytest.fixture(scope="module")
def answers() -> list[Answer]:
    return mutant_answers()


@pytest.mark.parametrize(
    ("symbol", "own", "others"),
    [
        ("FashionCNN.__init__", ("fashion_cnn",), ("lightning_steps",)),
        ("FashionMNISTDataModule.val_dataloader", ("data_loaders",), ("data_splits",)),
        ("conv2d", ("conv2d",), None),
    ],
)
def test_a_mutant_is_graded_on_what_was_changed_and_then_on_what_uses_it(
    symbol: str, own: tuple[str, ...], others: tuple[str, ...] | None, answers: list[Answer]
) -> None:
    mutant = next(answer for answer in answers if f".{symbol}: " in answer.name)
    rest = beside(mutant)
    assert (mutant.tasks, mutant.order.selected) == (own, frozenset(own))
    assert (rest and rest.tasks) == others
    assert rest is None or rest.order.selected == frozenset(others or ())


def test_the_results_of_two_rounds_are_one_cell() -> None:
    other = Cell(ALIVE.name, ("conv2d",), wrong=False, killed=frozenset({("conv2d", "is right")}), lost=True)
    assert ALIVE.joined(other) == replace(other, tasks=("convolve", "conv2d"))
