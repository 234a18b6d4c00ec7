"""Passes models to a student's functions, and reports what they leave behind."""

from __future__ import annotations

import contextlib
import importlib
import io
import operator
from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TEXT = 20_000
"""How many characters of a text are read."""


class Branching(nn.Module):
    """Takes the wide path if the input's mean is at most a limit, as it is for zeros."""

    def __init__(self, limit: int = 0) -> None:
        super().__init__()
        self.limit = limit
        self.narrow = nn.Linear(5, 2)
        self.wide = nn.Linear(5, 7)
        self.unused = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 5) -> (N, 7) for zeros and a limit of 0, (N, 2) for one below."""
        return self.wide(x) if float(x.mean()) <= self.limit else self.narrow(x)  # type: ignore[no-any-return]


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
    """Holds a leaf whose output is not a tensor."""

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

    def __init__(self, *, with_norm: bool = True) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(11))
        self.head = nn.Linear(7, 3)
        norm = nn.BatchNorm2d(5) if with_norm else nn.Identity()
        self.body = nn.Sequential(nn.Sequential(nn.Conv2d(1, 5, 3), nn.Sequential(norm)))

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1, H, W) -> (N, 11), through every parameter."""
        inner: nn.Sequential = self.body[0]  # type: ignore[assignment]
        maps = inner[1](inner[0](x).tanh())
        numbers = F.pad(maps.amax((2, 3)), (0, 2), value=1.0)
        return self.head(numbers).sum(1, keepdim=True) * self.scale  # type: ignore[no-any-return]


def _flat(inputs: int = 5, hidden: int = 4, outputs: int = 3) -> nn.Module:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))


def _twins() -> nn.Module:
    model = nn.Sequential(nn.Linear(7, 7), nn.ReLU(), nn.Linear(7, 7))
    model[2].load_state_dict(model[0].state_dict())
    return model


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
    "flat": _flat,
    "twins": _twins,
    "nested": _nested,
    "shared": _shared,
    "partly frozen": _partly_frozen,
    "branching": Branching,
    "repeating": Repeating,
    "recurrent": Recurrent,
    "failing": Failing,
    "backwards": Backwards,
    "deep": Deep,
    "without norm": lambda: Deep(with_norm=False),
    "bare": lambda: nn.Sequential(nn.MaxPool2d(2), nn.Sequential(nn.Flatten())),
    "leaf": lambda: nn.Linear(5, 3),
    "double": lambda **sizes: _nested(**sizes).double(),
}


def layer_shapes(
    module: ModuleType, name: str, input_size: tuple[int, ...], sizes: dict[str, int], *, training: bool = True
) -> dict[str, Any]:
    """Call ``layer_shapes``; report the model's state before and after, and any exception."""
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
    """Stand for a hook that somebody else put on the model."""


def _state(model: nn.Module) -> dict[str, Any]:
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    every = [hook for layer in model.modules() for kind in hooks for hook in getattr(layer, kind).values()]
    return {
        "modes": _modes(model),
        "hooks": len(every),
        "own hooks": sum(hook is _own_hook for hook in every),
        "values": [value.clone() for value in model.state_dict().values()],
        "trainable": [parameter.requires_grad for parameter in model.parameters()],
        "gradients": [None if p.grad is None else p.grad.clone() for p in model.parameters()],
        "global hooks": len(nn.modules.module._global_forward_hooks),  # noqa: SLF001 - where else do they show
    }


def layer_shapes_in_turn(module: ModuleType, size: tuple[int, ...], limits: list[int]) -> list[Any]:
    """Call ``layer_shapes`` on branching models that look the same, one for each limit."""
    answers = [module.layer_shapes(Branching(limit), size) for limit in limits]
    return [[[key, value] for key, value in one.items()] if isinstance(one, dict) else None for one in answers]


