"""Looks at a student's networks, and trains them for a few steps with a real Trainer."""

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
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from grader.sandbox.probes.keeping import kept_numbers

SETTINGS = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups", "padding_mode")


def baseline(module: ModuleType, options: dict[str, int], images: Tensor) -> dict[str, Any]:
    """Build the baseline twice and describe it: types, settings, output shapes, parameters, state and answer."""
    network = module.build_baseline(**options)
    other = module.build_baseline(**options)
    if not isinstance(network, nn.Module):
        return {"is_sequential": False, "type": type(network).__name__}
    shapes, error = _shapes(network.eval(), images)
    children = list(network.children())
    return {
        "is_sequential": isinstance(network, nn.Sequential),
        "type": type(network).__name__,
        "types": [type(child).__name__ for child in children],
        "settings": [{name: getattr(child, name) for name in SETTINGS if hasattr(child, name)} for child in children],
        "shapes": shapes,
        "error": error,
        "parameters": [sum(p.numel() for p in child.parameters()) for child in children],
        "total": sum(p.numel() for p in network.parameters()),
        "trainable": all(p.requires_grad for p in network.parameters()),
        "state": list(network.state_dict().values()),
        "answer": None if error else network(images),
        "is_new": not {id(p) for p in network.parameters()} & {id(p) for p in other.parameters()},
    }


def _shapes(network: nn.Module, images: Tensor) -> tuple[list[Any], str]:
    """Return the output shapes of the layers, one after the other, and why they end early."""
    shapes: list[Any] = []
    value: Any = images
    try:
        with torch.no_grad():
            for child in network.children():
                value = child(value)
                shapes.append(tuple(value.shape))
    except Exception as problem:  # noqa: BLE001 - whatever keeps a layer from running is told
        return shapes, str(problem)[:200]
    return shapes, ""


def logits(module: ModuleType, batches: list[Tensor], options: dict[str, Any], *, training: bool = False) -> list[Any]:
    """Return what one FashionCNN answers to each batch, and again to the first."""
    network = build(module, options).train(training)
    with torch.no_grad():
        return [network(batch) for batch in [*batches, batches[0]]]


def build(module: ModuleType, options: dict[str, Any]) -> Any:
    """Return a FashionCNN in evaluation mode, the same at every call."""
    torch.manual_seed(0)
    network = module.FashionCNN(**options)
    with torch.no_grad():
        network.eval()(torch.zeros(2, 1, 28, 28))  # lazy layers get their shapes
    return network


