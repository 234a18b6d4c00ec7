"""Gets digits, pictures and transforms from a student's functions."""

from __future__ import annotations

import contextlib
import hashlib
import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from PIL import Image
from torchvision.transforms import functional  # type: ignore[import-untyped]

from lesson.probes.convolution import describe_drawn


def load_digits(
    module: ModuleType, root: Path, seeds: list[int | None], *, global_seed: int | None = None
) -> dict[str, Any]:
    """Draw one digit per seed; report the digits, and whether the global random states are unchanged."""
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
    np.random.seed(seed)  # noqa: NPY002 - the global state is what is tested


def _global_states() -> list[str]:
    states = (
        repr(random.getstate()),
        repr([bytes(part) if isinstance(part, np.ndarray) else part for part in np.random.get_state()]),  # noqa: NPY002
        repr(torch.get_rng_state().tolist()),
    )
    return [hashlib.sha256(state.encode()).hexdigest() for state in states]


def show_images(module: ModuleType, images: list[Image.Image]) -> list[dict[str, Any]]:
    """Call ``show_image`` for one picture after another, without a screen; describe the figures."""
    plt.close("all")
    return [describe_drawn(drawn) for drawn in [module.show_image(image) for image in images]]


def apply(
    module: ModuleType,
    name: str,
    images: list[Image.Image],
    times: int,
    stand_ins: Mapping[str, tuple[float, float]],
) -> list[list[Any]]:
    """Make the named transform once, and apply it several times to each image.

    Args:
        module: the student's.
        name: of the function that makes the transform.
        images: its inputs, one after the other.
        times: how often to each.
        stand_ins: answers that replace those of the module's functions: each grey level times
            the first number, plus the second.
    """
    with standing_in(module, {key: _affine(key, *numbers) for key, numbers in stand_ins.items()}):
        transform = getattr(module, name)()
        if transform is None:
            return [[None]]
        return [[transform(image) for _ in range(times)] for image in images]


def _affine(name: str, slope: float, shift: float) -> Callable[..., Any]:
    def mapped(image: Any) -> torch.Tensor:
        pixels = functional.pil_to_tensor(image) if isinstance(image, Image.Image) else image
        answer: torch.Tensor = pixels.float() * slope + shift
        return answer

    return (lambda: mapped) if name.endswith("_transform") else mapped


@contextlib.contextmanager
def standing_in(module: ModuleType, functions: Mapping[str, Callable[..., Any]]) -> Iterator[None]:
    """Replace the student's functions, by name, while the context lasts."""
    own = {name: vars(module)[name] for name in functions if name in vars(module)}
    vars(module).update(functions)
    try:
        yield
    finally:
        for name in functions:
            del vars(module)[name]
        vars(module).update(own)
