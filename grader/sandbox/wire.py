"""The wire between checker and worker: length-prefixed frames, a JSON header, raw tensor bytes; never pickle.

A frame is ``<I`` (header length), the header (UTF-8 JSON), and the buffers that the header announces, in order.
The header is ``{"id": int, "kind": str, "body": tree, "buffers": [byte counts]}``. In a tree, JSON's own scalars
stand for themselves and everything else is a list that begins with a tag. Whatever does not decode is a
``WireError``: the other side may be hostile, so every size is checked before it is used.
"""

from __future__ import annotations

import contextlib
import json
import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

MAX_HEADER_BYTES = 4 << 20
MAX_BUFFERS = 4096
MAX_DEPTH = 12
MAX_NODES = 200_000
MAX_DIMENSIONS = 12
MAX_ELEMENTS = 1 << 40
MAX_TEXT = 20_000
MAX_IMAGE_SIDE = 4096

DTYPES: dict[str, torch.dtype] = {
    name: getattr(torch, name)
    for name in ("float16", "bfloat16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64", "bool",
                 "complex64", "complex128")
}  # fmt: skip
IMAGE_CHANNELS = {"L": 1, "RGB": 3, "RGBA": 4}

Reader = Callable[[int], bytes | bytearray]


class WireError(Exception):
    """The bytes are not a frame of this protocol."""


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise WireError(f"wire: expected {what}")


@dataclass(frozen=True)
class Opaque:
    """Stands for an object that cannot cross; only its type's name does."""

    type_name: str


@dataclass(frozen=True)
class ForeignArray:
    """Stands for an array of another library than torch, such as numpy's.

    Attributes:
        kind: its type's name.
        dtype: its dtype's name.
        shape: its shape.
        values: its numbers, where torch has the dtype.
    """

    kind: str
    dtype: str
    shape: tuple[int, ...]
    values: torch.Tensor | None = field(default=None, compare=False)


class ForeignFloat(float):
    """A floating-point number of another library, such as numpy's float32; numpy's integers cross as ints."""

    kind = "numpy.floating"


@dataclass(frozen=True)
class Message:
    """One frame: a request or the reply to it, which carries the same id."""

    id: int
    kind: str
    body: Any


def encode(message: Message, *, views: bool = False) -> list[memoryview]:
    """Return the frame of a message as buffers to write one after the other.

    Args:
        message: what to send.
        views: whether a tensor that is not contiguous stays the view that it is; else it is packed.
    """
    encoder = _Encoder(views=views)
    tree = encoder.tree(message.body, 0)
    header = json.dumps(
        {"id": message.id, "kind": message.kind, "body": tree, "buffers": [b.nbytes for b in encoder.buffers]},
        separators=(",", ":"),
    ).encode()
    _require(len(header) <= MAX_HEADER_BYTES, f"a header of at most {MAX_HEADER_BYTES} bytes, got {len(header)}")
    return [memoryview(struct.pack("<I", len(header)) + header), *encoder.buffers]


def decode(read: Reader, max_bytes: int, *, views: bool = False) -> Message:
    """Read one frame.

    Args:
        read: returns exactly as many bytes as it is asked for, or raises.
        max_bytes: the buffers together may not be larger.
        views: whether views are taken; a worker takes them, what it answers is packed.

    Raises:
        WireError: if the frame is malformed or too large.
    """
    (header_size,) = struct.unpack("<I", read(4))
    _require(2 <= header_size <= MAX_HEADER_BYTES, f"a header of 2 to {MAX_HEADER_BYTES} bytes, got {header_size}")
    header = _parse_header(bytes(read(header_size)))
    sizes = header["buffers"]
    _require(_are_counts(sizes, MAX_BUFFERS), "a list of buffer sizes")
    _require(sum(sizes) <= max_bytes, f"at most {max_bytes} bytes of data, got {sum(sizes)}")
    kind = header["kind"]
    _require(_is_count(header["id"]) and isinstance(kind, str) and len(kind) <= 32, "an id and a kind")
    buffers = [read(size) for size in sizes]
    return Message(header["id"], kind, _Decoder(buffers, views=views).value(header["body"], 0))


def _parse_header(raw: bytes) -> dict[str, Any]:
    try:
        header = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise WireError(f"wire: expected a JSON header, got {type(error).__name__}") from None
    is_header = isinstance(header, dict) and header.keys() == {"id", "kind", "body", "buffers"}
    _require(is_header, "a header with id, kind, body and buffers")
    return header  # type: ignore[no-any-return]


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 1 << 62


def _are_counts(value: object, most: int) -> bool:
    return isinstance(value, list) and len(value) <= most and all(map(_is_count, value))


def _type_name(value: object) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


