"""Inspects a student's networks."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from lesson.probes.keeping import kept_numbers

OTHER_CLASSES = (7, 1)
"""Numbers of classes for which the baseline is built, besides the default."""


def baseline(module: ModuleType, images: Tensor) -> dict[str, Any]:
    """Build the baseline twice and describe it: its leaves, each convolution's effect on the size, and its answer."""
    network = module.build_baseline()
    if not isinstance(network, nn.Module):
        return {"type": type(network).__name__, "is_module": False}
    answer, error, sizes = _answer_of_baseline(network.eval(), images)
    every = [layer for _, layer in network.named_modules(remove_duplicate=False)]
    leaves = [layer for layer in every if not list(layer.children())]  # one at two places is two layers
    other = module.build_baseline()
    return {
        "type": type(network).__name__,
        "is_module": True,
        "is_flat": isinstance(network, nn.Sequential) and list(network._modules.values()) == leaves,  # noqa: SLF001
        "leaves": [type(leaf).__name__ for leaf in leaves],
        "padding": [leaf.padding for leaf in leaves if isinstance(leaf, nn.Conv2d)],
        "layers": [[leaf.weight, leaf.bias] for leaf in leaves if isinstance(leaf, nn.Conv2d | nn.Linear)],
        "sizes": sizes,
        "answer": answer,
        "error": error,
        "trainable": all(p.requires_grad for p in network.parameters()),
        "is_new": not {id(p) for p in network.parameters()} & {id(p) for p in other.parameters()},
    }


def _answer_of_baseline(network: nn.Module, images: Tensor) -> tuple[Any, str, list[Any]]:
    """Return the answer, or why there is none, and height and width before and after each convolution that ran."""
    sizes: list[Any] = []

    def hook(_layer: nn.Module, inputs: Any, output: Tensor) -> None:
        sizes.append((tuple(inputs[0].shape[2:]), tuple(output.shape[2:])))

    handles = [layer.register_forward_hook(hook) for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    try:
        with torch.no_grad():
            return network(images), "", sizes
    except Exception as problem:  # noqa: BLE001 - whatever keeps a layer from running is reported
        return None, str(problem)[:200], sizes
    finally:
        for handle in handles:
            handle.remove()


def baselines(module: ModuleType, images: Tensor) -> list[Any]:
    """Return the answers of baselines for other numbers of classes."""
    with torch.no_grad():
        return [module.build_baseline(num_classes=classes).eval()(images) for classes in OTHER_CLASSES]


def no_baseline(module: ModuleType, num_classes: int) -> str:
    """Ask for an impossible baseline; report the type of the result."""
    return type(module.build_baseline(num_classes=num_classes)).__name__


def logits(
    module: ModuleType,
    batches: list[Tensor],
    options: dict[str, Any],
    *,
    training: bool = False,
    shaken: bool = False,
) -> list[Any]:
    """Return the answers of one FashionCNN to each batch, and again to the first.

    Args:
        module: the student's.
        batches: of images.
        options: of the network.
        training: the mode.
        shaken: whether its parameters are changed first, so that zero-initialised layers depend on their input.
    """
    network = build(module, options).train(training)
    with torch.no_grad():
        for parameter in network.parameters() if shaken else ():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
        return [network(batch) for batch in [*batches, batches[0]]]


def build(module: ModuleType, options: dict[str, Any]) -> Any:
    """Return a FashionCNN in evaluation mode, the same at every call."""
    torch.manual_seed(0)
    network = module.FashionCNN(**options)
    with torch.no_grad():
        network.eval()(torch.zeros(2, 1, 28, 28))  # lazy layers get their shapes
    return network


def describe(module: ModuleType, images: Tensor) -> dict[str, Any]:
    """Report FashionCNN's type and contents, its first convolution's output, and whether gradients reach its layers."""
    torch.manual_seed(0)
    network = module.FashionCNN()
    seen: list[tuple[nn.Conv2d, tuple[int, ...]]] = []

    def hook(layer: nn.Conv2d, _inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor):
            seen.append((layer, tuple(output.shape)))

    handles = [layer.register_forward_hook(hook) for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    answer = network.eval()(images)
    for handle in handles:
        handle.remove()
    has_graph = isinstance(answer, Tensor) and answer.requires_grad
    if has_graph:
        answer.sum().backward()
    return {
        "is_lightning": isinstance(network, pl.LightningModule),
        "first": seen[0][1] if seen else None,
        "kept": kept_numbers(network, module),
        "hidden": _hidden_layers(network),
        "reached": has_graph and all(layer.weight.grad is not None for layer, _ in seen[:1]),
    }


def _hidden_layers(network: nn.Module) -> list[str]:
    """Return the attributes that hold layers in a list, tuple or dict, which hides their parameters."""
    known = {id(parameter) for parameter in network.parameters()}
    return [
        name
        for part in network.modules()
        for name, value in vars(part).items()
        if not name.startswith("_") and isinstance(value, list | tuple | dict)
        for layer in (value.values() if isinstance(value, dict) else value)
        if isinstance(layer, nn.Module) and any(id(parameter) not in known for parameter in layer.parameters())
    ]
