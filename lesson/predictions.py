"""The questions of `grader predict`: drawn at random, each with its arithmetic, and never with code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Case:
    """One question.

    Attributes:
        question: its text.
        answer: the shape; a single number is a shape of one.
        steps: how to get this answer.
    """

    question: str
    answer: Shape
    steps: tuple[str, ...]


@dataclass(frozen=True)
class Axis:
    """A convolution along one axis.

    Attributes:
        name: such as "height"; empty if there is only one.
        size: pixels.
        kernel: taps.
        stride: pixels from one place to the next.
        padding: zeros at each end.
        dilation: distance between taps.
    """

    name: str
    size: int
    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1

    @property
    def reach(self) -> int:
        """Return how many pixels the kernel covers, from its first tap to its last."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def starts(self) -> range:
        """Return the pixels, padding included, at which the kernel can start."""
        return range(0, self.size + 2 * self.padding - self.reach + 1, self.stride)

    def steps(self) -> tuple[str, ...]:
        """Explain the number of places."""
        padded = self.size + 2 * self.padding
        told = (
            [f"with {self.padding} zero{'s' * (self.padding > 1)} at each end there are {padded} pixels"]
            if self.padding
            else []
        )
        if self.dilation > 1:
            taps = ", ".join(str(tap * self.dilation) for tap in range(self.kernel))
            told.append(f"{self.kernel} taps {self.dilation} apart are at {taps}: they cover {self.reach} pixels")
        told.append(f"the kernel can start at {_listed(self.starts)} (then it ends at pixel {self._end()} of {padded})")
        told.append(f"that is {len(self.starts)} places" if len(self.starts) > 1 else "that is one place")
        return (f"{self.name}: {'; '.join(told)}." if self.name else f"{'; '.join(told)}.".capitalize(),)

    def _end(self) -> int:
        return self.starts[-1] + self.reach


def draw(task_id: str, count: int, rng: Random) -> list[Case]:
    """Draw cases for a task, each with something new.

    Args:
        task_id: one of `DRAW`.
        count: how many.
        rng: the source of randomness.
    """
    return [DRAW[task_id](level, rng) for level in range(count)]


def _axis(name: str, level: int, rng: Random) -> Axis:
    """Draw one axis: without stride and padding first, then with one of them, then with both."""
    plain = Axis(name, rng.randint(7, 17), rng.randint(2, 4))
    if level == 0:
        return plain
    strided = replace(plain, stride=rng.randint(2, 3))
    return strided if level == 1 else replace(strided, padding=rng.randint(1, 2))


def _length(level: int, rng: Random) -> Case:
    axis = _axis("", level, rng)
    if level == 2:
        axis = replace(axis, kernel=3, dilation=rng.randint(2, 3))
    more = {"stride": (axis.stride, 1), "padding": (axis.padding, 0), "dilation": (axis.dilation, 1)}
    said = "".join(f", {name} {value}" for name, (value, usual) in more.items() if value != usual)
    question = f"a row of {axis.size} pixels, a kernel of {axis.kernel}{said}. How long is the output?"
    return Case(question, (len(axis.starts),), axis.steps())


def _maps(level: int, rng: Random) -> Case:
    images, channels, filters = rng.randint(2, 4), rng.choice((1, 3)), rng.randint(5, 8)
    height, width = _axis("height", level, rng), _axis("width", level, rng)
    while width.size == height.size:
        width = _axis("width", level, rng)
    sizes = f"{(images, channels, height.size, width.size)}"
    said = f", stride ({height.stride}, {width.stride})" if level else ""
    said += f", padding ({height.padding}, {width.padding})" if level == 2 else ""
    weight = (filters, channels, height.kernel, width.kernel)
    return Case(
        f"input {sizes}, weight {weight}{said}. What is the shape of the output?",
        (images, filters, len(height.starts), len(width.starts)),
        (
            f"{images} images go in, and {images} answers come out.",
            f"{filters} filters give {filters} maps: each sums over its {_channels(channels)}.",
            *height.steps(),
            *width.steps(),
        ),
    )


def _layers(level: int, rng: Random) -> Case:
    """Draw a small model: a convolution and pooling, then one more convolution, or `Flatten`."""
    first: Shape = (rng.randint(2, 5), 1, 2 * rng.randint(4, 7), 2 * rng.randint(8, 10))
    filters = rng.randint(4, 8)
    layers = [_conv(1, filters, level % 2), _pool, _flatten if level == 2 else _conv(filters, rng.randint(9, 12), 0)]
    names, steps, shape = [], [], first
    for place, layer in enumerate(layers[: 2 if level == 0 else 3]):
        name, after, why = layer(shape)
        names.append(name)
        steps.append(f"{place} {name}: {shape} becomes {after}: {why}.")
        shape = after
    question = f"input {first} through {' - '.join(names)}. What is the shape of the last layer's output?"
    return Case(question, shape, tuple(steps))


Layer = Callable[[Shape], tuple[str, Shape, str]]


def _conv(channels: int, filters: int, padding: int) -> Layer:
    def layer(before: Shape) -> tuple[str, Shape, str]:
        change = 2 * padding - 2
        after = (before[0], filters, before[2] + change, before[3] + change)
        why = "a 3 x 3 kernel takes 2 rows and 2 columns" + (", padding 1 adds as many" if padding else "")
        return (
            f"Conv2d({channels}, {filters}, 3, padding={padding})",
            after,
            f"{filters} filters give {filters} maps; {why}",
        )

    return layer


def _pool(before: Shape) -> tuple[str, Shape, str]:
    after = (*before[:2], before[2] // 2, before[3] // 2)
    return "MaxPool2d(2)", after, f"half of {before[2]} rows and of {before[3]} columns, map by map"


def _flatten(before: Shape) -> tuple[str, Shape, str]:
    maps, rows, columns = before[1:]
    after = (before[0], maps * rows * columns)
    return "Flatten()", after, f"{maps} x {rows} x {columns} = {after[1]} numbers for each image"


def _channels(count: int) -> str:
    return "one channel" if count == 1 else f"{count} channels"


def _listed(starts: range) -> str:
    numbers = [str(start) for start in starts]
    if len(numbers) > 5:
        numbers = [*numbers[:3], "...", numbers[-1]]
    return ", ".join(numbers)


DRAW: dict[str, Callable[[int, Random], Case]] = {"output_size": _length, "conv2d": _maps, "layer_shapes": _layers}
"""Task id -> the function that draws a case; the level rises from 0 with each case."""
