"""The archives that the bundled data sets are made of; students get this module as well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from torchvision.datasets import FashionMNIST  # type: ignore[import-untyped]

from exercises.datasets import DATA_DIR, MNIST5k


def archives() -> Iterator[tuple[str, Path, str]]:
    """Give name, path and MD5 of each archive, as the data sets state it."""
    for folder, resources in (("FashionMNIST", FashionMNIST.resources), ("MNIST5k", MNIST5k.resources)):
        for name, expected in resources:
            yield f"{folder}/{name}", DATA_DIR / folder / "raw" / name, expected
