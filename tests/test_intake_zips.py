"""Zipped submissions, honest and hostile."""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
from pathlib import Path

import pytest
from submitting import SOURCE, read_folder, read_zip, write, zipped

from grader.intake import sizes


def with_mode(name: str, content: bytes, mode: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("convolution.py", SOURCE)
        member = zipfile.ZipInfo(name)
        member.create_system, member.external_attr = 3, mode << 16
        archive.writestr(member, content)
    return buffer.getvalue()


@pytest.mark.parametrize("outer", ["", "ada/", "ada/exercises/", "exercises/", "exercises/exercises/", "a/b/"])
def test_a_zip_gives_the_same_as_its_folder(tmp_path: Path, outer: str) -> None:
    files = {f"{outer}convolution.py": SOURCE, "__MACOSX/._x": b"x", f"{outer}.DS_Store": b"x"}
    snapshot = read_zip(tmp_path, files)
    assert snapshot.modules == {"convolution": SOURCE}
    assert snapshot.sha256 == read_folder(write(tmp_path / "folder", {"convolution.py": SOURCE})).sha256


def test_backslashes_between_folders_are_read_as_such(tmp_path: Path) -> None:
    assert list(read_zip(tmp_path, {"exercises\\convolution.py": SOURCE}).modules) == ["convolution"]


def test_a_link_in_a_zip_counts_as_missing(tmp_path: Path) -> None:
    snapshot = read_zip(tmp_path, with_mode("model.py", b"/etc/passwd", stat.S_IFLNK | 0o777))
    assert list(snapshot.modules) == ["convolution"]
    assert any("links" in note for note in snapshot.notes)


@pytest.mark.parametrize("kind", [stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
def test_a_device_in_a_zip_counts_as_missing(tmp_path: Path, kind: int) -> None:
    assert list(read_zip(tmp_path, with_mode("model.py", b"", kind | 0o666)).modules) == ["convolution"]


ESCAPES = ["../convolution.py", "a/../../x.py", "/etc/x.py", "C:\\x.py", "..\\x.py", "\\\\host\\x.py", "c:x.py", "../"]


@pytest.mark.parametrize("name", ESCAPES)
def test_a_zip_whose_names_lead_outside_is_rejected(tmp_path: Path, name: str) -> None:
    snapshot = read_zip(tmp_path, {"convolution.py": SOURCE, name: b""})
    assert "inside the submission" in str(snapshot.rejected)
    assert snapshot.modules == {}


def encrypted() -> bytes:
    data = bytearray(zipped({"convolution.py": SOURCE}))
    data[6] |= 1
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def twice() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("convolution.py", SOURCE)
        archive.writestr("./convolution.py", b"x = 1\n")
    return buffer.getvalue()


def overlapping() -> bytes:
    """Two names in the directory, one local file: the second entry points to the first's bytes."""
    data = zipped({"convolution.py": SOURCE, "transforms.py": SOURCE}, zipfile.ZIP_STORED)
    second = data.rindex(b"PK\x01\x02")
    return data[: second + 42] + struct.pack("<L", 0) + data[second + 46 :]


def patched(marker: bytes, offset: int, value: bytes) -> bytes:
    data = bytearray(zipped({"convolution.py": SOURCE}))
    at = data.rindex(marker) + offset
    data[at : at + len(value)] = value
    return bytes(data)


HOSTILE = {
    "empty": (b"", "damaged"),
    "no zip": (b"Rar!\x1a\x07" + bytes(100), "damaged"),
    "truncated": (zipped({"convolution.py": SOURCE * 100})[:-30], "damaged"),
    "cut in the middle": (zipped({"convolution.py": SOURCE * 100})[40:], "damaged"),
    "encrypted": (encrypted(), "password"),
    "a name twice": (twice(), "once"),
    "overlapping": (overlapping(), "overlap"),
    "bad checksum": (patched(b"PK\x01\x02", 16, b"\1\2\3\4"), "damaged"),
    "unknown method": (patched(b"PK\x01\x02", 10, b"\x63\x00"), "method 99"),
    "lzma": (zipped({"convolution.py": SOURCE}, zipfile.ZIP_LZMA), "method 14"),
    "a size that lies": (patched(b"PK\x01\x02", 24, b"\1\0\0\0"), "damaged"),
    "a place that lies": (patched(b"PK\x01\x02", 42, b"\xff\xff\xff\x7f"), "damaged"),
    "a directory that lies": (patched(b"PK\x05\x06", 12, b"\xff\xff\xff\x00"), "damaged"),
    "zip64 that lies": (patched(b"PK\x01\x02", 42, b"\xff\xff\xff\xff"), "damaged"),
    "nested": (zipped({"convolution.py": SOURCE, "inner.zip": zipped({"model.py": SOURCE})}), "archive within"),
    "tar inside": (zipped({"inner.tar.gz": b"x"}), "archive within"),
    "bomb": (zipped({"convolution.py": SOURCE, "zeros": bytes(30 * sizes.MIB)}), "packed more than"),
    "deep": (zipped({"a/" * 40 + "convolution.py": SOURCE}), "a depth"),
    "many": (zipped({f"{n}": b"" for n in range(sizes.MAX_FILES + 1)}), "number of files"),
}


@pytest.mark.parametrize(("data", "says"), HOSTILE.values(), ids=HOSTILE)
def test_a_damaged_or_hostile_zip_is_rejected_with_a_reason(tmp_path: Path, data: bytes, says: str) -> None:
    snapshot = read_zip(tmp_path, data)
    assert says in str(snapshot.rejected)
    assert snapshot.modules == {}


def test_names_not_in_utf8_are_rejected_with_a_reason(tmp_path: Path) -> None:
    data = zipped({"convolution.py": SOURCE, "é.md": b""}).replace("é".encode(), b"\xff\xfe")
    assert "UTF-8" in str(read_zip(tmp_path, data).rejected)


def test_a_zip_that_unpacks_to_too_much_is_rejected(tmp_path: Path) -> None:
    part = os.urandom(sizes.MIB // 128) * 128 * 51
    data = zipped({f"{n}.bin": part for n in range(4)})
    assert "an unpacked size" in str(read_zip(tmp_path, data).rejected)


def test_a_damaged_byte_in_a_zip_never_raises(tmp_path: Path) -> None:
    good = zipped({"ada/convolution.py": SOURCE, "ada/model.py": b"x = 1\n"})
    for position in range(len(good)):
        damaged = good[:position] + bytes([good[position] ^ 0x81]) + good[position + 1 :]
        snapshot = read_zip(tmp_path, damaged)
        assert snapshot.rejected or snapshot.modules
