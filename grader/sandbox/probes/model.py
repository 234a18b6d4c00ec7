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

OTHER_CLASSES = (7, 1)
"""How many classes the baseline is asked for besides the default."""


def baseline(module: ModuleType, images: Tensor) -> dict[str, Any]:
    """Build the baseline twice and describe it: its leaves, what each convolution does to the size, and its answer."""
    network = module.build_baseline()
    if not isinstance(network, nn.Module):
        return {"type": type(network).__name__, "is_module": False}
    answer, error, sizes = _answer_of_baseline(network.eval(), images)
    every = [layer for _, layer in network.named_modules(remove_duplicate=False)]
    leaves = [layer for layer in every if not list(layer.children())]  # one that stands at two places is two layers
    other = module.build_baseline()
    return {
        "type": type(network).__name__,
        "is_module": True,
        "is_flat": isinstance(network, nn.Sequential) and list(network._modules.values()) == leaves,  # noqa: SLF001
        "leaves": [type(leaf).__name__ for leaf in leaves],
        "padding": [leaf.padding for leaf in leaves if isinstance(leaf, nn.Conv2d)],
        "layers": [[leaf.weight, leaf.bias] for leaf in leaves if isinstance(leaf, nn.Conv2d | nn.Linear)],
        "sizes": sizes,
        "answer": answer,
        "error": error,
        "trainable": all(p.requires_grad for p in network.parameters()),
        "is_new": not {id(p) for p in network.parameters()} & {id(p) for p in other.parameters()},
    }


