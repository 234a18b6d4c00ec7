"""Hostile submissions that cannot lie in a repository: links, pipes, archives, other encodings, weights, odd names.

Each builder gets the path of the submission, where its base and its own files lie already, and changes it.
"""

from __future__ import annotations

import base64
import io
import json
import os
import pickle
import socket
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save

from grader.authoring.splice import splice
from grader.checking import oracle
from grader.paths import EXERCISES, SOLUTIONS

BODY = "def class_counts(labels, num_classes):\n    return torch.bincount(labels, minlength=num_classes)\n"
RIGHT = f"import torch\n\n\n{BODY}"
MODULE = "exploration.py"
WEIGHTS = "fashion_cnn.safetensors"
MIB = 1 << 20

BUILDERS: dict[str, Callable[[Path], None]] = {}


def builder(build: Callable[[Path], None]) -> Callable[[Path], None]:
    """Make a builder known by its name, with hyphens for underscores."""
    BUILDERS[build.__name__.replace("_", "-")] = build
    return build


# Links and special files


@builder
def link_to_solution(path: Path) -> None:
    (path / MODULE).symlink_to(SOLUTIONS / MODULE)
    (path / "exercises").symlink_to(SOLUTIONS)
    (path / WEIGHTS).symlink_to(SOLUTIONS / WEIGHTS)
    (path / "summary.py").write_text("import torch\n")


@builder
def hard_places(path: Path) -> None:
    (path / "summary.py").symlink_to("/dev/zero")
    (path / "model.py").symlink_to("model.py")
    (path / "transforms.py").symlink_to("/proc/self/environ")
    (path / "convolution.py").mkdir()
    (path / MODULE).write_text(RIGHT)


@builder
def fifos(path: Path) -> None:
    os.mkfifo(path / "summary.py")
    os.mkfifo(path / WEIGHTS)
    (path / MODULE).write_text(RIGHT)


@builder
def sockets(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path)  # a socket's address is short
    try:
        socket.socket(socket.AF_UNIX).bind("summary.py")
    finally:
        os.chdir(here)
    (path / MODULE).write_text(RIGHT)


