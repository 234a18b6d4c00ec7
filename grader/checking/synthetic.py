"""A FashionMNIST of synthetic images that carry their own index, so that a split can be judged by its loaders.

Each image is a grid of 5 x 5 blocks, dark or bright: 17 bits of a scrambled index and 8 bits of checksum. Block centres
survive mirroring, small shifts and small turns, so that augmented images can still be told apart; what cannot be read
is reported as such. Over the whole set mean and standard deviation are those of the real one (0.2860 and 0.3530), and
every class has as many images as there, so that code which computes either finds what it expects.
"""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

TRAIN_SIZE = 60_000
TEST_SIZE = 10_000
NUM_CLASSES = 10
BRIGHT = 184
GRID, BLOCK, START = 5, 5, 1
ID_BITS, CHECK_BITS = 17, 8
_SCRAMBLE, _MODULUS = 40_503, 1 << ID_BITS
# Three pixels in corners of blocks stay dark: then 311 of 784 pixels are bright on average, as mean and deviation ask.
_ALWAYS_DARK = ((1, 1), (1, 10), (10, 1))


def images(ids: Tensor) -> Tensor:
    """Draw images by their index.

    Args:
        ids: int64 (N,); 0 to 59,999 are training images, 60,000 to 69,999 test images.

    Returns:
        uint8 (N, 28, 28), each pixel 0 or ``BRIGHT``.
    """
    blocks = _code(ids).reshape(-1, GRID, GRID)
    pixels = blocks.repeat_interleave(BLOCK, 1).repeat_interleave(BLOCK, 2).to(torch.uint8) * BRIGHT
    drawn = torch.zeros(len(ids), 28, 28, dtype=torch.uint8)
    end = START + GRID * BLOCK
    drawn[:, START:end, START:end] = pixels
    for row, column in _ALWAYS_DARK:
        drawn[:, row, column] = 0
    return drawn


@cache
def labels(seed: int) -> Tensor:
    """Return the labels of all images, int64 (70000,): in train and test, every class equally often."""
    generator = torch.Generator().manual_seed(seed)
    parts = []
    for size in (TRAIN_SIZE, TEST_SIZE):
        ordered = torch.arange(NUM_CLASSES).repeat(size // NUM_CLASSES)
        parts.append(ordered[torch.randperm(size, generator=generator)])
    return torch.cat(parts)


def decode(batch: Tensor) -> Tensor:
    """Read the indices of images, mirrored or not.

    Args:
        batch: floating point (N, 28, 28), in any normalisation.

    Returns:
        int64 (N,), with -1 where no index can be read.
    """
    as_is = _read(batch)
    return torch.where(as_is >= 0, as_is, _read(batch.flip(-1)))


def write(root: Path, seed: int) -> None:
    """Lay the set out below a data folder, as torchvision unpacks it (about 55 MB)."""
    raw = root / "FashionMNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    drawn, all_labels = images(torch.arange(TRAIN_SIZE + TEST_SIZE)), labels(seed).to(torch.uint8)
    for name, part in (("train", slice(0, TRAIN_SIZE)), ("t10k", slice(TRAIN_SIZE, None))):
        _write_idx(raw / f"{name}-images-idx3-ubyte", drawn[part])
        _write_idx(raw / f"{name}-labels-idx1-ubyte", all_labels[part])


def _write_idx(path: Path, data: Tensor) -> None:
    header = struct.pack(f">HBB{data.ndim}I", 0, 8, data.ndim, *data.shape)
    path.write_bytes(header + data.contiguous().numpy().tobytes())


def _code(ids: Tensor) -> Tensor:
    """Return the 25 bits of each index, bool (N, 25)."""
    scrambled = (ids * _SCRAMBLE + 12_345) % _MODULUS
    word = scrambled << CHECK_BITS | _checksum(scrambled)
    return (word[:, None] >> torch.arange(ID_BITS + CHECK_BITS)) & 1 == 1


def _checksum(scrambled: Tensor) -> Tensor:
    mixed = scrambled * 0x9E3779B1 + 0x7F4A7C15
    return (mixed ^ (mixed >> 15) ^ (mixed >> 23)) & ((1 << CHECK_BITS) - 1)


def _read(batch: Tensor) -> Tensor:
    centres = torch.arange(GRID) * BLOCK + START + BLOCK // 2
    smooth = torch.nn.functional.avg_pool2d(batch.double()[:, None], 3, stride=1, padding=1)[:, 0]
    blocks = smooth[:, centres][:, :, centres].flatten(1)  # (N, 25)
    low, high = batch.flatten(1).amin(1).double(), batch.flatten(1).amax(1).double()
    bits = (blocks > ((low + high) / 2)[:, None]).long()
    word = (bits << torch.arange(ID_BITS + CHECK_BITS)).sum(1)
    scrambled = word >> CHECK_BITS
    ids = (scrambled - 12_345) * pow(_SCRAMBLE, -1, _MODULUS) % _MODULUS
    valid = (_checksum(scrambled) == word & ((1 << CHECK_BITS) - 1)) & (ids < TRAIN_SIZE + TEST_SIZE) & (high > low)
    return torch.where(valid, ids, -1)
