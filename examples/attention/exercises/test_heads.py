"""Public checks of lesson 1, worked by hand. Run them with `pytest exercises/test_heads.py`."""

import math
from types import ModuleType

import pytest
import torch

from grader.checks import assert_close, check, refused


@check("attention")
def test_attention_of_one_query_is_a_weighted_mean(student: ModuleType) -> None:
    """Scores 0 and ln 3 after the division by the root of 4: weights 1/4 and 3/4."""
    query, key = torch.tensor([[2.0, 0.0, 0.0, 0.0]]), torch.tensor([[0.0] * 4, [math.log(3), 0.0, 0.0, 0.0]])
    got = student.attention(query, key, torch.tensor([[4.0], [8.0]]))
    assert_close(got, torch.tensor([[7.0]]), "attention of one query and two keys", "By what are the products divided?")


@check("attention")
def test_attention_does_not_look_where_it_must_not(student: ModuleType) -> None:
    """What is masked has no weight at all."""
    x = torch.zeros(2, 3)
    got = student.attention(x, x, torch.tensor([[1.0], [5.0]]), torch.tensor([[True, False], [True, True]]))
    hint = "When must a score be taken out: before or after the softmax?"
    assert_close(got, torch.tensor([[1.0], [3.0]]), "attention with a mask", hint)


@check("split_heads")
def test_split_heads_cuts_the_features(student: ModuleType) -> None:
    """Two positions of four features become two heads of two."""
    got = student.split_heads(torch.arange(8.0).view(1, 2, 4), 2)
    expected = torch.tensor([[[[0.0, 1.0], [4.0, 5.0]], [[2.0, 3.0], [6.0, 7.0]]]])
    assert_close(got, expected, "split_heads of shape (1, 2, 4) into 2", "Which numbers stand at one position?")


@check("split_heads")
def test_merge_heads_is_the_way_back(student: ModuleType) -> None:
    """What was cut is put side by side again."""
    cut = torch.tensor([[[[0.0, 1.0], [4.0, 5.0]], [[2.0, 3.0], [6.0, 7.0]]]])
    hint = "Which two axes change places first?"
    assert_close(student.merge_heads(cut), torch.arange(8.0).view(1, 2, 4), "merge_heads", hint)


@check("positions")
def test_positions_are_sines_and_cosines(student: ModuleType) -> None:
    """The first position is 0, 1, 0, 1; the second pair turns 100 times more slowly than the first."""
    expected = torch.tensor([[0.0, 1.0, 0.0, 1.0], [0.841471, 0.540302, 0.010000, 0.999950]])
    assert_close(student.positions(2, 4), expected, "positions(2, 4)", "What is the angle of column 2?")


@check("positions")
def test_positions_refuses_an_odd_size(student: ModuleType) -> None:
    """A sine without its cosine is half a pattern."""
    with refused("positions(2, 3)"):
        student.positions(2, 3)
