"""Similarity: copied code is found under other names, handed-out code is not, and nothing is run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from grader.paths import EXERCISES, SOLUTIONS
from grader.similar.classes import compare, read_class
from grader.similar.page import marked, similarity_page
from grader.similar.winnowing import fingerprint, given_hashes, match

STUB = (EXERCISES / "summary.py").read_text(encoding="utf-8")
REFERENCE = (SOLUTIONS / "summary.py").read_text(encoding="utf-8")
OTHER = """
def layer_shapes(model, input_size):
    import torch
    out, handles = {}, []
    for key, layer in dict(model.named_modules()).items():
        if next(layer.children(), None) is None:
            handles.append(layer.register_forward_hook(lambda _m, _i, o, key=key: out.update({key: tuple(o.size())})))
    before = model.training
    try:
        with torch.inference_mode():
            model.eval()(torch.rand(*input_size))
    finally:
        [handle.remove() for handle in handles]
        model.train(before)
    return out
"""


def renamed(code: str) -> str:
    """Return the same code under other names, with other comments."""
    for old, new in (("module", "block"), ("shapes", "found"), ("total", "everything"), ("parameter", "tensor_")):
        code = code.replace(old, new)
    return f"# all my own work\n{code}"


@pytest.fixture
def submissions(tmp_path: Path) -> Path:
    modules = {"ada": REFERENCE, "bob": renamed(REFERENCE), "eve": STUB + OTHER, "sam": STUB}
    for name, code in modules.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "summary.py").write_text(code, encoding="utf-8")
    for name in ("ada", "eve"):
        (tmp_path / name / "fashion_cnn.safetensors").write_bytes(b"the same")
    (tmp_path / "sam" / "fashion_cnn.safetensors").write_bytes(b"others")
    return tmp_path


def test_the_same_code_under_other_names_is_one_group(submissions: Path) -> None:
    (module,) = compare(read_class(submissions), 0.5)
    assert [(group.students, group.to_the_letter) for group in module.groups] == [(("ada", "bob"), False)]


def test_handed_out_code_does_not_count(submissions: Path) -> None:
    (module,) = compare(read_class(submissions), 0.1)
    assert module.compared == 3, "sam has nothing of his own"
    assert module.pairs == (), "ada and eve have the stub in common"


def test_a_copied_part_is_a_pair_with_its_share_and_its_place(submissions: Path) -> None:
    function = REFERENCE[REFERENCE.index("def layer_shapes") :]
    mixed = "\n".join([OTHER.replace("layer_shapes", "mine"), OTHER.replace("out", "y"), renamed(function)])
    (submissions / "eve" / "summary.py").write_text(mixed, encoding="utf-8")
    (module,) = compare(read_class(submissions), 0.5)
    (pair,) = module.pairs
    assert [(side.student, side.others) for side in pair] == [("ada", 1), ("eve", 0)]
    ada, eve = (side.share for side in pair)
    assert ada > 0.8 > eve > 0.2
    start, _ = pair[1].spans[0]
    assert start >= mixed.index("def layer_shapes") - 40


@pytest.mark.parametrize(("students", "pairs"), [(4, 6), (12, 0)])
def test_code_shared_by_more_than_ten_is_left_out(students: int, pairs: int, tmp_path: Path) -> None:
    for index in range(students):
        own = "\n".join(f"value = {index}{i}7 + {i}{index}3 * {index}9{i} - {i}{index}{i}" for i in range(9))
        (tmp_path / f"s{index:02}").mkdir()
        (tmp_path / f"s{index:02}" / "summary.py").write_text(f"{OTHER}\n{own}\n")
    (module,) = compare(read_class(tmp_path), 0.3)
    assert (module.compared, len(module.pairs)) == (students, pairs)


def test_a_stretch_that_a_student_wrote_twice_still_counts() -> None:
    once = fingerprint(OTHER, given_hashes(STUB))
    twice = fingerprint(OTHER + "\n" + OTHER, given_hashes(STUB))
    assert once.hashes <= twice.hashes
    assert match(once, twice)[0][0] == 1.0


def test_equal_weights_are_listed(submissions: Path) -> None:
    found = read_class(submissions)
    assert sorted(map(len, found.weights.values())) == [1, 2]
    page = similarity_page(found, compare(found, 0.5), 0.5)
    assert "<li>ada, eve</li>" in page


def test_the_page_escapes_names_and_code(submissions: Path) -> None:
    hostile = REFERENCE + "\nx = '<script>alert(1)</script>\x1b[2J'\n"
    for name in ("<b>x", "<b>y"):
        (submissions / name).mkdir()
        (submissions / name / "summary.py").write_text(hostile, encoding="utf-8")
    found = read_class(submissions)
    page = similarity_page(found, compare(found, 0.1), 0.1)
    assert "&lt;script&gt;" in page
    assert "&lt;b&gt;x" in page
    assert not [word for word in ("<script", "<b>", "\x1b") if word in page]


def test_code_is_marked_where_it_matches_and_far_lines_are_left_out() -> None:
    code = "\n".join(["given", "a < b", *["far"] * 20])
    html = marked(code, [(0, 11)], ["given"])
    assert html == "given\n<mark>a &lt; b</mark>\nfar\nfar\nfar\n<i>…</i>"


def test_a_notebook_is_compared_as_its_module(submissions: Path) -> None:
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": REFERENCE}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{**cell, "id": "a"}]}
    (submissions / "zoe").mkdir()
    (submissions / "zoe" / "summary.ipynb").write_text(json.dumps(notebook))
    (module,) = compare(read_class(submissions), 0.5)
    assert {"ada", "bob", "zoe"} <= {student for group in module.groups for student in group.students} | {
        side.student for pair in module.pairs for side in pair
    }


def test_similar_runs_nothing_of_a_submission(submissions: Path) -> None:
    trap = f"import pathlib\npathlib.Path({str(submissions / 'ran')!r}).touch()\n"
    (submissions / "ada" / "summary.py").write_text(trap + REFERENCE, encoding="utf-8")
    command = [sys.executable, "-m", "grader", "similar", str(submissions), "--out", str(submissions / "page.html")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "4 submissions" in done.stdout
    assert (submissions / "page.html").read_text().startswith("<!doctype html>")
    assert not (submissions / "ran").exists()
