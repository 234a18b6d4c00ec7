"""Trains FashionCNN with the data module: `python -m exercises.train`.

This file is given: there is nothing to write here. It writes three files beside the modules:
`fashion_cnn.safetensors`, the weights to submit; `learning_curves.png` and `confusion_matrix.png`, to look at. If the
network of an earlier run is better on the validation images, all three stay as they are; `--overwrite` replaces them.
Replaced weights are kept as `fashion_cnn.previous.safetensors`. Every run is remembered: `--history` lists them.
`--final` measures the network once on the test images, at the very end (lesson 4).
The weights carry the learning curves in their metadata, so that the feedback can show them: under `learning_curves`
is a JSON object like `{"val_loss": [0.41, 0.33], "val_acc": [0.85, 0.88]}`, one number per epoch (null where it is
not finite) for each metric of `CURVES` that was logged.

Each epoch prints its accuracy on the validation images and the seconds since the start. Ctrl-C ends the training early:
the weights of the best epoch so far are still written. What makes it fast, and good after few epochs:

- `CosineDecay`: large steps first, small ones at the end.
- `Averaging`: large steps make the weights swing about a good place; their running average is closer to it. The
  average is validated and submitted, from the epoch with the best validation accuracy.
- Channels last in memory, and half precision if the processor has it (lesson 5); `--precision 32-true` turns it off.
- Separate processes load images whenever the network leaves a core idle (lesson 4).
- Freed memory is kept: each batch needs new maps, and would have to ask the system for memory each time.
"""

import argparse
import copy
import ctypes
import hashlib
import importlib
import json
import logging
import math
import os
import sys
import time
import warnings
from datetime import datetime
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import TQDMProgressBar
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.utils.data import DataLoader
from tqdm import tqdm

from .datasets import CLASS_NAMES, DATA_DIR

WEIGHTS = "fashion_cnn.safetensors"
PREVIOUS = "fashion_cnn.previous.safetensors"
RUNS = ".runs.jsonl"
CURVES = ("train_loss", "val_loss", "train_acc", "val_acc")


class CosineDecay(pl.Callback):
    """Lowers the learning rate from its start to zero along half a cosine, unless the model has its own schedule."""

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


class Averaging(pl.Callback):
    """Keeps a running average of the weights, validates that, and remembers it as it was at the best epoch.

    Args:
        decay: how much of the average stays at each step; 0.99 averages about the last hundred steps.
    """

    def __init__(self, decay: float = 0.99) -> None:
        self.decay = decay
        self.average: dict[str, Tensor] = {}
        self.best: dict[str, Tensor] = {}
        self.best_accuracy = -math.inf
        self._own: dict[str, Tensor] = {}

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Add the weights of this step to the average; it is shorter at first, when weights are poor."""
        del outputs, batch, batch_idx
        decay = min(self.decay, trainer.global_step / (trainer.global_step + 10))
        for name, value in pl_module.state_dict().items():
            if name in self.average and value.is_floating_point():
                self.average[name].lerp_(value, 1 - decay)
            else:
                self.average[name] = value.clone()

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Replace the model's own weights by the average."""
        del trainer
        self._own = _copy(pl_module.state_dict())
        pl_module.load_state_dict(self.average)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Keep the average if no epoch was better, and put the model's own weights back."""
        accuracy = float(trainer.callback_metrics.get("val_acc", math.inf))  # not logged: the last epoch counts
        if accuracy >= self.best_accuracy:
            self.best, self.best_accuracy = _copy(self.average), accuracy
        pl_module.load_state_dict(self._own)


def _copy(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in state.items()}


class History(pl.Callback):
    """Keeps and prints each epoch's metrics, the mean loss of its steps, and the seconds so far."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []
        self.started = time.monotonic()
        self._losses: list[Tensor] = []

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Note the loss: Lightning keeps only the last batch's metrics of `training_step`."""
        del trainer, pl_module, batch, batch_idx
        self._losses.append(outputs["loss"].detach())

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take a copy of the metrics."""
        del pl_module
        row = {name: float(value) for name, value in trainer.callback_metrics.items()}
        row["train_loss"] = float(torch.stack(self._losses).mean())
        self._losses.clear()
        seconds = time.monotonic() - self.started
        self.rows.append({**row, "seconds": seconds})
        numbers = ", ".join(f"{name} {value:.4f}" for name, value in row.items())
        tqdm.write(f"epoch {len(self.rows)} after {seconds:.0f} s: {numbers}")


def main(arguments: list[str] | None = None) -> None:
    """Train and write three files, unless there is a better network; or list the runs; or measure the last network."""
    options = read_options(arguments)
    if options.history:
        print(history_of(options.out))  # noqa: T201 - its answer
        return
    model, data = build(options)
    if options.final:
        measure_once(model, data, options.out)
        return
    averaging, history = Averaging(), History()
    try:
        fit(model, data, [averaging, history], options)
    except SystemExit:  # Lightning's answer to Ctrl-C
        if not averaging.best:
            raise
        print(f"stopped in epoch {len(history.rows) + 1}; the best one so far is kept")  # noqa: T201 - answers Ctrl-C
    model.load_state_dict(averaging.best or averaging.average)
    _write(model, data, history, options)


def build(options: argparse.Namespace) -> tuple[pl.LightningModule, pl.LightningDataModule]:
    """Seed all generators, and create the model and the data module named by the options."""
    _keep_freed_memory()
    torch.set_num_threads(options.threads)
    pl.seed_everything(options.seed, verbose=False)
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", ".*does not have many workers.*")
    model = _module(options.package, "model").FashionCNN(learning_rate=options.learning_rate)
    data = _module(options.package, "data_module").FashionMNISTDataModule(
        options.data, batch_size=options.batch_size, num_workers=options.workers, seed=options.seed
    )
    return model, data


def _keep_freed_memory() -> None:
    """Reuse freed memory instead of returning it to the system, if the C library is glibc."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        trim_threshold, mmap_threshold = -1, -3  # https://man7.org/linux/man-pages/man3/mallopt.3.html
        libc.mallopt(mmap_threshold, 32 << 20)
        libc.mallopt(trim_threshold, 1 << 30)


