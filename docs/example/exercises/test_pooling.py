"""Public checks of lesson 7, worked by hand. Run them with `pytest exercises/test_pooling.py`."""

from types import ModuleType

import pytest
import torch

from grader.public.asserts import assert_tensor, refused

IMAGE = torch.tensor([[1.0, 5.0, 2.0, 2.0, 4.0], [0.0, 3.0, 8.0, 1.0, 9.0], [7.0, 6.0, 0.0, 1.0, 3.0]])[None, None]


@pytest.mark.task("max_pool2d")
def test_max_pool2d_keeps_the_largest_of_each_window(pooling: ModuleType) -> None:
    """Two windows of 2 x 2 fit side by side; the last column and the last row are in none."""
    hint = "Draw the windows into the image: where does the second begin?"
    assert_tensor(
        pooling.max_pool2d(IMAGE, 2), torch.tensor([[[[5.0, 8.0]]]]), "max_pool2d of a 3 x 5 image by 2", hint
    )


@pytest.mark.task("max_pool2d")
def test_max_pool2d_moves_by_the_stride(pooling: ModuleType) -> None:
    """With stride 1 windows overlap."""
    expected = torch.tensor([[[[5.0, 8.0, 8.0, 9.0], [7.0, 8.0, 8.0, 9.0]]]])
    hint = "How far is it from one window to the next?"
    assert_tensor(pooling.max_pool2d(IMAGE, 2, stride=1), expected, "max_pool2d of a 3 x 5 image, stride 1", hint)


@pytest.mark.task("max_pool2d")
def test_max_pool2d_refuses_a_window_that_does_not_fit(pooling: ModuleType) -> None:
    """Four rows do not fit on three."""
    with refused("max_pool2d of a 3 x 5 image by 4", ValueError):
        pooling.max_pool2d(IMAGE, 4)


@pytest.mark.task("global_average_pool")
def test_global_average_pool_gives_a_mean_per_channel(pooling: ModuleType) -> None:
    """Two channels, two numbers."""
    maps = torch.tensor([[[[1.0, 2.0], [3.0, 6.0]], [[0.0, 0.0], [0.0, 8.0]]]])
    hint = "Which axes are averaged, and which stay?"
    assert_tensor(pooling.global_average_pool(maps), torch.tensor([[3.0, 2.0]]), "global_average_pool", hint)
