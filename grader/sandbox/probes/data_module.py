"""Takes batches from a student's data module."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch


def take(
    module: ModuleType,
    root: Path,
    splits: dict[str, int],
    *,
    options: dict[str, int],
    stages: list[str],
    epochs: int = 1,
    global_seed: int = 0,
) -> dict[str, list[dict[str, Any]]]:
    """Build a data module and iterate its loaders.

    Args:
        module: the student's.
        root: the data folder.
        splits: "train", "val" or "test", each with the number of samples after which to stop.
        options: further arguments of the data module.
        stages: passed to ``setup`` one after the other.
        epochs: passes over each loader.
        global_seed: seeds every global random state first.

    Returns:
        For each split, one dict per epoch: see ``_epoch``.
    """
    torch.manual_seed(global_seed)
    random.seed(global_seed)
    np.random.seed(global_seed)  # noqa: NPY002 - the global state is what must not matter
    data = module.FashionMNISTDataModule(root, **options)
    data.prepare_data()
    for stage in stages:
        data.setup(stage)
    taken = {}
    for split, limit in splits.items():
        loader = getattr(data, f"{split}_dataloader")()
        taken[split] = [_epoch(loader, limit) for _ in range(epochs)]
    return taken


def _epoch(loader: Iterable[Any], limit: int) -> dict[str, Any]:
    """Return images and labels one after the other, sizes of the batches, what they are made of, whether it ended."""
    images: list[torch.Tensor] = []
    labels: list[torch.Tensor] = []
    kinds: dict[str, None] = {}
    count, complete = 0, True
    for batch in loader:
        if not isinstance(batch, list | tuple) or len(batch) != 2:
            return {"kinds": [f"a batch of type {type(batch).__name__}"]}
        kinds[_kind(batch[0], batch[1])] = None
        if not all(isinstance(part, torch.Tensor) for part in batch):
            return {"kinds": list(kinds)}
        images.append(batch[0].detach().float())
        labels.append(batch[1].detach())
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
    }


def _joined(parts: list[torch.Tensor]) -> torch.Tensor | None:
    same = parts and all(part.shape[1:] == parts[0].shape[1:] and part.ndim > 0 for part in parts)
    return torch.cat(parts) if same else None


def _kind(images: Any, labels: Any) -> str:
    return f"images {_describe(images)}, labels {_describe(labels)}"


def _describe(value: Any) -> str:
    if not isinstance(value, torch.Tensor):
        return type(value).__name__
    shape = ", ".join(["B", *map(str, value.shape[1:])]) if value.ndim else ""
    return f"{str(value.dtype).removeprefix('torch.')} ({shape}{',' if value.ndim == 1 else ''})"
