"""Takes batches from a student's data module."""

from __future__ import annotations

import gc
import random
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

_BUILT: dict[str, Any] = {}  # one data module, with which its next check goes on


def take(
    module: ModuleType,
    root: Path | str,
    splits: dict[str, int],
    *,
    options: dict[str, int],
    stages: list[str],
    epochs: int = 1,
    global_seed: int = 0,
    packed: tuple[str, ...] = (),
) -> dict[str, list[dict[str, Any]]]:
    """Build a data module, or take the one built last if it was built alike, and iterate its loaders.

    Args:
        module: the student's.
        root: the data folder.
        splits: "train", "val" or "test", each with the number of samples after which to stop.
        options: further arguments of the data module.
        stages: passed to ``setup`` one after the other.
        epochs: passes over each loader.
        global_seed: seeds every global random state before the module is built.
        packed: splits of which one bit per pixel is enough.

    Returns:
        For each split, one dict per epoch: see ``_epoch``.
    """
    alike = repr((root, sorted(options.items()), stages, global_seed))
    if alike not in _BUILT:
        _BUILT.clear()
        gc.collect()  # one that holds all images in memory goes before the next one comes
        _BUILT[alike] = _build(module, root, options, stages, global_seed)
    loaders = {split: _only(getattr(_BUILT[alike], f"{split}_dataloader")()) for split in splits}
    return {
        split: [_epoch(loaders[split], limit, packed=split in packed) for _ in range(epochs)]
        for split, limit in splits.items()
    }


def bases(module: ModuleType, root: Path) -> list[str]:
    """Return the names of the data module's class and of those it derives from."""
    return [cls.__name__ for cls in type(module.FashionMNISTDataModule(root)).__mro__]


def _build(module: ModuleType, root: Path | str, options: dict[str, int], stages: list[str], global_seed: int) -> Any:
    torch.manual_seed(global_seed)
    random.seed(global_seed)
    np.random.seed(global_seed)  # noqa: NPY002 - the global state is what must not matter
    data = module.FashionMNISTDataModule(root, **options)
    data.prepare_data()
    for stage in stages:
        data.setup(stage)
    return data


def _only(loader: Any) -> Any:
    """Return the one loader of a list: Lightning takes that form, too."""
    alone = isinstance(loader, list | tuple) and len(loader) == 1
    return loader[0] if alone and not isinstance(loader[0], list | tuple) else loader


def _epoch(loader: Iterable[Any], limit: int, *, packed: bool) -> dict[str, Any]:
    """Return images and labels one after the other, what the batches are made of, and how they end."""
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
    """Return how many batches a loader says it has; one of one's own need not say."""
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
