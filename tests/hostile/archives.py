"""Zips that are bombs, locked, or lead out of the submission; notebooks that are large, broken, or full of shell."""

import io
import json
import stat
import struct
import zipfile
from pathlib import Path

from grader.paths import SOLUTIONS
from tests.hostile.registry import BODY, MIB, MODULE, RIGHT, builder


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
    archive_with(path, "../../../../tmp/hostile-escaped.py")


@builder
def zip_with_absolute_names(path: Path) -> None:
    archive_with(path, "/tmp/hostile-escaped.py")


@builder
def zip_with_drives(path: Path) -> None:
    archive_with(path, "C:\\hostile-escaped.py")


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
    notebook(path, {"source": RIGHT, "outputs": [{"output_type": "stream", "text": "A" * (129 * MIB)}]})


@builder
def notebook_with_magics(path: Path) -> None:
    notebook(
        path,
        {"source": "!touch /tmp/hostile-escaped\n%run escaped.py\nimport torch\nimport os"},
        {"source": "%%bash\ntouch /tmp/hostile-escaped"},
        {"source": "os._exit(0)\nwhile True:\n    pass"},
        {"source": BODY, "outputs": [{"output_type": "display_data", "data": {"text/html": "<x-injected>"}}]},
    )


@builder
def notebook_nested(path: Path) -> None:
    (path / "exploration.ipynb").write_text("[" * 200_000 + "]" * 200_000)


@builder
def notebook_of_other_json(path: Path) -> None:
    (path / "exploration.ipynb").write_text('{"cells": {"source": 1}, "nbformat": NaN, "<x-injected>": 1e999}')
