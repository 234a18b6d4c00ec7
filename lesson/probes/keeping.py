"""Counts the numbers that a network keeps anywhere: in parameters, attributes, lists, closures, globals."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
from torch import Tensor, nn

NORMS = (nn.modules.batchnorm._NormBase,)  # noqa: SLF001 - the common base has no public name
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
MAX_STATISTICS = 2_048
"""How many numbers of one layer may be statistics; more serve another purpose, whatever their name."""

MAX_OBJECTS = 200_000
LONG = 1000


def kept_numbers(network: nn.Module, module: ModuleType) -> int:
    """Count the elements of everything a network reaches, except the running statistics of normalisation layers.

    Args:
        network: the student's.
        module: the student's; globals that its functions use are followed within the same package.
    """
    package = module.__name__.rpartition(".")[0]
    statistics = {
        id(buffer)
        for layer in network.modules()
        if isinstance(layer, NORMS)
        for name, buffer in layer.named_buffers(recurse=False)
        if name in STATISTICS and buffer.numel() <= min(layer.num_features, MAX_STATISTICS)
    }
    storages: dict[int, int] = {}
    other = 0
    seen: dict[int, Any] = {}  # the objects stay alive, so that no address is used twice
    queue: list[Any] = [network]
    while queue and len(seen) < MAX_OBJECTS:
        value = queue.pop()
        if id(value) in seen or value is None or isinstance(value, int | float | ModuleType):
            continue
        seen[id(value)] = value
        if isinstance(value, Tensor):
            if id(value) not in statistics:
                storages.update([_storage(value)])
        elif (size := _size(value)) is not None:
            other += size
        else:
            queue.extend(_reachable(value, package))
    return sum(storages.values()) + other


def _storage(value: Tensor) -> tuple[int, int]:
    """Return where a tensor's numbers are and how many: views of the same memory count once."""
    try:
        storage = value.untyped_storage()
        return storage.data_ptr() or id(value), storage.nbytes() // value.element_size()
    except (RuntimeError, ValueError, NotImplementedError):  # a lazy parameter that never got a shape, a sparse tensor
        return id(value), 0


def _size(value: Any) -> int | None:
    """Return how many numbers a plain object stands for, None if it has parts to inspect."""
    if isinstance(value, np.ndarray):
        return value.size
    if isinstance(value, str | bytes | bytearray):
        return len(value) // 4 if len(value) > 10 * LONG else 0
    if isinstance(value, list | tuple) and len(value) > LONG and isinstance(value[0], int | float):
        return len(value)
    return None


def _reachable(value: Any, package: str) -> list[Any]:  # noqa: PLR0911 - one return per kind
    if isinstance(value, dict) or type(value).__name__ == "mappingproxy":
        return list(value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    if isinstance(value, MethodType):
        return [value.__func__, value.__self__]
    if isinstance(value, staticmethod | classmethod):
        return [value.__func__]
    if isinstance(value, property):
        return [value.fget]
    if isinstance(value, FunctionType):
        return [*(value.__closure__ or ()), *(value.__defaults__ or ()), *_named(value, package)]
    if isinstance(value, CellType):
        return [value.cell_contents] if _filled(value) else []
    if isinstance(value, type):
        return [vars(value), *value.__bases__] if _belongs(value, package) else []
    parts = [value.func, *value.args, *value.keywords.values()] if isinstance(value, functools.partial) else []
    return [*parts, type(value), vars(value)] if hasattr(value, "__dict__") else parts


def _named(function: FunctionType, package: str) -> Iterator[Any]:
    """Yield the globals that a student's function uses."""
    if _belongs(function, package):
        for name in _names(function.__code__):
            if name in function.__globals__:
                yield function.__globals__[name]


def _names(code: CodeType) -> set[str]:
    inner = (const for const in code.co_consts if isinstance(const, CodeType))
    return set(code.co_names).union(*(_names(const) for const in inner))


def _belongs(value: Any, package: str) -> bool:
    return str(getattr(value, "__module__", "")).partition(".")[0] == package


def _filled(cell: CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - raises if empty
    except ValueError:
        return False
    return True
