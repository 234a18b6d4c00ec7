"""The real data sets, for the checker only: read from the archives, nothing is unpacked."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from grader.paths import DATA

_IMAGE_HEADER, _LABEL_HEADER = 16, 8


@cache
def fashion_mnist(split: str) -> tuple[Tensor, Tensor]:
    """Return images, uint8 (N, 28, 28), and labels, int64 (N,), of "train" or "t10k"."""
    raw = DATA / "FashionMNIST" / "raw"
    return _images(raw / f"{split}-images-idx3-ubyte.gz"), _labels(raw / f"{split}-labels-idx1-ubyte.gz")


@cache
def digits() -> tuple[Tensor, Tensor]:
    """Return images, uint8 (5000, 28, 28), and labels, int64 (5000,), of the kit's MNIST sample."""
    raw = DATA / "MNIST5k" / "raw"
    return _images(raw / "images-idx3-ubyte.gz"), _labels(raw / "labels-idx1-ubyte.gz")


@cache
def mixed_digits() -> tuple[Tensor, Tensor]:
    """Return the digits as the workers' data folder has them: shuffled, so that a wrong index shows in its label."""
    images, labels = digits()
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    return images[order], labels[order]


def _images(archive: Path) -> Tensor:
    return _bytes(archive, _IMAGE_HEADER).reshape(-1, 28, 28)


def _labels(archive: Path) -> Tensor:
    return _bytes(archive, _LABEL_HEADER).long()


def _bytes(archive: Path, header: int) -> Tensor:
    return torch.frombuffer(bytearray(gzip.decompress(archive.read_bytes())[header:]), dtype=torch.uint8)
