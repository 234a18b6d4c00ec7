"""A FashionMNIST of synthetic images that carry their own index, so that a split can be checked through its loaders.

Each image is a grid of 6 x 6 blocks, dark or bright: 17 bits of its index, 19 bits of checksum. The middle of a block
survives mirroring, small shifts and small turns, so that augmented images can still be told apart; unreadable ones are
reported as such. Over the whole set mean and standard deviation are those of the real one (0.2860 and 0.3530), and
every class has as many images, so that code that computes either finds what it expects.
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
GRID, BLOCK, START = 6, 4, 2
ID_BITS, CHECK_BITS = 17, 19
MAX_SHIFT = 3
MAX_SEARCHED = 1500
# Some pixels outside the blocks are bright in all images: 311 of 784 on average, as mean and deviation require.
_ALWAYS_BRIGHT = slice(3, 26)


def images(ids: Tensor) -> Tensor:
    """Draw images by their index.

    Args:
        ids: int64 (N,); 0 to 59,999 are training images, 60,000 to 69,999 test images.

    Returns:
        uint8 (N, 28, 28), each pixel 0 or ``BRIGHT``.
    """
    blocks = (_code(ids).to(torch.uint8) * BRIGHT).reshape(-1, GRID, GRID)
    drawn = torch.zeros(len(ids), 28, 28, dtype=torch.uint8)
    end = START + GRID * BLOCK
    drawn[:, START:end, START:end] = blocks.repeat_interleave(BLOCK, 1).repeat_interleave(BLOCK, 2)
    drawn[:, 0, _ALWAYS_BRIGHT] = BRIGHT
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
    """Read the indices of images: as they are, mirrored, or shifted by up to three pixels.

    Args:
        batch: floating point (N, 28, 28), in any normalisation.

    Returns:
        int64 (N,), with -1 if no index can be read.
    """
    low, high = batch.flatten(1).amin(1), batch.flatten(1).amax(1)
    bright = (batch > ((low + high) / 2)[:, None, None]).to(torch.uint8)
    found = torch.where(high > low, _read(bright, 0, 0), -1)
    unread = (found < 0).nonzero()[:MAX_SEARCHED, 0]
    for down, right in _shifts():
        for mirrored in (False, True):
            seen = bright[unread].flip(-1) if mirrored else bright[unread]
            found[unread] = _read(seen, down, right)
            unread = unread[found[unread] < 0]
        if not len(unread):
            break
    return found


def write(root: Path, seed: int) -> None:
    """Write the set into a data folder, as torchvision unpacks it (about 55 MB)."""
    raw = root / "FashionMNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    drawn, all_labels = images(torch.arange(TRAIN_SIZE + TEST_SIZE)), labels(seed).to(torch.uint8)
    for name, part in (("train", slice(0, TRAIN_SIZE)), ("t10k", slice(TRAIN_SIZE, None))):
        write_idx(raw / f"{name}-images-idx3-ubyte", drawn[part])
        write_idx(raw / f"{name}-labels-idx1-ubyte", all_labels[part])


def write_idx(path: Path, data: Tensor) -> None:
    """Write uint8 numbers in the format of MNIST's files."""
    header = struct.pack(f">HBB{data.ndim}I", 0, 8, data.ndim, *data.shape)
    path.write_bytes(header + data.contiguous().numpy().tobytes())


def _shifts() -> list[tuple[int, int]]:
    """Return all small shifts, the smallest first."""
    reach = range(-MAX_SHIFT, MAX_SHIFT + 1)
    return sorted(((down, right) for down in reach for right in reach), key=lambda shift: abs(shift[0]) + abs(shift[1]))


def _code(ids: Tensor) -> Tensor:
    """Return the 36 bits of each index, bool (N, 36)."""
    word = (ids ^ (_checksum(ids) >> 2)) << CHECK_BITS | _checksum(ids)
    return (word[:, None] >> torch.arange(ID_BITS + CHECK_BITS)) & 1 == 1


def _checksum(ids: Tensor) -> Tensor:
    mixed = (ids + 1) * 0x9E3779B1 + 0x7F4A7C15
    mixed = (mixed ^ (mixed >> 15)) * 0x85EBCA6B & 0xFFFFFFFF
    return (mixed ^ (mixed >> 13)) & ((1 << CHECK_BITS) - 1)


def _read(bright: Tensor, down: int, right: int) -> Tensor:
    inner = [bright[:, row, column] for row in _inner(down) for column in _inner(right)]
    blocks = torch.stack(inner).sum(0, dtype=torch.uint8).flatten(1)  # (N, 36): how many of the inner 2 x 2 are bright
    word = ((blocks > 2).long() << torch.arange(ID_BITS + CHECK_BITS)).sum(1)
    check = word & ((1 << CHECK_BITS) - 1)
    ids = (word >> CHECK_BITS) ^ (check >> 2)
    valid = (ids < TRAIN_SIZE + TEST_SIZE) & (_checksum(ids) == check)
    return torch.where(valid, ids, -1)


def _inner(shift: int) -> list[slice]:
    """Return where the two inner rows (or columns) of every block are."""
    return [slice(at, at + GRID * BLOCK, BLOCK) for at in (START + 1 + shift, START + 2 + shift)]
