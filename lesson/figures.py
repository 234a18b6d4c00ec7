"""What can be drawn of a submission: small pictures and numbers, written to JSON and read back."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Raster:
    """A small picture: each value as one of 256 levels from the lowest to the highest.

    Attributes:
        height: in pixels.
        width: in pixels.
        low: the value of level 0.
        high: the value of level 255.
        levels: base64 of height * width bytes, row by row.
    """

    height: int
    width: int
    low: float
    high: float
    levels: str

    @classmethod
    def of(cls, values: Tensor) -> Self:
        """Return the picture of finite values, shape (H, W)."""
        values = values.detach().double()
        low, high = float(values.min()), float(values.max())
        levels = ((values - low) / ((high - low) or 1.0) * 255).round().byte()
        height, width = values.shape
        return cls(height, width, low, high, base64.b64encode(levels.numpy().tobytes()).decode())


@dataclass(frozen=True)
class Comparison:
    """A student's answer on a public example beside the right one.

    Attributes:
        call: the call as one would write it.
        expected: the right answer.
        got: the student's.
        difference: got - expected; None if the shapes differ.
    """

    call: str
    expected: Raster
    got: Raster
    difference: Raster | None

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild it from `dataclasses.asdict`."""
        expected, got, difference = (document[name] and Raster(**document[name]) for name in PICTURES)
        return cls(document["call"], expected, got, difference)


@dataclass(frozen=True)
class Network:
    """What can be drawn of a trained network; empty parts are left out.

    Attributes:
        filters: of its first convolution.
        activations: each one's map of the example image, after ReLU.
        confusion: test images by label (row) and answer (column).
        curves: metric -> value after each epoch, None if unknown; as in the student's file.
    """

    filters: tuple[Raster, ...] = ()
    activations: tuple[Raster, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    curves: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild it from `dataclasses.asdict`."""
        filters, maps = (tuple(Raster(**one) for one in document[name]) for name in ("filters", "activations"))
        confusion = tuple(tuple(map(int, row)) for row in document["confusion"])
        return cls(filters, maps, confusion, {name: tuple(values) for name, values in document["curves"].items()})


PICTURES = ("expected", "got", "difference")
