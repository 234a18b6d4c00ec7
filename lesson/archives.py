"""The archives of the bundled data sets; students get this module as well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from torchvision.datasets import FashionMNIST  # type: ignore[import-untyped]

from exercises.datasets import DATA_DIR, MNIST5k


def archives() -> Iterator[tuple[str, Path, str]]:
    """Return name, path and MD5 of each archive, as the data sets state them."""
    for folder, resources in (("FashionMNIST", FashionMNIST.resources), ("MNIST5k", MNIST5k.resources)):
        for name, expected in resources:
            yield f"{folder}/{name}", DATA_DIR / folder / "raw" / name, expected
