"""Invalid weights, and networks that memorised the test set."""

import base64
import json
import os
import pickle
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save

from grader.paths import EXERCISES
from grader.splice import splice
from lesson import oracle
from tests.hostile.registry import MIB, builder

WEIGHTS = "fashion_cnn.safetensors"
NETWORK = """\
from torch import nn


class FashionCNN:
    def __init__(self, num_classes=10, learning_rate=1e-3):
        super().__init__()
        self.layer = nn.Linear(784, num_classes)

    def forward(self, x):
        return self.layer(x.flatten(1))
"""


def weights(path: Path, content: bytes) -> None:
    """Write weights beside a network that is a single layer: enough to have weights, not to earn points."""
    stub = (EXERCISES / "model.py").read_text(encoding="utf-8")
    (path / "model.py").write_text(splice(stub, NETWORK), encoding="utf-8")
    (path / WEIGHTS).write_bytes(content)


def state(dtype: torch.dtype = torch.float32) -> dict[str, torch.Tensor]:
    """Return the state that fits the network of the submissions with weights."""
    return {"layer.weight": torch.zeros(10, 784, dtype=dtype), "layer.bias": torch.zeros(10, dtype=dtype)}


@builder
def weights_of_nan(path: Path) -> None:
    weights(path, save({**state(), "layer.bias": torch.full((10,), float("nan"))}))


@builder
def weights_in_float64(path: Path) -> None:
    weights(path, save(state(torch.float64)))


@builder
def weights_of_wrong_shape(path: Path) -> None:
    weights(path, save({**state(), "layer.bias": torch.zeros(10, 1)}))


@builder
def weights_too_many(path: Path) -> None:
    weights(path, save({**state(), **{f"<x-injected>{number}": torch.zeros(1) for number in range(900)}}))


@builder
def weights_too_large(path: Path) -> None:
    weights(path, save({**state(), "extra": torch.zeros(5 * MIB)}))


@builder
def weights_pickled(path: Path) -> None:
    class Exits:
        def __reduce__(self) -> tuple[Callable[[int], None], tuple[int]]:
            return os._exit, (0,)

    weights(path, pickle.dumps(Exits(), protocol=2))


@builder
def weights_with_a_long_header(path: Path) -> None:
    weights(path, b"\xff" * 8 + save(state())[8:])


def header(path: Path, entries: object) -> None:
    text = json.dumps(entries).encode()
    weights(path, struct.pack("<Q", len(text)) + text + bytes(31_400))


@builder
def weights_that_overlap(path: Path) -> None:
    header(
        path,
        {
            "layer.weight": {"dtype": "F32", "shape": [10, 784], "data_offsets": [0, 31_360]},
            "layer.bias": {"dtype": "F32", "shape": [10], "data_offsets": [0, 40]},
        },
    )


@builder
def weights_of_lying_shape(path: Path) -> None:
    header(path, {"layer.weight": {"dtype": "F32", "shape": [1 << 40, 1 << 40], "data_offsets": [0, 31_400]}})


@builder
def weights_with_odd_names(path: Path) -> None:
    header(path, {"\x1b[2J<x-injected>\u202e": {"dtype": "F32", "shape": [7850], "data_offsets": [0, 31_400]}})


@builder
def weights_nested(path: Path) -> None:
    text = b'{"a":' * 20_000
    weights(path, struct.pack("<Q", len(text)) + text)


@builder
def table_of_hashes(path: Path) -> None:
    images, labels = oracle.fashion_mnist("t10k")
    keys = (images.flatten(1).long() * torch.arange(1, 785) ** 2).sum(1).tolist()
    fill(path, json.dumps([keys, labels.tolist()]).encode())


@builder
def nearest_neighbours(path: Path) -> None:
    images, labels = oracle.fashion_mnist("t10k")
    small = torch.nn.functional.adaptive_avg_pool2d(images[:, None].float(), 6).round().byte().flatten(1)
    fill(path, small.numpy().tobytes() + labels.byte().numpy().tobytes())


def fill(path: Path, data: bytes) -> None:
    """Put bytes into the model's source at its placeholder, and write weights that fit."""
    module = path / "model.py"
    text = base64.b85encode(zlib.compress(data)).decode()
    module.write_text(module.read_text(encoding="utf-8").replace("FILLED", text), encoding="utf-8")
    (path / WEIGHTS).write_bytes(save(state()))


@builder
def weights_that_fit(path: Path) -> None:
    (path / WEIGHTS).write_bytes(save(state()))


@builder
def weights_of_a_wide_network(path: Path) -> None:
    wide = {"wide.weight": torch.zeros(500, 1568), "last.weight": torch.zeros(10, 500)}
    wide |= {"first.weight": torch.zeros(32, 1, 3, 3), "first.bias": torch.zeros(32)}
    (path / WEIGHTS).write_bytes(save(wide))
