"""Hidden checks of attention, heads and positions, against PyTorch's own."""

import torch
import torch.nn.functional as F
from torch import Tensor

from grader.checks import (
    Student,
    assert_agrees,
    assert_arguments_kept,
    assert_close,
    assert_refused,
    assert_same_again,
    assert_values,
    core,
    detail,
    refusal,
)
from grader.hidden.inputs import Rng


def assert_attends(student: Student, *args: Tensor) -> None:
    assert_agrees(student, "attention", F.scaled_dot_product_attention, *args)


@core("attention", "is the mean of the values, weighted by the scaled products")
def test_attention_is_a_weighted_mean(student: Student, rng: Rng) -> None:
    assert_attends(student, rng.floats(5, 7), rng.floats(5, 7), rng.floats(5, 7))


@detail("attention", "takes other numbers of queries, keys and features", weight=2)
def test_attention_takes_other_sizes(student: Student, rng: Rng) -> None:
    assert_attends(student, rng.floats(2, 7), rng.floats(5, 7), rng.floats(5, 3))
    assert_attends(student, rng.floats(1, 7), rng.floats(5, 7), rng.floats(5, 2))


@detail("attention", "takes batches and heads in front", weight=2)
def test_attention_takes_batches(student: Student, rng: Rng) -> None:
    assert_attends(student, rng.floats(2, 3, 5, 7), rng.floats(2, 3, 5, 7), rng.floats(2, 3, 5, 7))


@detail("attention", "gives no weight to what is masked", weight=3)
def test_attention_is_masked(student: Student, rng: Rng) -> None:
    mask = torch.ones(5, 5, dtype=torch.bool).tril()
    mask[4, 2] = False  # no row is all True, so that none is empty for whoever turns the mask round
    assert_attends(student, rng.floats(5, 7), rng.floats(5, 7), rng.floats(5, 7), mask)


@detail("attention", "answers in the dtype of its input")
def test_attention_keeps_float64(student: Student, rng: Rng) -> None:
    x = rng.floats(5, 7, dtype=torch.float64)
    assert_close(student.attention(x, x, x), F.scaled_dot_product_attention(x, x, x), "attention")


@detail("attention", "leaves its arguments as they were")
def test_attention_keeps_its_arguments(student: Student, rng: Rng) -> None:
    assert_arguments_kept(student, "attention", rng.floats(5, 7), rng.floats(5, 7), rng.floats(5, 7))


@detail("attention", "answers each call by its own arguments")
def test_attention_remembers_nothing(student: Student, rng: Rng) -> None:
    calls = [tuple(rng.floats(5, 7) for _ in range(3)) for _ in range(2)]
    assert_same_again(student, "attention", calls, F.scaled_dot_product_attention)


def split(x: Tensor, num_heads: int) -> Tensor:
    return torch.stack(x.chunk(num_heads, dim=-1), dim=1)


def assert_splits(student: Student, x: Tensor, num_heads: int) -> None:
    assert_agrees(student, "split_heads", split, x, num_heads)


@core("split_heads", "cuts the features of each position into heads", weight=2)
def test_split_heads_cuts_features(student: Student, rng: Rng) -> None:
    assert_splits(student, rng.floats(2, 5, 12), 3)


@detail("split_heads", "merge_heads puts them side by side again", weight=2)
def test_merge_heads_is_the_inverse(student: Student, rng: Rng) -> None:
    for x in (rng.floats(2, 5, 12), rng.floats(2, 5, 12)):
        assert_values(student.merge_heads(split(x, 3)), x, "merge_heads")


@detail("split_heads", "works for a single head, and for a single sequence of one position")
def test_split_heads_of_few(student: Student, rng: Rng) -> None:
    assert_splits(student, rng.floats(2, 5, 12), 1)
    assert_splits(student, rng.floats(1, 1, 6), 3)


@detail("split_heads", "answers each call by its own arguments")
def test_split_heads_remembers_nothing(student: Student, rng: Rng) -> None:
    sequences = [rng.floats(2, 5, 12), rng.floats(2, 5, 12)]
    assert_same_again(student, "split_heads", [(x, 3) for x in sequences], split)
    assert_arguments_kept(student, "merge_heads", split(sequences[0], 3))


@detail("split_heads", "merge_heads gives back a single head, and a single sequence of one position")
def test_merge_heads_of_few(student: Student, rng: Rng) -> None:
    for x, heads in ((rng.floats(1, 5, 6), 1), (rng.floats(2, 1, 6), 3)):
        assert_values(student.merge_heads(split(x, heads)), x, "merge_heads")


@detail("split_heads", "takes a sequence that does not lie in one piece")
def test_split_heads_takes_views(student: Student, rng: Rng) -> None:
    assert_splits(student, rng.floats(5, 2, 6).transpose(0, 1), 2)


@refusal("split_heads", "a number of heads that does not divide E")
def test_split_heads_refuses(student: Student, rng: Rng) -> None:
    assert_refused(student, "split_heads", rng.floats(2, 5, 12), 5)
    assert_refused(student, "split_heads", rng.floats(2, 5, 12), 0)


def pattern(length: int, size: int) -> Tensor:
    columns = torch.arange(size, dtype=torch.float64)
    angles = torch.arange(length, dtype=torch.float64)[:, None] / 10000 ** ((columns - columns % 2) / size)
    return torch.where(columns % 2 == 0, angles.sin(), angles.cos()).float()


def assert_positions(student: Student, length: int, size: int) -> None:
    assert_agrees(student, "positions", pattern, length, size, atol=2e-4)


@core("positions", "are sines and cosines of growing wavelengths", weight=2)
def test_positions_are_sines_and_cosines(student: Student, rng: Rng) -> None:
    assert_positions(student, rng.int(5, 9), 2 * rng.int(4, 7))


@detail("positions", "are right for a single position, and for a single pair of columns")
def test_positions_of_few(student: Student) -> None:
    assert_positions(student, 1, 6)
    assert_positions(student, 7, 2)


@detail("positions", "are right far from the start")
def test_positions_far_from_the_start(student: Student, rng: Rng) -> None:
    assert_positions(student, rng.int(150, 200), 2 * rng.int(4, 6))


@detail("positions", "answers each call by its own arguments")
def test_positions_remembers_nothing(student: Student) -> None:
    assert_same_again(student, "positions", [(5, 6), (5, 6), (5, 4)], pattern)


@detail("positions", "come as float32")
def test_positions_are_float32(student: Student) -> None:
    assert_close(student.positions(3, 4), pattern(3, 4), "positions")


@refusal("positions", "an odd size")
def test_positions_refuses_an_odd_size(student: Student) -> None:
    assert_refused(student, "positions", 4, 5)
