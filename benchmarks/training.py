"""Architectures and data paths for FashionMNIST on a CPU: `python benchmarks/training.py [epochs]`.

Trains each architecture on images held in memory, and times one pass over the training set for each way of loading it.
Prints accuracy against seconds; compare rows of one run, since other work on the machine shows in all of them.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from exercises.datasets import DATA_DIR
from grader.checking import oracle
from solutions.data_module import FashionMNISTDataModule
from solutions.model import FashionCNN, build_baseline

BATCH = 128
RATE = 3e-3
TRAIN_SIZE = 55_000


def small() -> nn.Module:
    """About 20,000 parameters: two convolutions and a mean over the map."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.MaxPool2d(2), nn.BatchNorm2d(32), nn.ReLU(),
        nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(64, 10),
    )  # fmt: skip


def three_blocks() -> nn.Module:
    """Three convolutions, each with batch norm before its pooling."""
    blocks = [
        layer
        for channels, maps in ((1, 32), (32, 64), (64, 128))
        for layer in (nn.Conv2d(channels, maps, 3, padding=1), nn.BatchNorm2d(maps), nn.ReLU(), nn.MaxPool2d(2))
    ]
    return nn.Sequential(*blocks, nn.Flatten(), nn.Linear(1152, 10))


ARCHITECTURES: dict[str, Callable[[], nn.Module]] = {
    "reference": FashionCNN,
    "small": small,
    "baseline": build_baseline,
    "three blocks": three_blocks,
}


def normalised(split: str) -> tuple[Tensor, Tensor]:
    """Return all images of a split, float32 (N, 1, 28, 28), and their labels."""
    images, labels = oracle.fashion_mnist(split)
    return ((images.float() / 255 - 0.2860) / 0.3530)[:, None], labels


def train(network: nn.Module, epochs: int, *, channels_last: bool) -> tuple[float, float]:
    """Train with AdamW and a cosine schedule; return seconds and test accuracy."""
    layout = torch.channels_last if channels_last else torch.contiguous_format
    network = network.to(memory_format=layout)
    images, labels = normalised("train")
    images, labels = images[:TRAIN_SIZE], labels[:TRAIN_SIZE]
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE)
    steps = epochs * math.ceil(TRAIN_SIZE / BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    started = time.perf_counter()
    network.train()
    for _ in range(epochs):
        for rows in torch.randperm(TRAIN_SIZE).split(BATCH):
            mirrored = torch.rand(len(rows), 1, 1, 1) < 0.5
            batch = torch.where(mirrored, images[rows].flip(3), images[rows]).contiguous(memory_format=layout)
            optimizer.zero_grad()
            F.cross_entropy(network(batch), labels[rows]).backward()
            optimizer.step()
            schedule.step()
    return time.perf_counter() - started, accuracy(network)


@torch.no_grad()
def accuracy(network: nn.Module) -> float:
    """Return the share of right answers on the test images."""
    network.eval()
    images, labels = normalised("t10k")
    answer = torch.cat([network(chunk).argmax(1) for chunk in images.split(1000)])
    return float((answer == labels).double().mean())


def one_pass(workers: int) -> float:
    """Return the seconds of one epoch of the reference's training loader, without any training."""
    data = FashionMNISTDataModule(DATA_DIR, batch_size=BATCH, num_workers=workers)
    data.prepare_data()
    data.setup("fit")
    started = time.perf_counter()
    for _ in data.train_dataloader():
        pass
    return time.perf_counter() - started


def main(epochs: int) -> None:
    """Measure and print both tables."""
    torch.set_num_threads(2)
    table = Table(title=f"{epochs} epochs, images in memory, batches of {BATCH}")
    for column in ("architecture", "parameters", "memory layout", "seconds", "test accuracy"):
        table.add_column(column, justify="right")
    for name, build in ARCHITECTURES.items():
        for channels_last in (False, True):
            torch.manual_seed(0)
            network = build()
            parameters = sum(parameter.numel() for parameter in network.parameters())
            seconds, share = train(network, epochs, channels_last=channels_last)
            layout = "channels last" if channels_last else "default"
            table.add_row(name, f"{parameters:,}", layout, f"{seconds:.1f}", f"{share:.2%}")
            print(name, layout, f"{seconds:.1f} s, {share:.2%}", file=sys.stderr)
    Console(width=100).print(table)
    paths = Table(title="One pass over 55,000 training images, no training")
    paths.add_column("data path")
    paths.add_column("seconds", justify="right")
    for workers in (0, 1):
        paths.add_row(f"data module, PIL transforms per image, {workers} workers", f"{one_pass(workers):.1f}")
    Console(width=100).print(paths)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
