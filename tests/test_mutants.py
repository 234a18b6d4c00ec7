"""Mutants of the reference, and what the kill matrix says of them."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from grader.authoring.answers import Answer
from grader.authoring.matrix import (
    Cell,
    beside,
    idle,
    matrix_problems,
    mutant_answers,
    survivors,
    unused_tasks,
)
from grader.authoring.mutants import mutants
from grader.checking.suites import Check
from grader.curriculum import modules
from grader.paths import SOLUTIONS
from grader.reports.matrix import matrix_page

LESSON = '''
OUTSIDE = 1 + 1


def count(size: int, step: int = 2) -> int:
    """Say 1 + 1."""
    ### BEGIN SOLUTION
    if size < 1 and not step:
        raise ValueError(f"count: {1 + 1}")
    total = min(size, 7, key=abs)
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
        "min(size, 7, key=abs) → min(size, 7)",
        "min(size, 7, key=abs) → min(size, key=abs)",
        "min(size, 7, key=abs) → min(7, size, key=abs)",
        "raise ValueError(f'count: {1 + 1}') → nothing",
    ],
)
def test_a_small_change_is_made(change: str) -> None:
    assert change in changes()


def test_messages_docstrings_signatures_and_what_lies_outside_stay_as_they_are() -> None:
    before = ast.parse(LESSON)
    for mutant in mutants(LESSON, "lesson"):
        after = ast.parse(mutant.source)
        assert ast.dump(after.body[0]) == ast.dump(before.body[0])
        assert ast.dump(after.body[1].args) == ast.dump(before.body[1].args)  # type: ignore[attr-defined]
        assert "Say 1 + 1." in mutant.source
        assert "{1 + 1}" in mutant.source or "raise" in mutant.change or "if size" in mutant.change


def test_every_mutant_differs_from_the_lesson_and_from_all_others() -> None:
    sources = [mutant.source for mutant in mutants(LESSON, "lesson")]
    assert len({*sources, ast.unparse(ast.parse(LESSON))}) == len(sources) + 1


@pytest.mark.parametrize("module", modules())
def test_the_solutions_have_mutants_with_names_of_their_own(module: str) -> None:
    names = [mutant.name for mutant in mutants((SOLUTIONS / f"{module}.py").read_text(encoding="utf-8"), module)]
    assert len(names) >= 40
    assert len(set(names)) == len(names)


CHECKS = [Check("convolve", "is right", "core"), Check("convolve", "is kind", "detail")]
NOTICED = Cell("m.f: 1 → 2", ("convolve",), wrong=False, killed=frozenset({("convolve", "is right")}), lost=True)
ALIVE = Cell("m.f: a [b] → nothing", ("convolve",), wrong=False, killed=frozenset(), lost=False)


@pytest.fixture
def explained(tmp_path: Path) -> Path:
    path = tmp_path / "survivors.toml"
    path.write_text(
        "[[survivor]]\nmutant = 'm.f: a [b] *'\nreason = 'the same'\n"
        "[[idle]]\ncheck = 'convolve: is kind'\nreason = 'for wrong arguments'\n"
    )
    return path


def test_survivors_and_idle_checks_are_found() -> None:
    assert survivors([NOTICED, ALIVE]) == [ALIVE]
    assert idle([NOTICED, ALIVE], CHECKS) == [CHECKS[1]]


def test_what_is_explained_is_no_problem(explained: Path) -> None:
    assert matrix_problems([NOTICED, ALIVE], CHECKS, explained) == []


def test_what_is_not_explained_is_told(tmp_path: Path) -> None:
    (tmp_path / "none.toml").write_text("")
    assert matrix_problems([NOTICED, ALIVE], CHECKS, tmp_path / "none.toml") == [
        "mutant survives: m.f: a [b] → nothing",
        "check kills nothing: convolve: is kind",
    ]


def test_an_explanation_that_nothing_needs_or_that_says_too_much_is_told(explained: Path) -> None:
    explained.write_text(explained.read_text() + "[[survivor]]\nmutant = 'm.f: 1 *'\nreason = 'too wide'\n")
    first, second = matrix_problems([NOTICED, ALIVE], CHECKS, explained)
    assert "expected a survivor for 'm.f: 1 *', got none" in first
    assert "'m.f: 1 → 2' is noticed" in second


def test_a_part_of_the_mutants_leaves_no_explanation_stale(explained: Path) -> None:
    assert len(matrix_problems([], [], explained)) == 2
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
def test_a_mutant_is_asked_about_what_was_changed_and_then_about_what_uses_it(
    symbol: str, own: tuple[str, ...], others: tuple[str, ...] | None, answers: list[Answer]
) -> None:
    mutant = next(answer for answer in answers if f".{symbol}: " in answer.name)
    rest = beside(mutant)
    assert (mutant.tasks, mutant.order.selected) == (own, frozenset(own))
    assert (rest and rest.tasks) == others
    assert rest is None or rest.order.selected == frozenset(others or ())


def test_what_two_goes_found_is_one_cell() -> None:
    other = Cell(ALIVE.name, ("conv2d",), wrong=False, killed=frozenset({("conv2d", "is right")}), lost=True)
    assert ALIVE.joined(other) == replace(other, tasks=("convolve", "conv2d"))
    assert ALIVE.joined(None) == ALIVE


def test_a_task_with_a_check_that_nothing_failed_is_told_unless_it_is_explained(
    explained: Path, tmp_path: Path
) -> None:
    (tmp_path / "none.toml").write_text("")
    assert unused_tasks([NOTICED, ALIVE], CHECKS, tmp_path / "none.toml") == {"convolve"}
    assert unused_tasks([NOTICED, ALIVE], CHECKS, explained) == set()
