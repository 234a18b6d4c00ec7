"""The wire: values cross unchanged, and nothing that a hostile worker sends does more than a WireError."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from grader.sandbox.wire import DTYPES, ForeignArray, ForeignFloat, Message, Opaque, WireError, decode, encode

MAX_BYTES = 1 << 20


def frame(body: Any, *, views: bool = False) -> bytes:
    return b"".join(encode(Message(7, "value", body), views=views))


def parse(raw: bytes, *, views: bool = False) -> Message:
    position = 0

    def read(size: int) -> bytes:
        nonlocal position
        if position + size > len(raw):
            raise WireError("the frame ends early")
        position += size
        return raw[position - size : position]

    return decode(read, MAX_BYTES, views=views)


def crossed(body: Any) -> Any:
    return parse(frame(body)).body


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 61), 1 << 61),
    st.floats(allow_nan=False),
    st.text(max_size=50),
    st.builds(Opaque, st.text(alphabet="abc.", max_size=20)),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.text(max_size=5), inner, max_size=4),
    ),
    max_leaves=20,
)


@given(VALUES)
def test_plain_values_cross_unchanged(value: Any) -> None:
    assert crossed(value) == value


@pytest.mark.parametrize("name", DTYPES)
def test_tensors_cross_with_dtype_shape_and_values(name: str) -> None:
    tensor = torch.arange(30).reshape(2, 3, 5).to(DTYPES[name])
    got = crossed({"x": tensor})["x"]
    assert got.dtype == tensor.dtype
    assert torch.equal(got, tensor)


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2)], ids=str)
def test_scalar_and_empty_tensors_cross(shape: tuple[int, ...]) -> None:
    assert crossed(torch.ones(shape)).shape == shape


def test_non_contiguous_tensors_cross_by_value() -> None:
    tensor = torch.arange(12.0).reshape(3, 4).T[1:]
    assert torch.equal(crossed(tensor), tensor)


def test_one_number_crosses_whatever_its_stride() -> None:
    one = torch.arange(6.0).reshape(2, 3)[1:, 2:]
    assert crossed(one.as_strided((1, 1), (2, 2), 5)).item() == 5
    assert crossed(torch.view_as_real(torch.tensor([[1 + 2j]]))[..., 1]).item() == 2


@pytest.mark.parametrize(
    "view",
    [
        torch.arange(12.0).reshape(3, 4).T,
        torch.arange(40.0).reshape(5, 8)[1:, 2::3],
        torch.arange(3.0)[1:, None].expand(2, 5),
        torch.arange(24, dtype=torch.uint8).reshape(2, 3, 4).permute(2, 0, 1),
    ],
    ids=["transposed", "sliced", "expanded", "permuted"],
)
def test_a_view_stays_a_view_if_requested(view: torch.Tensor) -> None:
    got = parse(frame(view, views=True), views=True).body
    assert torch.equal(got, view)
    assert (got.stride(), got.storage_offset()) == (view.stride(), view.storage_offset())


def test_a_view_is_refused_if_not_requested() -> None:
    with pytest.raises(WireError, match="no view"):
        parse(frame(torch.ones(1).expand(1 << 30), views=True))


def test_numbers_of_numpy_cross() -> None:
    got = crossed([np.int64(3), np.uint8(4), np.float32(0.5), np.float64(0.25)])
    assert got == [3, 4, 0.5, 0.25]
    assert list(map(type, got)) == [int, int, ForeignFloat, float]
    array = crossed(np.arange(6.0)[::-2])
    assert torch.equal(array.values, torch.tensor([5.0, 3.0, 1.0], dtype=torch.float64))
    assert crossed(np.array(["a"])).values is None


def test_parameters_and_subclasses_arrive_as_plain_tensors() -> None:
    class Liar(torch.Tensor):
        @property
        def shape(self) -> torch.Size:
            return torch.Size([99])

    assert type(crossed(torch.nn.Parameter(torch.ones(2)))) is torch.Tensor
    assert crossed(torch.ones(2).as_subclass(Liar)).shape == (2,)


def test_objects_that_cannot_cross_arrive_as_their_type() -> None:
    assert crossed(torch.nn.ReLU()) == Opaque("torch.nn.modules.activation.ReLU")
    assert crossed(np.ones((2, 3), dtype=np.float32)) == ForeignArray("numpy.ndarray", "float32", (2, 3))
    assert crossed(torch.ones(2).to_sparse()) == Opaque("torch.sparse_coo torch.float32 tensor on cpu")


def test_images_and_paths_cross() -> None:
    image = Image.new("L", (5, 3), color=9)
    assert crossed(image).tobytes() == image.tobytes()
    assert crossed(image).size == (5, 3)
    assert crossed(Path("data")) == Path("data")


def test_a_frame_beyond_the_size_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(WireError, match="at most"):
        crossed(torch.zeros(MAX_BYTES))


@pytest.mark.parametrize(
    "body",
    [
        b'["tensor","float32",[2305843009213693951,0],0]',
        b'["tensor","float32",[-1],0]',
        b'["tensor","float64",[2],0]',
        b'["tensor","object",[1],0]',
        b'["list",[["tensor","float32",[1],0],["tensor","float32",[1],0]]]',
        b'["image","L",[0,4],0]',
        b'["__init__",[]]',
        b'["value",1]',
        b"[" * 500 + b"]" * 500,
        b"1e999",
        b"NaN",
        b"{}",
        b"[[]]",
        b'["dict",[[1]]]',
        b'["float","zebra"]',
        b'["number",1]',
        b'["view","float32",[2,2],[1,1],0,0]',
        b'["array","numpy.ndarray","float32",[2],["tensor","float32",[1],0]]',
    ],
    ids=lambda body: body[:40].decode(),
)
def test_malformed_trees_are_wire_errors(body: bytes) -> None:
    header = b'{"id":1,"kind":"value","buffers":[4],"body":' + body + b"}"
    with pytest.raises(WireError):
        parse(len(header).to_bytes(4, "little") + header + bytes(4))


def test_100_000_random_mutations_raise_nothing_but_wire_errors() -> None:
    rng = random.Random(1)
    seeds = [
        frame({"value": torch.arange(6.0).reshape(2, 3), "args_after": (1, "two", None), "ops": ()}),
        frame([1.5, {"a": Image.new("L", (3, 2))}, Opaque("x"), Path("y")]),
        frame({"type_names": ["ValueError"], "text": "no", "where": ""}),
    ]
    refused = 0
    for _ in range(100_000):
        raw = bytearray(rng.choice(seeds))
        for _ in range(rng.randint(1, 4)):
            mutate(raw, rng)
        try:
            parse(bytes(raw))
        except WireError:
            refused += 1
    assert refused > 50_000


def mutate(raw: bytearray, rng: random.Random) -> None:
    position = rng.randrange(len(raw)) if raw else 0
    kind = rng.randrange(4)
    if kind == 0 and raw:
        raw[position] = rng.randrange(256)
    elif kind == 1 and raw:
        del raw[position : position + rng.randint(1, 8)]
    elif kind == 2:
        raw[position:position] = rng.randbytes(rng.randint(1, 8))
    elif raw:
        raw[position : position + 1] = rng.choice([b"0", b"9", b"[", b"]", b'"', b"-", b"e", b","])
