"""What must not reach students is found wherever it is hidden."""

from __future__ import annotations

import base64
import gzip
import io
import json
import zipfile
from typing import Any

import pytest

from grader import paths
from grader.authoring.leaks import Secrets, find_leaks, kit_secrets

SOLUTION = "result += kernel[a, b] * image[a : a + rows, b : b + columns]"
HIDDEN = "assert_size(student, positions // stride + 1, kernel + positions, kernel, stride)"
NAME = "agrees with torch for all arguments together"
WRONG = "around = ((across + 1) // 2, across - (across + 1) // 2, (down + 1) // 2, down - (down + 1) // 2)"
ANSWER = "and the trainable parameters are 320 fewer."


@pytest.fixture(scope="module")
def secrets() -> Secrets:
    return kit_secrets()


def leaks(secrets: Secrets, **files: bytes | str) -> list[str]:
    named = (
        (name.replace("__", "."), data if isinstance(data, bytes) else data.encode()) for name, data in files.items()
    )
    return find_leaks(sorted(named), secrets)


def notebook(cell: dict[str, Any], **metadata: Any) -> str:
    full = {"cell_type": "code", "id": "a", "metadata": {}, "source": [], "outputs": [], "execution_count": None} | cell
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": [full]}, indent=1)


def zipped(**members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return buffer.getvalue()


@pytest.mark.parametrize("secret", [SOLUTION, HIDDEN, NAME, WRONG, ANSWER], ids=lambda secret: secret[:12])
def test_each_kind_of_secret_is_found_with_its_line(secrets: Secrets, secret: str) -> None:
    (found,) = leaks(secrets, a__py=f"x = 1\n\n    # see {secret} there\n")
    assert found.startswith("a.py:3: expected nothing that only graders know, got ")


def test_a_line_that_was_wrapped_is_found(secrets: Secrets) -> None:
    (found,) = leaks(secrets, a__py="\n" + SOLUTION.replace(" * ", "\\\n    * "))
    assert found.startswith("a.py:2:")


PLANTED = {
    "metadata of a cell": notebook({"metadata": {"note": {"deep": [1, HIDDEN]}}}),
    "metadata of a notebook": notebook({}, author=SOLUTION),
    "key of metadata": notebook({"metadata": {SOLUTION: 1}}),
    "output": notebook({"outputs": [{"output_type": "stream", "name": "stdout", "text": ["a\n", SOLUTION, "\n"]}]}),
    "source with quotes": notebook({"source": ['@core("output_size", "takes the padding into account")']}),
    "source wrapped": notebook({"source": ["result += kernel[a, b] * image[\n", "a : a + rows, b : b + columns]"]}),
    "source in escapes": notebook({"source": [SOLUTION]}).replace("=", "\\u003d"),
    "traceback": notebook({"outputs": [{"output_type": "error", "traceback": [f"----> 3 {SOLUTION}"]}]}),
    "attachment": notebook(
        {"attachments": {"a.txt": {"text/plain": base64.b64encode(f"look: {SOLUTION}".encode()).decode()}}}
    ),
    "hidden region": notebook({"source": ["# checks\n", "### BEGIN HIDDEN TESTS\n", 'check("convolve")']}),
}


@pytest.mark.parametrize("text", PLANTED.values(), ids=PLANTED)
def test_a_leak_in_a_notebook_is_found(secrets: Secrets, text: str) -> None:
    assert leaks(secrets, a__ipynb=text)


PACKED = {
    "zip": zipped(member=f"one\n{SOLUTION}\n"),
    "zip in a zip": zipped(member=base64.b64encode(zipped(inner=HIDDEN)).decode()),
    "gzip": gzip.compress(SOLUTION.encode()),
    "picture": b"\x89PNG\r\n\0\0\0\0tEXt" + SOLUTION.encode() + b"\0\0",
    "base64 in a comment": b"# " + base64.b64encode(f"some words before {SOLUTION}".encode()),
}


@pytest.mark.parametrize("data", PACKED.values(), ids=PACKED)
def test_a_leak_in_an_archive_is_found(secrets: Secrets, data: bytes) -> None:
    assert leaks(secrets, a__bin=data)


def test_the_trained_network_is_found_in_part_and_under_another_name(secrets: Secrets) -> None:
    weights = (paths.SOLUTIONS / "fashion_cnn.safetensors").read_bytes()
    (found,) = leaks(secrets, data__bin=weights[len(weights) // 2 :])
    assert "nothing of solutions/fashion_cnn.safetensors" in found


def test_what_students_get_anyway_is_not_a_leak(secrets: Secrets) -> None:
    public = (paths.EXERCISES / "test_convolution.py").read_text(encoding="utf-8")
    assert leaks(secrets, a__py=public, b__ipynb=notebook({"source": ["x = 1"]})) == []
