"""Hidden checks of the statistics and pictures of a data set."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from grader.checks import (
    CheckFailed,
    Student,
    StudentRaised,
    assert_arguments_kept,
    assert_is_figure,
    assert_kind,
    assert_refused,
    assert_same_again,
    assert_values,
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
from grader.foreign import ForeignFloat
from grader.hidden.inputs import Rng
from grader.hidden.mistakes import Diagnosis

EXACT, NEAR, ROUGH = 1e-4, 1e-3, 0.02


def statistics(images: Tensor) -> tuple[float, float]:
    pixels = images.double() / 255
    return float(pixels.mean()), float(pixels.std(correction=0))


def two_numbers(got: object) -> tuple[float, float]:
    """Return mean and deviation as floats, whatever holds them, or fail."""
    where, answer = "pixel_statistics", got
    name_mistake(got, None, where, None)
    several = numbers_of(got)
    if several is not None:
        got = several.tolist() if several.shape == (2,) else None
    parts = list(got) if isinstance(got, tuple | list) else []
    numbers = [number_of(one if numbers_of(one) is None else numbers_of(one)) for one in parts[:3]]
    if len(numbers) != 2 or None in numbers:
        fail_check(f"{where}: expected mean and deviation as two floats, got {describe(answer)}. What is returned?")
    return numbers[0] or 0.0, numbers[1] or 0.0


def bright_images(student: Student, rng: Rng) -> tuple[Tensor, object]:
    """Return bright images of different brightness, and the answer to them; several checks share both."""
    if "bright" not in student.kept:
        dark = torch.tensor([0.05, 0.1, 0.2, 0.5, 1.0]).repeat(8)[:, None, None]
        images = 255 - (rng.bytes_(40, 28, 28).float() * dark).to(torch.uint8)
        student.kept["bright"] = images, student.pixel_statistics(images)
    kept: tuple[Tensor, object] = student.kept["bright"]
    return kept


def assert_statistics(got: object, images: Tensor, expected: tuple[float, float] | None = None) -> None:
    """Compare both numbers exactly, on whichever scale they are; another check tests the scale."""
    expected = expected or statistics(images)
    numbers = two_numbers(got)
    scale = 255 if numbers[0] > 1 else 1
    wrong = [abs(number / scale - wanted) > EXACT for number, wanted in zip(numbers, expected, strict=True)]
    if any(wrong):
        name_mistake(numbers, expected, "pixel_statistics", Diagnosis("pixel_statistics", (images,)))
        which = "mean" if wrong[0] else "standard deviation"
        fail_check(f"pixel_statistics: the {which} differs by more than 0.0001. Over which pixels is it computed?")


@core("pixel_statistics", "finds the mean of all pixels")
def test_mean_of_all_pixels(student: Student, rng: Rng) -> None:
    images, got = bright_images(student, rng)
    numbers, (mean, deviation) = two_numbers(got), statistics(images)
    if not any(abs(number / scale - mean) <= ROUGH for number in numbers for scale in (1, 255)):
        name_mistake(numbers, (mean, deviation), "pixel_statistics", Diagnosis("pixel_statistics", (images,)))
        fail_check("pixel_statistics: neither of the two numbers is the mean. Over which pixels is it computed?")


@detail("pixel_statistics", "returns the mean first, on the scale from 0 to 1", weight=1.5)
def test_mean_is_first_and_scaled(student: Student, rng: Rng) -> None:
    images, got = bright_images(student, rng)
    numbers, (mean, deviation) = two_numbers(got), statistics(images)
    if abs(numbers[0] - mean) > ROUGH:
        name_mistake(numbers, (mean, deviation), "pixel_statistics", Diagnosis("pixel_statistics", (images,)))
        fail_check("pixel_statistics: the first number is not the mean from 0 to 1. What should white be?")


@detail("pixel_statistics", "counts every pixel once, in both numbers", weight=1.6)
def test_every_pixel_counts_once(student: Student, rng: Rng) -> None:
    # With any usual part size the last part is smaller than the others, and brighter.
    images = torch.cat([rng.bytes_(1101, 2, 3) // 2, rng.bytes_(100, 2, 3) // 3 + 110])
    images += torch.tensor([0, 30, 60], dtype=torch.uint8)  # some pixels are brighter than others
    got = student.pixel_statistics(images)
    numbers = two_numbers(got)
    try:
        assert_statistics(got, images)
    except CheckFailed:
        if not is_average_of_parts(numbers, images):
            raise
    else:
        return
    fail_check(
        "pixel_statistics: the results of parts are averaged, though not all parts are equally large. "
        "How much weight should each of them get?",
        "averages-batch-statistics",
    )


USUAL_SIZES = (2, 4, 5, 8, 10, 16, 20, 25, 32, 50, 64, 100, 128, 200, 250, 256, 300, 400, 500, 512, 600, 1000, 1024)


def is_average_of_parts(numbers: tuple[float, float], images: Tensor) -> bool:
    """Return whether the results of parts of a usual size were averaged, the smaller last one like the others."""
    for size in USUAL_SIZES:
        parts = [part.double() / 255 for part in images.split(size)]
        mean = torch.stack([part.mean() for part in parts]).mean()
        spreads = [torch.stack([part.square().mean() for part in parts]).mean().sub(mean**2).clamp(min=0).sqrt()]
        for correction in (0, 1):
            variances = torch.stack([part.var(correction=correction) for part in parts])
            spreads += [variances.sqrt().mean(), variances.mean().sqrt()]
        if any(same_values(numbers, (float(mean), float(spread))) for spread in spreads):
            return True
    return False


@detail("pixel_statistics", "returns the population's deviation, not a sample's", weight=0.3)
def test_deviation_is_of_the_population(student: Student, rng: Rng) -> None:
    images = torch.tensor([[[0, 255]], [[rng.int(60, 90), rng.int(160, 190)]]], dtype=torch.uint8)
    assert_statistics(student.pixel_statistics(images), images)


@detail("pixel_statistics", "returns two floats", weight=0.3)
def test_statistics_are_floats(student: Student, rng: Rng) -> None:
    _, got = bright_images(student, rng)
    two_numbers(got)
    if not isinstance(got, tuple | list):
        fail_check(f"pixel_statistics: expected a tuple of two floats, got {describe(got)}. What is returned?")
    if not all(type(number) is float for number in got):
        numpys = all(isinstance(number, ForeignFloat) for number in got)
        tensors = all(isinstance(number, Tensor) for number in got)
        fail_check(
            f"pixel_statistics: expected two floats, got {' and '.join(map(describe, got))}. Does `.item()` help?",
            "numpy-scalar" if numpys else "tensor-instead-of-number" if tensors else None,
        )


@detail("pixel_statistics", "is exact to 0.0001 on 60,000 images", weight=0.5)
def test_statistics_of_many_images(student: Student, rng: Rng) -> None:
    value, images, expected = on_many(student, rng)
    try:
        assert_statistics(value, images, expected)
    except CheckFailed as failed:
        if failed.misconception is None and same_values(two_numbers(value), overflowed(images, 60_000 // len(images))):
            fail_check(
                "pixel_statistics: a sum of squares over 60,000 images overflows its type. What is the largest int32?",
                "integer-overflow",
            )
        raise


def overflowed(images: Tensor, times: int) -> tuple[float, float]:
    """Return mean and deviation of repeated images, if the sum of squares is kept as an int32."""
    levels, count = images.long(), images.numel() * times
    total = int((levels * levels).sum()) * times
    kept = (total + (1 << 31)) % (1 << 32) - (1 << 31)
    mean = float(levels.double().mean())
    return mean / 255, max(kept / count - mean**2, 0.0) ** 0.5 / 255


@detail("pixel_statistics", "makes no float64 copy of the whole set", weight=0.4)
def test_statistics_make_no_large_copy(student: Student, rng: Rng) -> None:
    facts = student.probe("large_statistics", rng.bytes_(500, 28, 28), 60_000, measured=True)
    size = 60_000 * 784
    if facts["float64 elements"] >= size // 2 or facts["array bytes"] >= 8 * size * 3 // 2:
        fail_check(
            "pixel_statistics: all 60,000 images are copied to float64 at once. Can it be done in parts?",
            "copies-to-float64" if facts["float64 elements"] == size else None,
        )


def on_many(student: Student, rng: Rng) -> tuple[object, Tensor, tuple[float, float]]:
    """Return the answer, a few of 60,000 images, and the right answer."""
    some = (rng.bytes_(500, 28, 28).float() * rng.int(3, 9) / 10).to(torch.uint8)
    facts = student.probe("large_statistics", some, 60_000)
    few = torch.cat([some, some >> 1, some >> 2])
    return facts["value"], few, statistics(few)


@detail("pixel_statistics", "computes each set afresh, views too, and does not change it", weight=0.4)
def test_sets_are_told_apart(student: Student, rng: Rng) -> None:
    first, view = rng.bytes_(3, 5, 7), rng.bytes_(6, 7, 5)[::2].transpose(1, 2)
    assert_arguments_kept(student, "pixel_statistics", first)
    calls = (first, first // 2, first, view, view.contiguous())
    try:
        bright, dark, again, of_view, of_copy = [two_numbers(student.pixel_statistics(one)) for one in calls]
    except StudentRaised:
        if [raises(student, one) for one in calls] == [False, False, False, True, False]:
            fail_check(
                "pixel_statistics: a view, such as transposed images, raises an error, its copy does not. "
                "Where are the numbers of a view in memory?",
                "assumes-contiguous",
            )
        raise
    darker = all(abs(dark[place] - bright[place] / 2) <= ROUGH * bright[place] for place in (0, 1))
    if not (darker and same_values(bright, again) and same_values(of_view, of_copy)):
        fail_check(
            "pixel_statistics: called for one set after another, the answers are inconsistent. "
            "Does it remember something of an earlier call?"
        )


def raises(student: Student, images: Tensor) -> bool:
    try:
        student.pixel_statistics(images)
    except StudentRaised:
        return True
    return False


def counts_of(labels: Tensor, num_classes: int) -> Tensor:
    return torch.tensor([int((labels == label).sum()) for label in range(num_classes)])


def as_tensor(got: object) -> object:
    """Return a list of numbers as a tensor; another check tests which of the two it is."""
    if isinstance(got, list | tuple) and got and all(number_of(one) is not None for one in got):
        return torch.tensor([number_of(one) for one in got], dtype=torch.float64)
    return got


def assert_counts(student: Student, labels: Tensor, num_classes: int) -> None:
    got = as_tensor(student.class_counts(labels, num_classes))
    diagnose = Diagnosis("class_counts", (labels, num_classes))
    assert_values(got, counts_of(labels, num_classes), "class_counts", diagnose=diagnose)


@core("class_counts", "counts each class")
def test_classes_are_counted(student: Student, rng: Rng) -> None:
    assert_counts(student, torch.cat([rng.labels(97, 10), torch.arange(10)]), 10)


@detail("class_counts", "has one place for each class, with 0 for absent ones", weight=0.9)
def test_absent_classes_count_zero(student: Student, rng: Rng) -> None:
    labels = rng.labels(50, 5)
    assert_counts(student, labels[labels != 2] + 1, 11)


@detail("class_counts", "returns a tensor of int64, even for a single class", weight=0.3)
def test_counts_are_whole_numbers(student: Student, rng: Rng) -> None:
    labels = rng.labels(20, 5)
    got = student.class_counts(labels, 5)
    if isinstance(got, Tensor) and got.is_floating_point() and same_values(got, counts_of(labels, 5)):
        fail_check(
            f"class_counts: expected int64, got {got.dtype}. Can there be half an image?", "float-instead-of-int"
        )
    assert_kind(got, torch.empty(0, dtype=torch.int64), "class_counts")
    assert_counts(student, torch.zeros(300, dtype=torch.int64), 1)


@detail("class_counts", "counts each set of labels afresh, views too, and does not change them", weight=0.5)
def test_labels_are_told_apart(student: Student, rng: Rng) -> None:
    first, second, other = (torch.cat([rng.labels(13, 5), torch.arange(5)]) for _ in range(3))
    assert_arguments_kept(student, "class_counts", first, 5)
    calls = [(first, 5), (second, 5), (other.repeat(2)[::2], 5)]
    try:
        assert_same_again(student, "class_counts", calls, counts_of, prepared=as_tensor)
    except CheckFailed:
        fail_for_memory(student, *(torch.cat([rng.labels(13, 9), torch.arange(9)]) for _ in range(2)))
        raise


def fail_for_memory(student: Student, first: Tensor, second: Tensor) -> None:
    """Fail with a name if a call returns the counts of the previous call, or of both."""
    try:
        alone, again = (student.class_counts(labels, 9) for labels in (first, second))
    except StudentRaised:
        return
    before, after = counts_of(first, 9), counts_of(second, 9)
    earlier = any(same_values(again, counts) for counts in (before, before + after))
    if same_values(alone, before) and not same_values(again, after) and earlier:
        fail_check(
            "class_counts: other labels gave the counts of an earlier call, or counts added to them. "
            "What does it remember?",
            "remembers-earlier-call",
        )


@refusal("class_counts", "a label outside the classes")
def test_unknown_labels_are_refused(student: Student, rng: Rng) -> None:
    for unknown in (5, -1):
        assert_refused(student, "class_counts", torch.cat([rng.labels(20, 5), torch.tensor([unknown])]), 5)


def means_of(images: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    result = torch.zeros(num_classes, *images.shape[1:])
    for label in labels.unique().tolist():
        result[label] = (images[labels == label].double() / 255).mean(0).float()
    return result


def scaled(got: object, expected: Tensor) -> object:
    """Return means on the scale from 0 to 1, whichever they have; another check tests the scale."""
    numbers = numbers_of(got)
    if numbers is None or numbers.shape != expected.shape or numbers.is_complex():
        return got
    levels = numbers.double().nan_to_num(0)
    factor = float((levels * expected).sum() / levels.square().sum().clamp(min=1e-9))
    return numbers.double() * factor if factor > 0 else got


def assert_means(
    student: Student,
    images: Tensor,
    labels: Tensor,
    num_classes: int,
    prepared: Callable[[object, Tensor], object] = lambda got, _expected: got,
    *,
    atol: float = NEAR,
) -> None:
    """Compare the values; if only the student's own ``class_counts`` is wrong, say just that."""
    expected = means_of(images, labels, num_classes)
    args = (images, labels, num_classes)

    def is_right(answer: Callable[[], object]) -> bool:
        try:
            assert_values(prepared(answer(), expected), expected, "class_means", atol=atol)
        except (CheckFailed, StudentRaised):
            return False
        return True

    if is_right(lambda: student.class_means(*args)):
        return
    counts = counts_of(labels, num_classes)
    if is_right(lambda: student.probe("means_with_counts", *args, counts)):
        fail_check("class_means: it is right once your class_counts is right. What do the checks of class_counts say?")
    got = student.class_means(*args)
    name_mistake(got, expected, "class_means", Diagnosis("class_means", args))
    numbers = numbers_of(prepared(got, expected))
    if numbers is not None and numbers.shape == expected.shape:
        absent = (counts == 0)[:, None, None].expand_as(expected)
        if torch.equal(numbers.isnan(), absent) and same_values(numbers.nan_to_num(0), expected):
            fail_check(
                "class_means: the mean of a class without images is NaN. What is divided by 0?",
                "nan-for-absent-classes",
            )
    if numbers is not None and numbers.is_floating_point() and same_values(got, overflowed_means(*args)):
        fail_check(
            "class_means: the sum of a class is kept in a type that ends at 255. What is 200 + 100 there?",
            "integer-overflow",
        )
    assert_values(prepared(got, expected), expected, "class_means", atol=atol)