class _Encoder:
    """Turns values into a tree, and gathers the bytes that belong to it."""

    def __init__(self, *, views: bool) -> None:
        self.buffers: list[memoryview] = []
        self._views = views

    def tree(self, value: Any, depth: int) -> Any:
        """Return what stands for a value in the header."""
        if value is None or isinstance(value, bool | str | int | float | np.integer | np.floating):
            return _scalar_to_tree(value)
        if isinstance(value, torch.Tensor):
            return self._tensor(value)
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, Image.Image):
            return self._image(value)
        if depth < MAX_DEPTH - 2 and isinstance(value, list | tuple | dict) and len(value) < MAX_NODES:
            return self._container(value, depth)
        return _stand_in(value)

    def _container(self, value: Any, depth: int) -> Any:
        if isinstance(value, dict):
            return ["dict", [[self.tree(k, depth + 1), self.tree(v, depth + 1)] for k, v in value.items()]]
        tag = "list" if isinstance(value, list) else "tuple"
        return [tag, [self.tree(item, depth + 1) for item in value]]

    def _tensor(self, value: torch.Tensor) -> Any:
        plain = value.detach()
        if type(plain) is not torch.Tensor:
            plain = plain.as_subclass(torch.Tensor)
        name = str(plain.dtype).removeprefix("torch.")
        if plain.layout is not torch.strided or name not in DTYPES or plain.device.type != "cpu":
            return ["opaque", f"{plain.layout} {plain.dtype} tensor on {plain.device.type}"]
        plain = plain.resolve_conj().resolve_neg()
        if self._views and plain.numel() and not plain.is_contiguous():
            return self._view(plain, name)
        return ["tensor", name, list(plain.shape), self._add(_raw(plain.contiguous().reshape(-1)))]

    def _view(self, plain: torch.Tensor, name: str) -> Any:
        """Send what lies in memory up to the view's last number, and where in it the view's numbers are."""
        offset = plain.storage_offset()
        index = self._add(_raw(plain.as_strided((offset + _reach(plain.shape, plain.stride()),), (1,), 0)))
        return ["view", name, list(plain.shape), list(plain.stride()), offset, index]

    def _add(self, raw: memoryview) -> int:
        self.buffers.append(raw)
        return len(self.buffers) - 1

    def _array(self, value: np.ndarray[Any, Any]) -> Any:
        kind, dtype = ("numpy.ndarray" if type(value) is np.ndarray else _type_name(value)), str(value.dtype)[:64]
        values = None
        with contextlib.suppress(TypeError, ValueError):  # torch has no such dtype
            values = self._tensor(torch.from_numpy(np.array(value, order="C", subok=False)))
        return ["array", kind[:200], dtype, list(value.shape), values]

    def _image(self, value: Image.Image) -> Any:
        if value.mode not in IMAGE_CHANNELS or max(value.size) > MAX_IMAGE_SIDE:
            return ["opaque", f"PIL image of mode {value.mode} and size {value.size}"]
        return ["image", value.mode, list(value.size), self._add(memoryview(value.tobytes()))]


def _raw(flat: torch.Tensor) -> memoryview:
    flat = flat.as_strided(flat.shape, (1,))  # of one number alone, any stride counts as contiguous
    return flat.view(torch.uint8).numpy().data if flat.numel() else memoryview(b"")


def _stand_in(value: Any) -> Any:
    if isinstance(value, Path):
        return ["path", str(value)]
    return ["opaque", (value.type_name if isinstance(value, Opaque) else _type_name(value))[:200]]


def _scalar_to_tree(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)[:MAX_TEXT]
    if isinstance(value, int | np.integer):
        return int(value) if abs(int(value)) < 1 << 62 else ["opaque", "int beyond 64 bits"]
    foreign = isinstance(value, ForeignFloat | np.floating) and not isinstance(value, np.float64)
    return ["number" if foreign else "float", float(value).hex()]


def _reach(shape: Sequence[int], strides: Sequence[int]) -> int:
    """Return how many elements lie from the first of a view to its last, both included; it has some."""
    return 1 + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))


