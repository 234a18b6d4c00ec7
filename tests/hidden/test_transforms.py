"""Hidden checks of the way from a picture to a tensor and back."""

import re
from functools import cache
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from grader.checking import core, detail, oracle
from grader.checking.assertions import Diagnosis, assert_close, assert_refused, describe, fail_check, name_mistake
from grader.checking.inputs import Rng
from grader.checking.student import Student

MEAN, STD = 0.2860, 0.3530


def picture(pixels: Tensor) -> Image.Image:
    return Image.frombytes("L", (pixels.shape[1], pixels.shape[0]), pixels.contiguous().numpy().tobytes())


def pixels_of(image: Image.Image) -> Tensor:
    return torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).reshape(image.height, image.width)


def drawn(student: Student, seeds: list[int | None], **options: Any) -> Any:
    facts = student.probe("load_digits", student.data_root, seeds, **options)
    for pair in facts["drawn"]:
        if pair is None:
            fail_check("load_random_digit: expected an image and its label, got None.", "returns-none")
        if not isinstance(pair, tuple | list) or len(pair) != 2 or not isinstance(pair[0], Image.Image):
            shown = ", ".join(map(describe, pair)) if isinstance(pair, tuple | list) else describe(pair)
            fail_check(f"load_random_digit: expected a PIL image and its label, got {shown}.")
        if type(pair[1]) is not int:
            fail_check(f"load_random_digit: expected the label as an int, got {describe(pair[1])}.")
    return facts


def keys(pairs: Any) -> list[tuple[bytes, int]]:
    return [(image.tobytes(), label) for image, label in pairs]


@cache
def known_digits() -> dict[bytes, set[int]]:
    """Return the labels of every image of the set."""
    images, labels = oracle.digits()
    known: dict[bytes, set[int]] = {}
    for image, label in zip(images, labels.tolist(), strict=True):
        known.setdefault(image.numpy().tobytes(), set()).add(label)
    return known


@core("load_random_digit", "gives a digit of the set, mode L, 28 x 28, with its label")
def test_digit_is_one_of_the_set(student: Student, rng: Rng) -> None:
    known = known_digits()
    for image, label in drawn(student, [rng.int(0, 10_000) for _ in range(5)])["drawn"]:
        assert image.mode == "L" and image.size == (28, 28), (
            f"load_random_digit: expected mode L and 28 x 28 pixels, got {image.mode} and {image.size}."
        )
        assert image.tobytes() in known, "load_random_digit: expected an image of MNIST5k as it is, got another one."
        assert label in known[image.tobytes()], "load_random_digit: expected the label of the image, got another label."


@core("load_random_digit", "the same seed gives the same digit")
def test_same_seed_gives_same_digit(student: Student, rng: Rng) -> None:
    seeds: list[int | None] = [0, *(rng.int(1, 10_000) for _ in range(4))]
    first, second = (keys(drawn(student, seeds, global_seed=seed)["drawn"]) for seed in (1, 2))
    if first != second:
        fail_check(
            "load_random_digit: the same seed gave two different digits. What else decides the draw?", "ignores-seed"
        )


@core("load_random_digit", "draws from the whole set")
def test_draws_come_from_the_whole_set(student: Student, rng: Rng) -> None:
    seeds: list[int | None] = [rng.int(0, 1_000_000) for _ in range(40)]
    pairs = drawn(student, seeds)["drawn"]
    if len(set(keys(pairs))) < 30 or len({label for _, label in pairs}) < 6:
        fail_check(
            "load_random_digit: 40 seeds gave too few different digits. How many can the draw reach?", "ignores-seed"
        )


@detail("load_random_digit", "without a seed each call draws anew, whatever the global seed")
def test_unseeded_draws_differ(student: Student) -> None:
    pairs = keys(drawn(student, [None] * 8)["drawn"])
    assert len(set(pairs)) > 4, (
        "load_random_digit: calls without a seed gave the same digit. What changes between them?"
    )


@detail("load_random_digit", "leaves the global random state alone, {how} a seed")
@pytest.mark.parametrize(("how", "seed"), [("with", 11), ("without", None)])
def test_global_state_is_left_alone(student: Student, how: str, seed: int | None) -> None:
    facts = drawn(student, [seed, seed], global_seed=5)
    if facts["before"] != facts["after"]:
        fail_check(
            "load_random_digit: after the call, other code draws other random numbers. Whose generator is used?",
            "disturbs-global-seed",
        )