def fit(
    model: pl.LightningModule, data: pl.LightningDataModule, callbacks: list[pl.Callback], options: argparse.Namespace
) -> None:
    """Train the model on this computer's processor, with a progress bar.

    Args:
        model: trained in place.
        data: gives the training and the validation batches.
        callbacks: called during the training, in this order.
        options: as `read_options` returns them.
    """
    # Channels last in memory: on a CPU the convolutions take about half the time.
    model.to(memory_format=torch.channels_last)
    make_loader = data.train_dataloader
    data.train_dataloader = lambda: behind_the_network(make_loader())
    trainer = pl.Trainer(
        max_epochs=options.epochs,
        accelerator="cpu",
        precision=options.precision,
        callbacks=[*callbacks, CosineDecay(), TQDMProgressBar(refresh_rate=20)],
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        limit_train_batches=options.limit_batches or 1.0,
        limit_val_batches=options.limit_batches or 1.0,
    )
    trainer.fit(model, datamodule=data)


def behind_the_network(loader: Any) -> Any:
    """Let the processes that load images compute only when the network leaves a core idle.

    A step is divided between the cores, and is done when the slowest is done: a process that takes half of one core
    makes the others wait. Behind the network in the queue, loaders work while it waits for a batch, all at once.
    """
    if isinstance(loader, DataLoader) and loader.worker_init_fn is None and sys.platform == "linux":
        loader.worker_init_fn = _give_way
    return loader


def _give_way(worker: int) -> None:
    del worker
    os.nice(19)


