"""Public checks of lesson 2. Run them with `pytest exercises/test_encoder.py`."""

from types import ModuleType

import pytest
import torch

from grader.checks import assert_equal, check


@check("encoder_block")
def test_encoder_block_keeps_the_shape(student: ModuleType) -> None:
    """What comes out can go into the next block."""
    got = student.EncoderBlock(6, 2, 10)(torch.zeros(2, 5, 6))
    assert_equal(tuple(got.shape), (2, 5, 6), "EncoderBlock(6, 2, 10), shape of its answer to (2, 5, 6)")


@check("encoder_block")
def test_encoder_block_has_its_parameters(student: ModuleType) -> None:
    """7 * 18 + 7 * 6 + 7 * 10 + 11 * 6 + 2 * 12."""
    got = sum(parameter.numel() for parameter in student.EncoderBlock(6, 2, 10).parameters())
    assert_equal(got, 328, "EncoderBlock(6, 2, 10), number of parameters", "Which layers have a bias?")
