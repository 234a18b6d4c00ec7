"""Draws digits and transforms from a student's functions."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from PIL import Image

from grader.sandbox.probes.convolution import describe_figure


def load_digits(
    module: ModuleType, root: Path, seeds: list[int | None], *, global_seed: int | None = None
) -> dict[str, Any]:
    """Draw one digit per seed; tell the digits, and whether the global random states are as before."""
    if global_seed is not None:
        _seed_everything(global_seed)
    before = _global_states()
    drawn = []
    for seed in seeds:
        pair = module.load_random_digit(root) if seed is None else module.load_random_digit(root, seed)
        drawn.append(pair)
    return {"drawn": drawn, "before": before, "after": _global_states()}


def _seed_everything(seed: int) -> None:
    random.seed(seed)
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - the global state is what is looked at


def _global_states() -> list[str]:
    states = (
        repr(random.getstate()),
        repr([bytes(part) if isinstance(part, np.ndarray) else part for part in np.random.get_state()]),  # noqa: NPY002
        repr(torch.get_rng_state().tolist()),
    )
    return [hashlib.sha256(state.encode()).hexdigest() for state in states]


def show_image(module: ModuleType, image: Image.Image) -> dict[str, Any]:
    """Call ``show_image`` and describe the figure."""
    return describe_figure(module.show_image(image))


def apply(module: ModuleType, name: str, images: list[Image.Image], times: int) -> list[list[Any]]:
    """Make the named transform once, and apply it several times to each image."""
    transform = getattr(module, name)()
    if transform is None:
        return [[None]]
    return [[transform(image) for _ in range(times)] for image in images]