def describe(module: ModuleType, images: Tensor) -> dict[str, Any]:
    """Tell what FashionCNN is, what its first convolution gives, and how many numbers it keeps."""
    torch.manual_seed(0)
    network = module.FashionCNN()
    seen: list[tuple[int, ...]] = []

    def hook(_layer: nn.Module, _inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor):
            seen.append(tuple(output.shape))

    handles = [layer.register_forward_hook(hook) for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    with torch.no_grad():
        network.eval()(images)
    for handle in handles:
        handle.remove()
    return {
        "is_lightning": isinstance(network, pl.LightningModule),
        "first": seen[0] if seen else None,
        "kept": kept_numbers(network, module),
        "automatic": bool(getattr(network, "automatic_optimization", False)),
    }


class _Recorder(pl.Callback):
    """Keeps what the optimizers start from, and runs the first step in eval mode if asked to."""

    def __init__(self, *, first_in_eval: bool) -> None:
        self.first_in_eval = first_in_eval
        self.rates: list[list[float]] = []
        self.covered: set[int] = set()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        del pl_module
        for optimizer in trainer.optimizers:
            for group in optimizer.param_groups:
                named = [group.get(name) for name in ("lr", "initial_lr", "max_lr")]
                rates = [*named, getattr(optimizer, "defaults", {}).get("lr")]
                self.rates.append([float(rate) for rate in rates if isinstance(rate, int | float | Tensor)])
                self.covered |= {id(parameter) for parameter in group["params"]}

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        del batch, batch_idx
        if self.first_in_eval:
            pl_module.train(trainer.global_step > 0)


def fit_once(module: ModuleType, images: Tensor, labels: Tensor, options: dict[str, Any]) -> dict[str, Any]:
    """Take one training step, in eval mode.

    Returns:
        The network's answer before it, what ``training_step`` returned, what the optimizers start from, the trainable
        parameters that are in none of them, and the text of an exception that ended the training.
    """
    network, before, returned, recorder, error = _first_step(module, images, labels, options, with_validation=False)
    if error or not returned:  # a schedule may wait for what validation logs
        again = _first_step(module, images, labels, options, with_validation=True)
        network, before, returned, recorder, error = (
            again if not again[-1] else (network, before, returned, recorder, error)
        )
    trainable = {name: id(p) for name, p in network.named_parameters() if p.requires_grad}
    return {
        "before": before,
        "returned": returned[:1],
        "rates": recorder.rates,
        "missed": [name for name, key in trainable.items() if key not in recorder.covered],
        "error": error[:300],
    }


def _first_step(
    module: ModuleType, images: Tensor, labels: Tensor, options: dict[str, Any], *, with_validation: bool
) -> tuple[Any, Tensor, list[dict[str, Any]], _Recorder, str]:
    network = build(module, options)
    with torch.no_grad():
        before = network(images)
    returned: list[dict[str, Any]] = []
    original = network.training_step

    @functools.wraps(original)
    def recorded(*args: Any, **kwargs: Any) -> Any:
        value = original(*args, **kwargs)
        returned.append(_returned(value))
        return value

    network.training_step = recorded
    recorder = _Recorder(first_in_eval=True)
    error = _fit(network, images, labels, epochs=1, recorder=recorder, with_validation=with_validation)
    return network, before, returned, recorder, error


def _returned(value: Any) -> dict[str, Any]:
    loss: Any = value.get("loss") if isinstance(value, dict) else value
    is_tensor = isinstance(loss, Tensor)
    return {
        "type": type(loss).__name__,
        "graph": is_tensor and loss.grad_fn is not None,
        "loss": loss.detach().clone() if is_tensor else loss,
    }


def fit_long(module: ModuleType, images: Tensor, labels: Tensor, *, epochs: int) -> dict[str, Any]:
    """Train on one batch, five times an epoch; tell the answers before and after, in eval and in training mode."""
    network = build(module, {})
    before = _answers(network, images)
    error = _fit(network, images, labels, epochs=epochs, recorder=None, with_validation=False)
    if error:  # a schedule may wait for what validation logs
        network = build(module, {})
        before = _answers(network, images)
        error = _fit(network, images, labels, epochs=epochs, recorder=None, with_validation=True)
    return {"before": before, "after": _answers(network, images), "error": error[:300]}


def _answers(network: Any, images: Tensor) -> list[Any]:
    """Answer in both modes; what is dropped is the same each time, and statistics are put back."""
    kept = {name: value.clone() for name, value in network.state_dict().items()}
    given = []
    with torch.no_grad():
        for training in (False, True):
            torch.manual_seed(0)
            given.append(network.train(training)(images))
    network.load_state_dict(kept)
    return given


def _fit(
    network: Any, images: Tensor, labels: Tensor, *, epochs: int, recorder: _Recorder | None, with_validation: bool
) -> str:
    steps = 1 if recorder is not None else 5
    loader = loader_for(images.repeat(steps, 1, 1, 1), labels.repeat(steps), len(images))
    trainer = trainer_for(epochs=epochs, callbacks=[recorder] if recorder is not None else [], validate=with_validation)
    network.train()
    try:
        trainer.fit(network, loader, loader_for(images, labels, len(images)) if with_validation else None)
    except Exception as problem:  # noqa: BLE001 - whatever ends the training is told
        return f"{type(problem).__name__}: {problem}"
    return ""


def evaluate(module: ModuleType, images: Tensor, shifts: Tensor, *, which: str, batch_size: int) -> dict[str, Any]:
    """Run validation or test on labels that are the network's own answers, shifted.

    Args:
        module: the student's.
        images: float32 (N, 1, 28, 28).
        shifts: int64 (N,); label = (answer + shift) modulo 10.
        which: "validate" or "test".
        batch_size: of the loader.

    Returns:
        The logits, the labels, and what was logged.
    """
    network = build(module, {})
    with torch.no_grad():
        answer = network(images)
    labels = (answer.argmax(1) + shifts) % 10
    trainer = trainer_for(epochs=1, callbacks=[], validate=True)
    getattr(trainer, which)(network, loader_for(images, labels, batch_size), verbose=False)
    logged = {name: float(value) for name, value in trainer.callback_metrics.items()}
    return {"logits": answer, "labels": labels, "logged": logged}


def loader_for(images: Tensor, labels: Tensor, batch_size: int, *, shuffle: bool = False) -> DataLoader[Any]:
    """Return a loader of what is in memory."""
    return DataLoader(TensorDataset(images, labels), batch_size=batch_size, shuffle=shuffle)


def trainer_for(*, epochs: int, callbacks: list[pl.Callback], validate: bool) -> pl.Trainer:
    """Return a trainer that shows and writes nothing."""
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
