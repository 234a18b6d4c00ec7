"""Hidden checks of pooling, against PyTorch's own."""

import torch
import torch.nn.functional as F
from torch import Tensor

from grader.checking import core, detail, refusal
from grader.checking.assertions import (
    assert_arguments_kept,
    assert_close,
    assert_refused,
    assert_same_again,
    assert_values,
)
from grader.checking.inputs import Rng
from grader.checking.mistakes import Diagnosis
from grader.checking.student import Student


def assert_pools(student: Student, image: Tensor, *args: int, **kwargs: int) -> None:
    got, diagnose = student.call("max_pool2d", image, *args, **kwargs), Diagnosis("max_pool2d", (image, *args), kwargs)
    assert_values(got, F.max_pool2d(image, *args, **kwargs), "max_pool2d", diagnose=diagnose)


def averages(maps: Tensor) -> Tensor:
    return maps.mean(dim=(2, 3))


def assert_averages(student: Student, maps: Tensor) -> None:
    got, diagnose = student.call("global_average_pool", maps), Diagnosis("global_average_pool", (maps,))
    assert_values(got, averages(maps), "global_average_pool", diagnose=diagnose)


@core("max_pool2d", "keeps the largest of each window", weight=3)
def test_max_pool2d_keeps_the_largest(student: Student, rng: Rng) -> None:
    assert_pools(student, rng.floats(2, 3, 8, 8).abs(), 2)
    assert_pools(student, rng.floats(1, 2, 6, 12).abs(), 3)


@detail("max_pool2d", "makes no step that would leave the image")
def test_max_pool2d_makes_no_step_out(student: Student, rng: Rng) -> None:
    assert_pools(student, rng.floats(2, 3, 11, 7).abs(), 3)


@detail("max_pool2d", "moves by the stride, where one is given", weight=2)
def test_max_pool2d_moves_by_the_stride(student: Student, rng: Rng) -> None:
    assert_pools(student, rng.floats(2, 5, 11, 14).abs(), 2, stride=3)
    assert_pools(student, rng.floats(2, 5, 11, 13).abs(), 3, stride=1)


@detail("max_pool2d", "takes images below zero")
def test_max_pool2d_takes_negative_images(student: Student, rng: Rng) -> None:
    assert_pools(student, -rng.floats(2, 3, 4, 10).abs() - 1, 2)


@detail("max_pool2d", "answers in the dtype of its input", weight=0.5)
def test_max_pool2d_keeps_the_dtype(student: Student, rng: Rng) -> None:
    for image in (rng.floats(1, 2, 4, 6).abs(), rng.floats(2, 1, 4, 6, dtype=torch.float64).abs()):
        assert_close(student.call("max_pool2d", image, 2), F.max_pool2d(image, 2), "max_pool2d")


@detail("max_pool2d", "takes images whose rows do not lie side by side in memory", weight=0.5)
def test_max_pool2d_takes_views(student: Student, rng: Rng) -> None:
    assert_pools(student, rng.floats(2, 3, 6, 4).abs().transpose(2, 3), 2)


@detail("max_pool2d", "leaves its input as it was", weight=0.5)
def test_max_pool2d_leaves_its_input(student: Student, rng: Rng) -> None:
    assert_arguments_kept(student, "max_pool2d", rng.floats(2, 3, 2, 4), 2)


@detail("max_pool2d", "answers by its arguments alone, however often it is called", weight=0.5)
def test_max_pool2d_remembers_nothing(student: Student, rng: Rng) -> None:
    calls = [(rng.floats(1, 1, 4, 2).abs(), 2), (rng.floats(1, 1, 4, 2).abs(), 2), (rng.floats(1, 2, 2, 2).abs(), 2)]
    assert_same_again(student, "max_pool2d", calls, F.max_pool2d)


@refusal("max_pool2d", "anything but a floating-point tensor")
def test_max_pool2d_refuses_whole_numbers(student: Student, rng: Rng) -> None:
    assert_refused(student, "max_pool2d", rng.bytes_(1, 1, 5, 7), 2)


@refusal("max_pool2d", "an image without batch and channels")
def test_max_pool2d_refuses_other_axes(student: Student, rng: Rng) -> None:
    assert_refused(student, "max_pool2d", rng.floats(1, 5, 7), 2)


@refusal("max_pool2d", "a window larger than the image")
def test_max_pool2d_refuses_large_windows(student: Student, rng: Rng) -> None:
    assert_refused(student, "max_pool2d", rng.floats(1, 1, 5, 7), 6, 1)


@refusal("max_pool2d", "a size or a stride below 1")
def test_max_pool2d_refuses_small_numbers(student: Student, rng: Rng) -> None:
    assert_refused(student, "max_pool2d", rng.floats(1, 1, 5, 7), 2, 0)
    assert_refused(student, "max_pool2d", rng.floats(1, 1, 5, 7), 0, 1)


@core("global_average_pool", "averages each channel of each image", weight=3)
def test_global_average_pool_averages(student: Student, rng: Rng) -> None:
    assert_averages(student, rng.floats(2, 5, 7, 11) + 1)


@detail("global_average_pool", "keeps both axes of one image with one channel")
def test_global_average_pool_keeps_its_axes(student: Student, rng: Rng) -> None:
    assert_averages(student, rng.floats(1, 1, 5, 3))


@detail("global_average_pool", "answers in the dtype of its input", weight=0.5)
def test_global_average_pool_keeps_the_dtype(student: Student, rng: Rng) -> None:
    for maps in (rng.floats(3, 2, 5, 7), rng.floats(2, 3, 5, 7, dtype=torch.float64)):
        assert_close(student.call("global_average_pool", maps), averages(maps), "global_average_pool")


@detail("global_average_pool", "leaves its input as it was", weight=0.5)
def test_global_average_pool_leaves_its_input(student: Student, rng: Rng) -> None:
    assert_arguments_kept(student, "global_average_pool", rng.floats(2, 3, 2, 4))


@detail("global_average_pool", "answers by its arguments alone, however often it is called", weight=0.5)
def test_global_average_pool_remembers_nothing(student: Student, rng: Rng) -> None:
    calls = [(rng.floats(2, 2, 3, 2),), (rng.floats(2, 2, 3, 2),), (rng.floats(3, 2, 2, 2),)]
    assert_same_again(student, "global_average_pool", calls, averages)


@refusal("global_average_pool", "anything but maps of shape (N, C, H, W)")
def test_global_average_pool_refuses(student: Student, rng: Rng) -> None:
    assert_refused(student, "global_average_pool", rng.floats(2, 5, 7, 11, 3))
