"""Submissions are read in a separate process: nothing done there harms others, and nothing invalid comes back."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import socket
import struct
import time
from pathlib import Path

import pytest

from grader import intake
from grader.hidden.session import Code
from grader.intake.box import TOO_MUCH, boxed, pack, read_boxed, unpack
from grader.intake.sizes import MAX_NOTE, MAX_WEIGHTS, MIB
from grader.intake.snapshot import Snapshot
from grader.intake.spool import Spool
from grader.paths import ROOT, SOLUTIONS

WHOLE = intake.read(intake.Entry("reference", "reference", SOLUTIONS))


def nested(depth: int) -> str:
    """Return statements whose compiled code doubles with each level in CPython."""
    lines = [f"{'  ' * level}try:\n{'  ' * level}  x\n{'  ' * level}finally:" for level in range(depth)]
    return "\n".join([*lines, f"{'  ' * depth}y"])


def notebook(*cells: str) -> str:
    return json.dumps({"nbformat": 4, "cells": [{"cell_type": "code", "source": cell} for cell in cells]})


def test_reading_inside_gives_the_same_as_reading_outside() -> None:
    entry = intake.Entry("reference", "reference", SOLUTIONS)
    assert read_boxed(entry) == WHOLE
    assert unpack(pack(WHOLE)) == WHOLE


@pytest.mark.timeout(300)
def test_a_small_notebook_that_needs_much_memory_to_compile_costs_only_its_cell(tmp_path: Path) -> None:
    folder = tmp_path / "ada"
    folder.mkdir()
    (folder / "convolution.ipynb").write_text(notebook(nested(19), "def convolve(image, kernel):\n    return image"))
    snapshot = read_boxed(intake.Entry("ada", "ada", folder))
    assert snapshot.rejected in (None, TOO_MUCH)
    if snapshot.rejected is None:
        assert b"def convolve" in snapshot.modules["convolution"]


def takes_memory() -> Snapshot:
    hoard = [bytearray(64 * MIB) for _ in range(6)]
    return WHOLE if hoard else Snapshot({}, None)


def computes() -> Snapshot:
    while True:
        pass


def writes() -> Snapshot:
    Path("written").write_bytes(b"x")
    return WHOLE


def answers_too_much() -> Snapshot:
    return Snapshot({}, bytes(MAX_WEIGHTS + 2))


def reads_what_lies_elsewhere() -> Snapshot:
    return Snapshot({"model": (ROOT / "pyproject.toml").read_bytes()}, None)


def starts_a_process() -> Snapshot:
    if os.fork() == 0:
        os._exit(0)
    return WHOLE


def opens_a_socket() -> Snapshot:
    with socket.socket():
        return WHOLE


def ends() -> Snapshot:
    os._exit(0)


@pytest.mark.parametrize("read", [takes_memory, computes, writes, answers_too_much, ends,
                                  reads_what_lies_elsewhere, starts_a_process, opens_a_socket])  # fmt: skip
def test_readers_that_use_too_much_are_refused(read: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    started = time.monotonic()
    snapshot = boxed(read, tmp_path, memory=256 * MIB, cpu_seconds=1)  # type: ignore[arg-type]
    assert snapshot.rejected == TOO_MUCH
    assert time.monotonic() - started < 20
    assert not Path("written").exists() or not Path("written").stat().st_size


def header(**changes: object) -> bytes:
    text = json.dumps({"modules": {}, "weights": None, "notes": [], "rejected": None, "broken": {}, **changes}).encode()
    return struct.pack("<Q", len(text)) + text


@pytest.mark.parametrize(
    "data",
    [
        b"",
        pack(WHOLE)[:-1],
        pack(WHOLE) + b"x",
        struct.pack("<Q", 1 << 40) + b"{}",
        header(modules={"../x": 0}),
        header(modules={"convolution": -1}),
        header(modules={"convolution": 1 << 40}),
        header(modules=[]),
        header(weights=5),
        header(weights="x"),
        header(notes=["x" * (MAX_NOTE + 1)]),
        header(notes=[1]),
        header(rejected=["x"]),
        header(broken={"convolution": None}),
        struct.pack("<Q", 200_000) + b"[" * 200_000,
    ],
)
def test_invalid_snapshots_are_an_error(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any
        unpack(data)


def test_a_spool_returns_what_was_added_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    others = Snapshot({}, None, ("a note",), "nothing there")
    with contextlib.closing(Spool()) as spool:
        for snapshot in (WHOLE, others, WHOLE):
            spool.add(snapshot)
        assert [spool[number].modules for number in range(3)] == [WHOLE.modules, {}, WHOLE.modules]
        assert spool[1].rejected == "nothing there"
        assert list(tmp_path.iterdir()) == []


@pytest.mark.timeout(300)
def test_a_module_without_its_demonstrations_is_made_in_a_process_of_its_own() -> None:
    bomb = nested(19).replace("x", "print(1)").encode()  # takes 1.5 GB
    plain = b"def convolve(image, kernel):\n    return image\n\n\nprint(convolve(1, 2))\n"
    code = Code({"exercises/summary.py": bomb, "exercises/convolution.py": plain, "exercises/train.py": b"1"}, {}, {})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    files = code.without_demonstrations().files
    taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert taken < 256 << 10
    assert files["exercises/convolution.py"] == b"def convolve(image, kernel):\n    return image\n"
    assert files["exercises/summary.py"] == bomb
    assert files["exercises/train.py"] == b"1"
