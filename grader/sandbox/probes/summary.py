"""Gives a student's functions models to read, and tells what they leave behind."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn


class Branching(nn.Module):
    """Takes the wide path where the input's mean is at most zero, as it is for zeros."""

    def __init__(self) -> None:
        super().__init__()
        self.narrow = nn.Linear(5, 2)
        self.wide = nn.Linear(5, 7)
        self.unused = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 5) -> (N, 7) for zeros."""
        return self.wide(x) if float(x.mean()) <= 0 else self.narrow(x)  # type: ignore[no-any-return]


class Repeating(nn.Module):
    """Runs one leaf twice, on maps of different sizes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3)
        self.act = nn.ReLU()
        self.pool = nn.MaxPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) -> smaller maps."""
        return self.act(self.conv(self.pool(self.act(self.conv(x)))))  # type: ignore[no-any-return]


class Recurrent(nn.Module):
    """Holds a leaf whose output is no tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(5, 3, batch_first=True)
        self.head = nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, T, 5) -> (N, 2)."""
        return self.head(self.rnn(x)[0][:, -1])  # type: ignore[no-any-return]


class Failing(nn.Module):
    """Raises after its first layer has run."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(5, 5)

    def forward(self, x: Tensor) -> Tensor:
        """Always raises RuntimeError."""
        self.first(x)
        raise RuntimeError("this model cannot run")


def _nested() -> nn.Module:
    block = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU())
    return nn.Sequential(block, nn.Sequential(nn.MaxPool2d(2), nn.Dropout(0.5)), nn.Flatten(), nn.Linear(3 * 4 * 5, 7))


def _shared() -> nn.Module:
    model = nn.Sequential(nn.Linear(7, 7), nn.ReLU(), nn.Linear(7, 7))
    model[2].weight = model[0].weight
    return model


def _partly_frozen() -> nn.Module:
    model = _nested()
    for parameter in model[0].parameters():  # type: ignore[index]
        parameter.requires_grad = False
    return model


MODELS: dict[str, Callable[[], nn.Module]] = {
    "nested": _nested,
    "shared": _shared,
    "partly frozen": _partly_frozen,
    "branching": Branching,
    "repeating": Repeating,
    "recurrent": Recurrent,
    "failing": Failing,
    "leaf": lambda: nn.Linear(5, 3),
    "double": lambda: _nested().double(),
}


def layer_shapes(
    module: ModuleType, name: str, input_size: tuple[int, ...], *, training: bool = True
) -> dict[str, Any]:
    """Call ``layer_shapes`` and tell the model's state before and after, and the exception if one came."""
    model = MODELS[name]()
    model.train(training)
    for number, child in enumerate(model.children()):
        child.train(number % 2 == 0)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    before = _state(model)
    error, shapes = None, None
    try:
        shapes = module.layer_shapes(model, input_size)
    except RuntimeError as problem:
        if name != "failing":
            raise
        error = str(problem)
    pairs = [[key, value] for key, value in shapes.items()] if isinstance(shapes, dict) else shapes
    return {"type": type(shapes).__name__, "pairs": pairs, "error": error, "before": before, "after": _state(model)}


def _state(model: nn.Module) -> dict[str, Any]:
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return {
        "modes": [layer.training for layer in model.modules()],
        "hooks": sum(len(getattr(layer, hook)) for layer in model.modules() for hook in hooks),
        "values": [value.clone() for value in model.state_dict().values()],
        "trainable": [parameter.requires_grad for parameter in model.parameters()],
        "gradients": [None if p.grad is None else p.grad.clone() for p in model.parameters()],
        "global hooks": len(nn.modules.module._global_forward_hooks),  # noqa: SLF001 - where else do they show
    }


def count_parameters(module: ModuleType, name: str) -> Any:
    """Call ``count_parameters`` on a model."""
    return module.count_parameters(MODELS[name]())


def freeze(module: ModuleType, name: str) -> dict[str, Any]:
    """Freeze, then unfreeze a model; tell which parameters are trainable after each, and whether any changed."""
    model = MODELS[name]()
    before = [parameter.detach().clone() for parameter in model.parameters()]
    module.freeze(model)
    frozen = [parameter.requires_grad for parameter in model.parameters()]
    module.unfreeze(model)
    unfrozen = [parameter.requires_grad for parameter in model.parameters()]
    same = all(torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True))
    return {"frozen": frozen, "unfrozen": unfrozen, "same": same}


def freeze_part(module: ModuleType) -> list[bool]:
    """Freeze the first block of a model and tell which of all parameters stay trainable."""
    model = _nested()
    module.freeze(model[0])  # type: ignore[index]
    return [parameter.requires_grad for parameter in model.parameters()]


def summarize(module: ModuleType, name: str, input_size: tuple[int, ...]) -> Any:
    """Call ``summarize`` on a model."""
    return module.summarize(MODELS[name](), input_size)