def _answer_of_baseline(network: nn.Module, images: Tensor) -> tuple[Any, str, list[Any]]:
    """Return the answer or why there is none, and height and width before and after each convolution that ran."""
    sizes: list[Any] = []

    def hook(_layer: nn.Module, inputs: Any, output: Tensor) -> None:
        sizes.append((tuple(inputs[0].shape[2:]), tuple(output.shape[2:])))

    handles = [layer.register_forward_hook(hook) for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    try:
        with torch.no_grad():
            return network(images), "", sizes
    except Exception as problem:  # noqa: BLE001 - whatever keeps a layer from running is told
        return None, str(problem)[:200], sizes
    finally:
        for handle in handles:
            handle.remove()


def baselines(module: ModuleType, images: Tensor) -> list[Any]:
    """Return what baselines for other numbers of classes answer."""
    with torch.no_grad():
        return [module.build_baseline(num_classes=classes).eval()(images) for classes in OTHER_CLASSES]


def no_baseline(module: ModuleType, num_classes: int) -> str:
    """Ask for a baseline that there cannot be; tell the type of what came."""
    return type(module.build_baseline(num_classes=num_classes)).__name__


def logits(
    module: ModuleType,
    batches: list[Tensor],
    options: dict[str, Any],
    *,
    training: bool = False,
    shaken: bool = False,
) -> list[Any]:
    """Return what one FashionCNN answers to each batch, and again to the first.

    Args:
        module: the student's.
        batches: of images.
        options: of the network.
        training: the mode.
        shaken: whether its parameters are changed before, so that layers that begin with zeros tell of their input.
    """
    network = build(module, options).train(training)
    with torch.no_grad():
        for parameter in network.parameters() if shaken else ():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
        return [network(batch) for batch in [*batches, batches[0]]]


def build(module: ModuleType, options: dict[str, Any]) -> Any:
    """Return a FashionCNN in evaluation mode, the same at every call."""
    torch.manual_seed(0)
    network = module.FashionCNN(**options)
    with torch.no_grad():
        network.eval()(torch.zeros(2, 1, 28, 28))  # lazy layers get their shapes
    return network


def describe(module: ModuleType, images: Tensor) -> dict[str, Any]:
    """Tell what FashionCNN is and keeps, what its first convolution gives, and whether gradients reach its layers."""
    torch.manual_seed(0)
    network = module.FashionCNN()
    seen: list[tuple[nn.Conv2d, tuple[int, ...]]] = []

    def hook(layer: nn.Conv2d, _inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor):
            seen.append((layer, tuple(output.shape)))

    handles = [layer.register_forward_hook(hook) for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    answer = network.eval()(images)
    for handle in handles:
        handle.remove()
    has_graph = isinstance(answer, Tensor) and answer.requires_grad
    if has_graph:
        answer.sum().backward()
    return {
        "is_lightning": isinstance(network, pl.LightningModule),
        "first": seen[0][1] if seen else None,
        "kept": kept_numbers(network, module),
        "hidden": _hidden_layers(network),
        "reached": has_graph and all(layer.weight.grad is not None for layer, _ in seen[:1]),
    }


def _hidden_layers(network: nn.Module) -> list[str]:
    """Return the attributes that hold layers in a list, tuple or dict, so that their parameters are not known."""
    known = {id(parameter) for parameter in network.parameters()}
    return [
        name
        for part in network.modules()
        for name, value in vars(part).items()
        if not name.startswith("_") and isinstance(value, list | tuple | dict)
        for layer in (value.values() if isinstance(value, dict) else value)
        if isinstance(layer, nn.Module) and any(id(parameter) not in known for parameter in layer.parameters())
    ]


class _Recorder(pl.Callback):
    """Keeps from what the first step starts, and runs it in evaluation mode."""

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
        The answers ``before`` and ``after`` in evaluation and in training mode, what ``training_step`` returned first,
        the ``rates`` of the first step and those that a schedule was ``made_for``, the trainable parameters that no
        optimizer has (``missed``), how many there are (``parameters``), whether optimisation is ``automatic``, whether
        the network's answer has a graph (``connected``), and the text of an exception that ended the training.
    """
    facts = _trained(module, images, labels, options, epochs=epochs, steps=steps, with_validation=False)
    if facts["error"]:  # a schedule may wait for what validation logs
        again = _trained(module, images, labels, options, epochs=epochs, steps=steps, with_validation=True)
        return facts if again["error"] else again
    return facts


def _trained(
    module: ModuleType,
    images: Tensor,
    labels: Tensor,
    options: dict[str, Any],
    *,
    epochs: int,
    steps: int,
    with_validation: bool,
) -> dict[str, Any]:
    network = build(module, options)
    before, connected = _answers(network, images), network.eval()(images).requires_grad
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
    except Exception as problem:  # noqa: BLE001 - whatever ends the training is told
        error = f"{type(problem).__name__}: {problem}"[:300]
    trainable = {name: id(p) for name, p in network.named_parameters() if p.requires_grad}
    return {
        "before": before,
        "after": _answers(network, images),
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
    """Answer in both modes; what is dropped is the same each time, and statistics are put back."""
    kept = {name: value.clone() for name, value in network.state_dict().items()}
    given = []
    with torch.no_grad():
        for training in (False, True):
            torch.manual_seed(0)
            given.append(network.train(training)(images))
    network.load_state_dict(kept)
    return given


def evaluate(
    module: ModuleType, images: Tensor, shifts: Tensor, *, which: str, batch_size: int, parts: list[int]
) -> list[dict[str, Any]]:
    """Run validation or test several times with one network, on labels that are the network's own answers, shifted.

    Args:
        module: the student's.
        images: float32 (N, 1, 28, 28).
        shifts: int64 (N,); label = (answer + shift) modulo 10.
        which: "validate" or "test".
        batch_size: of the loader.
        parts: how many of the images each run gets.

    Returns:
        For each run the logits, the labels, and what was logged.
    """
    network = build(module, {})
    with torch.no_grad():
        answer = network(images)
    labels = (answer.argmax(1) + shifts) % 10
    runs = []
    for part in parts:
        trainer = trainer_for(epochs=1, callbacks=[], validate=True)
        getattr(trainer, which)(network, loader_for(images[:part], labels[:part], batch_size), verbose=False)
        logged = {name: float(value) for name, value in trainer.callback_metrics.items()}
        runs.append({"logits": answer[:part], "labels": labels[:part], "logged": logged})
    return runs


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
