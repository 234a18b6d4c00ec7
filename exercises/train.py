"""Trains FashionCNN with the data module: `python -m exercises.train`.

This file is given: there is nothing to write here. It writes three files beside the modules:
`fashion_cnn.safetensors`, the weights to hand in; `learning_curves.png` and `confusion_matrix.png`, to look at.
The weights carry the learning curves in their metadata, so that the feedback can show them: under `learning_curves`
stands a JSON object like `{"val_loss": [0.41, 0.33], "val_acc": [0.85, 0.88]}`, one number per epoch (null where it is
not finite) for each metric of `CURVES` that was logged.
"""

import argparse
import importlib
import json
import logging
import math
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytorch_lightning as pl
import torch
from safetensors.torch import save_file
from torch import Tensor

from .datasets import CLASS_NAMES, DATA_DIR

WEIGHTS = "fashion_cnn.safetensors"
CURVES = ("train_loss", "val_loss", "train_acc", "val_acc")


class CosineDecay(pl.Callback):
    """Lowers the learning rate from its start to zero along half a cosine, unless the model brings a schedule."""

    def __init__(self) -> None:
        self.start: list[float] = []

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Remember the rates that `configure_optimizers` chose."""
        del pl_module
        groups = trainer.optimizers[0].param_groups
        self.start = [] if trainer.lr_scheduler_configs else [group["lr"] for group in groups]

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Set the rates for this step."""
        del pl_module, batch, batch_idx
        share = trainer.global_step / trainer.estimated_stepping_batches
        for group, rate in zip(trainer.optimizers[0].param_groups, self.start, strict=False):
            group["lr"] = rate * (1 + math.cos(math.pi * share)) / 2


class History(pl.Callback):
    """Keeps what is logged at the end of each epoch, and the seconds until then."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []
        self.started = time.monotonic()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take a copy of the metrics."""
        del pl_module
        row = {name: float(value) for name, value in trainer.callback_metrics.items()}
        self.rows.append({**row, "seconds": time.monotonic() - self.started})


def main(arguments: list[str] | None = None) -> None:
    """Train, test, and write the three files."""
    options = _options(arguments)
    torch.set_num_threads(options.threads)
    pl.seed_everything(options.seed, verbose=False)
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", ".*does not have many workers.*")
    model = _module(options.package, "model").FashionCNN(learning_rate=options.learning_rate)
    data = _module(options.package, "data_module").FashionMNISTDataModule(
        options.data, batch_size=options.batch_size, num_workers=options.workers, seed=options.seed
    )
    # Channels last in memory: on a CPU the convolutions take about half the time.
    model.to(memory_format=torch.channels_last)
    history = History()
    trainer = pl.Trainer(
        max_epochs=options.epochs,
        accelerator="cpu",
        callbacks=[history, CosineDecay()],
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        limit_train_batches=options.limit_batches or 1.0,
        limit_val_batches=options.limit_batches or 1.0,
    )
    trainer.fit(model, datamodule=data)
    for epoch, row in enumerate(history.rows, start=1):
        numbers = ", ".join(f"{name} {value:.4f}" for name, value in row.items() if name != "seconds")
        print(f"epoch {epoch} after {row['seconds']:.0f} s: {numbers}")  # noqa: T201 - what the student waits for
    _write(model, data, history, options.out)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m exercises.train", description=__doc__)
    here = Path(__file__).resolve().parent
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    workers = 1 if sys.platform == "linux" else 0  # elsewhere a new process costs more than it brings
    parser.add_argument("--workers", type=int, default=workers, help="processes that load images beside the training")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit-batches", type=int, default=0, help="stop each epoch early, to try things out")
    parser.add_argument("--data", type=Path, default=DATA_DIR)
    parser.add_argument("--out", type=Path, default=here, help="folder for the three files")
    parser.add_argument("--package", default=__package__ or "exercises", help="the package that holds the modules")
    return parser.parse_args(arguments)


def _module(package: str, name: str) -> Any:
    return importlib.import_module(f"{package}.{name}")


def _write(model: pl.LightningModule, data: pl.LightningDataModule, history: History, out: Path) -> None:
    labels, predicted = _predictions(model, data)
    accuracy = (labels == predicted).float().mean().item()
    print(f"test accuracy: {accuracy:.2%} of {len(labels)} images")  # noqa: T201 - the result
    out.mkdir(parents=True, exist_ok=True)
    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(state, out / WEIGHTS, {"learning_curves": _curves(history.rows)})
    _plot_curves(history.rows, out / "learning_curves.png")
    _plot_confusion(labels, predicted, out / "confusion_matrix.png")
    print(f"wrote {WEIGHTS}, learning_curves.png and confusion_matrix.png to {out}")  # noqa: T201 - where to look


def _curves(rows: list[dict[str, float]]) -> str:
    logged = [name for name in CURVES if any(name in row for row in rows)]
    values = {name: [row.get(name, math.nan) for row in rows] for name in logged}
    return json.dumps({name: [round(v, 5) if math.isfinite(v) else None for v in values[name]] for name in logged})


@torch.no_grad()
def _predictions(model: pl.LightningModule, data: pl.LightningDataModule) -> tuple[Tensor, Tensor]:
    """Return the labels and the model's answers on the test images, int64 (N,) each."""
    data.setup("test")
    model.eval()
    labels, predicted = [], []
    for images, truth in data.test_dataloader():
        labels.append(truth)
        predicted.append(model(images).argmax(dim=1))
    return torch.cat(labels), torch.cat(predicted)


def _plot_curves(rows: list[dict[str, float]], path: Path) -> None:
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    epochs = range(1, len(rows) + 1)
    for ax, metric in zip(axes, ("loss", "acc"), strict=True):
        for split in ("train", "val"):
            values = [row.get(f"{split}_{metric}", math.nan) for row in rows]
            if not all(math.isnan(value) for value in values):
                ax.plot(epochs, values, marker="o", label=split)
        ax.set(xlabel="epoch", title={"loss": "cross-entropy", "acc": "accuracy"}[metric], xticks=epochs)
        ax.grid(alpha=0.3)
        ax.legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _plot_confusion(labels: Tensor, predicted: Tensor, path: Path) -> None:
    classes = len(CLASS_NAMES)
    counts = torch.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes)
    figure, ax = plt.subplots(figsize=(8, 7), layout="constrained")
    ax.imshow(counts, cmap="Blues")
    for row in range(classes):
        for column in range(classes):
            count = int(counts[row, column])
            ax.text(
                column, row, str(count), ha="center", va="center", color="white" if count > 500 else "black", size=8
            )
    ax.set(xlabel="answer of the network", ylabel="label", title="Test images by label and answer")
    ax.set_xticks(range(classes), CLASS_NAMES, rotation=45, ha="right")
    ax.set_yticks(range(classes), CLASS_NAMES)
    figure.savefig(path, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    main()
