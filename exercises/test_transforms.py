"""Public checks of lesson 2. Run them with `pytest exercises/test_transforms.py`."""

import random
from types import ModuleType

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image
from torch import Tensor

from exercises.datasets import DATA_DIR
from grader.checks import assert_close, assert_equal, assert_true, check, refused

# Three pixels wide, two high; every step is a fifth of 255.
SMALL = Image.frombytes("L", (3, 2), bytes([0, 51, 102, 153, 204, 255]))
# Dark on the left, bright on the right, darker towards the bottom: every flip or shift changes it.
SLOPE = Image.fromarray(np.add.outer(-2 * np.arange(28), 6 * np.arange(28) + 60).astype(np.uint8))


def assert_like_a_tensor_of_fashion_mnist(got: Tensor, where: str) -> None:
    """Check type, shape and dtype of what goes into the network."""
    assert_true(isinstance(got, Tensor), f"{where}: expected a tensor, got {type(got).__name__}.")
    assert_equal(tuple(got.shape), (1, 28, 28), f"{where}, its shape")
    assert_equal(got.dtype, torch.float32, f"{where}, its dtype")


@check("load_random_digit")
def test_load_random_digit_gives_a_digit_and_its_label(student: ModuleType) -> None:
    """A PIL image of 28 x 28 grey levels, and a number from 0 to 9."""
    image, label = student.load_random_digit(DATA_DIR, seed=3)
    assert_true(isinstance(image, Image.Image), f"load_random_digit: expected a PIL image, got {type(image).__name__}.")
    assert_equal((image.mode, image.size), ("L", (28, 28)), "load_random_digit, mode and size")
    assert_true(label in range(10), f"load_random_digit: expected a label from 0 to 9, got {label!r}.")


@check("load_random_digit")
def test_load_random_digit_depends_on_the_seed_alone(student: ModuleType) -> None:
    """The same seed gives the same digit, whatever happened before; other seeds give others."""
    digits = []
    for seed in (1, 1, 2, 3):
        torch.rand(1)
        image, _ = student.load_random_digit(DATA_DIR, seed=seed)
        digits.append(image.tobytes())
    assert_true(digits[0] == digits[1], "load_random_digit: expected one digit for seed 1, got two. Is the seed used?")
    assert_true(len(set(digits)) > 1, "load_random_digit: expected other digits for other seeds, got one for all.")


@check("load_random_digit")
def test_load_random_digit_leaves_the_global_random_state_alone(student: ModuleType) -> None:
    """The next shuffle must not notice, whatever was drawn before."""
    torch.manual_seed(11), random.seed(11), np.random.seed(11)  # noqa: NPY002 - the state to protect
    before = torch.get_rng_state(), random.getstate(), str(np.random.get_state())  # noqa: NPY002
    student.load_random_digit(DATA_DIR, seed=3)
    after = torch.get_rng_state(), random.getstate(), str(np.random.get_state())  # noqa: NPY002
    same = torch.equal(before[0], after[0]) and before[1:] == after[1:]
    question = "Could the function have a generator of its own?"
    assert_true(same, f"load_random_digit: expected the global random state unchanged, got another one. {question}")


@check("show_image")
def test_show_image_names_size_and_mode(student: ModuleType) -> None:
    """40 pixels wide, 20 high, mode L: the title says so."""
    figure = student.show_image(Image.new("L", (40, 20), color=128))
    assert_true(isinstance(figure, Figure), f"show_image: expected a Figure, got {type(figure).__name__}.")
    assert_true(any(axes.images for axes in figure.axes), "show_image: expected axes with the picture, got none.")
    text = " ".join(found.get_text() for found in figure.findobj(Text))
    missing = [word for word in ("40", "20", "L") if word not in text]
    assert_true(not missing, f"show_image: expected width, height and mode in the title, got none of: {missing}.")


@check("image_to_tensor")
def test_image_to_tensor_scales_to_one(student: ModuleType) -> None:
    """0 becomes 0, 255 becomes 1, and a picture of width 3 and height 2 has the shape (1, 2, 3)."""
    expected = torch.tensor([[[0.0, 0.2, 0.4], [0.6, 0.8, 1.0]]])
    hint = "By what must a grey level be divided?"
    assert_close(student.image_to_tensor(SMALL), expected, "image_to_tensor of a picture 3 wide and 2 high", hint)