@builder
def devices(path: Path) -> None:
    os.mknod(path / "summary.py", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    (path / MODULE).write_text(RIGHT)


@builder
def locked_away(path: Path) -> None:
    (path / MODULE).write_text(RIGHT)
    (path / "summary.py").write_text("import torch\n")
    (path / "summary.py").chmod(0)


@builder
def sparse_terabyte(path: Path) -> None:
    (path / MODULE).write_text(RIGHT)
    with (path / "notes.bin").open("wb") as file:
        file.truncate(1 << 40)


@builder
def deep_folders(path: Path) -> None:
    (path / MODULE).write_text(RIGHT)
    deepest = path
    for _ in range(100):
        deepest /= "d"
    deepest.mkdir(parents=True)


@builder
def many_files(path: Path) -> None:
    (path / MODULE).write_text(RIGHT)
    for number in range(2_500):
        (path / f"{number}.txt").touch()


@builder
def odd_file_names(path: Path) -> None:
    for name in (b"=HYPERLINK(0).py", b"<x-injected>.py", b"\x1b[2J.py", b"\xff\xfe.py", "\u202eyp.py".encode(), b"a\nb"):
        Path(os.fsdecode(bytes(path) + b"/" + name)).write_text("raise SystemExit")


# Names of submissions


def renamed(path: Path, name: bytes) -> None:
    path.rename(os.fsdecode(bytes(path.parent) + b"/" + name))


@builder
def undecodable_name(path: Path) -> None:
    renamed(path, b"hostile-\xff\xfe\x80")


@builder
def terminal_name(path: Path) -> None:
    renamed(path, b"hostile-\x1b[2J\x1b]0;x\x07\n\r\x9b")


@builder
def bidi_name(path: Path) -> None:
    renamed(path, "hostile-\u202efdp.exe\u2066\u200b".encode())


@builder
def markup_name(path: Path) -> None:
    renamed(path, b"<x-injected onload=alert(1)>'\"&amp;{{7*7}}[red]")


@builder
def formula_name(path: Path) -> None:
    renamed(path, b'=HYPERLINK("mailto:x@example.invalid?"&A1,"click")')


@builder
def other_formula_name(path: Path) -> None:
    renamed(path, b"@SUM(1+1)*cmd|' C calc'!A0")


@builder
def longest_name(path: Path) -> None:
    renamed(path, b"x" * 255)


@builder
def name_of_an_output(path: Path) -> None:
    renamed(path, b"grades.csv")


@builder
def name_of_the_gradebook(path: Path) -> None:
    renamed(path, b"gradebook.sqlite")


# Encodings


def encoded(path: Path, data: bytes) -> None:
    (path / MODULE).write_bytes(data)


@builder
def utf_16(path: Path) -> None:
    encoded(path, RIGHT.encode("utf-16"))


@builder
def byte_order_mark(path: Path) -> None:
    encoded(path, b"\xef\xbb\xbf" + RIGHT.replace("\n", "\r\n").encode())


@builder
def latin_1(path: Path) -> None:
    encoded(path, b"# -*- coding: latin-1 -*-\nNAME = '\xe9\xff'\n" + RIGHT.encode())


@builder
def null_bytes(path: Path) -> None:
    encoded(path, RIGHT.encode() + b"\0\0\0")


@builder
def lone_surrogates(path: Path) -> None:
    encoded(path, b"NAME = '\xed\xa0\x80'\n" + RIGHT.encode())


@builder
def utf_7(path: Path) -> None:
    encoded(path, b"# coding: utf-7\n# +AAo-import torch\n" + RIGHT.encode())


@builder
def escapes_as_a_coding(path: Path) -> None:
    encoded(path, b"# coding: unicode_escape\n# \\nraise SystemExit\n" + RIGHT.encode())


@builder
def unknown_coding(path: Path) -> None:
    encoded(path, "# coding: \u202ehex\x1b[2J\n".encode() + RIGHT.encode())


@builder
def nested_source(path: Path) -> None:
    encoded(path, b"import torch\n" + b"(" * 20_000 + b")" * 20_000)


@builder
def huge_source(path: Path) -> None:
    encoded(path, RIGHT.encode() + b"#" * (2 * MIB))


# Archives


def archive(path: Path, **members: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name, data)


def archive_with(path: Path, name: str, data: bytes = RIGHT.encode()) -> None:
    archive(path, **{MODULE: RIGHT.encode(), name: data})


@builder
def zip_bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(MODULE, RIGHT)
        with file.open("notes.bin", "w") as stream:
            for _ in range(150):
                stream.write(bytes(MIB))


@builder
def zip_of_overlapping_files(path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a", bytes(100_000))
        for number in range(50):
            copy = zipfile.ZipInfo(f"{number}.py")
            for field in ("header_offset", "compress_size", "file_size", "CRC", "compress_type"):
                setattr(copy, field, getattr(file.filelist[0], field))
            file.filelist.append(copy)
            file.NameToInfo[copy.filename] = copy
    path.write_bytes(buffer.getvalue())


@builder
def zip_in_a_zip(path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as file:
        file.writestr(MODULE, RIGHT)
    archive_with(path, "inner.zip", inner.getvalue())


@builder
def zip_encrypted(path: Path) -> None:
    archive(path, **{MODULE: RIGHT.encode()})
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)


@builder
def zip_that_climbs_out(path: Path) -> None:
    archive_with(path, "../../../../tmp/cnn-kit-escaped.py")


@builder
def zip_with_absolute_names(path: Path) -> None:
    archive_with(path, "/tmp/cnn-kit-escaped.py")


@builder
def zip_with_drives(path: Path) -> None:
    archive_with(path, "C:\\cnn-kit-escaped.py")


@builder
def zip_with_a_link(path: Path) -> None:
    link = zipfile.ZipInfo("summary.py")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(MODULE, RIGHT)
        file.writestr(link, str(SOLUTIONS / "summary.py"))


@builder
def zip_with_a_name_twice(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(MODULE, RIGHT)
        file.writestr(f"./{MODULE}", "raise SystemExit")


@builder
def zip_of_many_files(path: Path) -> None:
    archive(path, **{MODULE: RIGHT.encode()}, **{f"{number}.txt": b"" for number in range(3_000)})


@builder
def zip_that_lies_about_sizes(path: Path) -> None:
    archive(path, **{MODULE: RIGHT.encode() * 50})
    data = path.read_bytes()
    sizes = struct.pack("<I", len(RIGHT) * 50)
    path.write_bytes(data.replace(sizes, struct.pack("<I", 0xFFFFFFF0)))


@builder
def zip_of_nothing(path: Path) -> None:
    path.write_bytes(b"PK\x05\x06" + bytes(18))


@builder
def zip_with_odd_names(path: Path) -> None:
    archive_with(path, "<x-injected>\x1b[2J\u202e.py")


# Notebooks


def notebook(path: Path, *cells: dict[str, object]) -> None:
    code = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    document = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{**code, **cell} for cell in cells]}
    (path / "exploration.ipynb").write_text(json.dumps(document))


@builder
def notebook_with_huge_outputs(path: Path) -> None:
    picture = {"output_type": "display_data", "data": {"image/png": "A" * (20 * MIB)}, "metadata": {}}
    notebook(path, {"source": RIGHT, "outputs": [picture]})


@builder
def notebook_too_large(path: Path) -> None:
    notebook(path, {"source": RIGHT, "outputs": [{"output_type": "stream", "text": "A" * (33 * MIB)}]})


@builder
def notebook_with_magics(path: Path) -> None:
    notebook(
        path,
        {"source": "!touch /tmp/cnn-kit-escaped\n%run escaped.py\nimport torch\nimport os"},
        {"source": "%%bash\ntouch /tmp/cnn-kit-escaped"},
        {"source": "os._exit(0)\nwhile True:\n    pass"},
        {"source": BODY, "outputs": [{"output_type": "display_data", "data": {"text/html": "<x-injected>"}}]},
    )


@builder
def notebook_nested(path: Path) -> None:
    (path / "exploration.ipynb").write_text("[" * 200_000 + "]" * 200_000)


@builder
def notebook_of_other_json(path: Path) -> None:
    (path / "exploration.ipynb").write_text('{"cells": {"source": 1}, "nbformat": NaN, "<x-injected>": 1e999}')


# Weights


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


# Memorisers


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
    """Put bytes into the model's source, where it says so, and write weights that fit."""
    module = path / "model.py"
    text = base64.b85encode(zlib.compress(data)).decode()
    module.write_text(module.read_text(encoding="utf-8").replace("FILLED", text), encoding="utf-8")
    (path / WEIGHTS).write_bytes(save(state()))


@builder
def weights_that_fit(path: Path) -> None:
    (path / WEIGHTS).write_bytes(save(state()))