def read_options(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line; None means the process's own."""
    parser = argparse.ArgumentParser(
        prog="python -m exercises.train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    here = Path(__file__).resolve().parent
    parser.add_argument("--epochs", type=int, default=12, help="passes over the training images")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    workers = 2 if sys.platform == "linux" else 0  # elsewhere a new process costs more than it gains
    parser.add_argument("--workers", type=int, default=workers, help="processes that load images during the training")
    parser.add_argument("--threads", type=int, default=2)
    precision = "bf16-mixed" if _computes_in_bfloat16() else "32-true"
    parser.add_argument("--precision", default=precision, help="the precision of the layers: 32-true or bf16-mixed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit-batches", type=int, default=0, help="stop each epoch early, to try things out")
    parser.add_argument("--data", type=Path, default=DATA_DIR)
    parser.add_argument("--out", type=Path, default=here, help="folder for the three files")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace the network of an earlier run even if it is better"
    )
    parser.add_argument("--history", action="store_true", help="list the runs so far, and train nothing")
    parser.add_argument(
        "--final", action="store_true", help="measure the network on the test images, and train nothing"
    )
    parser.add_argument("--package", default=__package__ or "exercises", help="the package with the modules")
    return parser.parse_args(arguments)


def _computes_in_bfloat16() -> bool:
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()  # not in the oldest PyTorch that the kit works with
    return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16"))


def _module(package: str, name: str) -> Any:
    return importlib.import_module(f"{package}.{name}")


def _write(
    model: pl.LightningModule, data: pl.LightningDataModule, history: History, options: argparse.Namespace
) -> None:
    """Write the three files unless the network that lies there is better, and remember the run."""
    out, path = options.out, options.out / WEIGHTS
    out.mkdir(parents=True, exist_ok=True)
    labels, predicted = _predictions(model, data, "validate")
    accuracy, earlier = _share(labels, predicted), _accuracy_there(path, model, data)
    is_kept = options.overwrite or earlier is None or accuracy >= earlier
    seconds = round(history.rows[-1]["seconds"]) if history.rows else 0
    run = {"epochs": len(history.rows), "seconds": seconds, "code": _code(options.package), "kept": is_kept}
    remember(out, accuracy=accuracy, **run)
    print(f"validation accuracy: {accuracy:.2%} of {len(labels)} images")  # noqa: T201 - the result
    if not is_kept:
        stays = f"the network in {path} has {earlier:.2%}, so it stays, with its pictures"
        print(f"{stays}. `--overwrite` replaces it with this run's.")  # noqa: T201 - what became of it
        return
    if path.is_file():
        path.replace(out / PREVIOUS)
        had = "does not fit this network" if earlier is None else f"has {earlier:.2%}"
        print(f"the earlier one {had}; it is kept as {PREVIOUS}")  # noqa: T201 - what became of it
    save_weights(model, path, {"learning_curves": _curves(history.rows)})
    _plot_curves(history.rows, out / "learning_curves.png")
    _plot_confusion(labels, predicted, out / "confusion_matrix.png", "Validation")
    print(f"wrote {WEIGHTS}, learning_curves.png and confusion_matrix.png to {out}")  # noqa: T201 - where to look


def _accuracy_there(path: Path, model: pl.LightningModule, data: pl.LightningDataModule) -> float | None:
    """Return the validation accuracy of weights written earlier, or None if this network cannot load them."""
    earlier = copy.deepcopy(model)
    try:
        earlier.load_state_dict(load_file(path))
    except (OSError, RuntimeError, SafetensorError):
        return None
    return _share(*_predictions(earlier, data, "validate"))


def measure_once(model: pl.LightningModule, data: pl.LightningDataModule, out: Path) -> None:
    """Measure the written weights on the test images, and say if these have been used before.

    Args:
        model: a new network of the same class.
        data: gives the test batches.
        out: the folder of the weights; the confusion matrix is drawn anew there.
    """
    path = out / WEIGHTS
    if not path.is_file():
        sys.exit(f"--final: expected {path}, found nothing. `python -m exercises.train` writes it.")
    model.load_state_dict(load_file(path))
    data.prepare_data()
    labels, predicted = _predictions(model, data, "test")
    accuracy, before = _share(labels, predicted), [run for run in runs(out) if "test" in run]
    remember(out, test=accuracy)
    _plot_confusion(labels, predicted, out / "confusion_matrix.png", "Test")
    print(f"test accuracy: {accuracy:.2%} of {len(labels)} images")  # noqa: T201 - the result
    if before:
        times = ", ".join(f"{run['time']} ({run['test']:.2%})" for run in before)
        print(f"The test images were used before: {times}. A choice made by them can no longer be measured by them.")  # noqa: T201


def remember(out: Path, **facts: Any) -> None:
    """Add a line to the list of runs."""
    line = {"time": datetime.now().isoformat(" ", "minutes"), **facts}
    with (out / RUNS).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def runs(out: Path) -> list[dict[str, Any]]:
    """Return what earlier runs noted, the first one first; lines that cannot be read are left out."""
    path, found = out / RUNS, []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def history_of(out: Path) -> str:
    """Return the list of earlier runs, one a line."""
    lines = []
    for run in runs(out):
        if "test" in run:
            lines.append(f"{run['time']}  test images: {run['test']:.2%}")
        else:
            kept = "written" if run["kept"] else "not written"
            about = f"{run['epochs']} epochs, {run['seconds']} s, code {run['code']}, {kept}"
            lines.append(f"{run['time']}  validation accuracy {run['accuracy']:.2%}, {about}")
    return "\n".join(lines) or "No run yet."


def _code(package: str) -> str:
    """Return a short hash of the modules that a training depends on: the same code, the same hash."""
    names = ("transforms", "data_module", "model")
    files = [Path(str(_module(package, name).__file__)).read_bytes() for name in names]
    return hashlib.sha256(b"\0".join(files)).hexdigest()[:8]


def _share(labels: Tensor, predicted: Tensor) -> float:
    return (labels == predicted).double().mean().item()


def save_weights(model: pl.LightningModule, path: Path, metadata: dict[str, str]) -> None:
    """Write the weights; a layer that the model holds under two names is written under both."""
    state = model.state_dict()
    save_file(
        {name: value.clone(memory_format=torch.contiguous_format) for name, value in state.items()}, path, metadata
    )


def _curves(rows: list[dict[str, float]]) -> str:
    logged = [name for name in CURVES if any(name in row for row in rows)]
    values = {name: [row.get(name, math.nan) for row in rows] for name in logged}
    return json.dumps({name: [round(v, 5) if math.isfinite(v) else None for v in values[name]] for name in logged})


@torch.no_grad()
def _predictions(model: pl.LightningModule, data: pl.LightningDataModule, stage: str) -> tuple[Tensor, Tensor]:
    """Return the labels and the model's answers on the images of "validate" or "test", int64 (N,) each."""
    data.setup(stage)
    model.eval()
    labels, predicted = [], []
    for images, truth in data.val_dataloader() if stage == "validate" else data.test_dataloader():
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


def _plot_confusion(labels: Tensor, predicted: Tensor, path: Path, which: str) -> None:
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
    ax.set(xlabel="answer of the network", ylabel="label", title=f"{which} images by label and answer")
    ax.set_xticks(range(classes), CLASS_NAMES, rotation=45, ha="right")
    ax.set_yticks(range(classes), CLASS_NAMES)
    figure.savefig(path, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    main()
