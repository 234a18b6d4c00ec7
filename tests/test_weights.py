"""The check of a weights file before anything loads it."""

from __future__ import annotations

import contextlib
import json
import struct
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save

from lesson.weights import MAX_HEADER, MAX_WEIGHTS, WeightsProblem, inspect_weights

STATE = {
    "conv.weight": torch.arange(18.0).reshape(2, 1, 3, 3),
    "norm.num_batches_tracked": torch.tensor(7),
    "head.bias": torch.ones(3),
}


def file_of(header: Any, body: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def one(dtype: Any = "F32", shape: Any = (2,), offsets: Any = (0, 8), **more: Any) -> dict[str, Any]:
    return {"w": {"dtype": dtype, "shape": shape, "data_offsets": offsets, **more}}


def test_a_state_dict_is_described_by_name_dtype_and_shape() -> None:
    header = inspect_weights(save(STATE))
    assert header.tensors == {
        "conv.weight": ("F32", (2, 1, 3, 3)),
        "norm.num_batches_tracked": ("I64", ()),
        "head.bias": ("F32", (3,)),
    }
    assert header.kept == 21


def test_metadata_of_strings_is_fine() -> None:
    assert inspect_weights(save(STATE, {"format": "pt"})).kept == 21


def test_running_statistics_and_duplicate_tensors_do_not_count() -> None:
    weight = torch.arange(18.0)
    state = {"a.weight": weight, "b.weight": weight.clone(), "norm.running_mean": torch.ones(7), "c": weight + 1}
    assert inspect_weights(save(state)).kept == 36


def test_an_empty_tensor_is_fine() -> None:
    assert inspect_weights(file_of(one(shape=[0, 3], offsets=[0, 0]))).tensors == {"w": ("F32", (0, 3))}


DAMAGED = {
    "nothing": (b"", "0 bytes"),
    "seven bytes": (b"\0" * 7, "7 bytes"),
    "too large": (bytes(MAX_WEIGHTS + 1), "at most 16.0 MiB"),
    "a pickle": (b"\x80\x02}q\x00." + bytes(20), "torch.save"),
    "a zipped pickle": (b"PK\x03\x04" + bytes(20), "torch.save"),
    "header beyond the file": (struct.pack("<Q", 2**63) + b"{}", "a header of"),
    "header beyond the limit": (file_of(b" " * (MAX_HEADER + 1)), "a header of"),
    "no JSON": (file_of(b"not JSON"), "JSON"),
    "no UTF-8": (file_of(b'{"\xff": 1}'), "JSON"),
    "deep JSON": (file_of(b"[" * 100_000), "JSON"),
    "a list": (file_of([1, 2]), "named tensors"),
    "no tensors": (file_of({"__metadata__": {}}), "1 to 1,000 tensors"),
    "too many tensors": (file_of({f"t{n}": one()["w"] for n in range(1_001)}), "1 to 1,000 tensors"),
    "numbers as metadata": (file_of({"__metadata__": {"a": 1}, **one()}, bytes(8)), "metadata"),
    "a name twice": (file_of(b'{"w": {"dtype": "F32", "dtype": "F32"}}'), "twice"),
    "a name with controls": (file_of({"\x1b[31m": one()["w"]}, bytes(8)), "printable"),
    "an endless name": (file_of({"w" * 300: one()["w"]}, bytes(8)), "names of 1 to"),
    "another key": (file_of(one(extra=1), bytes(8)), "dtype, shape and data_offsets"),
    "a number for a tensor": (file_of({"w": 3}), "dtype, shape and data_offsets"),
    "float64": (file_of(one("F64", [1], [0, 8]), bytes(8)), "got float64"),
    "bfloat16": (file_of(one("BF16", [1], [0, 2]), bytes(2)), "got bfloat16"),
    "an unknown dtype": (file_of(one("F8_E4M3", [1], [0, 1]), bytes(1)), "F8_E4M3"),
    "a list for a dtype": (file_of(one(["F32"]), bytes(8)), "float32"),
    "a negative length": (file_of(one(shape=[-2]), bytes(8)), "a shape"),
    "a fraction of a length": (file_of(one(shape=[2.0]), bytes(8)), "a shape"),
    "true for a length": (file_of(one(shape=[True, 2]), bytes(8)), "a shape"),
    "an overflowing shape": (file_of(one(shape=[2**62, 4]), bytes(8)), "a shape"),
    "many axes": (file_of(one(shape=[1] * 9, offsets=[0, 4]), bytes(4)), "a shape"),
    "three offsets": (file_of(one(offsets=[0, 4, 8]), bytes(8)), "data_offsets"),
    "offsets the wrong way": (file_of(one(offsets=[8, 0]), bytes(8)), "8 bytes"),
    "offsets of another size": (file_of(one(offsets=[0, 4]), bytes(4)), "8 bytes"),
    "a hole": (file_of(one(offsets=[4, 12]), bytes(12)), "begin at byte 0"),
    "an overlap": (file_of({"a": one()["w"], "b": one(offsets=[4, 12])["w"]}, bytes(12)), "begin at byte 8"),
    "cut short": (save(STATE)[:-1], "bytes of tensors"),
    "something behind": (save(STATE) + b"\0", "bytes of tensors"),
    "NaN": (save({"w": torch.tensor([1.0, float("nan")])}), "finite"),
    "infinity": (save({"w": torch.tensor([1.0, -float("inf")])}), "finite"),
}


@pytest.mark.parametrize(("data", "says"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_refused_with_what_was_expected(data: bytes, says: str) -> None:
    with pytest.raises(WeightsProblem) as caught:
        inspect_weights(data)
    assert says in str(caught.value)
    assert str(caught.value).startswith("fashion_cnn.safetensors: expected ")


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_byte_never_raises_anything_else(data: st.DataObject) -> None:
    content = bytearray(save(STATE))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(WeightsProblem):
        inspect_weights(bytes(content))


def test_a_header_whose_length_looks_like_a_pickle_is_read() -> None:
    text = json.dumps(one()).encode().ljust(640)
    data = struct.pack("<Q", 640) + text + bytes(8)
    assert data.startswith(b"\x80\x02")
    assert inspect_weights(data).kept == 2
