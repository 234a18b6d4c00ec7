"""Hidden checks of the way from a picture to a tensor and back."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from grader.checks import (
    CheckFailed,
    Student,
    StudentRaised,
    assert_is_figure,
    assert_kind,
    assert_refused,
    core,
    describe,
    detail,
    fail_check,
    name_mistake,
    number_of,
    numbers_of,
    refusal,
    same_values,
)
from grader.hidden.inputs import Rng
from grader.hidden.mistakes import Diagnosis
from lesson import oracle

MEAN, STD = 0.2860, 0.3530
FLIPS = ((1,), (0,), (0, 1))
NEAR = 1e-3
"""How far a share of 255 may be off: a quarter of a grey level."""
STAND_INS = {"image_to_tensor": (1 / 255, 0.0), "eval_transform": (1 / 255 / STD, -MEAN / STD)}
"""What each helper, if right, makes of a grey level: slope and shift."""


def picture(pixels: Tensor) -> Image.Image:
    return Image.frombytes("L", (pixels.shape[1], pixels.shape[0]), pixels.contiguous().numpy().tobytes())


def pixels_of(image: Image.Image) -> Tensor:
    channels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).reshape(image.height, image.width, -1)
    return channels[..., 0]


def likeness(one: Tensor, other: Tensor) -> float:
    """Return the correlation of two pictures."""
    pair = torch.stack([one.double().flatten(), other.double().flatten()])
    return float(torch.corrcoef(pair)[0, 1].nan_to_num(0))


def drawn(student: Student, seeds: list[int | None], **options: Any) -> Any:
    """Return the probe's report, each digit as (image, label); labels may be numbers of any type."""
    facts = student.probe("load_digits", student.data_root, seeds, **options)
    for pair in facts["drawn"]:
        if pair is None:
            fail_check("load_random_digit: expected an image and its label, got None.", "returns-none")
        if not isinstance(pair, tuple | list) or len(pair) != 2 or not isinstance(pair[0], Image.Image):
            shown = ", ".join(map(describe, pair)) if isinstance(pair, tuple | list) else describe(pair)
            fail_check(f"load_random_digit: expected a PIL image and its label, got {shown}.")
        if number_of(pair[1]) is None:
            fail_check(f"load_random_digit: expected the label as an int, got {describe(pair[1])}.")
    return facts


def keys(pairs: Any) -> list[tuple[bytes, float | None]]:
    return [(image.tobytes(), number_of(label)) for image, label in pairs]


@cache
def known_digits() -> dict[bytes, set[int]]:
    """Return the labels of every image of the set."""
    images, labels = oracle.mixed_digits()
    known: dict[bytes, set[int]] = {}
    for image, label in zip(images, labels.tolist(), strict=True):
        known.setdefault(image.numpy().tobytes(), set()).add(label)
    return known


@core("load_random_digit", "returns a digit of the set, mode L, 28 x 28, with its label")
def test_digit_is_one_of_the_set(student: Student, rng: Rng) -> None:
    known = known_digits()
    for image, label in drawn(student, [rng.int(0, 10_000) for _ in range(5)])["drawn"]:
        assert image.mode == "L" and image.size == (28, 28), (
            f"load_random_digit: expected mode L and 28 x 28 pixels, got {image.mode} and {image.size}. "
            "What does the data set return at an index?"
        )
        assert image.tobytes() in known, (
            "load_random_digit: expected an unchanged image of MNIST5k, got another one. Is it changed on the way?"
        )
        assert number_of(label) in known[image.tobytes()], (
            "load_random_digit: expected the label of the image, got another label. Do both come from one index?"
        )


@detail("load_random_digit", "returns the label as an int", weight=0.25)
def test_label_is_an_int(student: Student, rng: Rng) -> None:
    ((_, label),) = drawn(student, [rng.int(0, 10_000)])["drawn"]
    if type(label) is not int:
        fail_check(
            f"load_random_digit: expected the label as an int, got {describe(label)}. Does `.item()` help?",
            "tensor-instead-of-number" if isinstance(label, Tensor) else None,
        )


@detail("load_random_digit", "the same seed gives the same digit", weight=1.6)
def test_same_seed_gives_same_digit(student: Student, rng: Rng) -> None:
    seeds: list[int | None] = [0, *(rng.int(1, 10_000) for _ in range(4))]
    first, second = (keys(drawn(student, seeds, global_seed=seed)["drawn"]) for seed in (1, 2))
    again = keys(drawn(student, [seeds[-1], seeds[-1]])["drawn"])
    if first != second or again[0] != again[1]:
        only_zero = first[1:] == second[1:] and again[0] == again[1]
        fail_check(
            "load_random_digit: seed 0 gave two different digits, other seeds did not. Is 0 treated as no seed?"
            if only_zero
            else "load_random_digit: the same seed gave two different digits. What else decides the draw?",
            "seed-zero-ignored" if only_zero else "ignores-seed" if first != second else None,
        )


