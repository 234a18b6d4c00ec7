"""Does once, in the fork server, what every worker would otherwise do for the first time: draw, train, load data."""

from __future__ import annotations

import functools
from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.utilities import registry
from matplotlib import pyplot as plt
from torch import Tensor, nn

from lesson.probes.training import loader_for, trainer_for


def warm_up() -> None:
    """Draw a figure and train a network; leaves one thread, no figure and no file."""
    torch.set_num_threads(1)
    # Every trainer searches all installed packages for plug-ins; those do not change.
    registry.entry_points = functools.cache(registry.entry_points)  # type: ignore[attr-defined, assignment]
    _draw()
    _train()


def _draw() -> None:
    figure, axes = plt.subplots(2, 2, layout="constrained")
    for ax in axes.flat:
        ax.imshow([[0.0, 1.0], [2.0, 3.0]], cmap="gray")
        ax.set(title="3", ylabel="coat")
    figure.suptitle("28 x 28")
    figure.canvas.draw()
    plt.close(figure)


class _Network(pl.LightningModule):
    """A small version of what students build."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(), nn.Flatten(),
            nn.Linear(392, 10),
        )  # fmt: skip

    def training_step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        images, labels = batch
        loss = nn.functional.cross_entropy(self.layers(images), labels)
        self.log_dict({"loss": loss}, prog_bar=True)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor]) -> None:
        self.training_step(batch)

    test_step = validation_step

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters())


def _train() -> None:
    state = torch.get_rng_state()
    torch.manual_seed(0)  # its first call reads source files
    batches = loader_for(torch.rand(4, 1, 28, 28), torch.arange(4), 2)
    trainer = trainer_for(epochs=1, callbacks=[], validate=True)
    trainer.fit(_Network(), batches, batches)
    trainer.test(_Network(), batches, verbose=False)
    torch.set_rng_state(state)