def shown(student: Student, image: Image.Image) -> Any:
    facts = student.probe("show_image", image)
    if facts["type"] == "NoneType":
        fail_check("show_image: expected a Figure, got None. Does the function return?", "returns-none")
    assert facts["type"] == "Figure", f"show_image: expected a matplotlib Figure, got {facts['type']}."
    axes = [one for one in facts["axes"] if one["images"]]
    assert len(axes) == 1, f"show_image: expected one axes with the picture, got {len(axes)}."
    return facts, axes[0]


@core("show_image", "shows the picture")
def test_the_picture_is_shown(student: Student, rng: Rng) -> None:
    wanted = rng.bytes_(19, 31)
    _, axes = shown(student, picture(wanted))
    got = axes["images"][0]
    if not isinstance(got, Tensor) or got.shape[:2] != wanted.shape:
        fail_check(f"show_image: expected a picture of 31 x 19 pixels, got {describe(got)}. Which axis is the height?")
    grey = got if got.ndim == 2 else got[..., 0]
    pair = torch.stack([grey.double().flatten(), wanted.double().flatten()])
    assert torch.corrcoef(pair)[0, 1] > 0.999, "show_image: expected the picture's own pixels, got others."


@core("show_image", "names width, height and mode in the title")
def test_the_title_names_size_and_mode(student: Student, rng: Rng) -> None:
    facts, axes = shown(student, picture(rng.bytes_(19, 31)))
    title = " ".join([axes["title"], *facts["texts"]])
    numbers = re.findall(r"\d+", title)
    assert "19" in numbers and "31" in numbers, (
        f"show_image: expected width 31 and height 19 in the title, got {title!r}."
    )
    assert re.search(r"(?<![A-Za-z])L(?![A-Za-z])", title), (
        f"show_image: expected the mode L in the title, got {title!r}."
    )


@core("image_to_tensor", "gives float32 (1, H, W) from 0 to 1")
def test_picture_becomes_a_tensor(student: Student, rng: Rng) -> None:
    pixels = rng.bytes_(19, 31)
    pixels[0, :2] = torch.tensor([0, 255], dtype=torch.uint8)
    image = picture(pixels)
    got = student.call("image_to_tensor", image)
    assert_close(got, pixels[None].float() / 255, "image_to_tensor", diagnose=Diagnosis("image_to_tensor", (image,)))


@core("image_to_tensor", "scales a dark picture by the same factor")
def test_dark_picture_stays_dark(student: Student, rng: Rng) -> None:
    pixels = rng.bytes_(28, 28) // 4 + 3
    image = picture(pixels)
    got = student.call("image_to_tensor", image)
    assert_close(got, pixels[None].float() / 255, "image_to_tensor", diagnose=Diagnosis("image_to_tensor", (image,)))


@detail("image_to_tensor", "leaves the picture as it was")
def test_picture_is_left_as_it_was(student: Student, rng: Rng) -> None:
    pixels = rng.bytes_(5, 7)
    after = student.observe("image_to_tensor", picture(pixels)).args_after[0]
    if not isinstance(after, Image.Image) or after.tobytes() != picture(pixels).tobytes():
        fail_check("image_to_tensor: the picture is changed by the call.", "modifies-input")


@detail("image_to_tensor", "refuses a colour picture")
def test_colour_picture_is_refused(student: Student) -> None:
    assert_refused(student, "image_to_tensor", Image.new("RGB", (5, 7)))


def assert_picture(student: Student, tensor: Tensor, wanted: Tensor) -> None:
    got = student.call("tensor_to_image", tensor)
    where = "tensor_to_image"
    if not isinstance(got, Image.Image):
        name_mistake(got, None, where, None)
        fail_check(f"{where}: expected a PIL image, got {describe(got)}.")
    assert got.mode == "L", f"{where}: expected mode L, got {got.mode}."
    if got.size != (wanted.shape[1], wanted.shape[0]):
        fail_check(
            f"{where}: expected {wanted.shape[1]} x {wanted.shape[0]} pixels, got {got.size[0]} x {got.size[1]}."
        )
    pixels = pixels_of(got).double()
    ends = (wanted == 0) | (wanted == 255)
    near = (pixels - wanted).abs() <= torch.where(ends, 0.0, 1.001)
    if not near.all():
        name_mistake(pixels, wanted, where, Diagnosis(where, (tensor,)))
        fail_check(
            f"{where}: {int((~near).sum())} of {near.numel()} grey levels are wrong. "
            "What do the smallest and the largest become?"
        )


def stretched(tensor: Tensor) -> Tensor:
    values = tensor.double()
    return (values - values.min()) / (values.max() - values.min()) * 255