@detail("load_random_digit", "different seeds reach the whole set", weight=1.3)
def test_draws_come_from_the_whole_set(student: Student, rng: Rng) -> None:
    pairs = drawn(student, [rng.int(0, 1_000_000) for _ in range(40)])["drawn"]
    different = len(set(keys(pairs)))
    if different < 30 or len({number_of(label) for _, label in pairs}) < 6:
        begin = {image.numpy().tobytes() for image in oracle.mixed_digits()[0][:10]}
        few = "draws-from-the-first-ten" if all(image.tobytes() in begin for image, _ in pairs) else None
        fail_check(
            "load_random_digit: 40 seeds gave too few different digits. How many can the draw reach?",
            "ignores-seed" if different == 1 else few,
        )


@detail("load_random_digit", "without a seed each call draws again", weight=0.7)
def test_unseeded_draws_differ(student: Student) -> None:
    pairs = keys(drawn(student, [None] * 8)["drawn"])
    if len(set(pairs)) <= 2:
        fail_check(
            "load_random_digit: calls without a seed gave the same digit. What changes between them?",
            "fixed-default-seed" if len(set(pairs)) == 1 else None,
        )


@detail("load_random_digit", "leaves the global random state alone", weight=0.8)
def test_global_state_is_left_alone(student: Student) -> None:
    facts = drawn(student, [11, None], global_seed=5)
    if facts["before"] != facts["after"]:
        fail_check(
            "load_random_digit: after the call, other code draws different random numbers. Whose generator is used?",
            "disturbs-global-seed",
        )


def shown(student: Student, images: list[Image.Image]) -> list[tuple[Any, Any]]:
    """Return each figure, and its only axes with a picture."""
    found = []
    for facts in student.probe("show_images", images):
        if facts["type"] == "NoneType":
            fail_check("show_image: expected a Figure, got None. Is the `return` missing?", "returns-none")
        assert facts["type"] == "Figure", (
            f"show_image: expected a matplotlib Figure, got {facts['type']}. What does `plt.subplots` give?"
        )
        axes = [one for one in facts["axes"] if one["images"]]
        assert len(axes) == 1, f"show_image: expected one axes with the picture, got {len(axes)}. What draws it?"
        found.append((facts, axes[0]))
    return found


def shown_once(student: Student, rng: Rng) -> tuple[Tensor, Any, Any]:
    """Return the pixels of a picture, and the figure and axes that show it; several checks share them."""
    if "shown" not in student.kept:
        pixels = rng.bytes_(19, 31)
        student.kept["shown"] = (pixels, *shown(student, [picture(pixels)])[0])
    kept: tuple[Tensor, Any, Any] = student.kept["shown"]
    return kept


def shows(axes: Any, pixels: Tensor) -> bool:
    """Return whether the topmost picture has these pixels, in any colours and on any scale."""
    got = axes["images"][-1]
    if not isinstance(got, Tensor) or got.shape[:2] != pixels.shape[:2]:
        return False
    return likeness(got if got.ndim == 2 else got[..., 0], pixels if pixels.ndim == 2 else pixels[..., 0]) > 0.999


def title_of(facts: Any, axes: Any) -> str:
    return " ".join([axes["title"], *facts["texts"]])


MODES = ("L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV")


def says_mode(mode: str, title: str) -> bool:
    return re.search(rf"(?<![A-Za-z]){mode}(?![A-Za-z])", title) is not None


@core("show_image", "shows the picture")
def test_the_picture_is_shown(student: Student, rng: Rng) -> None:
    pixels, _, axes = shown_once(student, rng)
    got = axes["images"][-1]
    if not isinstance(got, Tensor) or got.shape[:2] != pixels.shape:
        small = pixels_of(picture(pixels).resize((28, 28)))
        resized = isinstance(got, Tensor) and got.shape == small.shape and likeness(got, small) > 0.9
        fail_check(
            f"show_image: expected a picture of 31 x 19 pixels, got {describe(got)}. Which axis is the height?",
            "resizes-the-picture" if resized else None,
        )
    assert shows(axes, pixels), "show_image: expected the picture's own pixels, got others. What is drawn?"


@detail("show_image", "shows width and height in the title", weight=0.7)
def test_the_title_shows_the_size(student: Student, rng: Rng) -> None:
    title = title_of(*shown_once(student, rng)[1:])
    numbers = set(re.findall(r"\d+", title))
    if not numbers >= {"19", "31"}:
        fail_check(
            f"show_image: expected width 31 and height 19 in the title, got {title!r}. "
            "Which attribute of the image holds them?",
            "no-title" if not title.strip() else "title-without-size" if not numbers else None,
        )


@detail("show_image", "shows the mode in the title", weight=0.5)
def test_the_title_shows_the_mode(student: Student, rng: Rng) -> None:
    (colour,) = shown(student, [Image.new("RGB", (7, 5))])
    title, of_colour = title_of(*shown_once(student, rng)[1:]), title_of(*colour)
    if not says_mode("RGB", of_colour):
        in_colours = isinstance(colour[1]["images"][-1], Tensor) and colour[1]["images"][-1].ndim == 3
        constant = "hard-coded-mode" if in_colours and says_mode("L", of_colour) and says_mode("L", title) else None
        missing = not any(says_mode(mode, one) for mode in MODES for one in (title, of_colour))
        fail_check(
            "show_image: expected the mode RGB in the title of a colour picture. Where does the title's mode come "
            "from?",
            "title-without-mode" if missing else constant,
        )
    assert says_mode("L", title), (
        f"show_image: expected the mode L in the title, got {title!r}. Which attribute of the image holds it?"
    )


