"""Submissions made for the tests of the intake."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from grader import intake

SOURCE = b"def convolve(image, kernel):\n    return image\n"
Members = dict[str, bytes]


def read_folder(path: Path) -> intake.Snapshot:
    return intake.read(intake.Entry("ada", "ada", path))


def write(root: Path, files: Members) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def read_zip(tmp_path: Path, data: bytes | Members) -> intake.Snapshot:
    (tmp_path / "ada.zip").write_bytes(data if isinstance(data, bytes) else zipped(data))
    (entry,) = intake.find(tmp_path)[0]
    return intake.read(entry)


def zipped(members: Members, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def notebook(*cells: str | dict[str, Any]) -> bytes:
    full = [
        {"cell_type": "code", "metadata": {}, **(cell if isinstance(cell, dict) else {"source": cell})}
        for cell in cells
    ]
    return json.dumps({"nbformat": 4, "cells": full}).encode()
