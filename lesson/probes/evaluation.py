"""Loads or trains a student's network, and runs it on images; only the checker knows the right answers."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import torch
from safetensors.torch import load
from torch import Tensor

from lesson.probes.keeping import kept_numbers
from lesson.probes.model import build
from lesson.probes.training import loader_for, trainer_for

BATCH = 100
"""Images per batch: few enough for their maps to fit into a processor's cache."""

_LOADED: dict[str, Any] = {}


def load_weights(module: ModuleType, weights: Tensor) -> dict[str, Any]:
    """Load submitted weights into a new FashionCNN and keep it for ``predict``; report what does not fit."""
    network = build(module, {})
    state = network.state_dict()
    given = load(weights.numpy().tobytes())
    wrong = [
        f"{name}: expected shape {tuple(state[name].shape)}, got {tuple(tensor.shape)}"
        for name, tensor in given.items()
        if name in state and state[name].shape != tensor.shape
    ]
    problems = {
        "missing": [name for name in state if name not in given],
        "unknown": [name for name in given if name not in state],
        "wrong": wrong,
    }
    if not any(problems.values()):
        network.load_state_dict(given)
        _LOADED["network"] = network.eval()
    return {**problems, "kept": kept_numbers(network, module)}


def predict(module: ModuleType, images: Tensor, mean: float, std: float) -> Any:
    """Return the loaded network's answer to uint8 images (N, 28, 28), normalised here."""
    del module
    return _answers(_LOADED["network"], images, mean, std)


def activations(module: ModuleType, image: Tensor, mean: float, std: float) -> dict[str, Any]:
    """Return the filters of the loaded network's first convolution, and its maps of one uint8 image (28, 28)."""
    del module
    seen: list[dict[str, Any]] = []

    def hook(layer: torch.nn.Conv2d, _inputs: Any, output: Tensor) -> None:
        seen.append({"filters": layer.weight.detach(), "maps": output[0].relu()})

    network = _LOADED["network"]
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d):
            layer.register_forward_hook(hook)
    with torch.no_grad():
        network(_normalised(image[None], mean, std))
    return seen[0]


def retrain(
    module: ModuleType, images: Tensor, labels: Tensor, unseen: Tensor, mean: float, std: float, options: dict[str, Any]
) -> dict[str, Any]:
    """Train a new FashionCNN with its own steps and optimizer, and return its answers to other images.

    Args:
        module: the student's.
        images: uint8 (N, 28, 28), to train on.
        labels: int64 (N,).
        unseen: uint8 (M, 28, 28).
        mean: of the pixels, on the [0, 1] scale.
        std: likewise.
        options: ``seed``, ``learning_rate``, ``epochs``, ``batch_size`` and ``threads``.

    Returns:
        The logits, (M, 10), and how many numbers the network keeps.
    """
    torch.set_num_threads(options["threads"])
    torch.manual_seed(options["seed"])
    network = module.FashionCNN(learning_rate=options["learning_rate"])
    kept = kept_numbers(network, module)
    # The schedule of `python -m exercises.train`, if the network has none of its own.
    decay = importlib.import_module("exercises.train").CosineDecay()
    trainer = trainer_for(epochs=options["epochs"], callbacks=[decay], validate=False)
    trainer.fit(network, loader_for(_normalised(images, mean, std), labels, options["batch_size"], shuffle=True))
    return {"logits": _answers(network.eval(), unseen, mean, std), "kept": kept}


def _answers(network: Any, images: Tensor, mean: float, std: float) -> Any:
    """Return the answers to all images, or only to the first batch if they are not tensors."""
    with torch.no_grad():
        answers = [network(_normalised(batch, mean, std)) for batch in images.split(BATCH)]
    return torch.cat(answers) if all(isinstance(answer, Tensor) and answer.ndim for answer in answers) else answers[0]


def _normalised(images: Tensor, mean: float, std: float) -> Tensor:
    return ((images.float() / 255 - mean) / std)[:, None]