@detail("show_image", "returns the figure itself", weight=0.3)
def test_a_figure_is_returned(student: Student, rng: Rng) -> None:
    given = shown_once(student, rng)[1]["given"]
    assert_is_figure(given, "show_image")


@detail("show_image", "draws each picture into its own figure, a colour picture in its colours", weight=0.5)
def test_each_picture_has_its_own_figure(student: Student, rng: Rng) -> None:
    colours = [rng.bytes_(5, 7, 3), rng.bytes_(5, 7, 3)]
    images = [Image.frombytes("RGB", (7, 5), one.numpy().tobytes()) for one in colours]
    figures = shown(student, images)
    if not all(len(axes["images"]) == 1 for _, axes in figures):
        alone = len(shown_once(student, rng)[2]["images"]) == 1
        fail_check(
            "show_image: a second picture is drawn over the first. Which call makes a new figure?",
            "reuses-current-figure" if alone else None,
        )
    own = all(axes["images"][0].ndim == 3 and shows(axes, one) for (_, axes), one in zip(figures, colours, strict=True))
    if not own:
        grey = [pixels_of(image.convert("L")) for image in images]
        is_grey = all(
            axes["images"][0].shape == one.shape and shows(axes, one)
            for (_, axes), one in zip(figures, grey, strict=True)
        )
        fail_check(
            "show_image: expected each colour picture in its own colours, got others. What happens to green?",
            "converts-to-grey" if is_grey else None,
        )


def grey_levels(got: object, pixels: Tensor) -> Tensor:
    """Return the numbers as a tensor (H, W), wherever the channel axis is, or fail."""
    numbers = numbers_of(got)
    if numbers is None:
        name_mistake(got, None, "image_to_tensor", None)
        fail_check(f"image_to_tensor: expected a tensor, got {describe(got)}. What turns a picture into one?")
    shape = tuple(size for size in numbers.shape if size != 1)
    if shape != tuple(pixels.shape):
        exchanged = shape == tuple(reversed(pixels.shape)) and any(
            likeness(numbers, one) > 0.99999 for one in (pixels, pixels.T)
        )
        fail_check(
            f"image_to_tensor: expected a number for each of {pixels.shape[1]} x {pixels.shape[0]} pixels, "
            f"got {describe(got)}. Which axis is the height?",
            "width-before-height" if exchanged else None,
        )
    return numbers.reshape(pixels.shape).double()


@core("image_to_tensor", "returns the picture's grey levels, row by row")
def test_picture_becomes_a_tensor(student: Student, rng: Rng) -> None:
    pixels = rng.bytes_(28, 28)
    image = picture(pixels)
    got = grey_levels(student.image_to_tensor(image), pixels)
    if likeness(got, pixels) < 0.99999:
        name_mistake(got[None], pixels[None].double() / 255, "image_to_tensor", Diagnosis("image_to_tensor", (image,)))
        flipped = any(likeness(got.flip(axes), pixels) > 0.99999 for axes in FLIPS)
        fail_check(
            "image_to_tensor: the numbers are not the picture's grey levels in their order. "
            "Does 128 stay half of 256, and the first row the first?",
            "always-flips" if flipped else None,
        )


