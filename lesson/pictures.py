"""Gets the drawings of the pages from a worker that is running anyway, once its task has been checked.

Inputs are public examples, never those of a check, and what comes back is trusted no more than any answer: anything not
of the expected kind and size is left out. Nothing here can change a grade.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from torchvision.transforms.functional import pil_to_tensor  # type: ignore[import-untyped]

from grader.checks import Student
from grader.course import course
from grader.text import for_students
from lesson import oracle
from lesson.figures import Comparison, Network, Raster
from lesson.weights import MAX_HEADER

SECONDS = 5.0
"""How long one drawing may take."""

MEAN, STD = 0.2860, 0.3530
DIGIT, BOOT = 35, 0
"""Which of the bundled digits, and which of the training images, are the examples."""

MAX_SIDE, MAX_ELEMENTS, MAX_FILTERS = 64, 100_000, 32
MAX_EPOCHS, MAX_VALUE, CURVES = 500, 1e6, ("train_loss", "val_loss", "train_acc", "val_acc")
MAX_LINES, MAX_COLUMNS = 80, 120


def draw(task: str, student: Student, *, all_passed: bool) -> Any:
    """Return what can be drawn of a task, as plain values; after an exception there is nothing to draw.

    Args:
        task: its id; all of its checks have run.
        student: the submission, in the worker of that task.
        all_passed: whether all of them passed, so there is nothing to compare.
    """
    if task == course().judged:
        return asdict(_network(student))
    if task == "summarize":
        return _table(student.probe("summary.own_network"))
    if task in EXAMPLES and not all_passed:
        found = _compared(*EXAMPLES[task](), student, task)
        return asdict(found) if found else None
    return None


def digit() -> Tensor:
    """Return the example digit without most of its margin, float32 (26, 22) in [0, 1]: not square, as checks are."""
    return oracle.digits()[0][DIGIT, 1:27, 3:25].float() / 255


KERNEL = torch.tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [0.0, 0.0, 0.0]])
"""Finds vertical edges, and differs from each of its rotations and mirror images."""


def _example_of_convolve(function: str) -> tuple[str, tuple[Any, ...], Tensor]:
    call = f"{function}(digit, [[1, 0, -1], [2, 0, -2], [0, 0, 0]])"
    return call, (digit(), KERNEL), F.conv2d(digit()[None, None], KERNEL[None, None])


def _example_of_conv2d() -> tuple[str, tuple[Any, ...], Tensor]:
    image = torch.stack([digit(), digit().flip(0)])[None]
    arguments = (image, torch.stack([KERNEL, KERNEL])[None], torch.tensor([0.5]), (1, 2), (2, 1))
    call = (
        "conv2d(a digit and the same upside down as two channels, one filter, bias=0.5, stride=(1, 2), padding=(2, 1))"
    )
    return call, arguments, F.conv2d(*arguments)


def _example_of_activation_maps() -> tuple[str, tuple[Any, ...], Tensor]:
    filters, bias = torch.stack([KERNEL, -KERNEL.T]), torch.tensor([0.0, 0.5])
    right = F.conv2d(digit()[None, None], filters[:, None], bias)[0].relu()
    return "activation_maps(digit, two filters, bias=[0, 0.5])", (digit()[None], filters, bias), right


def _example_of_tensor_to_image() -> tuple[str, tuple[Any, ...], Tensor]:
    maps = F.conv2d(digit()[None, None], KERNEL[None, None])[0, 0]
    right = ((maps - maps.min()) / (maps.max() - maps.min()) * 255).round()
    return "tensor_to_image(edges of a digit, from about -3 to 3)", (maps,), right


def _example_of_class_means() -> tuple[str, tuple[Any, ...], Tensor]:
    images, labels = (part[:500] for part in oracle.fashion_mnist("train"))
    right = torch.stack([images[labels == label].float().mean(0) for label in range(10)]) / 255
    return "class_means(the first 500 training images, their labels, 10)", (images, labels, 10), right


EXAMPLES: dict[str, Callable[[], tuple[str, tuple[Any, ...], Tensor]]] = {
    "convolve": lambda: _example_of_convolve("convolve"),
    "convolve_torch": lambda: _example_of_convolve("convolve_torch"),
    "conv2d": _example_of_conv2d,
    "activation_maps": _example_of_activation_maps,
    "tensor_to_image": _example_of_tensor_to_image,
    "class_means": _example_of_class_means,
}
"""For each task the call in words, its arguments, and the right answer."""


def _compared(call: str, arguments: tuple[Any, ...], right: Tensor, student: Student, task: str) -> Comparison | None:
    """Return both answers, or None if the student's is right here, or cannot be drawn."""
    value = student.call(task, *arguments)
    got = _drawable(pil_to_tensor(value)[0] if isinstance(value, Image.Image) else value)
    right = right.double().reshape(-1, *right.shape[-2:])
    if got is None or (
        got.shape == right.shape and torch.allclose(got, right, atol=1.0 if right.max() > 100 else 1e-3)
    ):
        return None
    if got.shape != right.shape:
        return Comparison(call, Raster.of(right[0]), Raster.of(got[0]), None)
    worst = int((got - right).abs().amax((1, 2)).argmax())
    return Comparison(call, *(Raster.of(values[worst]) for values in (right, got, got - right)))


