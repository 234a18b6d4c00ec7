"""Gives a student's functions models to read, and tells what they leave behind."""

from __future__ import annotations

import importlib
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
    """Raises after its first layers have run."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(5, 5)
        self.norm = nn.BatchNorm1d(5)

    def forward(self, x: Tensor) -> Tensor:
        """Always raises RuntimeError."""
        self.norm(self.first(x))
        raise RuntimeError("this model cannot run")


class Backwards(nn.Module):
    """Runs its layers in another order than it names them."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(7, 2)
        self.body = nn.ModuleDict({"b": nn.Linear(5, 7), "a": nn.Linear(3, 5)})

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3) -> (N, 2)."""
        return self.last(self.body["b"](self.body["a"](x)))  # type: ignore[no-any-return]


class Deep(nn.Module):
    """Holds parameters of its own, in a child, and in a child of a child of a child."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(11))
        self.head = nn.Linear(7, 3)
        self.body = nn.Sequential(nn.Sequential(nn.Conv2d(1, 5, 3), nn.Sequential(nn.BatchNorm2d(5))))

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1, H, W) -> maps."""
        return self.body(x)  # type: ignore[no-any-return]


def _nested(width: int = 3, classes: int = 7) -> nn.Module:
    block = nn.Sequential(nn.Conv2d(1, width, 3), nn.BatchNorm2d(width), nn.ReLU())
    pool = nn.Sequential(nn.MaxPool2d(2), nn.Dropout(0.5))
    return nn.Sequential(block, pool, nn.Flatten(), nn.Linear(width * 4 * 5, classes))


def _shared() -> nn.Module:
    model = nn.Sequential(nn.Linear(7, 7), nn.ReLU(), nn.Linear(7, 7))
    model[2].weight = model[0].weight
    return model


def _partly_frozen(**sizes: int) -> nn.Module:
    model = _nested(**sizes)
    for parameter in model[0].parameters():  # type: ignore[index]
        parameter.requires_grad = False
    return model


MODELS: dict[str, Callable[..., nn.Module]] = {
    "nested": _nested,
    "shared": _shared,
    "partly frozen": _partly_frozen,
    "branching": Branching,
    "repeating": Repeating,
    "recurrent": Recurrent,
    "failing": Failing,
    "backwards": Backwards,
    "deep": Deep,
    "bare": lambda: nn.Sequential(nn.MaxPool2d(2), nn.Sequential(nn.Flatten())),
    "leaf": lambda: nn.Linear(5, 3),
    "double": lambda **sizes: _nested(**sizes).double(),
}


def layer_shapes(
    module: ModuleType, name: str, input_size: tuple[int, ...], sizes: dict[str, int], *, training: bool = True
) -> dict[str, Any]:
    """Call ``layer_shapes`` and tell the model's state before and after, and the exception if one came."""
    model = MODELS[name](**sizes)
    model.train(training)
    for number, child in enumerate(model.children()):
        child.train(number % 2 == 0)
    for number, parameter in enumerate(model.parameters()):
        parameter.grad = torch.ones_like(parameter) if number else None
    next(model.modules()).register_forward_hook(_own_hook)
    before = _state(model)
    error, shapes = None, None
    try:
        shapes = module.layer_shapes(model, input_size)
    except RuntimeError as problem:
        if name != "failing":
            raise
        error = str(problem)
    pairs = [[key, value] for key, value in shapes.items()] if isinstance(shapes, dict) else None
    return {"type": type(shapes).__name__, "pairs": pairs, "error": error, "before": before, "after": _state(model)}


def _own_hook(_model: nn.Module, _inputs: Any, _output: Any) -> None:
    """Stand for a hook that somebody else has put on the model."""


def _state(model: nn.Module) -> dict[str, Any]:
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    every = [hook for layer in model.modules() for kind in hooks for hook in getattr(layer, kind).values()]
    return {
        "modes": [layer.training for layer in model.modules()],
        "hooks": len(every),
        "own hooks": sum(hook is _own_hook for hook in every),
        "values": [value.clone() for value in model.state_dict().values()],
        "trainable": [parameter.requires_grad for parameter in model.parameters()],
        "gradients": [None if p.grad is None else p.grad.clone() for p in model.parameters()],
        "global hooks": len(nn.modules.module._global_forward_hooks),  # noqa: SLF001 - where else do they show
    }


def count_parameters(module: ModuleType, name: str, sizes: dict[str, int]) -> Any:
    """Call ``count_parameters`` on a model."""
    return module.count_parameters(MODELS[name](**sizes))


def freeze(module: ModuleType, name: str) -> dict[str, Any]:
    """Freeze, then unfreeze a model; tell which parameters are trainable after each, and whether any changed."""
    model = MODELS[name]()
    before = [(parameter, parameter.detach().clone()) for parameter in model.parameters()]
    module.freeze(model)
    frozen = _trainable(model)
    module.unfreeze(model)
    now = list(model.parameters())
    same = len(now) == len(before) and all(
        old is new and torch.equal(value, new) for (old, value), new in zip(before, now, strict=True)
    )
    return {"frozen": frozen, "unfrozen": _trainable(model), "same": same}


def freeze_part(module: ModuleType, function: str) -> dict[str, bool]:
    """Freeze or unfreeze one part of a model of which all else is the opposite; tell what is trainable."""
    model = Deep()
    model.requires_grad_(function == "freeze")
    getattr(module, function)(model.body)
    return _trainable(model)


def _trainable(model: nn.Module) -> dict[str, bool]:
    return {name: parameter.requires_grad for name, parameter in model.named_parameters()}


def summarize(module: ModuleType, name: str, input_size: tuple[int, ...], sizes: dict[str, int]) -> Any:
    """Call ``summarize`` on a model."""
    return module.summarize(MODELS[name](**sizes), input_size)


def own_network(module: ModuleType) -> Any:
    """Call ``summarize`` on the student's own network."""
    network = importlib.import_module(f"{module.__package__}.model").FashionCNN()
    return module.summarize(network, (1, 1, 28, 28))