@check("image_to_tensor")
def test_image_to_tensor_refuses_colour(student: ModuleType) -> None:
    """A picture with three channels is not grey."""
    with refused("image_to_tensor of a picture of mode RGB"):
        student.image_to_tensor(Image.new("RGB", (3, 2)))


@check("tensor_to_image")
@pytest.mark.parametrize("shape", [(2, 3), (1, 2, 3)], ids=["two axes", "three axes"])
def test_tensor_to_image_stretches_the_range(student: ModuleType, shape: tuple[int, ...]) -> None:
    """From -10 to 245 is a range of 255: each number moves up by 10."""
    image = student.tensor_to_image(torch.tensor([-10.0, 0.0, 41.0, 90.0, 235.0, 245.0]).reshape(shape))
    assert_true(isinstance(image, Image.Image), f"tensor_to_image: expected a PIL image, got {type(image).__name__}.")
    assert_equal((image.mode, image.size), ("L", (3, 2)), f"tensor_to_image of a tensor {shape}, mode and size")
    got = list(image.tobytes())
    close = all(abs(pixel - right) <= 1 for pixel, right in zip(got, [0, 10, 51, 100, 245, 255], strict=True))
    question = "Where does the smallest number go, and where the largest?"
    assert_true(close, f"tensor_to_image of -10 0 41 90 235 245: expected 0 10 51 100 245 255, got {got}. {question}")


@check("tensor_to_image")
def test_tensor_to_image_makes_a_constant_black(student: ModuleType) -> None:
    """There is no range to stretch."""
    got = set(student.tensor_to_image(torch.full((2, 3), 7.0)).tobytes())
    assert_equal(
        got, {0}, "tensor_to_image of a tensor of sevens, its grey levels", "What is the largest minus the smallest?"
    )


@check("tensor_to_image")
def test_tensor_to_image_refuses_nan(student: ModuleType) -> None:
    """NaN has no grey level."""
    with refused("tensor_to_image of a tensor with NaN in it"):
        student.tensor_to_image(torch.tensor([[0.0, float("nan")]]))


@check("eval_transform")
@pytest.mark.parametrize(("grey", "expected"), [(0, -0.810), (255, 2.023)], ids=["black", "white"])
def test_eval_transform_normalises(student: ModuleType, grey: int, expected: float) -> None:
    """Black is 0, minus the mean 0.2860, divided by 0.3530; white is 1, treated the same way."""
    got = student.eval_transform()(Image.new("L", (28, 28), color=grey))
    assert_like_a_tensor_of_fashion_mnist(got, "eval_transform of a picture")
    value = got[0, 14, 14].item()
    close = abs(value - expected) < 0.01
    assert_true(
        close, f"eval_transform: expected grey level {grey} to become {expected}, got {value:.3f}. Scaled first?"
    )


@check("eval_transform")
def test_eval_transform_is_the_same_each_time(student: ModuleType) -> None:
    """Nothing is random when a network is measured."""
    transform = student.eval_transform()
    same = all(torch.equal(transform(SLOPE), transform(SLOPE)) for _ in range(20))
    assert_true(same, "eval_transform: expected the same tensor each time, got others. Should it be random?")


@check("train_transform")
def test_train_transform_changes_the_picture_at_random(student: ModuleType) -> None:
    """In a hundred draws there are at least two different ones, all of the same shape."""
    transform = student.train_transform()
    drawn = [transform(SLOPE) for _ in range(100)]
    assert_like_a_tensor_of_fashion_mnist(drawn[0], "train_transform of a picture")
    varied = any(not torch.equal(drawn[0], other) for other in drawn)
    assert_true(varied, "train_transform: expected different tensors from call to call, got 100 equal ones.")


@check("train_transform")
def test_train_transform_normalises_too(student: ModuleType) -> None:
    """Black stays black however it is rotated or moved: the middle of a black picture is -0.810."""
    values = [student.train_transform()(Image.new("L", (28, 28)))[0, 14, 14].item() for _ in range(20)]
    close = sum(abs(value + 0.810) < 0.01 for value in values) >= 10
    assert_true(
        close, f"train_transform of black: expected -0.810 in the middle, got {values[0]:.3f}. Normalised as in eval?"
    )
