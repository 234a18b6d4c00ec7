"""What stands for an object that did not cross the border as itself."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch


@dataclass(frozen=True)
class Opaque:
    """Stands for an object that cannot cross; only its type's name does."""

    type_name: str


@dataclass(frozen=True)
class ForeignArray:
    """Stands for an array that is no torch tensor, such as numpy's.

    Attributes:
        kind: its type's name.
        dtype: its dtype's name.
        shape: its shape.
        values: its numbers, where torch has the dtype.
    """

    kind: str
    dtype: str
    shape: tuple[int, ...]
    values: torch.Tensor | None = field(default=None, compare=False)


class ForeignFloat(float):
    """A number that is no float of Python's own, such as numpy's float32; numpy's integers cross as ints."""

    kind = "numpy.floating"
