"""Trains a student's networks for a few steps, and evaluates them, with a real Trainer."""

from __future__ import annotations

import functools
import logging
import tempfile
import warnings
from types import ModuleType
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers.logger import DummyLogger
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from lesson.probes.model import build
from lesson.probes.program import without_coins, written

_KEPT: dict[str, Any] = {}


class _Recorder(pl.Callback):
    """Keeps the state before the first step, and runs that step in evaluation mode."""

    def __init__(self) -> None:
        self.rates: list[float] = []
        self.made_for: list[float] = []
        self.covered: set[int] = set()

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        del batch, batch_idx
        pl_module.train(trainer.global_step > 0)
        if trainer.global_step == 0 and not self.rates:
            groups = [group for optimizer in trainer.optimizers for group in optimizer.param_groups]
            self.rates = [float(group["lr"]) for group in groups]
            self.made_for = [
                float(group[name]) for group in groups for name in ("initial_lr", "max_lr") if name in group
            ]
            self.covered = {id(parameter) for group in groups for parameter in group["params"]}


def train(
    module: ModuleType, images: Tensor, labels: Tensor, options: dict[str, Any], *, epochs: int, steps: int
) -> dict[str, Any]:
    """Train on one batch with a real Trainer; the first step is taken in evaluation mode.

    Args:
        module: the student's.
        images: float32 (N, 1, 28, 28).
        labels: int64 (N,).
        options: of the network.
        epochs: how many.
        steps: in each epoch.

    Returns:
        The answers ``before`` and ``after`` in evaluation and in training mode, those of evaluation mode as
        ``programs`` (see ``program.written``), what ``training_step`` returned first,
        the ``rates`` of the first step and those that a schedule was ``made_for``, the trainable parameters that no
        optimizer has (``missed``), how many there are (``parameters``), whether optimisation is ``automatic``, whether
        the network's answer has a graph (``connected``), and the text of an exception that ended the training.
    """
    network = _KEPT["trained"] = build(module, options)
    facts = _trained(network, images, labels, epochs=epochs, steps=steps, with_validation=False)
    if facts["error"]:  # a schedule may wait for what validation logs
        network = build(module, options)
        again = _trained(network, images, labels, epochs=epochs, steps=steps, with_validation=True)
        if not again["error"]:
            _KEPT["trained"], facts = network, again
    return facts


def _trained(
    network: Any, images: Tensor, labels: Tensor, *, epochs: int, steps: int, with_validation: bool
) -> dict[str, Any]:
    before, connected = _answers(network, images), network.eval()(images).requires_grad
    programs = [written(network, images)]
    returned: list[dict[str, Any]] = []
    original = network.training_step

    @functools.wraps(original)
    def recorded(*args: Any, **kwargs: Any) -> Any:
        value = original(*args, **kwargs)
        returned.append(_returned(value))
        return value

    network.training_step = recorded
    recorder, error = _Recorder(), ""
    loader = loader_for(images.repeat(steps, 1, 1, 1), labels.repeat(steps), len(images))
    trainer = trainer_for(epochs=epochs, callbacks=[recorder], validate=with_validation)
    try:
        trainer.fit(network, loader, loader_for(images, labels, len(images)) if with_validation else None)
    except Exception as problem:  # noqa: BLE001 - whatever ends the training is reported
        error = f"{type(problem).__name__}: {problem}"[:300]
    programs.append(written(network.eval(), images))
    trainable = {name: id(p) for name, p in network.named_parameters() if p.requires_grad}
    return {
        "before": before,
        "after": _answers(network, images),
        "programs": programs,
        "returned": returned[:1],
        "rates": recorder.rates,
        "made_for": recorder.made_for,
        "missed": [name for name, key in trainable.items() if key not in recorder.covered],
        "parameters": len(trainable),
        "automatic": bool(getattr(network, "automatic_optimization", False)),
        "connected": connected,
        "error": error,
    }


def _returned(value: Any) -> dict[str, Any]:
    loss: Any = value.get("loss") if isinstance(value, dict) else value
    is_tensor = isinstance(loss, Tensor)
    return {
        "type": type(loss).__name__,
        "graph": is_tensor and loss.grad_fn is not None,
        "loss": loss.detach().clone() if is_tensor else loss,
    }


def _answers(network: Any, images: Tensor) -> list[Any]:
    """Answer in both modes; dropout is the same each time, and statistics are restored."""
    kept = {name: value.clone() for name, value in network.state_dict().items()}
    given = []
    with torch.no_grad():
        for training in (False, True):
            torch.manual_seed(0)
            given.append(network.train(training)(images))
    network.load_state_dict(kept)
    return given


def trained_answer(module: ModuleType, images: Tensor) -> Any:
    """Return the last trained network's answer in evaluation mode, to as many images as it learned."""
    del module
    return without_coins(_KEPT["trained"].eval(), images)


def to_be_evaluated(module: ModuleType, images: Tensor) -> dict[str, Any]:
    """Keep a new network for ``evaluate``, and record how it answers as many images; see ``program.written``."""
    network = _KEPT["evaluated"] = build(module, {})
    return written(network, images)


def evaluate(
    module: ModuleType, images: Tensor, labels: Tensor, *, which: str, batch_size: int, parts: list[int]
) -> list[dict[str, float]]:
    """Run validation or test several times with the network of ``to_be_evaluated``; return each run's log.

    Args:
        module: the student's.
        images: float32 (N, 1, 28, 28).
        labels: int64 (N,).
        which: "validate" or "test".
        batch_size: of the loader.
        parts: how many of the images each run gets.
    """
    del module
    runs = []
    for part in parts:
        trainer = trainer_for(epochs=1, callbacks=[], validate=True)
        loader = loader_for(images[:part], labels[:part], batch_size)
        getattr(trainer, which)(_KEPT["evaluated"], loader, verbose=False)
        runs.append({name: float(value) for name, value in trainer.callback_metrics.items()})
    return runs


def loader_for(images: Tensor, labels: Tensor, batch_size: int, *, shuffle: bool = False) -> DataLoader[Any]:
    """Return a loader of tensors in memory."""
    return DataLoader(TensorDataset(images, labels), batch_size=batch_size, shuffle=shuffle)


def trainer_for(*, epochs: int, callbacks: list[pl.Callback], validate: bool) -> pl.Trainer:
    """Return a silent trainer that writes nothing."""
    warnings.simplefilter("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    return pl.Trainer(
        accelerator="cpu",
        devices=1,
        max_epochs=epochs,
        callbacks=callbacks,
        logger=DummyLogger(),
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        limit_val_batches=1.0 if validate else 0,
        default_root_dir=tempfile.gettempdir(),
    )
