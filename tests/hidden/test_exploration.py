"""Hidden checks of the statistics and pictures of a data set."""

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from grader.checking import core, detail
from grader.checking.assertions import Diagnosis, assert_close, describe, fail_check, name_mistake
from grader.checking.inputs import Rng
from grader.checking.student import Student


def statistics(images: Tensor) -> tuple[float, float]:
    pixels = images.double() / 255
    return float(pixels.mean()), float(pixels.std(correction=0))


def assert_statistics(got: object, expected: tuple[float, float], diagnose: Diagnosis | None = None) -> None:
    where = "pixel_statistics"
    two_floats = isinstance(got, tuple | list) and len(got) == 2 and all(isinstance(number, float) for number in got)
    if two_floats and all(abs(number - wanted) <= 1e-4 for number, wanted in zip(got, expected, strict=True)):
        return
    name_mistake(got, expected, where, diagnose)
    if not isinstance(got, tuple | list) or len(got) != 2:
        fail_check(f"{where}: expected mean and standard deviation as two floats, got {describe(got)}.")
    if not all(isinstance(number, float) for number in got):
        fail_check(f"{where}: expected two floats, got {' and '.join(map(describe, got))}. Does `.item()` help?")
    which = "mean" if abs(got[0] - expected[0]) > 1e-4 else "standard deviation"
    fail_check(f"{where}: the {which} differs by more than 0.0001. Over which pixels, on which scale?")


@core("pixel_statistics", "mean and deviation over all pixels, from 0 to 1")
def test_statistics_of_a_few_images(student: Student, rng: Rng) -> None:
    images = (rng.bytes_(5, 7, 11).float() * torch.tensor([0.1, 0.3, 0.5, 0.7, 0.9])[:, None, None]).to(torch.uint8)
    assert_statistics(
        student.call("pixel_statistics", images), statistics(images), Diagnosis("pixel_statistics", (images,))
    )


@core("pixel_statistics", "the population's deviation, not a sample's")
def test_statistics_of_very_few_pixels(student: Student, rng: Rng) -> None:
    images = torch.tensor([[[0, 255]], [[rng.int(60, 90), rng.int(160, 190)]]], dtype=torch.uint8)
    assert_statistics(
        student.call("pixel_statistics", images), statistics(images), Diagnosis("pixel_statistics", (images,))
    )


@detail("pixel_statistics", "exact to 0.0001 on 60,000 images")
def test_statistics_of_many_images(student: Student, rng: Rng) -> None:
    assert_statistics(*on_many(student, rng)[:2])


@detail("pixel_statistics", "no float64 copy of the whole set")
def test_statistics_make_no_large_copy(student: Student, rng: Rng) -> None:
    _, _, facts = on_many(student, rng)
    size = 60_000 * 784
    assert facts["float64 elements"] < size // 2 and facts["array bytes"] < 8 * size * 3 // 2, (
        "pixel_statistics: all 60,000 images are copied to float64 at once. Can it be done in parts?"
    )


def on_many(student: Student, rng: Rng) -> tuple[object, tuple[float, float], Any]:
    """Return answer and expectation for 60,000 images, and what it took; both checks look at the same call."""
    if "many" not in student.kept:
        some = (rng.bytes_(500, 28, 28).float() * rng.int(3, 9) / 10).to(torch.uint8)
        facts = student.probe("large_statistics", some, 60_000)
        student.kept["many"] = facts["value"], statistics(torch.cat([some, some >> 1, some >> 2])), facts
    value, expected, facts = student.kept["many"]
    return value, expected, facts


@detail("pixel_statistics", "leaves the images as they were")
def test_statistics_leave_the_images(student: Student, rng: Rng) -> None:
    images = rng.bytes_(3, 5, 7)
    assert_kept(student, "pixel_statistics", images)