def overflowed_means(images: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    """Return the means if the sum of a class is kept as uint8."""
    sums = torch.stack([images[labels == label].long().sum(0) % 256 for label in range(num_classes)])
    return sums.float() / counts_of(labels, num_classes).clamp(min=1)[:, None, None] / 255


@core("class_means", "averages the images of each class")
def test_classes_are_averaged(student: Student, rng: Rng) -> None:
    labels = torch.cat([rng.labels(40, 5), torch.arange(5)])
    assert_means(student, rng.bytes_(45, 28, 28), labels, 5, scaled, atol=1.5 / 255)


@detail("class_means", "uses the scale from 0 to 1", weight=1.2)
def test_means_are_scaled(student: Student, rng: Rng) -> None:
    assert_means(student, rng.bytes_(15, 28, 28), torch.arange(15) % 5, 5)


@detail("class_means", "returns 0 for absent classes", weight=0.9)
def test_absent_classes_have_mean_zero(student: Student, rng: Rng) -> None:
    labels = rng.labels(30, 4)
    assert_means(student, rng.bytes_(30, 28, 28), torch.where(labels == 1, 3, labels), 7, scaled)


@detail("class_means", "takes images of any size, keeps axes of length 1", weight=0.5)
def test_axes_of_length_one_are_kept(student: Student, rng: Rng) -> None:
    assert_means(student, rng.bytes_(9, 5, 7), torch.arange(9) % 3, 3, scaled)
    assert_means(student, rng.bytes_(6, 1, 5), torch.zeros(6, dtype=torch.int64), 1, scaled)


@detail("class_means", "returns a tensor of float32", weight=0.4)
def test_means_are_float32(student: Student, rng: Rng) -> None:
    got = student.class_means(rng.bytes_(12, 28, 28), torch.arange(12) % 3, 3)
    assert_kind(got, torch.empty(0), "class_means")


@detail("class_means", "computes each set afresh, views and many images too, and does not change it", weight=0.5)
def test_sets_of_means_are_told_apart(student: Student, rng: Rng) -> None:
    first, second, many = rng.bytes_(12, 5, 3), rng.bytes_(12, 5, 3), rng.bytes_(600, 2, 3) // 8 + 220
    labels = torch.arange(12) % 3
    assert_arguments_kept(student, "class_means", first, labels, 3)
    view = second.transpose(1, 2), labels.repeat(2)[::2]
    for images, classes in ((first, labels), (second, labels), view, (many, torch.arange(600) % 3), (first, labels)):
        assert_means(student, images, classes, 3, scaled)


NAMES = ["drum", "anchor", "candle", "bottle"]


@dataclass(frozen=True)
class Shown:
    """A picture in a figure.

    Attributes:
        index: of the image that it shows, or None if it shows none of them.
        row: height of its axes, from 0 to 1.
        column: how far to the right they are.
        words: texts of the axes, and of the figure beside them.
    """

    index: int | None
    row: float
    column: float
    words: Sequence[str]


def assert_figure(facts: Any) -> None:
    if facts["type"] == "NoneType":
        fail_check("plot_examples: expected a Figure, got None. Is the `return` missing?", "returns-none")
    assert facts["type"] == "Figure", (
        f"plot_examples: expected a matplotlib Figure, got {facts['type']}. What does `plt.subplots` give?"
    )


def figures_of(student: Student, images: Tensor, labels: Tensor, *calls: tuple[list[str], dict[str, int]]) -> list[Any]:
    """Return what the probe says about each figure, drawn one after the other."""
    facts = student.probe("plot_examples", images, labels, list(calls))
    for figure in facts["figures"]:
        assert_figure(figure)
    if not all(torch.equal(old, new) for old, new in zip((images, labels), facts["after"], strict=True)):
        student.kept["changed"] = True
    figures: list[Any] = facts["figures"]
    return figures


def shown_in(figure: Any, images: Tensor) -> list[Shown]:
    """Return the pictures of a figure, with all texts of their rows."""
    axes = [one for one in figure["axes"] if one["images"]]
    heights = {one["row"] for one in axes}

    def nearest(place: float) -> float:
        return min(heights, key=lambda height: abs(height - place))

    beside = [(text, nearest(place)) for text, place in figure["placed"] if heights]
    texts = [(word, one["row"]) for one in figure["axes"] for word in one["words"]] + beside
    return [
        Shown(
            _index(one["images"][-1], images),
            one["row"],
            one["column"],
            [text for text, row in texts if abs(row - one["row"]) < 0.02],
        )
        for one in axes
    ]


def _index(picture: object, images: Tensor) -> int | None:
    if not isinstance(picture, Tensor) or picture.shape[:2] != images.shape[1:]:
        return None
    grey = (picture if picture.ndim == 2 else picture[..., 0]).double().flatten()
    alike = torch.corrcoef(torch.cat([grey[None], images.double().flatten(1)]))[0, 1:].nan_to_num(0)
    return int(alike.argmax()) if alike.max() > 0.999 else None


def lines(pictures: list[Shown], place: Callable[[Shown], float]) -> list[list[Shown]]:
    """Return the pictures by row or by column, depending on the place."""
    found: list[list[Shown]] = []
    for one in sorted(pictures, key=place):
        if not found or abs(place(found[-1][0]) - place(one)) > 0.02:
            found.append([])
        found[-1].append(one)
    return found


def counts_in(pictures: list[Shown], labels: Tensor, num_classes: int) -> list[int]:
    """Return how many different images of each class are shown."""
    seen = Counter(int(labels[index]) for index in {one.index for one in pictures} if index is not None)
    return [seen[label] for label in range(num_classes)]


@dataclass(frozen=True)
class Drawn:
    """The drawing of four mixed classes."""

    labels: Tensor
    figure: Any
    pictures: list[Shown]

    def classes(self, line: list[Shown]) -> set[int]:
        """Return the classes of some pictures."""
        return {int(self.labels[one.index]) for one in line if one.index is not None}


def drawn(student: Student, rng: Rng) -> Drawn:
    """Return a figure of four mixed classes; several checks share one, since it takes a while to draw."""
    if "figure" not in student.kept:
        images, labels = rng.bytes_(40, 7, 11), torch.arange(40)[torch.randperm(40, generator=rng.generator)] % 4
        figure = figures_of(student, images, labels, (NAMES, {}))[0]
        student.kept["figure"] = Drawn(labels, figure, shown_in(figure, images))
    kept: Drawn = student.kept["figure"]
    return kept


@core("plot_examples", "shows images of every class", weight=0.5)
def test_every_class_is_shown(student: Student, rng: Rng) -> None:
    seen = drawn(student, rng)
    assert all(one.index is not None for one in seen.pictures), (
        "plot_examples: expected pictures of the set, got others. What is drawn?"
    )
    assert all(counts_in(seen.pictures, seen.labels, 4)), (
        "plot_examples: expected pictures of every class, some are missing. Which images belong to a class?"
    )


@detail("plot_examples", "has one row for each class", weight=1.4)
def test_rows_hold_their_class(student: Student, rng: Rng) -> None:
    seen = drawn(student, rng)
    rows, columns = (lines(seen.pictures, place) for place in (lambda one: -one.row, lambda one: one.column))
    if sorted(map(sorted, map(seen.classes, rows))) == [[0], [1], [2], [3]]:
        return
    by_column = sorted(map(sorted, map(seen.classes, columns))) == [[0], [1], [2], [3]]
    if by_column:
        fail_check(
            "plot_examples: expected a row for each class, got a column for each. What counts down the rows?",
            "classes-in-columns",
        )
    fail_check("plot_examples: expected a row for each class, got others. What do the pictures of a row share?")


@detail("plot_examples", "writes the name of each class on its row", weight=1.2)
def test_rows_have_their_names(student: Student, rng: Rng) -> None:
    seen = drawn(student, rng)
    texts = " ".join([*seen.figure["texts"], *(word for axes in seen.figure["axes"] for word in axes["words"])])
    rows, columns = (lines(seen.pictures, place) for place in (lambda one: -one.row, lambda one: one.column))
    for label, name in enumerate(NAMES):
        if name not in texts:
            fail_check(
                "plot_examples: expected the name of each class, some are missing. Where is it written?",
                "class-names-missing" if not any(one in texts for one in NAMES) else None,
            )
        words = [word for line in rows if seen.classes(line) == {label} for word in line[0].words]
        in_column = any(seen.classes(line) == {label} for line in columns)
        if not in_column and not any(name in word for word in words):
            at_once = any(all(one in text for one in NAMES) for text in seen.figure["texts"])
            fail_check(
                "plot_examples: expected the name of a class on its own row, got it elsewhere. Which row is which "
                "class?",
                "names-in-one-line" if at_once else None,
            )


@detail("plot_examples", "shows per_class images of each class, five by default", weight=0.5)
def test_rows_have_per_class_images(student: Student, rng: Rng) -> None:
    seen = drawn(student, rng)
    counts = {5: counts_in(seen.pictures, seen.labels, 4)}
    images, labels = rng.bytes_(30, 7, 11), torch.arange(30) % 3
    (figure,) = figures_of(student, images, labels, (NAMES[:3], {"per_class": 2}))
    counts[2] = counts_in(shown_in(figure, images), labels, 3)
    for per_class, found in counts.items():
        if set(found) != {per_class}:
            constant = set(counts[2]) == set(counts[5]) and len(set(counts[5])) == 1 < counts[5][0]
            default = "other-defaults" if set(counts[2]) == {2} and len(set(counts[5])) == 1 else None
            fail_check(
                f"plot_examples: expected {per_class} different pictures of each class, got {found}. "
                "What decides how many?",
                "ignores-per-class" if constant else default,
            )


@detail("plot_examples", "draws a single image of each class, or a single class", weight=0.3)
def test_thin_grids_are_drawn(student: Student, rng: Rng) -> None:
    for classes, per_class in ((3, 1), (1, 3)):
        images, labels = rng.bytes_(9, 7, 11), torch.arange(9) % classes
        try:
            (figure,) = figures_of(student, images, labels, (NAMES[:classes], {"per_class": per_class}))
        except StudentRaised as error:
            if re.search("'Axes' object|array is 1-dimensional", error.text):
                fail_check(
                    f"{error.text.rstrip('.')}. This was a grid of one row or of one column. "
                    "What does `plt.subplots` give for it?",
                    "subplots-squeezed",
                )
            raise
        counts = counts_in(shown_in(figure, images), labels, classes)
        assert counts == [per_class] * classes, (
            f"plot_examples: expected {per_class} pictures of each of {classes} classes, got {counts}. "
            "What shape do the axes of a grid of one row, or one column, have?"
        )


@detail("plot_examples", "shows fewer if a class has fewer, and hides the unused axes", weight=0.5)
def test_rows_may_be_shorter(student: Student, rng: Rng) -> None:
    labels = torch.tensor([0, 0, 1, 1, 1, 1, 1, 1, 3, 3])
    images = rng.bytes_(10, 7, 11)
    try:
        (figure,) = figures_of(student, images, labels, (NAMES, {"per_class": 4}))
    except StudentRaised as error:
        enough = torch.arange(16) % 4
        figures_of(student, rng.bytes_(16, 7, 11), enough, (NAMES, {"per_class": 4}))
        fail_check(
            f"{error.text.rstrip('.')}. Some classes have fewer images than asked for. What is drawn for those?",
            "needs-enough-images",
        )
    counts = counts_in(shown_in(figure, images), labels, 4)
    assert counts == [2, 4, 0, 2], (
        f"plot_examples: expected 2, 4, 0 and 2 pictures of the classes, got {counts}. What if a class has too few?"
    )
    if any(axes["on"] for axes in figure["axes"] if not axes["images"]):
        fail_check(
            "plot_examples: expected axes without a picture to be hidden, got an empty frame. What switches axes off?",
            "unused-axes-shown",
        )


@detail("plot_examples", "returns the figure itself", weight=0.2)
def test_a_figure_is_returned(student: Student, rng: Rng) -> None:
    given = drawn(student, rng).figure["given"]
    assert_is_figure(given, "plot_examples")


@detail("plot_examples", "draws each figure afresh, views too, and does not change its arguments", weight=0.3)
def test_figures_are_told_apart(student: Student, rng: Rng) -> None:
    labels = (torch.arange(6) % 2).repeat_interleave(4)[::2]
    others, images = (rng.bytes_(12, 11, 7).transpose(1, 2) for _ in range(2))
    calls = [(names, {"per_class": 2}) for names in (NAMES[:2], NAMES[2:])]
    figures_of(student, others, labels, *calls)
    figures = figures_of(student, images, labels, *calls)
    for figure in figures:
        pictures = shown_in(figure, images)
        if len(pictures) != 4:
            (alone,) = figures_of(student, images, labels, calls[0])
            reused = len(shown_in(alone, images)) == 4 and len(pictures) == 8
            fail_check(
                "plot_examples: a second figure is drawn over the first. Which call makes a new one?",
                "reuses-current-figure" if reused else None,
            )
        assert all(one.index is not None for one in pictures), (
            "plot_examples: other images gave the figure of earlier ones. Does it remember an earlier call?"
        )
    words = [word for axes in figures[1]["axes"] for word in axes["words"]] + figures[1]["texts"]
    assert not any(NAMES[0] in word for word in words), (
        "plot_examples: other names gave the figure of the first ones. Does it remember an earlier call?"
    )
    if student.kept.get("changed"):
        fail_check("plot_examples: an argument is changed by the call. What works in place?", "modifies-input")
