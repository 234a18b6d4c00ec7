"""Takes batches from a student's data modules."""

from __future__ import annotations

import gc
import importlib
import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from PIL import Image
from torch import Tensor, nn

from lesson.probes.training import trainer_for


@dataclass
class _Built:
    """A data module, and the stages for which it was set up."""

    data: Any
    stages: list[str | None]


GLOBAL_SEED = 101
"""Seed of the global random states by default: no data module's own seed."""

KEPT = 2
"""How many data modules exist at once: some hold all images in memory."""

_BUILT: dict[str, _Built] = {}


def take(
    module: ModuleType,
    root: Path | str,
    splits: dict[str, int],
    *,
    options: dict[str, int],
    stages: list[str | None],
    epochs: int = 1,
    global_seed: int = GLOBAL_SEED,
    packed: tuple[str, ...] = (),
) -> dict[str, list[dict[str, Any]]]:
    """Build a data module, or reuse one with the same arguments, and iterate its loaders.

    Args:
        module: the student's.
        root: the data folder.
        splits: "train", "val" or "test", each with the number of samples after which to stop.
        options: further arguments of the data module.
        stages: passed to ``setup`` one after the other; earlier ones are not repeated.
        epochs: passes over each loader.
        global_seed: seeds every global random state before the module is built.
        packed: splits for which one bit per pixel is enough.

    Returns:
        For each split, one dict per epoch: see ``_epoch``.
    """
    key = repr((root, sorted(options.items()), global_seed))
    known = _BUILT.get(key)
    if known is None or known.stages != stages[: len(known.stages)]:
        _BUILT.pop(key, None)
        while len(_BUILT) >= KEPT:
            _BUILT.pop(next(iter(_BUILT)))
        gc.collect()
        known = _BUILT[key] = _Built(_build(module, root, options, global_seed), [])
    for stage in stages[len(known.stages) :]:
        known.data.setup(stage)
        known.stages.append(stage)
    loaders = {split: _only(getattr(known.data, f"{split}_dataloader")()) for split in splits}
    return {
        split: [_epoch(loaders[split], limit, packed=split in packed) for _ in range(epochs)]
        for split, limit in splits.items()
    }


class _Idle(pl.LightningModule):
    """Learns nothing from any batch."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        del batch, batch_idx
        return self.weight * 1.0

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        del batch, batch_idx

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.0)


def fit(module: ModuleType, root: Path | str) -> dict[str, Any]:
    """Pass a data module to a Trainer for one batch of training and one of validation.

    Returns:
        Whether it is a LightningDataModule, whether that class's own ``__init__`` ran, and what ended the training.
    """
    _BUILT.clear()
    gc.collect()
    data = module.FashionMNISTDataModule(root)
    found = {
        "lightning": isinstance(data, pl.LightningDataModule),
        "initialised": "prepare_data_per_node" in vars(data),
        "error": "",
    }
    trainer = trainer_for(epochs=1, callbacks=[], validate=True)
    trainer.limit_train_batches = trainer.limit_val_batches = 1
    try:
        trainer.fit(_Idle(), datamodule=data)
    except Exception as problem:  # noqa: BLE001 - whatever ends the training is reported
        found["error"] = f"{type(problem).__name__}: {problem}"[:300]
    return found


def helper(module: ModuleType, name: str, pixels: Tensor, *, times: int) -> Tensor | None:
    """Apply the student's own transform of that name to one image, several times.

    Args:
        module: the one next to the transforms.
        name: "eval_transform" or "train_transform".
        pixels: uint8 (28, 28).
        times: how often.
    """
    beside = importlib.import_module(f"{module.__name__.rpartition('.')[0]}.transforms")
    transform, image = getattr(beside, name)(), Image.fromarray(pixels.numpy())
    return _joined([transform(image)[None] for _ in range(times)])


def _build(module: ModuleType, root: Path | str, options: dict[str, int], global_seed: int) -> Any:
    torch.manual_seed(global_seed)
    random.seed(global_seed)
    np.random.seed(global_seed)  # noqa: NPY002 - the global state must not matter
    data = module.FashionMNISTDataModule(root, **options)
    data.prepare_data()
    return data


def _only(loader: Any) -> Any:
    """Return the only loader of a list: Lightning accepts that form, too."""
    alone = isinstance(loader, list | tuple) and len(loader) == 1
    return loader[0] if alone and not isinstance(loader[0], list | tuple) else loader


def _epoch(loader: Iterable[Any], limit: int, *, packed: bool) -> dict[str, Any]:
    """Return images and labels one after the other, the contents of the batches, and how they end."""
    images: list[Tensor] = []
    labels: list[Tensor] = []
    kinds: dict[str, None] = {}
    count, complete = 0, True
    for batch in loader:
        pair = isinstance(batch, list | tuple) and len(batch) == 2
        kinds[f"images {_describe(batch[0])}, labels {_describe(batch[1])}" if pair else type(batch).__name__] = None
        if not pair or not all(isinstance(part, Tensor) and part.ndim > 0 for part in batch):
            return {"kinds": list(kinds)}
        images.append(_bits(batch[0]) if packed else batch[0].detach().float().clone())
        labels.append(batch[1].detach().clone())
        count += len(batch[0])
        if count >= limit:
            complete = False
            break
    return {
        "kinds": list(kinds),
        "sizes": [len(batch) for batch in images],
        "images": _joined(images),
        "labels": _joined(labels),
        "complete": complete,
        "length": _length(loader),
    }


def _length(loader: Iterable[Any]) -> int | None:
    """Return how many batches a loader says it has; a custom one need not say."""
    try:
        return len(loader)  # type: ignore[arg-type]
    except TypeError:
        return None


def _bits(images: Tensor) -> Tensor:
    """Return which pixels are in the upper half of their image's range, eight to a byte."""
    flat = images.detach().flatten(1).float()
    bright = flat > ((flat.amin(1) + flat.amax(1)) / 2)[:, None]
    return torch.from_numpy(np.packbits(bright.numpy(), axis=1))


def _joined(parts: list[Tensor]) -> Tensor | None:
    same = parts and all(part.shape[1:] == parts[0].shape[1:] for part in parts)
    return torch.cat(parts) if same else None


def _describe(value: Any) -> str:
    if not isinstance(value, Tensor):
        return type(value).__name__
    shape = ", ".join(["B", *map(str, value.shape[1:])]) if value.ndim else ""
    return f"{str(value.dtype).removeprefix('torch.')} ({shape}{',' if value.ndim == 1 else ''})"
