"""Notebooks: only what defines the module is taken."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from submitting import notebook, read_folder, write


def solution(grade_id: str, source: str, *, grade: bool = False, is_solution: bool = True) -> dict[str, Any]:
    marks = {"grade_id": grade_id, "solution": is_solution, "grade": grade}
    return {"source": source.splitlines(keepends=True), "metadata": {"nbgrader": marks}}


def module_of(tmp_path: Path, *cells: str | dict[str, Any]) -> str:
    (tmp_path / "convolution.ipynb").write_bytes(notebook(*cells))
    snapshot = read_folder(tmp_path)
    assert snapshot.rejected is None
    return snapshot.modules["convolution"].decode()


def test_a_notebook_gives_its_definitions_with_what_they_need(tmp_path: Path) -> None:
    source = module_of(
        tmp_path,
        "import torch\nimport os\nSIZE = 3",
        "def helper(x):\n    return torch.relu(x) + SIZE",
        "@torch.no_grad()\ndef convolve(image, kernel):\n    '''a\n%b'''\n    return helper(image)",
    )
    assert "import torch\n" in source
    assert "import os" not in source
    assert "@torch.no_grad()\ndef convolve" in source
    assert "SIZE = 3" in source


def test_a_notebook_leaves_its_demonstrations_behind(tmp_path: Path) -> None:
    source = module_of(
        tmp_path,
        "from google.colab import drive\ndrive.mount('/content')",
        "def convolve(image, kernel):\n    total = image.sum()\n    return total",
        "image, label = load_random_digit('data')\ntotal = convolve(image, image)\nprint(total)",
        "for epoch in range(3):\n    train()",
        "def show():\n    return total",
        "convolve = convolve(image, label)",
        "if __name__ == '__main__':\n    convolve(1, 2)",
    )
    assert source.strip() == "def convolve(image, kernel):\n    total = image.sum()\n    return total"


def test_a_notebook_of_very_many_statements_breaks_its_module_in_seconds(tmp_path: Path) -> None:
    cells = ["\n".join(f"a{number}=1" for number in range(first, first + 4_000)) for first in (0, 4_000)]
    (tmp_path / "convolution.ipynb").write_bytes(notebook(*cells))
    began = time.monotonic()
    assert "at most 5,000 statements" in read_folder(tmp_path).broken["convolution"]
    assert time.monotonic() - began < 30


def test_a_cell_of_very_many_statements_is_left_out(tmp_path: Path) -> None:
    source = module_of(tmp_path, "def convolve(): pass", "a=1\n" * 6_000)
    assert source.strip() == "def convolve(): pass"


def test_a_definition_that_needs_what_is_kept_already_is_kept(tmp_path: Path) -> None:
    source = module_of(tmp_path, "def convolve():\n    return A", "A = 1\nB = A\nC = B\nD = print(C)\nE = D\nF = E")
    assert source.split("\n\n\n")[1:] == ["A = 1", "B = A", "C = B\n"]


def test_magics_and_shell_lines_are_dropped(tmp_path: Path) -> None:
    source = module_of(
        tmp_path,
        "%matplotlib inline\n!pip install torch \\\n    torchvision\nimport math\nfiles = !ls\n?math\nmath?",
        "%%bash\ndef convolve(): pass",
        "%%time\ndef output_size(size):\n    return math.floor(size\n    % 7)",
    )
    compile(source, "convolution.py", "exec")
    assert "% 7" in source
    assert "convolve" not in source
    assert "pip" not in source


def test_test_cells_are_dropped_and_the_last_solution_of_a_grade_id_counts(tmp_path: Path) -> None:
    source = module_of(
        tmp_path,
        solution("convolve", "def convolve(image, kernel):\n    return 1"),
        solution("tests", "def check(): pass\ncheck()", grade=True, is_solution=False),
        solution("convolve", "def convolve(image, kernel):\n    return 2"),
    )
    assert source.strip() == "def convolve(image, kernel):\n    return 2"


def test_a_broken_cell_costs_only_its_own_function(tmp_path: Path) -> None:
    source = module_of(tmp_path, "def output_size(size):\n    return size", "def convolve(image, kernel:\n    return 1")
    names: dict[str, Any] = {}
    exec(compile(source, "convolution.py", "exec"), names)
    assert names["output_size"](3) == 3
    with pytest.raises(SyntaxError, match="notebook cell 2, line 1"):
        names["convolve"](1, 2)


def test_a_function_may_stand_above_the_import_that_it_needs(tmp_path: Path) -> None:
    source = module_of(
        tmp_path, "def convolve(image: Tensor):\n    return SIZE", "from torch import Tensor", "SIZE = 3"
    )
    exec(compile(source, "convolution.py", "exec"), {})
    assert source.index("import Tensor") < source.index("def convolve") < source.index("SIZE = 3")


def test_a_solution_turned_into_text_is_still_read(tmp_path: Path) -> None:
    cell = {**solution("convolve-solution", "def convolve(): pass"), "cell_type": "markdown"}
    words = {**solution("words", "def convolve(): return 1", grade=True), "cell_type": "markdown"}
    (tmp_path / "convolution.ipynb").write_bytes(notebook(cell, words))
    snapshot = read_folder(tmp_path)
    assert snapshot.modules["convolution"] == b"def convolve(): pass\n"
    assert snapshot.notes == ("convolution.ipynb: cell 1 is a solution cell turned into text; it is read as code",)


def test_a_solution_that_a_later_one_replaces_is_noted(tmp_path: Path) -> None:
    cells = [solution("convolve-solution", f"def convolve(): return {number}") for number in (1, 2)]
    (tmp_path / "convolution.ipynb").write_bytes(notebook(*cells))
    assert read_folder(tmp_path).notes == (
        "convolution.ipynb: cell 1 is left out: a later one is convolve-solution too",
    )


def test_outputs_of_a_hundred_megabytes_are_left_out(tmp_path: Path) -> None:
    output = {"output_type": "stream", "name": "stdout", "text": "x" * 100_000_000}
    cell = {"cell_type": "code", "metadata": {}, "source": "def convolve(): pass", "outputs": [output]}
    (tmp_path / "convolution.ipynb").write_text(json.dumps({"nbformat": 4, "cells": [cell]}))
    assert read_folder(tmp_path).modules["convolution"] == b"def convolve(): pass\n"


def test_methods_added_in_later_cells_stay(tmp_path: Path) -> None:
    cells = ["class FashionCNN:\n    pass", "def forward(self, x):\n    return x\nFashionCNN.forward = forward"]
    (tmp_path / "model.ipynb").write_bytes(notebook(*cells))
    assert "FashionCNN.forward = forward" in read_folder(tmp_path).modules["model"].decode()


def test_future_imports_come_first(tmp_path: Path) -> None:
    source = module_of(tmp_path, "X = 1", "from __future__ import annotations\ndef f() -> Y: ...")
    compile(source, "convolution.py", "exec")
    assert source.startswith("from __future__")


def test_an_old_notebook_is_read_too(tmp_path: Path) -> None:
    old = {"nbformat": 3, "worksheets": [{"cells": [{"cell_type": "code", "input": ["def convolve(): pass"]}]}]}
    (tmp_path / "convolution.ipynb").write_text(json.dumps(old))
    assert read_folder(tmp_path).modules["convolution"] == b"def convolve(): pass\n"


NO_NOTEBOOK = {
    "empty": b"",
    "text": b"hello",
    "a list": b"[]",
    "cut": notebook("x = 1")[:-3],
    "no cells": b"{}",
    "deep": b"[" * 400_000,
    "cells of another kind": b'{"cells": {}}',
    "huge number": b'{"cells": ' + b"1" * 9_999 + b"}",
    "no utf-8": b'{"\xff": 1}',
    "many parts": b'{"cells": [' + b"[]," * 600_000 + b"1]}",
    "much code": notebook("x = 1\n" * 100_000),
}


@pytest.mark.parametrize("data", NO_NOTEBOOK.values(), ids=NO_NOTEBOOK)
def test_an_invalid_notebook_breaks_only_its_module(tmp_path: Path, data: bytes) -> None:
    snapshot = read_folder(write(tmp_path, {"convolution.ipynb": data, "model.py": b""}))
    assert (list(snapshot.modules), list(snapshot.broken)) == (["model"], ["convolution"])


NESTED = {
    "parentheses": "(" * 5_000,
    "minus": "x = " + "-" * 60_000 + "1",
    "sum": "x = " + "+".join("1" * 30_000),
    "attributes": "x" + ".a" * 30_000,
    "lambdas": "x = " + "lambda:" * 9_000 + "1",
    "nulls": "\0",
    "surrogates": "\ud800",
    "blocks": "".join(" " * depth + "if 1:\n" for depth in range(200)),
    "magics": "!ls\n" * 1_000,
    "strings": "f'{" * 200,
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("source", NESTED.values(), ids=NESTED)
def test_an_unparsable_cell_is_left_out(tmp_path: Path, source: str) -> None:
    (tmp_path / "convolution.ipynb").write_bytes(notebook(source, "def convolve(): pass"))
    snapshot = read_folder(tmp_path)
    assert snapshot.modules["convolution"] == b"def convolve(): pass\n"
    assert "cell 1 is left out" in snapshot.notes[0]


ODD = [1, None, [], {"cell_type": "code", "source": {"a": 1}}, {"cell_type": "code", "source": [1], "metadata": 3}]


def test_malformed_cells_are_skipped(tmp_path: Path) -> None:
    content = json.dumps({"cells": [*ODD, {"cell_type": "code", "source": "def convolve(): pass"}]})
    (tmp_path / "convolution.ipynb").write_text(content)
    assert read_folder(tmp_path).modules["convolution"] == b"def convolve(): pass\n"
