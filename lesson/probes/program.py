"""Records what a network computes, as PyTorch's own operations on the numbers that it keeps, and replays it.

A recording is replayed in a worker without student code. If it gives the network's own answers to later images, its
numbers are all that those answers need, whatever the network says about itself.
"""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from lesson.probes.model import build

OPERATION = re.compile(r"aten\.[a-z_][A-Za-z0-9_]*\.[A-Za-z][A-Za-z0-9_]*")
"""Names of the dispatcher's operations: namespace, name, overload."""

IMAGES = 0
"""The register that holds the images; numbers and results come after it."""

LARGEST = (1 << 62) - 1
"""The largest integer that crosses the wire; PyTorch writes the end of an open slice as a larger one."""

_KEPT: dict[str, Any] = {}


class _Recorder(TorchDispatchMode):
    """Records every operation of the dispatcher, below functions, modules, scripts and compiled code."""

    def __init__(self, images: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.constants: dict[int, Tensor] = {}
        self.steps: list[list[Any]] = []
        self.coins = False
        self._alive: list[Tensor] = []  # so that no address is used twice
        self._registers: dict[tuple[Any, ...], int] = {}
        self._bind(images)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        asked = func
        func, args, kwargs = without_chance(func, args, kwargs or {})
        self.coins = self.coins or func is not asked
        written = (
            [self._written(value) for value in args],
            {name: self._written(value) for name, value in kwargs.items()},
        )
        result = func(*args, **kwargs)
        self.steps.append([str(func), *written, [self._bind(leaf) for leaf in tree_leaves(result)]])
        return result

    def register_of(self, value: Tensor) -> int:
        """Return a tensor's register; one that no operation returned is a number that the network keeps."""
        known = self._registers.get(_place(value))
        if known is None:
            known = self._bind(value)
            self.constants[known] = value.detach().clone()
        return known

    def _bind(self, value: Any) -> int:
        """Give a result the next register; -1 if it is not a tensor."""
        if not isinstance(value, Tensor):
            return -1
        self._alive.append(value)
        self._registers[_place(value)] = len(self._alive) - 1
        return len(self._alive) - 1

    def _written(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            return {"register": self.register_of(value)}
        if isinstance(value, list | tuple):
            return [self._written(item) for item in value]
        if isinstance(value, torch.dtype | torch.layout | torch.memory_format):
            return {"torch": str(value).removeprefix("torch.")}
        if type(value) is int:
            return max(-LARGEST, min(value, LARGEST))
        if type(value) is complex:
            return {"complex": [value.real, value.imag]}
        return None if isinstance(value, torch.device | torch.Generator) else value


class _Expected(TorchDispatchMode):
    """Computes as usual, but without tossing coins."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        func, args, kwargs = without_chance(func, args, kwargs or {})
        return func(*args, **kwargs)


def without_chance(func: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    """Return the replacement of an operation: coins, as tossed by dropout, become their mean.

    Dropout that stays on in evaluation thus changes nothing here; another check tests for random answers.
    """
    if func is torch.ops.aten.bernoulli_.float:
        return torch.ops.aten.fill_.Scalar, (*args, kwargs.get("p", 0.5))[:2], {}
    return func, args, kwargs


def _place(value: Tensor) -> tuple[Any, ...]:
    storage = value.untyped_storage().data_ptr()
    return storage, value.storage_offset(), tuple(value.shape), value.stride(), value.dtype, value.is_conj()


def record(module: ModuleType, images: Tensor) -> dict[str, Any]:
    """Record how a FashionCNN answers images, and keep it for ``answer``; see ``written``."""
    network = _KEPT["network"] = build(module, {})
    return written(network, images)


def written(network: Any, images: Tensor) -> dict[str, Any]:
    """Record how a network in evaluation mode answers images.

    Args:
        network: the student's.
        images: float32 (N, 1, 28, 28).

    Returns:
        ``constants`` by register, ``steps`` as operation, arguments, and registers of the results, the register of the
        ``answer`` (-1 if it is not a tensor), and whether ``coins`` were tossed.
    """
    with torch.no_grad(), _Recorder(images) as recorder:
        answer = network(images)
    return {
        "answer": recorder.register_of(answer) if isinstance(answer, Tensor) else -1,
        "constants": recorder.constants,
        "steps": recorder.steps,
        "coins": recorder.coins,
    }


def answer(module: ModuleType, images: Tensor) -> Any:
    """Return the recorded network's answer to other images, as many as before."""
    del module
    return without_coins(_KEPT["network"], images)


def without_coins(network: Any, images: Tensor) -> Any:
    """Return a network's answer without tossing coins."""
    with torch.no_grad(), _Expected():  # type: ignore[no-untyped-call]
        return network(images)


def run(program: dict[str, Any], images: Tensor) -> dict[str, Any]:
    """Replay what ``record`` wrote; no student code is needed.

    Returns:
        The ``answer``, and the output shapes of its ``convolutions``, in order.
    """
    registers = {IMAGES: images, **program["constants"]}
    shapes = []
    with torch.no_grad():
        for operation, args, kwargs, results in program["steps"]:
            values = {name: _read(value, registers) for name, value in kwargs.items()}
            result = _operation(operation)(*[_read(value, registers) for value in args], **values)
            registers.update(zip(results, tree_leaves(result), strict=True))
            if "convolution" in operation:
                shapes.append(tuple(result.shape))
    return {"answer": registers[program["answer"]], "convolutions": shapes}


def answers(programs: list[dict[str, Any]], batches: list[Tensor]) -> list[list[Tensor | None]]:
    """Return each program's answer for each batch; None if it has none."""
    return [
        [run(program, images)["answer"] if program["answer"] >= 0 else None for images in batches]
        for program in programs
    ]


def _operation(name: str) -> torch._ops.OpOverload:
    """Return one of PyTorch's own operations; the name is not trusted.

    Raises:
        ValueError: if there is no such operation, or it reads files.
    """
    if not OPERATION.fullmatch(name):
        raise ValueError(f"expected an operation of PyTorch's, got {name[:80]!r}")
    _, packet, overload = name.split(".")
    found = getattr(getattr(torch.ops.aten, packet), overload)
    if not isinstance(found, torch._ops.OpOverload) or any(one.name == "filename" for one in found._schema.arguments):  # noqa: SLF001
        raise ValueError(f"expected an operation that computes, got {name[:80]!r}")
    return found


def _read(value: Any, registers: dict[int, Tensor]) -> Any:
    if isinstance(value, list):
        return [_read(item, registers) for item in value]
    if not isinstance(value, dict):
        return value
    if "complex" in value:
        return complex(*value["complex"])
    return registers[value["register"]] if "register" in value else getattr(torch, value["torch"])