@detail("image_to_tensor", "makes black 0 and white 1, whatever is in the picture", weight=1.6)
def test_scale_is_from_0_to_1(student: Student, rng: Rng) -> None:
    for pixels in (rng.bytes_(28, 28), rng.bytes_(28, 28) // 4 + 3):
        answer = student.image_to_tensor(picture(pixels))
        got = grey_levels(answer, pixels)
        if (got - pixels.double() / 255).abs().max() <= NEAR:
            continue
        numbers = numbers_of(answer)
        if same_values(got, pixels.double()) and numbers is not None and not numbers.is_floating_point():
            fail_check("image_to_tensor: the numbers are still bytes. Which dtype do weights have?", "wrong-dtype")
        if same_values(got, pixels.double()):
            fail_check("image_to_tensor: white is 255. What should the largest grey level become?", "not-scaled")
        if same_values(got * 256, pixels.double()):
            fail_check("image_to_tensor: white is 255 / 256. How many steps are there from 0 to 255?", "divides-by-256")
        low, high = pixels.min().double(), pixels.max().double()
        fail_check(
            "image_to_tensor: expected 0 for black and 1 for white, got another scale. "
            "Does it depend on the other pixels of the picture?",
            "stretches-to-own-range" if (got - (pixels - low) / (high - low)).abs().max() <= NEAR else None,
        )


@detail("image_to_tensor", "has the shape (1, H, W), even if width and height differ", weight=2)
def test_shape_is_channel_height_width(student: Student, rng: Rng) -> None:
    pixels = rng.bytes_(19, 31)
    answer = student.image_to_tensor(picture(pixels))
    numbers = numbers_of(answer)
    shape = None if numbers is None else tuple(numbers.shape)
    got = grey_levels(answer, pixels)
    right = likeness(got, pixels) > 0.99999
    if shape != (1, 19, 31):
        fail_check(
            f"image_to_tensor: expected shape (1, 19, 31), got {shape}. Where does PyTorch expect the channel axis?",
            {(19, 31, 1): "channel-last", (19, 31): "no-channel-axis"}.get(shape or ()) if right else None,
        )
    assert right, (
        "image_to_tensor: the pixels of a wide picture are out of place. In which order does PIL give its size?"
    )


@detail("image_to_tensor", "returns a tensor of float32", weight=0.5)
def test_tensor_is_float32(student: Student, rng: Rng) -> None:
    pixels = rng.bytes_(28, 28)
    got = student.image_to_tensor(picture(pixels))
    levels = grey_levels(got, pixels)
    right = any((levels * scale - pixels.double()).abs().max() <= 255 * NEAR for scale in (1, 255))
    assert_float32(got, "image_to_tensor", right=right)


def assert_float32(got: object, where: str, *, right: bool) -> None:
    """Fail unless it is a tensor of float32; another dtype is named if the numbers are right."""
    if isinstance(got, Tensor) and got.dtype != torch.float32:
        fail_check(
            f"{where}: expected float32, got {got.dtype}. Which dtype do a network's weights have?",
            "wrong-dtype" if right else None,
        )
    assert_kind(got, torch.empty(0), where)


@detail("image_to_tensor", "converts each picture afresh, and does not change it", weight=0.4)
def test_pictures_are_told_apart(student: Student, rng: Rng) -> None:
    first, second = rng.bytes_(5, 7), rng.bytes_(5, 7)
    answers = []
    for pixels in (first, second, first):
        seen = student.observe("image_to_tensor", picture(pixels))
        after = seen.args_after[0]
        if not isinstance(after, Image.Image) or after.tobytes() != picture(pixels).tobytes():
            fail_check("image_to_tensor: the picture is changed by the call. What works in place?", "modifies-input")
        answers.append(numbers_of(seen.value))
    one, other, again = answers
    if one is None or other is None or again is None or not torch.equal(one, again) or torch.equal(one, other):
        fail_check(
            "image_to_tensor: called for one picture after another, it gave a wrong tensor. Does it remember something?"
        )


@refusal("image_to_tensor", "a picture of another mode than `L`")
def test_colour_picture_is_refused(student: Student, rng: Rng) -> None:
    try:
        for mode in ("RGB", "RGBA"):
            assert_refused(student, "image_to_tensor", Image.new(mode, (5, 7)))
    except CheckFailed as failed:
        fail_for_grey(student, failed.message, Image.frombytes("RGB", (5, 7), rng.bytes_(7, 5, 3).numpy().tobytes()))
        raise


def fail_for_grey(student: Student, message: str, image: Image.Image) -> None:
    """Fail with a name if a colour picture is treated as the grey one that PIL makes of it."""
    try:
        got = numbers_of(student.image_to_tensor(image))
    except StudentRaised:
        return
    grey = pixels_of(image.convert("L"))
    if got is not None and got.numel() == grey.numel() and likeness(got, grey) > 0.9999:
        fail_check(message, "converts-to-grey")


def stretched(tensor: Tensor) -> Tensor:
    """Return the grey levels before rounding."""
    values = tensor.reshape(tensor.shape[-2:]).double()
    return (values - values.min()) / (values.max() - values.min()) * 255


def levels_of(got: object) -> Tensor | None:
    """Return the grey levels of a picture, or of a tensor or array instead of one."""
    if isinstance(got, Image.Image):
        return pixels_of(got).double()
    numbers = numbers_of(got)
    if numbers is None or numbers.ndim < 2 or numbers.is_complex():
        return None
    sizes = [size for size in numbers.shape if size != 1] if numbers.ndim > 2 else numbers.shape
    return numbers.double().reshape(sizes) if len(sizes) == 2 else None


def assert_picture(got: object, tensor: Tensor, wanted: Tensor, *, named: bool = True, spared: float = 0.0) -> None:
    """Compare to within one grey level.

    Args:
        got: the student's result.
        tensor: its argument.
        wanted: the grey levels, not rounded.
        named: whether the bank may name the mistake.
        spared: share of the grey levels that may be wrong.
    """
    where = "tensor_to_image"
    levels = levels_of(got)
    if levels is None:
        name_mistake(got, None, where, None)
        fail_check(f"{where}: expected a PIL image, got {describe(got)}. What turns an array into one?")
    diagnose = Diagnosis(where, (tensor,)) if named else None
    if levels.shape != wanted.shape:
        name_mistake(levels, wanted, where, diagnose)
        sizes = [" x ".join(map(str, reversed(one.shape))) for one in (wanted, levels)]
        fail_check(f"{where}: expected {sizes[0]} pixels, got {sizes[1]}. Which axis is the height?")
    near = (levels - wanted).abs() <= 1.001
    if int((~near).sum()) > spared * near.numel():
        name_mistake(levels, wanted, where, diagnose)
        values = tensor.reshape(wanted.shape).double()
        shares = [values / largest for largest in (values.max(), values.abs().max())]
        by_the_largest = any(((levels - share.clamp(0, 1) * 255).abs() <= 1.001).all() for share in shares)
        fail_check(
            f"{where}: {int((~near).sum())} of {near.numel()} grey levels are wrong. "
            "What do the smallest and the largest become?",
            "ignores-the-minimum" if named and by_the_largest else None,
        )


FEW = 0.03
"""Share of grey levels that may be wrong if something else is tested."""


def in_its_form(student: Student, tensor: Tensor) -> Tensor:
    """Return a tensor (H, W), with a channel axis if the student's function needs one."""
    return tensor[None] if student.kept.get("channel axis") else tensor


def assert_stretches(student: Student, tensor: Tensor, spared: float = FEW) -> None:
    got = student.tensor_to_image(in_its_form(student, tensor))
    assert_picture(got, tensor, stretched(tensor), spared=spared)


@core("tensor_to_image", "stretches positive and negative numbers to the range from 0 to 255")
def test_values_are_stretched(student: Student, rng: Rng) -> None:
    # No two numbers are equal, so few are at an end, where rounding may leave the grey levels.
    tensors = [rng.floats(*shape) * 3 + 0.3 for shape in ((28, 28), (19, 31))]
    try:
        assert_stretches(student, tensors[0])
    except (CheckFailed, StudentRaised) as error:
        student.kept["channel axis"] = True  # one of the two forms is enough here
        try:
            assert_stretches(student, tensors[0])
        except (CheckFailed, StudentRaised):
            raise error from None
    assert_stretches(student, tensors[1])


@detail("tensor_to_image", "takes shape {shape}", weight=0.6)
@pytest.mark.parametrize(("shape", "sizes"), [("(H, W)", (7, 11)), ("(1, H, W)", (1, 7, 11))])
def test_both_shapes_are_taken(student: Student, rng: Rng, shape: str, sizes: tuple[int, ...]) -> None:
    tensor = rng.floats(*sizes)
    try:
        got = student.tensor_to_image(tensor)
    except StudentRaised as error:
        other = tensor[None] if tensor.ndim == 2 else tensor[0]
        if is_stretched(student, other):
            fail_check(
                f"tensor_to_image: shape {shape} raises {error.type_names[0]}, the other one does not. "
                "Which shapes does the docstring list?",
                "takes-one-shape-only",
            )
        raise
    assert_picture(got, tensor, stretched(tensor), spared=FEW)


def is_stretched(student: Student, tensor: Tensor) -> bool:
    try:
        assert_picture(student.tensor_to_image(tensor), tensor, stretched(tensor))
    except (CheckFailed, StudentRaised):
        return False
    return True


@detail("tensor_to_image", "takes pictures of one row or one column", weight=0.4)
def test_thin_pictures_are_taken(student: Student, rng: Rng) -> None:
    for shape in ((1, 7), (7, 1)):
        assert_stretches(student, rng.floats(*shape))


@detail("tensor_to_image", "stretches any range, narrow or wide", weight=0.6)
def test_any_range_is_stretched(student: Student, rng: Rng) -> None:
    for scale, shift in ((0.1, 0.5), (20.0, 120.0), (700.0, 5000.0)):
        tensor = rng.floats(19, 31).clamp(-3, 3) * scale + shift
        got = student.tensor_to_image(in_its_form(student, tensor))
        levels = levels_of(got)
        as_it_was = levels is not None and same_size(levels, tensor) and 0 <= tensor.min() < tensor.max() <= 1
        if as_it_was and ((levels - 255 * tensor.double()).abs() <= 1.001).all():
            knows = is_stretched(student, in_its_form(student, 9 * rng.floats(19, 31)))
            fail_check(
                "tensor_to_image: values between 0 and 1 are not stretched. What do the smallest and the largest "
                "become?",
                "leaves-shares-unstretched" if knows else None,
            )
        assert_picture(got, tensor, stretched(tensor), named=False)  # nothing is clipped if nothing is outside


def same_size(levels: Tensor, tensor: Tensor) -> bool:
    return levels.shape == tensor.shape[-2:]


@detail("tensor_to_image", "returns a PIL image of mode L", weight=0.8)
def test_answer_is_a_grey_picture(student: Student, rng: Rng) -> None:
    tensor = rng.floats(7, 11)
    got = student.tensor_to_image(in_its_form(student, tensor))
    if not isinstance(got, Image.Image):
        levels = levels_of(got)
        right = levels is not None and same_size(levels, tensor) and (levels - stretched(tensor)).abs().max() <= 1.001
        fail_check(
            f"tensor_to_image: expected a PIL image, got {describe(got)}. What turns an array into one?",
            "tensor-instead-of-image" if right and isinstance(got, Tensor) else None,
        )
    assert got.mode == "L", (
        f"tensor_to_image: expected mode L, got {got.mode}. Which mode has one grey level per pixel?"
    )


@detail("tensor_to_image", "rounds to the nearest grey level; the ends are 0 and 255", weight=0.5)
def test_grey_levels_are_rounded(student: Student, rng: Rng) -> None:
    # No level is near a half or a whole number, so that float32 rounds as float64 does.
    parts = torch.where(torch.arange(254) % 2 == 0, 0.25, 0.75) + torch.rand(254, generator=rng.generator) * 0.2 - 0.1
    wanted = torch.cat([torch.tensor([0.0, 255.0]), torch.arange(254) + parts]).reshape(16, 16)
    tensor = wanted / 100 - 1
    exact = stretched(tensor)
    got = levels_of(student.tensor_to_image(in_its_form(student, tensor)))
    if got is None or got.shape != exact.shape:
        fail_check("tensor_to_image: expected a picture of 16 x 16 pixels, got none. Which shapes are taken?")
    bias = float((got - exact).mean())
    if abs(bias) > 0.2 or got[0, 0] != 0 or got[0, 1] != 255:
        name_mistake(got, exact.round(), "tensor_to_image", Diagnosis("tensor_to_image", (tensor,)))
        fail_check(
            f"tensor_to_image: grey levels are {abs(bias):.1f} too {'dark' if bias < 0 else 'bright'} on average, "
            "or the ends are not 0 and 255. How are they rounded?"
        )


@detail("tensor_to_image", "makes a constant tensor black", weight=0.5)
def test_constant_tensor_is_black(student: Student) -> None:
    for tensor in (torch.full((5, 7), 3.5), torch.full((5, 7), -0.5)):
        try:
            got = student.tensor_to_image(in_its_form(student, tensor))
        except StudentRaised as error:
            if error.type_names[0] == "ZeroDivisionError":
                fail_check(
                    f"{error.text.rstrip('.')}. The tensor is constant. What is divided by what?", "divides-by-zero"
                )
            raise
        levels = levels_of(got)
        assert levels is None or not levels.any(), (
            "tensor_to_image: a constant tensor: expected 0 everywhere, got something else. What is divided by what?"
        )
        assert_picture(got, tensor, torch.zeros(tensor.shape), named=False)


@detail("tensor_to_image", "converts each tensor afresh, views and float64 too, and does not change it", weight=0.5)
def test_tensors_are_told_apart(student: Student, rng: Rng) -> None:
    first, second, wide = rng.floats(7, 5), rng.floats(7, 5), rng.floats(5, 14, dtype=torch.float64)
    for tensor in (first, second, first, wide[:, ::2].T, wide[:, ::2]):
        given = in_its_form(student, tensor)
        try:
            seen = student.observe("tensor_to_image", given)
        except StudentRaised:
            if not given.is_contiguous() and is_stretched(student, given.contiguous()):
                fail_check(
                    "tensor_to_image: a view, such as a transposed tensor, raises an error, its copy does not. "
                    "Where are the numbers of a view in memory?",
                    "assumes-contiguous",
                )
            raise
        after = seen.args_after[0]
        if not isinstance(after, Tensor) or not torch.equal(after, given):
            fail_check(
                "tensor_to_image: the tensor is changed by the call. Which operations work in place?", "modifies-input"
            )
        assert_picture(seen.value, tensor, stretched(tensor), spared=FEW)


@refusal("tensor_to_image", "NaN or infinity")
def test_nan_and_infinity_are_refused(student: Student, rng: Rng) -> None:
    for value in (float("nan"), float("inf")):
        tensor = rng.floats(5, 7)
        tensor[2, 3] = value
        assert_refused(student, "tensor_to_image", tensor)


@refusal("tensor_to_image", "another shape than (H, W) or (1, H, W)")
def test_other_shapes_are_refused(student: Student, rng: Rng) -> None:
    for shape in ((3, 5, 7), (5,), (2, 1, 5, 7)):
        assert_refused(student, "tensor_to_image", rng.floats(*shape))


def applied(
    student: Student, name: str, images: list[Tensor], times: int, stand_ins: Mapping[str, tuple[float, float]]
) -> list[list[Any]]:
    """Return one transform's results for each image, several times in a row."""
    rows: list[list[Any]] = student.probe("apply", name, list(map(picture, images)), times, dict(stand_ins))
    for answer in (answer for row in rows for answer in row):
        if answer is None:
            fail_check(f"{name}: expected a function that returns a tensor, got None.", "returns-none")
        numbers = numbers_of(answer)
        if numbers is None:
            fail_check(f"{name}: expected a tensor, got {describe(answer)}. Which step makes one?")
        if numbers.numel() != 784:
            fail_check(f"{name}: expected 28 x 28 numbers, got shape {tuple(numbers.shape)}. Which step resizes?")
        assert numbers.isfinite().all(), f"{name}: expected finite numbers, got NaN or infinity. What is divided by 0?"
    return rows


def grids(rows: list[list[Any]]) -> list[Tensor]:
    """Return the numbers of each row as (times, 28, 28), wherever the channel axis is."""
    return [torch.stack([numbers_of(one).double().reshape(28, 28) for one in row]) for row in rows]  # type: ignore[union-attr]


def reported_once(student: Student, name: str, check: Callable[[Mapping[str, tuple[float, float]]], None]) -> None:
    """Run a check of a transform; if it holds once another function of the student's is right, say only that.

    Args:
        student: whose transform it is.
        name: of the function that makes it.
        check: called with what stands in for the student's other functions.
    """
    try:
        check({})
    except (AssertionError, StudentRaised):
        for helper in (one for one in STAND_INS if one != name):
            try:
                check({helper: STAND_INS[helper]})
            except (AssertionError, StudentRaised):
                continue
            fail_check(f"{name}: it is right once your {helper} is right. What do the checks of {helper} say?")
        raise


def garments(rng: Rng, count: int) -> list[Tensor]:
    """Return images of FashionMNIST, uint8 (28, 28): one of each class first."""
    images, labels = oracle.fashion_mnist("train")
    start = rng.int(0, 50_000)
    rows = [int((labels[start:] == label % 10).nonzero()[label // 10]) + start for label in range(count)]
    return list(images[rows])


def affine_of(got: Tensor, pixels: Tensor) -> tuple[float, float] | None:
    """Return slope and shift if the numbers are the pixels' shares of 255 times the slope, plus the shift."""
    shares, numbers = pixels.double().flatten() / 255, got.flatten()
    slope = float(torch.cov(torch.stack([shares, numbers]))[0, 1] / shares.var())
    shift = float(numbers.mean() - slope * shares.mean())
    exact = (numbers - slope * shares - shift).abs().max() <= 1e-3 * max(abs(slope), 1)
    return (slope, shift) if exact else None


def is_flipped(got: Tensor, pixels: Tensor) -> bool:
    """Return whether the numbers are the picture's, once it is mirrored back."""
    return any(affine_of(got.flip(axes), pixels) is not None for axes in FLIPS)


def assert_constants(name: str, slope: float, shift: float, tolerance: float, *, exact: bool = True) -> None:
    """Compare the results for black and white, and name the mistake.

    Args:
        name: of the function.
        slope: from black to white.
        shift: what black becomes.
        tolerance: of mean and deviation.
        exact: whether nothing else has changed the numbers, so that they may name the mistake.
    """
    if slope > 0 and abs(1 / slope - STD) <= tolerance and abs(-shift / slope - MEAN) <= tolerance:
        return

    def is_near(wanted_slope: float, wanted_shift: float) -> bool:
        return abs(slope / wanted_slope - 1) < 0.01 and abs(shift - wanted_shift) < 0.02 * max(1.0, abs(wanted_shift))

    if is_near(1, 0):
        fail_check(
            f"{name}: the pixels are between 0 and 1, not normalised. What are their mean and deviation?",
            "not-normalised",
        )
    if is_near(255, 0) or is_near(255 / STD, -MEAN / STD):
        fail_check(f"{name}: the numbers are far too large. Which range do the constants belong to?", "not-scaled")
    if is_near(1 / MEAN, -STD / MEAN):
        fail_check(
            f"{name}: mean and deviation are swapped. In which order does Normalize take them?",
            "mean-and-std-exchanged",
        )
    known = exact and 1.2 < slope < 20  # a deviation of pixels from 0 to 1, of whatever set
    fail_check(
        f"{name}: the images are normalised with other numbers than FashionMNIST's mean and deviation. "
        "Where do yours come from?",
        "wrong-statistics" if known else None,
    )


RAMP = torch.arange(784).reshape(28, 28).div(784 / 256).to(torch.uint8)


@core("eval_transform", "turns the picture into numbers")
def test_evaluation_gives_the_picture(student: Student, rng: Rng) -> None:
    def check(stand_ins: Mapping[str, tuple[float, float]]) -> None:
        pixels = garments(rng, 2)[1]
        draws = grids(applied(student, "eval_transform", [pixels], 1, stand_ins))[0]
        assert best_likeness(draws, pixels)[0] > 0.6, (
            "eval_transform: expected the picture, got something else. What goes into each number?"
        )

    reported_once(student, "eval_transform", check)


@detail("eval_transform", "normalises with FashionMNIST's mean and deviation", weight=2)
def test_evaluation_normalises(student: Student, rng: Rng) -> None:
    def check(stand_ins: Mapping[str, tuple[float, float]]) -> None:
        for pixels in [*some, RAMP]:
            got, *others = grids(applied(student, "eval_transform", [pixels], 8, stand_ins))[0]
            numbers = affine_of(got, pixels)
            if numbers is None:
                fail_check(
                    "eval_transform: expected the normalised picture itself, got an altered one. Which step changes "
                    "it?",
                    "always-flips" if all(is_flipped(one, pixels) for one in [got, *others]) else None,
                )
            assert_constants("eval_transform", *numbers, 1.5e-3)

    some = garments(rng, 2)
    reported_once(student, "eval_transform", check)


@detail("eval_transform", "returns the same tensor for the same picture, whatever came before", weight=1.6)
def test_evaluation_is_deterministic(student: Student, rng: Rng) -> None:
    pixels = garments(rng, 3)
    rows = grids(applied(student, "eval_transform", [*pixels, pixels[0]], 10, {}))
    if all((row == row[0]).all() for row in rows):
        fresh = [grids(applied(student, "eval_transform", [one], 1, {}))[0] for one in pixels[:2]]
        if not torch.equal(rows[0], rows[3]) or not all(map(torch.equal, fresh, (row[:1] for row in rows[:2]))):
            first_again = torch.equal(rows[0], rows[1]) and not torch.equal(fresh[0], fresh[1])
            fail_check(
                "eval_transform: a picture gives another tensor after other pictures. What does the transform "
                "remember?",
                "remembers-earlier-call" if first_again else None,
            )
        return
    likenesses = torch.cat([best_likeness(row, one) for row, one in zip(rows[:3], pixels, strict=True)])
    fail_check(
        "eval_transform: the same picture gives different tensors. Should it be random?",
        "augments-evaluation" if likenesses.median() > 0.5 else None,
    )


@detail("eval_transform", "returns float32 of shape (1, 28, 28)", weight=0.5)
def test_evaluation_returns_the_promised_kind(student: Student, rng: Rng) -> None:
    def check(stand_ins: Mapping[str, tuple[float, float]]) -> None:
        rows = applied(student, "eval_transform", [pixels], 1, stand_ins)
        numbers = affine_of(grids(rows)[0][0], pixels)
        right = numbers is not None and abs(numbers[0] * STD - 1) < 0.01
        assert_tensor_of_a_picture(rows[0][0], "eval_transform", right=right)

    pixels = garments(rng, 1)[0]
    reported_once(student, "eval_transform", check)


def assert_tensor_of_a_picture(got: object, where: str, *, right: bool, seen: bool = False) -> None:
    """Check type, dtype and shape of what goes into the network.

    Args:
        got: the answer.
        where: the function's name.
        right: whether the numbers are right, so that they may name the mistake.
        seen: whether it is the picture, perhaps altered by chance.
    """
    shape = tuple(getattr(got, "shape", ()))
    if shape != (1, 28, 28):
        without = "no-channel-axis" if (right or seen) and shape == (28, 28) else None
        fail_check(
            f"{where}: expected shape (1, 28, 28), got {shape}. Where is the channel axis?",
            "channel-last" if right and shape == (28, 28, 1) else without,
        )
    assert_float32(got, where, right=right)


@core("train_transform", "keeps the picture recognisable")
def test_training_keeps_the_class(student: Student, rng: Rng) -> None:
    def check(stand_ins: Mapping[str, tuple[float, float]]) -> None:
        draws = grids(applied(student, "train_transform", pixels, 8, stand_ins))
        likenesses = torch.cat([best_likeness(some, one) for some, one in zip(draws, pixels, strict=True)])
        assert likenesses.median() > 0.6, (
            "train_transform: most draws no longer look like the picture. Could you still tell the class?"
        )

    pixels = garments(rng, 10)
    reported_once(student, "train_transform", check)


@detail("train_transform", "is random", weight=2)
def test_training_is_random(student: Student, rng: Rng) -> None:
    pixels = garments(rng, 5)
    draws = grids(applied(student, "train_transform", pixels, 30, {}))
    if all((some == some[0]).all() for some in draws):
        anew = [grids(applied(student, "train_transform", pixels[:1], 1, {}))[0] for _ in range(12)]
        if any(not torch.equal(one, anew[0]) for one in anew):
            fail_check(
                "train_transform: one transform changes all pictures alike, another one differently. Is each draw new?",
                "draws-when-made",
            )
        plain = all(affine_of(some[0], one) is not None for some, one in zip(draws, pixels, strict=True))
        flipped = all(is_flipped(some[0], one) for some, one in zip(draws, pixels, strict=True))
        fail_check(
            "train_transform: 30 draws of the same picture are all alike. What is random?",
            "never-augments" if plain else "always-flips" if flipped else None,
        )


@detail("train_transform", "normalises like eval_transform", weight=1.5)
def test_training_normalises(student: Student) -> None:
    def check(stand_ins: Mapping[str, tuple[float, float]]) -> None:
        rows = applied(student, "train_transform", plain, 21, stand_ins)
        # The middle of a plain picture stays the same, however the picture is moved, turned or mirrored.
        middles = [row[:, 14, 14] for row in grids(rows)]
        black, white = (float(middle.median()) for middle in middles)
        if abs(black + MEAN / STD) > 0.1 or abs(white - (1 - MEAN) / STD) > 0.4:
            assert_constants(
                "train_transform", white - black, black, 0.0, exact=all((one == one[0]).all() for one in middles)
            )

    plain = [torch.full((28, 28), level, dtype=torch.uint8) for level in (0, 255)]
    reported_once(student, "train_transform", check)


@detail("train_transform", "returns float32 of shape (1, 28, 28)", weight=0.5)
def test_training_returns_the_promised_kind(student: Student, rng: Rng) -> None:
    def check(stand_ins: Mapping[str, tuple[float, float]]) -> None:
        rows = applied(student, "train_transform", pixels, 10, stand_ins)
        for row, draws, one in zip(rows, grids(rows), pixels, strict=True):
            seen = bool(best_likeness(draws, one).median() > 0.6)
            for got in row:
                assert_tensor_of_a_picture(got, "train_transform", right=False, seen=seen)

    pixels = garments(rng, 2)
    reported_once(student, "train_transform", check)


def best_likeness(draws: Tensor, pixels: Tensor) -> Tensor:
    """Return the best correlation of each draw (N, 28, 28) with the picture, mirrored or not, a few pixels apart."""
    views = [
        picture_.roll((dy, dx), (0, 1))
        for picture_ in (pixels, pixels.flip(1))
        for dy in range(-4, 5, 2)
        for dx in range(-4, 5, 2)
    ]
    table = torch.cat([draws.double(), torch.stack(views).double()]).flatten(1)
    return torch.corrcoef(table)[: len(draws), len(draws) :].nan_to_num(0).amax(1)