def assert_kept(student: Student, function: str, *args: Any) -> None:
    after = student.observe(function, *[arg.clone() if isinstance(arg, Tensor) else arg for arg in args]).args_after
    for old, new in zip(args, after, strict=False):
        if isinstance(old, Tensor) and not (isinstance(new, Tensor) and torch.equal(old, new)):
            fail_check(f"{function}: an argument is changed by the call.", "modifies-input")


def assert_counts(student: Student, labels: Tensor, num_classes: int) -> None:
    expected = torch.tensor([int((labels == label).sum()) for label in range(num_classes)])
    got = student.call("class_counts", labels, num_classes)
    assert_close(got, expected, "class_counts", diagnose=Diagnosis("class_counts", (labels, num_classes)))


@core("class_counts", "counts each class")
def test_classes_are_counted(student: Student, rng: Rng) -> None:
    assert_counts(student, torch.cat([rng.labels(97, 7), torch.arange(7)]), 7)


@core("class_counts", "gives 0 for absent classes, the last ones too")
def test_absent_classes_count_zero(student: Student, rng: Rng) -> None:
    labels = rng.labels(50, 5)
    assert_counts(student, labels[labels != 2] + 1, 11)


@detail("class_counts", "leaves the labels as they were")
def test_counting_leaves_the_labels(student: Student, rng: Rng) -> None:
    assert_kept(student, "class_counts", rng.labels(20, 5), 5)