@core("tensor_to_image", "stretches {name} to 0 to 255")
@pytest.mark.parametrize(
    ("name", "scale", "shift"),
    [
        ("negative and positive numbers", 3.0, 0.3),
        ("numbers between 0 and 1", 0.1, 0.5),
        ("large numbers", 700.0, 5000.0),
    ],
)
def test_values_are_stretched(student: Student, rng: Rng, name: str, scale: float, shift: float) -> None:
    tensor = rng.floats(19, 31).clamp(-3, 3) * scale + shift
    assert_picture(student, tensor, stretched(tensor))


@core("tensor_to_image", "takes a leading channel axis")
def test_channel_axis_is_taken(student: Student, rng: Rng) -> None:
    tensor = rng.floats(1, 7, 11)
    assert_picture(student, tensor, stretched(tensor[0]))


@detail("tensor_to_image", "makes a constant tensor black")
def test_constant_tensor_is_black(student: Student) -> None:
    assert_picture(student, torch.full((5, 7), 3.5), torch.zeros(5, 7))
    assert_picture(student, torch.zeros(1, 5, 7), torch.zeros(5, 7))


@detail("tensor_to_image", "takes float64")
def test_float64_is_taken(student: Student, rng: Rng) -> None:
    tensor = rng.floats(5, 7, dtype=torch.float64)
    assert_picture(student, tensor, stretched(tensor))


@detail("tensor_to_image", "leaves the tensor as it was")
def test_tensor_is_left_as_it_was(student: Student, rng: Rng) -> None:
    tensor = rng.floats(5, 7)
    after = student.observe("tensor_to_image", tensor.clone()).args_after[0]
    if not isinstance(after, Tensor) or not torch.equal(after, tensor):
        fail_check(
            "tensor_to_image: the tensor is changed by the call. Which operations work in place?", "modifies-input"
        )


@detail("tensor_to_image", "refuses {what}")
@pytest.mark.parametrize(("what", "value"), [("NaN", float("nan")), ("infinity", float("inf"))])
def test_what_is_no_number_is_refused(student: Student, rng: Rng, what: str, value: float) -> None:
    tensor = rng.floats(5, 7)
    tensor[2, 3] = value
    assert_refused(student, "tensor_to_image", tensor)


@detail("tensor_to_image", "refuses three channels")
def test_three_channels_are_refused(student: Student, rng: Rng) -> None:
    assert_refused(student, "tensor_to_image", rng.floats(3, 5, 7))


def transformed(student: Student, name: str, images: list[Image.Image], times: int) -> list[list[Tensor]]:
    drawn_tensors = student.probe("apply", name, images, times)
    for tensor in (tensor for row in drawn_tensors for tensor in row):
        if tensor is None:
            fail_check(f"{name}: expected a function that returns a tensor, got None.", "returns-none")
        if not isinstance(tensor, Tensor):
            fail_check(f"{name}: expected a tensor, got {describe(tensor)}.")
        if tensor.dtype != torch.float32:
            fail_check(f"{name}: expected float32, got {tensor.dtype}.", "wrong-dtype")
        if tuple(tensor.shape) != (1, 28, 28):
            fail_check(
                f"{name}: expected shape (1, 28, 28), got {tuple(tensor.shape)}. Where is the channel axis?",
                "channel-last" if tuple(tensor.shape) == (28, 28, 1) else None,
            )
        assert tensor.isfinite().all(), f"{name}: expected finite numbers, got NaN or infinity."
    return drawn_tensors


