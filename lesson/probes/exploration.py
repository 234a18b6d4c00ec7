"""Measures the cost of a student's statistics, and describes drawings."""

from __future__ import annotations

import tracemalloc
from types import ModuleType
from typing import Any

import matplotlib.pyplot as plt
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from lesson.probes.convolution import describe_drawn
from lesson.probes.transforms import standing_in


class _Largest(TorchDispatchMode):
    """Keeps the number of elements of the largest float64 tensor that an operation returns."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.elements = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for value in result if isinstance(result, list | tuple) else [result]:
            if isinstance(value, torch.Tensor) and value.dtype is torch.float64:
                self.elements = max(self.elements, value.numel())
        return result


def large_statistics(module: ModuleType, some: torch.Tensor, count: int, *, measured: bool = False) -> dict[str, Any]:
    """Call ``pixel_statistics`` on many images, uint8 (count, 28, 28); report the cost if ``measured``.

    The images are those of ``some`` at full, half, and a quarter of their brightness, repeated.
    """
    images = torch.cat([some >> number % 3 for number in range(-(-count // len(some)))])[:count]
    if not measured:  # measuring makes many small steps slow
        return {"value": module.pixel_statistics(images)}
    tracemalloc.start()
    with _Largest() as largest:
        value = module.pixel_statistics(images)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {"value": value, "float64 elements": largest.elements, "array bytes": peak}


def means_with_counts(
    module: ModuleType, images: torch.Tensor, labels: torch.Tensor, num_classes: int, counts: torch.Tensor
) -> Any:
    """Call ``class_means`` with the given answer of ``class_counts``."""
    with standing_in(module, {"class_counts": lambda *_args, **_kwargs: counts.clone()}):
        return module.class_means(images, labels, num_classes)


def plot_examples(
    module: ModuleType,
    images: torch.Tensor,
    labels: torch.Tensor,
    calls: list[tuple[list[str], dict[str, int]]],
) -> dict[str, Any]:
    """Call ``plot_examples`` once for each of the names and options, then describe the figures.

    Args:
        module: the student's.
        images: uint8, shape (N, H, W).
        labels: int64, shape (N,).
        calls: names of the classes, and other arguments.
    """
    plt.close("all")
    drawn = [module.plot_examples(images, labels, names, **options) for names, options in calls]
    return {"figures": [describe_drawn(one) for one in drawn], "after": [images, labels]}
