"""Looks at a student's networks, and trains them for a few steps with a real Trainer."""

from __future__ import annotations

import functools
import logging
import tempfile
import warnings
from types import CellType, FunctionType, MethodType, ModuleType
from typing import Any

import pytorch_lightning as pl
import torch
from safetensors.torch import load
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

SETTINGS = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups")
NORMS = (nn.modules.batchnorm._NormBase,)  # noqa: SLF001 - the common base has no public name
MAX_OBJECTS = 200_000


def baseline(module: ModuleType, num_classes: int, images: Tensor) -> dict[str, Any]:
    """Build the baseline twice and describe it: types, settings, output shapes, parameters, state and answer."""
    network = module.build_baseline(num_classes)
    other = module.build_baseline(num_classes)
    if not isinstance(network, nn.Module):
        return {"is_sequential": False, "type": type(network).__name__}
    children = list(network.children())
    shapes: list[Any] = []
    value: Any = images
    network.eval()
    with torch.no_grad():
        for child in children:
            value = child(value)
            shapes.append(tuple(value.shape))
        answer = network(images)
    return {
        "is_sequential": isinstance(network, nn.Sequential),
        "type": type(network).__name__,
        "types": [type(child).__name__ for child in children],
        "settings": [_settings(child) for child in children],
        "shapes": shapes,
        "parameters": [sum(p.numel() for p in child.parameters()) for child in children],
        "total": sum(p.numel() for p in network.parameters()),
        "trainable": all(p.requires_grad for p in network.parameters()),
        "state": [value.detach() for value in network.state_dict().values()],
        "answer": answer,
        "is_new": not {id(p) for p in network.parameters()} & {id(p) for p in other.parameters()},
    }


def _settings(layer: nn.Module) -> dict[str, Any]:
    return {name: getattr(layer, name) for name in SETTINGS if hasattr(layer, name)}


def default_classes(module: ModuleType, images: Tensor) -> tuple[Any, Any]:
    """Return what both networks answer when built without arguments."""
    with torch.no_grad():
        return module.build_baseline()(images), module.FashionCNN().eval()(images)


def logits(module: ModuleType, batches: list[Tensor], options: dict[str, Any], seed: int = 0) -> list[Any]:
    """Return what FashionCNN answers to each batch, in eval mode, and again to the first."""
    network = _build(module, options, seed)
    with torch.no_grad():
        return [network(batch) for batch in [*batches, batches[0]]]


def _build(module: ModuleType, options: dict[str, Any], seed: int) -> Any:
    torch.manual_seed(seed)
    network = module.FashionCNN(**options)
    network(torch.zeros(2, 1, 28, 28))  # lazy layers get their shapes
    return network.eval()