class _Decoder:
    """Turns a tree back into values; each buffer may be used once."""

    def __init__(self, buffers: list[bytes | bytearray], *, views: bool) -> None:
        self._buffers = dict(enumerate(buffers))
        self._views = views
        self._nodes = 0

    def value(self, tree: Any, depth: int) -> Any:
        self._nodes += 1
        if depth > MAX_DEPTH or self._nodes > MAX_NODES:
            raise WireError(f"wire: expected at most {MAX_DEPTH} levels and {MAX_NODES} values")
        match tree:
            case None | bool():
                return tree
            case int() if abs(tree) < 1 << 62:
                return tree
            case str() if len(tree) <= MAX_TEXT:
                return tree
            case [str() as tag, *parts] if len(parts) == _PARTS.get(tag):
                return getattr(self, f"_{tag}")(*parts, depth)
        raise WireError(f"wire: expected a scalar, or a list that begins with one of the tags {', '.join(_PARTS)}")

    def _float(self, text: Any, _depth: int) -> float:
        try:
            return float.fromhex(text)
        except (TypeError, ValueError, OverflowError):
            raise WireError("wire: expected a hexadecimal float") from None

    def _number(self, text: Any, depth: int) -> ForeignFloat:
        return ForeignFloat(self._float(text, depth))

    def _list(self, items: Any, depth: int) -> list[Any]:
        _require(isinstance(items, list), "a list of values")
        return [self.value(item, depth + 1) for item in items]

    def _tuple(self, items: Any, depth: int) -> tuple[Any, ...]:
        return tuple(self._list(items, depth))

    def _dict(self, pairs: Any, depth: int) -> dict[Any, Any]:
        _require(isinstance(pairs, list), "a list of key and value pairs")
        decoded = [self._list(pair, depth) for pair in pairs]
        _require(all(len(pair) == 2 for pair in decoded), "a list of key and value pairs")
        return {self._key(key): item for key, item in decoded}

    @staticmethod
    def _key(key: Any) -> Any:
        return key if isinstance(key, str | int | float | bool | None | Opaque) else Opaque(_type_name(key))

    def _path(self, text: Any, _depth: int) -> Path:
        return Path(self._text(text))

    def _opaque(self, name: Any, _depth: int) -> Opaque:
        return Opaque(self._text(name))

    def _array(self, kind: Any, dtype: Any, shape: Any, values: Any, depth: int) -> ForeignArray:
        held = self.value(values, depth + 1) if isinstance(values, list) and values[:1] == ["tensor"] else None
        sizes = self._shape(shape)
        _require(held is None or tuple(held.shape) == sizes, "an array's values in its shape")
        return ForeignArray(self._text(kind), self._text(dtype), sizes, held)

    def _tensor(self, name: Any, shape: Any, index: Any, _depth: int) -> torch.Tensor:
        sizes, dtype = self._shape(shape), self._dtype(name)
        return self._flat(dtype, math.prod(sizes), index).reshape(sizes)

    def _view(self, name: Any, shape: Any, strides: Any, offset: Any, index: Any, _depth: int) -> torch.Tensor:
        sizes, steps, dtype = self._shape(shape), self._shape(strides), self._dtype(name)
        fits = len(sizes) == len(steps) and 0 not in sizes and _is_count(offset)
        _require(self._views and fits, "no view, or one with a stride for each axis")
        return self._flat(dtype, offset + _reach(sizes, steps), index).as_strided(sizes, steps, offset)

    @staticmethod
    def _dtype(name: Any) -> torch.dtype:
        _require(isinstance(name, str) and name in DTYPES, "a known dtype")
        return DTYPES[name]

    def _flat(self, dtype: torch.dtype, count: int, index: Any) -> torch.Tensor:
        raw = self._take(index, count * dtype.itemsize)
        if not raw:
            return torch.empty(0, dtype=dtype)
        return torch.frombuffer(bytearray(raw) if isinstance(raw, bytes) else raw, dtype=dtype)

    def _image(self, mode: Any, size: Any, index: Any, _depth: int) -> Image.Image:
        sides, is_known = self._shape(size), isinstance(mode, str) and mode in IMAGE_CHANNELS
        fits = len(sides) == 2 and all(0 < side <= MAX_IMAGE_SIDE for side in sides)
        _require(is_known and fits, "an image with a known mode and a size")
        raw = self._take(index, IMAGE_CHANNELS[mode] * sides[0] * sides[1])
        return Image.frombytes(mode, (sides[0], sides[1]), bytes(raw))

    @staticmethod
    def _text(text: Any) -> str:
        _require(isinstance(text, str) and len(text) <= MAX_TEXT and "\0" not in text, "a text")
        return str(text)

    @staticmethod
    def _shape(shape: Any) -> tuple[int, ...]:
        _require(_are_counts(shape, MAX_DIMENSIONS), "a shape")
        _require(math.prod(filter(None, shape)) <= MAX_ELEMENTS, f"a shape of at most {MAX_ELEMENTS} elements")
        return tuple(shape)

    def _take(self, index: Any, size: int) -> bytes | bytearray:
        raw = self._buffers.pop(index, None) if _is_count(index) else None
        if raw is None or len(raw) != size:
            raise WireError(f"wire: expected an unused buffer of {size} bytes")
        return raw


_PARTS = dict.fromkeys(("float", "number", "list", "tuple", "dict", "path", "opaque"), 1) | {
    "tensor": 3, "image": 3, "array": 4, "view": 5,
}  # fmt: skip
"""How many parts follow each tag, which is the name of the method that takes them."""
