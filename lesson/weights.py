"""Checks a submitted weights file before anything loads it.

A safetensors file is eight bytes (the header's length, little-endian), a JSON header, and the tensors' bytes. Nothing
is trusted: sizes, names, shapes, dtypes and offsets are checked against the actual bytes.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from grader.checks import Student, StudentRaised, describe, fail_check
from grader.intake.sizes import MAX_WEIGHTS, in_words
from grader.text import clean
from lesson.probes.keeping import MAX_STATISTICS, STATISTICS

MAX_PARAMETERS = 500_000

MAX_HEADER = 256 * 1024
MAX_TENSORS = 1_000
MAX_AXES = 8
MAX_NAME = 200

FLOATING = {"F64": "float64", "F16": "float16", "BF16": "bfloat16"}
"""Known floating-point dtypes, recognised to be refused by name: the state of FashionCNN is float32."""

ALLOWED: dict[str, np.dtype[Any]] = {
    "F32": np.dtype("<f4"),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("u1"),
}
"""float32, and the whole numbers that buffers such as ``num_batches_tracked`` hold."""

PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
REMEDY = "Did safetensors.torch.save_file write it?"


class WeightsProblem(Exception):
    """The weights file is not as required; the text says what was expected and what came."""


@dataclass(frozen=True)
class WeightsHeader:
    """The contents of a weights file.

    Attributes:
        tensors: name -> (dtype as safetensors writes it, shape), in the order of their bytes.
        kept: how many numbers it holds, without running statistics; a tensor that is there twice counts once.
    """

    tensors: dict[str, tuple[str, tuple[int, ...]]]
    kept: int


@dataclass(frozen=True)
class _Tensor:
    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


def inspect_weights(data: bytes) -> WeightsHeader:
    """Return the contents of a safetensors file, after checking everything about it.

    Args:
        data: the whole file.

    Raises:
        WeightsProblem: if anything about it is not as it should be.
    """
    header, body = _split(data)
    tensors = sorted(
        (_tensor(name, entry) for name, entry in header.items()), key=lambda tensor: (tensor.start, tensor.end)
    )
    _require_side_by_side(tensors, len(body))
    for tensor in tensors:
        _require_finite(tensor, body)
    return WeightsHeader({tensor.name: (tensor.dtype, tensor.shape) for tensor in tensors}, _kept(tensors, body))


def _kept(tensors: list[_Tensor], body: memoryview) -> int:
    """Count the numbers: layers that share a tensor store it in the file under each name."""
    counted = [tensor for tensor in tensors if not _are_statistics(tensor)]
    different = {(one.dtype, one.shape, bytes(body[one.start : one.end])): one for one in counted}
    return sum(math.prod(one.shape) for one in different.values())


def _are_statistics(tensor: _Tensor) -> bool:
    return tensor.name.rpartition(".")[2] in STATISTICS and math.prod(tensor.shape) <= MAX_STATISTICS


def loaded_in_worker(student: Student) -> Any:
    """Load the submitted weights into a new FashionCNN in the worker.

    Returns:
        The names of tensors that are ``missing``, ``unknown`` or of ``wrong`` shape, and how many numbers are ``kept``.

    Raises:
        StudentFailure: if the network cannot be made.
    """
    assert student.weights is not None, "a submission without weights has none to load"
    return student.probe("evaluation.load_weights", torch.frombuffer(bytearray(student.weights), dtype=torch.uint8))


def weights_of_network(student: Student) -> WeightsHeader | None:
    """Return the contents of the submitted weights if they are the state of this network, else None."""
    try:
        header = inspect_weights(student.weights or b"")
        fit = loaded_in_worker(student)
    except (WeightsProblem, StudentRaised):
        return None
    return None if fit["missing"] or fit["unknown"] or fit["wrong"] else header


def _split(data: bytes) -> tuple[dict[str, Any], memoryview]:
    """Return the header's entries and the tensors' bytes."""
    if len(data) > MAX_WEIGHTS:
        raise _problem(f"a file of at most {in_words(MAX_WEIGHTS)}", "a larger one", "Is it just one state_dict?")
    if len(data) < 8:
        raise _problem("a safetensors file", f"{len(data)} bytes")
    length, longest = int.from_bytes(data[:8], "little"), min(MAX_HEADER, len(data) - 8)
    if not 2 <= length <= longest:
        if data.startswith(PICKLES):
            raise _problem("a safetensors file", "a pickle of torch.save", "Can you use safetensors.torch.save_file?")
        raise _problem(f"a header of 2 to {longest:,} bytes", f"one of {length:,}")
    return _header(data[8 : 8 + length]), memoryview(data)[8 + length :]


def _header(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:
        raise _problem("a header in JSON", clean(str(error), 100)) from error
    if not isinstance(header, dict):
        raise _problem("a header with named tensors", "other JSON")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise _problem("metadata of strings", "other JSON")
    if not 1 <= len(header) <= MAX_TENSORS:
        raise _problem(f"1 to {MAX_TENSORS:,} tensors", f"{len(header):,}", "Is it the state_dict of FashionCNN()?")
    return header


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def _tensor(name: str, entry: Any) -> _Tensor:
    where = f"{clean(name, 80)!r}"
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise _problem(f"names of 1 to {MAX_NAME} printable characters", where)
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise _problem(f"{where} with dtype, shape and data_offsets", "something else")
    dtype, shape, offsets = entry["dtype"], _sizes(entry["shape"]), _sizes(entry["data_offsets"])
    if dtype not in ALLOWED if isinstance(dtype, str) else True:
        got = clean(FLOATING.get(str(dtype), str(dtype)), 40)
        raise _problem(f"{where} in float32 (or whole numbers)", got, "Can you convert the model with .float()?")
    if shape is None or len(shape) > MAX_AXES:
        raise _problem(f"{where} with a shape of at most {MAX_AXES} whole numbers", clean(str(entry["shape"]), 60))
    if offsets is None or len(offsets) != 2:
        raise _problem(f"{where} with two data_offsets", clean(str(entry["data_offsets"]), 60))
    size = math.prod(shape) * ALLOWED[dtype].itemsize
    if offsets[1] - offsets[0] != size:
        raise _problem(f"{where} of shape {shape} in {size:,} bytes", f"offsets {offsets}")
    return _Tensor(name, dtype, shape, *offsets)


def _sizes(value: Any) -> tuple[int, ...] | None:
    """Return a list of lengths as a tuple, or None if it is not one."""
    if not isinstance(value, list) or not all(type(item) is int and 0 <= item <= MAX_WEIGHTS for item in value):
        return None
    return tuple(value)


def _require_side_by_side(tensors: list[_Tensor], size: int) -> None:
    end = 0
    for tensor in tensors:
        if tensor.start != end:
            raise _problem(f"{clean(tensor.name, 80)!r} to begin at byte {end:,}", f"{tensor.start:,}")
        end = tensor.end
    if end != size:
        raise _problem(f"{end:,} bytes of tensors", f"{size:,}", "Is the file complete?")


def _require_finite(tensor: _Tensor, body: memoryview) -> None:
    dtype = ALLOWED[tensor.dtype]
    if dtype.kind != "f":
        return
    values = np.frombuffer(body[tensor.start : tensor.end], dtype=dtype)
    if not np.isfinite(values).all():
        raise _problem(f"{clean(tensor.name, 80)!r} to be finite", "NaN or infinity", "Did the training diverge?")


def _problem(expected: str, got: str, remedy: str = REMEDY) -> WeightsProblem:
    return WeightsProblem(f"fashion_cnn.safetensors: expected {expected}, got {got}. {remedy}")


def assert_small_network(kept: Any) -> None:
    """Fail unless FashionCNN keeps at most 500,000 numbers.

    Args:
        kept: the probe's count in the worker.
    """
    if not isinstance(kept, int) or kept > MAX_PARAMETERS:
        fail_check(
            f"FashionCNN: expected at most {MAX_PARAMETERS:,} numbers, "
            f"got {kept if isinstance(kept, int) else describe(kept)}.",
            "too-many-parameters",
        )
