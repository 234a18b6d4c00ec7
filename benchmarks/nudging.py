"""The cost of changed images for honest networks: `python benchmarks/nudging.py`.

Trains small networks of several kinds, from 74 to 89 %, on real images; the reference comes with its weights. Prints
the accuracy on unchanged test images, on those that the hidden check shows, and on training images changed the
same way, in percent.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from types import ModuleType

import torch
import torch.nn.functional as F
from rich.console import Console
from rich.table import Table
from safetensors.torch import load_file
from torch import Tensor, nn

from grader.hidden.inputs import Rng
from grader.paths import HIDDEN_SUITES, SOLUTIONS
from lesson import oracle
from solutions.model import FashionCNN

SEED = 5


def hidden_suite() -> ModuleType:
    """Return the hidden suite of the accuracy, as a module."""
    spec = importlib.util.spec_from_file_location("accuracy_suite", HIDDEN_SUITES / "test_accuracy.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def lenet() -> nn.Module:
    """Return two convolutions of 5 x 5 and two linear layers."""
    front = [nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 16, 5), nn.ReLU()]
    return nn.Sequential(*front, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 10))


def short(*middle: nn.Module, features: int = 32 * 49) -> nn.Module:
    """Return one convolution with a stride, the given layers, and one linear layer."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1, stride=2), nn.ReLU(), *middle, nn.Flatten(), nn.Linear(features, 10)
    )


NETWORKS: dict[str, tuple[Callable[[], nn.Module], int, int]] = {
    "one convolution, 3,000 images": (lambda: short(nn.MaxPool2d(2)), 3_000, 1),
    "one convolution, 60,000": (lambda: short(nn.MaxPool2d(2)), 60_000, 1),
    "LeNet, 20,000": (lenet, 20_000, 1),
    "LeNet, 60,000": (lenet, 60_000, 1),
    "LeNet, 60,000, twice": (lenet, 60_000, 2),
    "much dropout": (lambda: short(nn.Dropout(0.6), nn.MaxPool2d(2), nn.Dropout(0.6)), 60_000, 1),
    "batch normalisation": (
        lambda: short(nn.BatchNorm2d(32), nn.Conv2d(32, 64, 3, padding=1, stride=2), nn.ReLU(), features=64 * 49),
        60_000,
        1,
    ),
    "one linear layer more": (
        lambda: short(nn.Flatten(), nn.Linear(32 * 196, 50), nn.ReLU(), features=50), 60_000, 1),
    "overfitted: 5,000, twelve times": (lambda: short(features=32 * 196), 5_000, 12),
}  # fmt: skip


def normalised(images: Tensor) -> Tensor:
    """Return uint8 (N, 28, 28) as float32 (N, 1, 28, 28)."""
    return ((images.float() / 255 - 0.2860) / 0.3530)[:, None]


def trained(network: nn.Module, count: int, epochs: int) -> nn.Module:
    """Train a network on this many images."""
    images, labels = oracle.fashion_mnist("train")
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    chosen = torch.randperm(len(images))[:count]
    for _ in range(epochs):
        for batch in chosen[torch.randperm(count)].split(128):
            optimizer.zero_grad()
            F.cross_entropy(network(normalised(images[batch])), labels[batch]).backward()
            optimizer.step()
    return network


def accuracy(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the share of right answers, in percent."""
    with torch.no_grad():
        answers = torch.cat([network(normalised(part)).argmax(1) for part in images.split(500)])
    return 100 * float((answers == labels).double().mean())


def main() -> None:
    """Train, measure, print."""
    torch.manual_seed(SEED)
    suite, rng = hidden_suite(), Rng(SEED, "nudging")
    (tests, labels), (trains, train_labels) = oracle.fashion_mnist("t10k"), oracle.fashion_mnist("train")
    sample = torch.randperm(len(trains))[: len(tests)]
    shown, shown_trains = suite.nudged(tests, rng), suite.nudged(trains[sample], rng)
    reference = FashionCNN()
    reference.load_state_dict(load_file(SOLUTIONS / "fashion_cnn.safetensors"))
    table = Table(title="Accuracy in percent")
    for column in ("network", "unchanged", "as shown", "costs", "training images as shown", "counts"):
        table.add_column(column, justify="left" if column == "network" else "right")
    for name, (make, count, epochs) in {"reference": (lambda: reference, 0, 0), **NETWORKS}.items():
        print(name, file=sys.stderr)
        network = trained(make(), count, epochs).eval()
        plain, nudged = accuracy(network, tests, labels), accuracy(network, shown, labels)
        on_train = accuracy(network, shown_trains, train_labels[sample])
        counts = min(nudged, on_train + 100 * suite.MARGIN)
        table.add_row(name, *(f"{number:.2f}" for number in (plain, nudged, plain - nudged, on_train, counts)))
    Console().print(table)


if __name__ == "__main__":
    main()