def _drawable(value: Any) -> Tensor | None:
    """Return an answer as small finite pictures, float64 (N, H, W), or None."""
    if not isinstance(value, Tensor) or value.ndim < 2 or value.is_complex() or value.layout != torch.strided:
        return None
    if not 0 < value.numel() <= MAX_ELEMENTS or max(value.shape[-2:]) > MAX_SIDE:
        return None
    pictures = value.detach().double().reshape(-1, *value.shape[-2:])
    return pictures if pictures.isfinite().all() and pictures.abs().max() < MAX_VALUE else None


def _network(student: Student) -> Network:
    curves = curves_of(student.weights or b"")
    if "answer" not in student.kept:
        return Network(curves=curves)
    labels = oracle.fashion_mnist("t10k")[1]
    counts = torch.bincount(labels * 10 + student.kept["answer"], minlength=100).reshape(10, 10)
    confusion = tuple(tuple(row) for row in counts.tolist())
    try:
        filters, maps = _first_layer(student)
    except Exception:  # noqa: BLE001 - what the checker itself counted is still drawn
        filters, maps = (), ()
    return Network(filters, maps, confusion, curves)


def _first_layer(student: Student) -> tuple[tuple[Raster, ...], tuple[Raster, ...]]:
    boot = oracle.fashion_mnist("train")[0][BOOT]
    seen = student.probe("evaluation.activations", boot, MEAN, STD)
    filters, maps = _drawable(seen["filters"]), _drawable(seen["maps"])
    if maps is None or seen["maps"].ndim != 3:
        return (), ()
    if filters is None or len(filters) != len(maps):  # several input channels cannot be one picture
        filters = maps[:0]
    return tuple(map(Raster.of, filters[:MAX_FILTERS])), tuple(map(Raster.of, maps[:MAX_FILTERS]))


def curves_of(weights: bytes) -> dict[str, tuple[float | None, ...]]:
    """Return the learning curves that `exercises/train.py` left in the metadata of the weights.

    They are the student's claim: numbers of a bounded count and size, or nothing.
    """
    length = int.from_bytes(weights[:8], "little")
    if length > MAX_HEADER:
        return {}
    try:
        curves = json.loads(json.loads(weights[8 : 8 + length])["__metadata__"]["learning_curves"])
        found = {name: tuple(map(_number, curves[name][:MAX_EPOCHS])) for name in CURVES if name in curves}
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
        return {}
    return found if len(set(map(len, found.values()))) == 1 else {}


def _number(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"learning curves: expected numbers, got {type(value).__name__}")
    return float(value) if math.isfinite(value) and abs(value) <= MAX_VALUE else None


def _table(text: Any) -> str:
    """Return a student's text line by line, cut and escaped; nothing if it is not text."""
    if not isinstance(text, str):
        return ""
    lines = text[: MAX_LINES * MAX_COLUMNS].split("\n")
    return "\n".join(for_students(line)[:MAX_COLUMNS].rstrip() for line in lines[:MAX_LINES])
