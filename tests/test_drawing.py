"""A wrong answer is drawn beside the right one if both are small."""

import pytest
import torch
from torch import Tensor

from grader.checks.assertions import CheckFailed, assert_close
from grader.checks.drawing import EDGE, MAX_ROWS, draw

RIGHT = torch.tensor([[-1.0, 4, 5], [3, -3, 5]])


def changed(tensor: Tensor, place: tuple[int, ...]) -> Tensor:
    other = tensor.clone()
    other[place] += 7
    return other


def test_both_and_their_difference_are_side_by_side() -> None:
    assert draw(RIGHT, changed(RIGHT, (1, 0)), (1, 0)).split("\n") == [
        "│ expected   got        difference",
        "│ -1  4  5   -1  4  5   . . .",
        "│  3 -3  5   10 -3  5   7 . .",
    ]


def test_the_differing_slice_of_a_batch_is_drawn() -> None:
    batch = torch.stack([torch.stack([RIGHT, 10 * RIGHT]), torch.stack([20 * RIGHT, 30 * RIGHT])])
    wrong = changed(batch, (1, 0, 0, 2))
    assert draw(batch, wrong, (1, 0, 0, 2)) == draw(20 * RIGHT, changed(20 * RIGHT, (0, 2)), (0, 2))


@pytest.mark.parametrize("shape", [(5,), (MAX_ROWS + 1, 2), (2, 30)], ids=["a row", "too high", "too wide"])
def test_only_small_matrices_are_drawn(shape: tuple[int, ...]) -> None:
    right = torch.zeros(shape)
    assert draw(right, changed(right, (0,) * len(shape)), (0,) * len(shape)) == ""


def test_a_failed_check_ends_with_the_drawing() -> None:
    with pytest.raises(CheckFailed) as caught:
        assert_close(changed(RIGHT, (1, 0)), RIGHT, "convolve", "Which pixels?")
    first, *drawing = str(caught.value).split("\n")
    assert first == "convolve, at [1, 0]: expected 3, got 10 (1 of 6 values differ). Which pixels?"
    assert len(drawing) == 3
    assert all(line.startswith(EDGE) for line in drawing)
    assert caught.value.drawing == "\n".join(drawing)


def test_a_wrong_shape_is_reported_without_a_drawing() -> None:
    with pytest.raises(CheckFailed) as caught:
        assert_close(RIGHT[:1], RIGHT, "convolve", "How many positions?")
    assert str(caught.value) == "convolve: expected shape (2, 3), got (1, 3). How many positions?"
