"""Links, pipes, sockets and devices in place of modules; modules in other encodings."""

import os
import socket
import stat
from pathlib import Path

from grader.paths import SOLUTIONS
from tests.hostile.registry import MIB, MODULE, RIGHT, builder


@builder
def link_to_solution(path: Path) -> None:
    (path / MODULE).symlink_to(SOLUTIONS / MODULE)
    (path / "exercises").symlink_to(SOLUTIONS)
    (path / "fashion_cnn.safetensors").symlink_to(SOLUTIONS / "fashion_cnn.safetensors")
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
    os.mkfifo(path / "fashion_cnn.safetensors")
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
    (path / MODULE).write_text(RIGHT)
    for name in (
        b"=HYPERLINK(0).py",
        b"<x-injected>.py",
        b"\x1b[2J.py",
        b"\xff\xfe.py",
        "\u202eyp.py".encode(),
        b"a\nb",
    ):
        Path(os.fsdecode(bytes(path) + b"/" + name)).write_text("raise SystemExit")


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
    encoded(path, b"# coding: rot13\nvzcbeg fbzrguvat\n" + RIGHT.encode())


@builder
def nested_source(path: Path) -> None:
    encoded(path, b"import torch\n" + b"(" * 20_000 + b")" * 20_000)


@builder
def huge_source(path: Path) -> None:
    encoded(path, RIGHT.encode() + b"#" * (2 * MIB))