def garments(rng: Rng, count: int) -> Tensor:
    """Return images of FashionMNIST, uint8 (count, 28, 28): one of each class first."""
    images, labels = oracle.fashion_mnist("train")
    start = rng.int(0, 50_000)
    rows = [int((labels[start:] == label % 10).nonzero()[label // 10]) + start for label in range(count)]
    return images[rows]


def assert_normalised(name: str, got: Tensor, pixels: Tensor, tolerance: float) -> None:
    """Compare with the constants of FashionMNIST, and name what was done instead."""
    scaled = pixels.float() / 255
    if (got - (scaled - MEAN) / STD).abs().max() <= tolerance:
        return
    if (got - scaled).abs().max() < 1e-3:
        fail_check(
            f"{name}: the pixels are between 0 and 1, not normalised. What are their mean and deviation?",
            "not-normalised",
        )
    if (got - (pixels.float() - MEAN) / STD).abs().max() < 1 or got.abs().max() > 20:
        fail_check(f"{name}: the numbers are far too large. Which range do the constants belong to?", "not-scaled")
    if affine(got, pixels):
        fail_check(
            f"{name}: the images are normalised with other constants than FashionMNIST's. Where do yours come from?",
            "wrong-statistics",
        )


def assert_constants(got: Tensor, pixels: Tensor) -> None:
    """Read mean and deviation off a tensor that is an affine image of the pixels."""
    if not affine(got, pixels):
        return
    scaled = pixels.flatten().double() / 255
    slope = torch.cov(torch.stack([scaled, got.flatten().double()]))[0, 1] / scaled.var()
    std = 1 / float(slope)
    mean = float(scaled.mean() - got.double().mean() * std)
    if abs(std - STD) > 1.5e-3 or abs(mean - MEAN) > 1.5e-3:
        fail_check(
            "eval_transform: expected mean 0.2860 and deviation 0.3530 to 0.001, got other constants.",
            "wrong-statistics",
        )


def affine(got: Tensor, pixels: Tensor) -> bool:
    pair = torch.stack([got.double().flatten(), pixels.double().flatten()])
    return bool(torch.corrcoef(pair)[0, 1] > 0.99999)


@core("eval_transform", "normalises with FashionMNIST's mean and deviation")
def test_evaluation_normalises(student: Student, rng: Rng) -> None:
    ramp = torch.arange(784).reshape(28, 28).div(784 / 256).to(torch.uint8)
    for pixels in [*garments(rng, 3), ramp]:
        got = transformed(student, "eval_transform", [picture(pixels)], 1)[0][0][0]
        assert_normalised("eval_transform", got, pixels, 8e-3)
        assert_constants(got, pixels)
        if (got - (pixels.float() / 255 - MEAN) / STD).abs().max() > 8e-3:
            fail_check(
                "eval_transform: expected the normalised picture itself, got an altered one. Is it random?",
                "augments-evaluation",
            )


@core("eval_transform", "gives the same tensor each time")
def test_evaluation_is_deterministic(student: Student, rng: Rng) -> None:
    images = [picture(pixels) for pixels in garments(rng, 3)]
    for row in transformed(student, "eval_transform", images, 20):
        if any(not torch.equal(row[0], other) for other in row[1:]):
            fail_check(
                "eval_transform: the same picture gives different tensors. Is chance wanted here?",
                "augments-evaluation",
            )


@core("train_transform", "is random")
def test_training_is_random(student: Student, rng: Rng) -> None:
    rows = transformed(student, "train_transform", [picture(pixels) for pixels in garments(rng, 5)], 30)
    if all(torch.equal(row[0], other) for row in rows for other in row[1:]):
        fail_check("train_transform: 30 draws of the same picture are all alike. Where is chance?", "never-augments")


@core("train_transform", "normalises like eval_transform")
def test_training_normalises(student: Student, rng: Rng) -> None:
    pixels = garments(rng, 10)
    rows = transformed(student, "train_transform", [picture(one) for one in pixels], 12)
    got = torch.stack([tensor[0] for row in rows for tensor in row])
    if got.min() > -0.3 and got.max() <= 1.01:
        fail_check(
            "train_transform: the pixels are between 0 and 1, not normalised. What does eval_transform do?",
            "not-normalised",
        )
    if got.max() > 20:
        fail_check(
            "train_transform: the numbers are far too large. Which range do the constants belong to?", "not-scaled"
        )
    wanted = (pixels.float() / 255 - MEAN) / STD
    near = (got.mean() - wanted.mean()).abs() < 0.35 and 0.75 < got.std() / wanted.std() < 1.3
    near = near and abs(float(got.quantile(0.02)) - float(wanted.min())) < 0.25
    if not near:
        fail_check(
            "train_transform: expected mean and deviation as after eval_transform, got others.", "wrong-statistics"
        )


@core("train_transform", "keeps what is in the picture")
def test_training_keeps_the_class(student: Student, rng: Rng) -> None:
    pixels = garments(rng, 10)
    rows = transformed(student, "train_transform", [picture(one) for one in pixels], 10)
    draws = [torch.stack([tensor[0] for tensor in row]) for row in rows]
    likeness = torch.cat([best_likeness(some, one) for some, one in zip(draws, pixels, strict=True)])
    assert likeness.median() > 0.6, (
        "train_transform: most draws no longer look like the picture. Would you still know the class?"
    )


def best_likeness(draws: Tensor, pixels: Tensor) -> Tensor:
    """Return the best correlation of each draw (N, 28, 28) with the picture, mirrored or not, a few pixels apart."""
    views = [
        picture_.roll((dy, dx), (0, 1))
        for picture_ in (pixels, pixels.flip(1))
        for dy in range(-4, 5, 2)
        for dx in range(-4, 5, 2)
    ]
    table = torch.cat([draws, torch.stack(views)]).flatten(1).double()
    return torch.corrcoef(table)[: len(draws), len(draws) :].nan_to_num(0).amax(1)