def describe(module: ModuleType, images: Tensor) -> dict[str, Any]:
    """Tell what FashionCNN is, what its first convolution gives, and how many numbers it keeps."""
    network = _build(module, {}, 0)
    seen: list[tuple[int, ...]] = []

    def hook(_layer: nn.Module, _inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor):
            seen.append(tuple(output.shape))

    handles = [layer.register_forward_hook(hook) for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    with torch.no_grad():
        network(images)
    for handle in handles:
        handle.remove()
    return {
        "is_lightning": isinstance(network, pl.LightningModule),
        "first": seen[0] if seen else None,
        "kept": _kept_numbers(network, module),
        "automatic": bool(getattr(network, "automatic_optimization", False)),
    }


def _kept_numbers(network: Any, module: ModuleType) -> int:
    """Count the elements of every tensor that the model reaches, but for the statistics of normalisation layers."""
    statistics = {
        id(buffer) for layer in network.modules() if isinstance(layer, NORMS) for buffer in layer.buffers(recurse=False)
    }
    tensors: dict[int, int] = {}
    seen: set[int] = set()
    own = [value for name, value in vars(module).items() if isinstance(value, Tensor) and not name.startswith("__")]
    queue: list[Any] = [
        network,
        *own,
        *(vars(cls) for cls in type(network).__mro__ if cls.__module__ == module.__name__),
    ]
    while queue and len(seen) < MAX_OBJECTS:
        value = queue.pop()
        if id(value) in seen or isinstance(value, str | int | float | type | ModuleType):
            continue
        seen.add(id(value))
        if isinstance(value, Tensor):
            if id(value) not in statistics:
                tensors[value.data_ptr() or id(value)] = max(
                    value.numel(), tensors.get(value.data_ptr() or id(value), 0)
                )
            continue
        queue.extend(_reachable(value))
    return sum(tensors.values())


def _reachable(value: Any) -> list[Any]:
    if isinstance(value, dict) or type(value).__name__ == "mappingproxy":
        return list(value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    if isinstance(value, MethodType):
        return [value.__func__, value.__self__]
    if isinstance(value, FunctionType):
        return [*(value.__closure__ or ()), *(value.__defaults__ or ())]
    if isinstance(value, CellType):
        return [value.cell_contents] if _filled(value) else []
    parts = [value.func, *value.args, *value.keywords.values()] if isinstance(value, functools.partial) else []
    return [*parts, vars(value)] if hasattr(value, "__dict__") else parts


def _filled(cell: CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - raises if empty
    except ValueError:
        return False
    return True


class _Recorder(pl.Callback):
    """Keeps what the optimizers are, and runs the first step in eval mode."""

    def __init__(self) -> None:
        self.rates: list[float] = []
        self.covered: set[int] = set()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        del pl_module
        for optimizer in trainer.optimizers:
            for group in optimizer.param_groups:
                self.rates.append(float(group["lr"]))
                self.covered |= {id(parameter) for parameter in group["params"]}

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        del batch, batch_idx
        pl_module.train(trainer.global_step > 0)


def fit(module: ModuleType, images: Tensor, labels: Tensor, *, steps: int, options: dict[str, Any]) -> dict[str, Any]:
    """Train on one batch over and over; the first step runs in eval mode.

    Returns:
        logits before the first step, what each ``training_step`` returned, rates and coverage of the optimizers, and
        the text of an exception that ended the training.
    """
    network = _build(module, options, 0)
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
    recorder = _Recorder()
    trainer = _trainer(max_steps=steps, callbacks=[recorder])
    error = ""
    try:
        trainer.fit(network, _loader(images, labels, len(images)))
    except Exception as problem:
        if not returned:
            raise
        error = f"{type(problem).__name__}: {problem}"
    trainable = {name: id(p) for name, p in network.named_parameters() if p.requires_grad}
    return {
        "before": before,
        "returned": returned[:steps],
        "rates": recorder.rates,
        "missed": [name for name, key in trainable.items() if key not in recorder.covered],
        "started": bool(recorder.rates),
        "error": error[:300],
    }


def _returned(value: Any) -> dict[str, Any]:
    loss: Any = value.get("loss") if isinstance(value, dict) else value
    is_tensor = isinstance(loss, Tensor)
    return {
        "type": type(loss).__name__,
        "graph": is_tensor and loss.grad_fn is not None,
        "loss": loss.detach().clone() if is_tensor else loss,
    }


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
    network = _build(module, {}, 0)
    with torch.no_grad():
        answer = network(images)
    labels = (answer.argmax(1) + shifts) % 10
    trainer = _trainer(max_steps=1, callbacks=[])
    getattr(trainer, which)(network, _loader(images, labels, batch_size), verbose=False)
    logged = {name: float(value) for name, value in trainer.callback_metrics.items()}
    return {"logits": answer, "labels": labels, "logged": logged}


def _loader(images: Tensor, labels: Tensor, batch_size: int) -> DataLoader[Any]:
    return DataLoader(TensorDataset(images, labels), batch_size=batch_size)


def _trainer(*, max_steps: int, callbacks: list[pl.Callback]) -> pl.Trainer:
    warnings.simplefilter("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    return pl.Trainer(
        accelerator="cpu",
        max_steps=max_steps,
        max_epochs=max_steps,
        callbacks=callbacks,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        limit_val_batches=1.0 if max_steps == 1 else 0,
        default_root_dir=tempfile.gettempdir(),
    )


def load_weights(module: ModuleType, weights: Tensor) -> dict[str, Any]:
    """Load submitted weights into a new FashionCNN and keep it for ``predict``; tell what does not fit."""
    network = module.FashionCNN()
    state = network.state_dict()
    given = load(weights.numpy().tobytes())
    wrong = [
        f"{name}: expected shape {tuple(state[name].shape)}, got {tuple(tensor.shape)}"
        for name, tensor in given.items()
        if name in state and state[name].shape != tensor.shape
    ]
    problems = {
        "missing": [name for name in state if name not in given],
        "unknown": [name for name in given if name not in state],
        "wrong": wrong,
    }
    if not any(problems.values()):
        network.load_state_dict(given)
        _LOADED["network"] = network.eval()
    return {**problems, "kept": _kept_numbers(network, module)}


_LOADED: dict[str, Any] = {}


def predict(module: ModuleType, images: Tensor, mean: float, std: float) -> Any:
    """Return the loaded network's answer to uint8 images (N, 28, 28), normalised here."""
    del module
    with torch.no_grad():
        return _LOADED["network"](((images.float() / 255 - mean) / std)[:, None])
