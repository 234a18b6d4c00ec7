"""Public checks of lesson 3. Run them with `pytest exercises/test_exploration.py`."""

from types import ModuleType

import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.text import Text

from grader.checks import assert_close, assert_equal, assert_true, check


@check("pixel_statistics")
@pytest.mark.parametrize(
    ("pixels", "mean", "deviation"),
    [([[[0, 255]], [[255, 0]]], 0.5, 0.5), ([[[0, 51]], [[102, 255]]], 0.4, 0.374166)],
    ids=["black and white", "four levels"],
)
def test_pixel_statistics_are_those_of_all_pixels(
    student: ModuleType, pixels: list[list[list[int]]], mean: float, deviation: float
) -> None:
    """Four pixels: their mean, and the root of the mean of their squared distances from it."""
    where = f"pixel_statistics of two images with the pixels {torch.tensor(pixels).flatten().tolist()}"
    got = student.pixel_statistics(torch.tensor(pixels, dtype=torch.uint8))
    plain = isinstance(got, tuple) and [type(value) for value in got] == [float, float]
    assert_true(plain, f"{where}: expected a tuple of two floats, got {got!r}.")
    close = abs(got[0] - mean) < 1e-4 and abs(got[1] - deviation) < 1e-4
    question = "On the [0, 1] scale? Divided by the number of pixels?"
    assert_true(close, f"{where}: expected ({mean}, {deviation}), got ({got[0]:.6f}, {got[1]:.6f}). {question}")


@check("class_counts")
def test_class_counts_has_a_place_for_each_class(student: ModuleType) -> None:
    """Two of class 2, one of 0 and of 5, none of the others."""
    got = student.class_counts(torch.tensor([2, 0, 2, 5]), 7)
    hint = "What is at the place of a class that does not occur?"
    assert_close(got, torch.tensor([1, 0, 2, 0, 0, 1, 0]), "class_counts of the labels 2 0 2 5 for 7 classes", hint)


@check("class_means")
def test_class_means_averages_each_class(student: ModuleType) -> None:
    """Grey levels 204 and 255 have the mean 0.9 on the [0, 1] scale; a class without images stays black."""
    images = torch.stack([torch.full((2, 3), level) for level in (204, 255, 51)]).to(torch.uint8)
    expected = torch.stack([torch.full((2, 3), mean) for mean in (0.0, 0.9, 0.0, 0.2)])
    got = student.class_means(images, torch.tensor([1, 1, 3]), 4)
    hint = "What is 204 + 255 in uint8? And what is the mean of no image?"
    assert_close(got, expected, "class_means of levels 204 255 51 with labels 1 1 3", hint)


@check("class_means")
def test_class_means_keeps_rows_and_columns(student: ModuleType) -> None:
    """The mean of a single image is the image."""
    image = torch.tensor([[[0, 51, 102], [153, 204, 255]]], dtype=torch.uint8)
    expected = torch.tensor([[[0.0, 0.2, 0.4], [0.6, 0.8, 1.0]]])
    assert_close(student.class_means(image, torch.tensor([0]), 1), expected, "class_means of a single image")


@check("plot_examples")
def test_plot_examples_has_a_row_for_each_class(student: ModuleType) -> None:
    """Three classes, two examples each: six pictures and three names."""
    labels = torch.tensor([2, 0, 1, 1, 0, 2, 2, 1, 0, 0])
    images = torch.arange(10, dtype=torch.uint8).reshape(10, 1, 1).expand(10, 5, 7).contiguous()
    names = ["Kite", "Lamp", "Moon"]
    figure = student.plot_examples(images, labels, names, per_class=2)
    assert_true(isinstance(figure, Figure), f"plot_examples: expected a Figure, got {type(figure).__name__}.")
    shown = [axes for axes in figure.axes if axes.get_visible() and axes.images]
    assert_equal(len(shown), 6, "plot_examples of 3 classes with per_class=2, how many pictures it shows")
    text = " ".join(found.get_text() for found in figure.findobj(Text))
    missing = [name for name in names if name not in text]
    assert_true(
        not missing, f"plot_examples: expected the name of each class in its row, got no {' and no '.join(missing)}."
    )
