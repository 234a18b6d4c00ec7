"""`grader predict`: cases whose answers agree with PyTorch, arithmetic for each wrong guess, and no code."""

import re
from pathlib import Path
from random import Random

import pytest
import torch
import torch.nn.functional as F
from handout import grader, hand_out
from torch import nn

from grader.course import course
from grader.public.memory import Memory
from grader.student import CannotError
from grader.student.predict import ask_cases, read_shape, shown
from lesson import predictions as cases
from lesson.predictions import Case

SEEDS = range(60)
PREDICTED = {task.id for task in course().tasks if task.predicted}


def drawn(task_id: str) -> list[Case]:
    return [case for seed in SEEDS for case in cases.draw(task_id, 3, Random(seed))]


def numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text)]


def test_there_are_cases_for_each_offered_task() -> None:
    assert set(cases.DRAW) == PREDICTED


def test_lengths_are_those_of_pytorch() -> None:
    for case in drawn("output_size"):
        found = {name: int(value) for name, value in re.findall(r"(stride|padding|dilation) (\d+)", case.question)}
        size, kernel = numbers(case.question)[:2]
        answer = F.conv1d(torch.ones(1, 1, size), torch.ones(1, 1, kernel), **found).shape[-1]
        assert case.answer == (answer,)


def test_shapes_of_maps_are_those_of_pytorch() -> None:
    for case in drawn("conv2d"):
        shapes = [tuple(numbers(group)) for group in re.findall(r"\(([\d, ]+)\)", case.question)]
        images, weight = torch.ones(shapes[0]), torch.ones(shapes[1])
        stride, padding = [*shapes[2:], (1, 1), (0, 0)][:2] if len(shapes) != 3 else (shapes[2], (0, 0))
        assert case.answer == tuple(F.conv2d(images, weight, None, stride, padding).shape)


def test_shapes_of_layers_are_those_of_pytorch() -> None:
    for case in drawn("layer_shapes"):
        first, rest = case.question.removeprefix("input ").split(" through ")
        layers = eval(f"[{rest.split('. ')[0].replace(' - ', ', ')}]", {**vars(nn)})
        assert case.answer == tuple(nn.Sequential(*layers)(torch.ones(tuple(numbers(first)))).shape)


@pytest.mark.parametrize("task_id", sorted(PREDICTED))
def test_the_arithmetic_ends_at_the_answer(task_id: str) -> None:
    for case in drawn(task_id):
        told = numbers(" ".join(case.steps))
        assert all(number in told or number == 1 for number in case.answer)
        assert not re.search(r"//|\*|def |return", " ".join(case.steps))


@pytest.mark.parametrize("text", ["2, 5, 6", "(2, 5, 6)", "[2,5,6]", " 2 5 6 ", "2x5x6", "2 × 5 × 6", "(2, 5, 6,)"])
def test_a_shape_may_be_written_in_any_way(text: str) -> None:
    assert read_shape(text) == (2, 5, 6)


@pytest.mark.parametrize("text", ["", "two", "2, b", "1.5", "99999999999999", "()"])
def test_an_invalid_shape_is_asked_for_again(text: str) -> None:
    assert read_shape(text) is None
    said: list[str] = []
    right = [shown(case.answer) for case in cases.draw("conv2d", 3, Random(1))]
    assert ask_cases("conv2d", [text, *right], said.append, Random(1)) == 3
    assert any("expected whole numbers such as" in line for line in said)


def test_right_guesses_need_no_explanation() -> None:
    said: list[str] = []
    right = [shown(case.answer) for case in cases.draw("conv2d", 3, Random(1))]
    assert ask_cases("conv2d", right, said.append, Random(1)) == 3
    assert said.count("  Right.") == 3
    assert "It is" not in " ".join(said)


def test_a_wrong_guess_is_explained_with_its_own_numbers() -> None:
    said: list[str] = []
    drawn_cases = cases.draw("output_size", 3, Random(1))
    assert ask_cases("output_size", ["99"] * 3, said.append, Random(1)) == 0
    for case in drawn_cases:
        assert f"  It is {case.answer[0]}, not 99:" in said
        assert all(f"    {step}" in said for step in case.steps)


def test_answers_that_end_early_are_reported() -> None:
    with pytest.raises(CannotError):
        ask_cases("conv2d", ["1"], print, Random(1))


def test_the_verb_reads_lines_and_remembers(tmp_path: Path) -> None:
    folder = hand_out(tmp_path)
    right = [shown(case.answer) for case in cases.draw("layer_shapes", 3, Random(5))]
    done = grader(tmp_path, "predict", "layer_shapes", "--seed", "5", typed="\n".join([*right[:2], "7"]))
    assert done.returncode == 0
    assert "2 of 3 right" in done.stdout
    assert Memory.load(folder).predictions == {"layer_shapes": {"right": 2, "asked": 3}}


def test_the_verb_without_answers_fails(tmp_path: Path) -> None:
    folder = hand_out(tmp_path)
    done = grader(tmp_path, "predict", "conv2d", typed="")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert Memory.load(folder).predictions == {}


def test_other_tasks_have_nothing_to_guess(tmp_path: Path) -> None:
    hand_out(tmp_path)
    done = grader(tmp_path, "predict", "convolve")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
