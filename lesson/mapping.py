"""Data sets are mapped into a worker instead of read: torchvision copies each file twice, every time one is opened.

Student code gets the same tensor, and may change it; only the pages that it touches cost time and memory.
"""

from __future__ import annotations

import math
import os
import struct
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torchvision.datasets import mnist  # type: ignore[import-untyped]

_BYTES = 8


def prepare() -> None:
    """Make torchvision's MNIST and its relatives map their files."""
    read = mnist.read_sn3_pascalvincent_tensor

    def mapped_or_read(path: Any, strict: bool = True) -> Tensor:
        shape = shape_of_bytes(path)
        return read(path, strict) if shape is None else map_bytes(path, shape)

    mnist.read_sn3_pascalvincent_tensor = mapped_or_read


def map_bytes(path: str | os.PathLike[str], shape: tuple[int, ...]) -> Tensor:
    """Return the elements of an idx file of bytes, uint8, as a private copy-on-write mapping.

    Args:
        path: the file.
        shape: as returned by `shape_of_bytes`.
    """
    start = 4 * (1 + len(shape))
    whole = torch.from_file(os.fspath(path), shared=False, size=start + math.prod(shape), dtype=torch.uint8)
    return whole[start:].view(shape)


def shape_of_bytes(path: Any) -> tuple[int, ...] | None:
    """Return the shape of an idx file of bytes; None if it is anything else, or its length does not match."""
    try:
        with Path(path).open("rb") as file:
            zeros, element_type, axes = struct.unpack(">HBB", file.read(4))
            shape: tuple[int, ...] = struct.unpack(f">{axes}I", file.read(4 * axes))
            size = os.fstat(file.fileno()).st_size
    except (OSError, TypeError, struct.error):
        return None
    fits = size == 4 * (1 + axes) + math.prod(shape)
    return shape if (zeros, element_type) == (0, _BYTES) and fits and math.prod(shape) > 0 else None
