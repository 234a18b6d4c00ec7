"""How fast the reference learns, compared with a plain pipeline: `python benchmarks/training.py [seeds] [seconds]`.

The reference is what `python -m exercises.train --package solutions` runs, with its default settings. The plain
pipeline is what a first tutorial shows: the baseline network, Adam at 1e-3, batches of 64 from a DataLoader without
workers, torchvision's transforms image by image; it ends after `seconds` (300). Both are measured after each epoch:
accuracy on the test images, and seconds since the start, imports included, without the time of measuring.
"""

from __future__ import annotations

import functools
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.utils.data import DataLoader, random_split
from torchvision import transforms
from torchvision.datasets import FashionMNIST

from exercises import train
from exercises.datasets import DATA_DIR, prepare_fashion_mnist
from lesson import oracle
from solutions.model import build_baseline

GOALS = (0.90, 0.93)


@functools.cache
def imports() -> float:
    """Return the seconds until a new process has imported what training needs."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import exercises.train"], check=True)
    return time.perf_counter() - started


@dataclass
class Looking(pl.Callback):
    """Notes seconds and test accuracy after each validation, with the weights that were validated."""

    limit: float = float("inf")
    points: list[tuple[float, float]] = field(default_factory=list)
    _not_counted: float = field(default_factory=lambda: time.perf_counter() - imports())

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop the clock, measure, go on."""
        stopped = time.perf_counter()
        self.points.append((stopped - self._not_counted, accuracy(pl_module)))
        print(f"{self.points[-1][0]:.0f} s: {self.points[-1][1]:.2%}", file=sys.stderr)
        trainer.should_stop = self.points[-1][0] > self.limit
        self._not_counted += time.perf_counter() - stopped

    def seconds_to(self, goal: float) -> float:
        """Return when the accuracy was reached first; infinity if it never was."""
        return min((seconds for seconds, share in self.points if share >= goal), default=float("inf"))


@torch.no_grad()
def accuracy(model: pl.LightningModule) -> float:
    """Return the share of right answers on the test images."""
    training = model.training
    model.eval()
    images, labels = oracle.fashion_mnist("t10k")
    answers = [model((chunk.float() / 255 - 0.2860)[:, None] / 0.3530).argmax(1) for chunk in images.split(500)]
    model.train(training)
    return float((torch.cat(answers) == labels).double().mean())


def reference(seed: int, seconds: float) -> Looking:
    """Run the script's own training with its default settings."""
    del seconds
    looking = Looking()
    options = train.read_options(["--package", "solutions", "--seed", str(seed)])
    model, data = train.build(options)
    train.fit(model, data, [looking, train.Averaging()], options)  # measures before the average is removed again
    return looking


class Plain(pl.LightningModule):
    """The baseline network in a tutorial's LightningModule."""

    def __init__(self) -> None:
        super().__init__()
        self.network = build_baseline()

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        logits: Tensor = self.network(x)
        return logits

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the loss."""
        del batch_idx
        return F.cross_entropy(self(batch[0]), batch[1])

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Log the accuracy."""
        del batch_idx
        self.log("val_acc", (self(batch[0]).argmax(1) == batch[1]).float().mean(), prog_bar=True)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return Adam."""
        return torch.optim.Adam(self.parameters(), lr=1e-3)


def plain(seed: int, seconds: float) -> Looking:
    """Train as a first tutorial does, until the time is up."""
    looking = Looking(limit=seconds)
    pl.seed_everything(seed, verbose=False)
    usual = [transforms.ToTensor(), transforms.Normalize((0.2860,), (0.3530,))]
    prepare_fashion_mnist()
    whole = FashionMNIST(
        DATA_DIR, train=True, transform=transforms.Compose([transforms.RandomHorizontalFlip(), *usual])
    )
    training, validation = random_split(whole, [55_000, 5_000])
    trainer = pl.Trainer(
        max_epochs=-1,
        accelerator="cpu",
        callbacks=[looking],
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    trainer.fit(Plain(), DataLoader(training, batch_size=64, shuffle=True), DataLoader(validation, batch_size=64))
    return looking


def main(seeds: int, seconds: float) -> None:
    """Run both pipelines in turn for each seed, and print the tables."""
    torch.set_num_threads(2)
    imports()  # before any clock starts
    pipelines: dict[str, Callable[[int, float], Looking]] = {"reference": reference, "plain": plain}
    runs: dict[str, list[Looking]] = {name: [] for name in pipelines}
    for seed in range(seeds):
        for name, run in pipelines.items():
            print(f"{name}, seed {seed}", file=sys.stderr)
            runs[name].append(run(seed, seconds))
    parameters = {"reference": train.build(train.read_options(["--package", "solutions"]))[0], "plain": Plain()}
    Console(width=110).print(to_goals(runs, {name: size(model) for name, model in parameters.items()}))
    for name, looks in runs.items():
        Console(width=110).print(curve(name, looks))


def size(model: nn.Module) -> int:
    """Return the number of parameters."""
    return sum(parameter.numel() for parameter in model.parameters())


def to_goals(runs: dict[str, list[Looking]], parameters: dict[str, int]) -> Table:
    """Return seconds to each goal by seed, and the ratio of the medians to 90 %."""
    table = Table(title=f"Seconds to a test accuracy, one number per seed (imports: {imports():.1f} s of each)")
    for column in ("pipeline", "parameters", "to 90 %", "to 93 %", "to the end", "accuracy at the end, %"):
        table.add_column(column, justify="left" if column == "pipeline" else "right")
    for name, looks in runs.items():
        goals = [", ".join(f"{look.seconds_to(goal):.0f}" for look in looks) for goal in GOALS]
        ends = ", ".join(f"{look.points[-1][0]:.0f}" for look in looks)
        last = ", ".join(f"{look.points[-1][1]:.2%}".rstrip("%") for look in looks)
        table.add_row(name, f"{parameters[name]:,}", *goals, ends, last)
    medians = [statistics.median(look.seconds_to(GOALS[0]) for look in looks) for looks in runs.values()]
    table.caption = f"medians to 90 %: plain takes {medians[1] / medians[0]:.1f} times as long as the reference"
    return table


def curve(name: str, looks: list[Looking]) -> Table:
    """Return accuracy against seconds, an epoch per row."""
    table = Table(title=f"{name}: after each epoch, over {len(looks)} seeds")
    for column in ("epoch", "median s", "least accuracy, %", "median", "most"):
        table.add_column(column, justify="right")
    for epoch, points in enumerate(zip(*(look.points for look in looks), strict=False), start=1):
        seconds, shares = zip(*points, strict=True)
        numbers = [f"{100 * share:.2f}" for share in (min(shares), statistics.median(shares), max(shares))]
        table.add_row(str(epoch), f"{statistics.median(seconds):.0f}", *numbers)
    return table


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3, float(sys.argv[2]) if len(sys.argv) > 2 else 300)
