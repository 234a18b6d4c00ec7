"""Measures what a student's statistics need, and reads what was drawn."""

from __future__ import annotations

import tracemalloc
from types import ModuleType
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from grader.sandbox.probes.convolution import describe_figure


class _Largest(TorchDispatchMode):
    """Keeps the number of elements of the largest float64 tensor that an operation gives."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.elements = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for value in result if isinstance(result, list | tuple) else [result]:
            if isinstance(value, torch.Tensor) and value.dtype is torch.float64:
                self.elements = max(self.elements, value.numel())
        return result


def large_statistics(module: ModuleType, some: torch.Tensor, count: int) -> dict[str, Any]:
    """Call ``pixel_statistics`` on many images, uint8 (count, 28, 28); tell what it took.

    The images are those of ``some`` as they are, at half, and at a quarter of their brightness, over and over.
    """
    images = torch.cat([some >> number % 3 for number in range(-(-count // len(some)))])[:count]
    tracemalloc.start()
    with _Largest() as largest:
        value = module.pixel_statistics(images)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {"value": value, "float64 elements": largest.elements, "array bytes": peak}


def plot_examples(
    module: ModuleType, images: torch.Tensor, labels: torch.Tensor, names: list[str], options: dict[str, int]
) -> dict[str, Any]:
    """Call ``plot_examples`` and describe the figure."""
    return describe_figure(module.plot_examples(images, labels, names, **options))