def means(images: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    result = torch.zeros(num_classes, *images.shape[1:])
    for label in labels.unique().tolist():
        result[label] = (images[labels == label].double() / 255).mean(0).float()
    return result


def assert_means(student: Student, images: Tensor, labels: Tensor, num_classes: int) -> None:
    got = student.call("class_means", images, labels, num_classes)
    diagnose = Diagnosis("class_means", (images, labels, num_classes))
    assert_close(got, means(images, labels, num_classes), "class_means", atol=1e-4, diagnose=diagnose)


@core("class_means", "averages the images of each class, from 0 to 1")
def test_classes_are_averaged(student: Student, rng: Rng) -> None:
    labels = torch.cat([rng.labels(40, 5), torch.arange(5)])
    assert_means(student, rng.bytes_(45, 7, 11), labels, 5)


@core("class_means", "gives 0 for absent classes")
def test_absent_classes_have_mean_zero(student: Student, rng: Rng) -> None:
    labels = rng.labels(30, 4)
    assert_means(student, rng.bytes_(30, 5, 3), torch.where(labels == 1, 3, labels), 7)


@detail("class_means", "many bright images of one class do not overflow")
def test_bright_images_do_not_overflow(student: Student, rng: Rng) -> None:
    assert_means(student, rng.bytes_(600, 3, 2) // 8 + 220, torch.zeros(600, dtype=torch.int64), 2)


@detail("class_means", "leaves its arguments as they were")
def test_averaging_leaves_its_arguments(student: Student, rng: Rng) -> None:
    assert_kept(student, "class_means", rng.bytes_(12, 5, 3), rng.labels(12, 3), 3)


NAMES = ["anchor", "bottle", "candle", "drum"]


def rows_of(student: Student, images: Tensor, labels: Tensor, names: list[str], **options: int) -> list[list[Any]]:
    """Return the axes of the figure by row, from top to bottom."""
    facts = student.probe("plot_examples", images, labels, names, options)
    if facts["type"] == "NoneType":
        fail_check("plot_examples: expected a Figure, got None. Does the function return?", "returns-none")
    assert facts["type"] == "Figure", f"plot_examples: expected a matplotlib Figure, got {facts['type']}."
    rows: list[list[Any]] = []
    facts["axes"] = [{**axes, "words": [*axes["words"], *_beside(axes, facts)]} for axes in facts["axes"]]
    for axes in sorted(facts["axes"], key=lambda axes: -axes["row"]):
        if not rows or abs(rows[-1][0]["row"] - axes["row"]) > 0.02:
            rows.append([])
        rows[-1].append(axes)
    return [row for row in rows if any(axes["images"] for axes in row)]


def _beside(axes: Any, facts: Any) -> list[str]:
    """Return the figure's own texts that stand nearest to the row of these axes."""
    heights = [other["row"] for other in facts["axes"] if other["images"]]
    return [
        text
        for text, height in facts["placed"]
        if heights and abs(axes["row"] - height) <= min(abs(other - height) for other in heights) + 0.02
    ]


def pictures(row: list[Any]) -> list[Tensor]:
    return [axes["images"][0] for axes in row if axes["images"]]


def is_one_of(picture: object, images: Tensor) -> bool:
    if not isinstance(picture, Tensor) or picture.shape[:2] != images.shape[1:]:
        return False
    grey = (picture if picture.ndim == 2 else picture[..., 0]).double().flatten()
    return any(bool(torch.corrcoef(torch.stack([grey, image.double().flatten()]))[0, 1] > 0.999) for image in images)


@dataclass(frozen=True)
class Drawn:
    """What was drawn, and the rows of axes that show it."""

    images: Tensor
    labels: Tensor
    rows: list[list[Any]]


def drawn(student: Student, rng: Rng) -> Drawn:
    """Return a figure of four mixed classes; several checks look at the same one, since it takes a while to draw."""
    if "figure" not in student.kept:
        images, labels = rng.bytes_(40, 7, 11), torch.arange(40)[torch.randperm(40, generator=rng.generator)] % 4
        student.kept["figure"] = Drawn(images, labels, rows_of(student, images, labels, NAMES))
    kept: Drawn = student.kept["figure"]
    return kept


@core("plot_examples", "has one row per class with images of that class")
def test_rows_hold_their_class(student: Student, rng: Rng) -> None:
    figure = drawn(student, rng)
    images, labels, rows = figure.images, figure.labels, figure.rows
    assert len(rows) == 4, f"plot_examples: expected 4 rows of pictures, got {len(rows)}."
    for label, row in enumerate(rows):
        assert all(is_one_of(picture, images[labels == label]) for picture in pictures(row)), (
            f"plot_examples: row {label}: expected pictures of that class, got others."
        )


@core("plot_examples", "writes the class name on each row")
def test_rows_have_their_names(student: Student, rng: Rng) -> None:
    for name, row in zip(NAMES, drawn(student, rng).rows, strict=False):
        texts = [text for axes in row for text in axes["words"]]
        assert any(name in text for text in texts), f"plot_examples: expected {name!r} on its row, got no such text."


@detail("plot_examples", "shows {per_class} images of each class if told so, five unless told")
@pytest.mark.parametrize("per_class", [5, 2, 1])
def test_rows_have_per_class_images(student: Student, rng: Rng, per_class: int) -> None:
    if per_class == 5:
        names, rows = NAMES, drawn(student, rng).rows
    else:
        names = NAMES[:3]
        rows = rows_of(student, rng.bytes_(30, 7, 11), torch.arange(30) % 3, names, per_class=per_class)
    counts, wanted = [len(pictures(row)) for row in rows], [per_class] * len(names)
    assert counts == wanted, f"plot_examples: expected {wanted} pictures in the rows, got {counts}."


@detail("plot_examples", "shows fewer where a class has fewer")
def test_rows_may_be_shorter(student: Student, rng: Rng) -> None:
    labels = torch.tensor([0, 0, 1, 1, 1, 1, 1, 1, 2, 2])
    images = rng.bytes_(10, 7, 11)
    rows = rows_of(student, images, labels, NAMES[:3], per_class=4)
    counts = [len(pictures(row)) for row in rows]
    assert counts == [2, 4, 2], f"plot_examples: expected 2, 4 and 2 pictures in the rows, got {counts}."
    assert is_one_of(pictures(rows[0])[1], images[:2]), (
        "plot_examples: a short row: expected its own pictures, got others."
    )