def count_parameters(module: ModuleType, name: str, sizes: dict[str, int]) -> dict[str, Any]:
    """Call ``count_parameters`` on a model, then with one part frozen, then as before; report if it is unchanged."""
    model = MODELS[name](**sizes)
    first = next(model.children())
    trainable = [parameter.requires_grad for parameter in first.parameters()]
    counted, left = [], True

    def count() -> None:
        nonlocal left
        before = _state(model)
        counted.append(module.count_parameters(model))
        left = left and _same_state(before, _state(model))

    count()
    first.requires_grad_(requires_grad=False)
    count()
    for parameter, before in zip(first.parameters(), trainable, strict=True):
        parameter.requires_grad = before
    count()
    return {"counted": counted, "left": left}


def _same_state(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Return whether values, dtypes, modes and trainability are the same."""
    values = one["values"], other["values"]
    alike = [a.dtype == b.dtype and torch.equal(a, b) for a, b in zip(*values, strict=False)]
    kept = all(one[key] == other[key] for key in ("modes", "trainable"))
    return kept and len(values[0]) == len(values[1]) and all(alike)


RATE = 0.5
"""Learning rate of the step that shows what is trainable."""

_KEPT: dict[str, nn.Sequential] = {}


def freeze(module: ModuleType, function: str, name: str, values: list[Tensor]) -> dict[str, Any]:
    """Freeze or unfreeze a model in the opposite state; keep it, below another layer, for ``take_step``.

    Args:
        module: the student's.
        function: ``freeze`` or ``unfreeze``.
        name: of the model.
        values: of all parameters of ``network_for_freezing``.

    Returns:
        See ``freeze_again``.
    """
    network = _KEPT["network"] = network_for_freezing(name, values)
    network[1].requires_grad_(requires_grad=function == "freeze")
    return freeze_again(module, function)


def freeze_again(module: ModuleType, function: str) -> dict[str, Any]:
    """Call the function on the kept model.

    Returns:
        Whether its parameters are the ``same`` objects, and ``modes`` of its modules before and after.
    """
    model = _KEPT["network"][1]
    before, modes = list(model.parameters()), _modes(model)
    getattr(module, function)(model)
    now = list(model.parameters())
    same = len(now) == len(before) and all(map(operator.is_, before, now))
    return {"same": same, "modes": [modes, _modes(model)]}


def take_step(module: ModuleType, images: Tensor, direction: Tensor) -> list[Tensor]:
    """Take one step of training with the kept network; see ``stepped``."""
    del module
    return stepped(_KEPT["network"], images, direction)


def network_for_freezing(name: str, values: list[Tensor]) -> nn.Sequential:
    """Return a model below a separate trainable layer, so that gradients must go through the model.

    Args:
        name: of the model.
        values: of all parameters in order, those of the layer first; None keeps the current ones.
    """
    below = nn.Conv2d(1, 1, 1) if name == "deep" else nn.Linear(5, 5)
    network = nn.Sequential(below, MODELS[name]())
    with torch.no_grad():
        for parameter, value in zip(network.parameters(), values, strict=bool(values)):
            parameter.copy_(value)
    return network


def stepped(network: nn.Module, images: Tensor, direction: Tensor) -> list[Tensor]:
    """Return a network's parameters after one step of plain gradient descent.

    Args:
        network: is changed.
        images: its input.
        direction: the loss is the mean of the answer times this, of the same shape.
    """
    network.zero_grad()
    (network(images) * direction).mean().backward()
    torch.optim.SGD(network.parameters(), lr=RATE).step()
    return [parameter.detach().clone() for parameter in network.parameters()]


def _modes(model: nn.Module) -> list[bool]:
    return [layer.training for layer in model.modules()]


def summarize(module: ModuleType, name: str, input_size: tuple[int, ...], sizes: dict[str, int]) -> dict[str, Any]:
    """Call ``summarize`` on a model; report answer and output, and if it was ``left`` alone."""
    printed, model = io.StringIO(), MODELS[name](**sizes)
    before = _state(model)
    with contextlib.redirect_stdout(printed):
        got = module.summarize(model, input_size)
    return {
        "type": type(got).__name__,
        "text": str(got)[:TEXT],
        "printed": printed.getvalue()[:TEXT],
        "left": _same_state(before, _state(model)),
    }


def own_network(module: ModuleType) -> Any:
    """Call ``summarize`` on the student's own network."""
    network = importlib.import_module(f"{module.__package__}.model").FashionCNN()
    return module.summarize(network, (1, 1, 28, 28))
