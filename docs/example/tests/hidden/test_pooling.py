"""Hidden checks of pooling, against PyTorch's own."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from grader.checking import core, detail
from grader.checking.assertions import Diagnosis, assert_close, assert_raises, fail_check
from grader.checking.inputs import Rng
from grader.checking.student import Student


def assert_pools(student: Student, image: Tensor, *args: int, **kwargs: int) -> None:
    assert_close(
        student.call("max_pool2d", image, *args, **kwargs),
        F.max_pool2d(image, *args, **kwargs),
        "max_pool2d",
        diagnose=Diagnosis("max_pool2d", (image, *args), kwargs),
    )


def assert_averages(student: Student, maps: Tensor) -> None:
    assert_close(
        student.call("global_average_pool", maps),
        maps.mean(dim=(2, 3)),
        "global_average_pool",
        diagnose=Diagnosis("global_average_pool", (maps,), {}),
    )


def assert_input_kept(student: Student, function: str, *args: object) -> None:
    kept = student.observe(function, *args).args_after[0]
    if not isinstance(kept, Tensor) or not torch.equal(kept, args[0]):
        fail_check(f"{function}: its input is changed by the call. Where is the result written to?")


@core("max_pool2d", "keeps the largest of each window")
def test_max_pool2d_keeps_the_largest(student: Student, rng: Rng) -> None:
    assert_pools(student, rng.floats(2, 3, 8, 12), 2)


@core("max_pool2d", "makes no step that would leave the image")
def test_max_pool2d_makes_no_step_out(student: Student, rng: Rng) -> None:
    assert_pools(student, rng.floats(2, 3, 11, 7), 3)


@detail("max_pool2d", "moves by the stride, where one is given")
def test_max_pool2d_moves_by_the_stride(student: Student, rng: Rng) -> None:
    assert_pools(student, rng.floats(2, 5, 11, 13), 2, stride=3)
    assert_pools(student, rng.floats(2, 5, 11, 13), 3, stride=1)


@detail("max_pool2d", "takes images below zero")
def test_max_pool2d_takes_negative_images(student: Student, rng: Rng) -> None:
    assert_pools(student, -rng.floats(2, 3, 7, 11).abs() - 1, 2)


@detail("max_pool2d", "keeps float64")
def test_max_pool2d_keeps_float64(student: Student, rng: Rng) -> None:
    assert_pools(student, rng.floats(2, 3, 7, 11, dtype=torch.float64), 2)


@detail("max_pool2d", "leaves its input as it was")
def test_max_pool2d_leaves_its_input(student: Student, rng: Rng) -> None:
    assert_input_kept(student, "max_pool2d", rng.floats(2, 3, 7, 11), 2)


@detail("max_pool2d", "refuses {what}")
@pytest.mark.parametrize(
    ("what", "shape", "kernel_size", "stride"),
    [
        ("a window that is too large", (1, 1, 5, 7), 6, 1),
        ("a window of size 0", (1, 1, 5, 7), 0, 1),
        ("stride 0", (1, 1, 5, 7), 2, 0),
        ("an image without a batch", (1, 5, 7), 2, 2),
    ],
    ids=range(4),
)
def test_max_pool2d_refuses(
    student: Student, rng: Rng, what: str, shape: tuple[int, ...], kernel_size: int, stride: int
) -> None:
    assert_raises(student, ("ValueError",), "max_pool2d", rng.floats(*shape), kernel_size, stride)


@detail("max_pool2d", "refuses whole numbers")
def test_max_pool2d_refuses_whole_numbers(student: Student, rng: Rng) -> None:
    assert_raises(student, ("TypeError", "ValueError"), "max_pool2d", rng.bytes_(1, 1, 5, 7), 2)


@core("global_average_pool", "averages each channel of each image")
def test_global_average_pool_averages(student: Student, rng: Rng) -> None:
    assert_averages(student, rng.floats(2, 5, 7, 11) + 1)


@detail("global_average_pool", "keeps float64")
def test_global_average_pool_keeps_float64(student: Student, rng: Rng) -> None:
    assert_averages(student, rng.floats(3, 2, 5, 7, dtype=torch.float64))


@detail("global_average_pool", "refuses maps without a batch")
def test_global_average_pool_refuses(student: Student, rng: Rng) -> None:
    assert_raises(student, ("ValueError",), "global_average_pool", rng.floats(5, 7, 11))
