"""Whatever is submitted as a notebook, nbgrader gets one with the released metadata, and a note."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbgrader.utils import compute_checksum

from grader.classroom.notes import TAG, add_notes
from grader.classroom.repair import read_notebook, repair


def marks(name: str, **more: Any) -> dict[str, Any]:
    start = {"schema_version": 3, "grade_id": name, "grade": False, "solution": False, "locked": False, "task": False}
    return {**start, **more}


def released(text: str, name: str, new: Callable[..., NotebookNode] = new_code_cell, **more: Any) -> NotebookNode:
    return new(text, metadata={"nbgrader": marks(name, **more)})


SOLUTION = released("def f(): ...", "f-solution", solution=True)
CHECK = released("check_here('f')", "f-check", locked=True)
GRADED = released("# hidden", "f", grade=True, locked=True, points=8.0)
ANSWER = released("Your answer", "words", new_markdown_cell, grade=True, solution=True, points=5.0)
SOURCES = {one.metadata.nbgrader.grade_id: one for one in (SOLUTION, CHECK, GRADED, ANSWER)}
MARKS = [one.metadata.nbgrader for one in SOURCES.values()]


def cell(source: NotebookNode, text: str = "mine", **changes: Any) -> NotebookNode:
    new = new_code_cell if source.cell_type == "code" else new_markdown_cell
    return new(text, metadata={"nbgrader": {**source.metadata.nbgrader, **changes}})


def whole() -> NotebookNode:
    return new_notebook(cells=[cell(source) for source in SOURCES.values()])


def names(nb: NotebookNode) -> list[str | None]:
    return [one.metadata.get("nbgrader", {}).get("grade_id") for one in nb.cells]


def test_an_unchanged_notebook_is_left_alone() -> None:
    nb = whole()
    assert repair(nb, SOURCES, {}) == []
    assert [one.metadata["nbgrader"] for one in nb.cells] == MARKS


def test_the_last_of_duplicate_cells_keeps_its_metadata() -> None:
    nb = whole()
    nb.cells.append(cell(SOLUTION, "later"))
    notes = repair(nb, SOURCES, {})
    assert names(nb) == [None, "f-solution", "f-check", "f", "words"]
    assert nb.cells[1].source == "later"
    assert notes[0] == "f-solution: there are several cells of this name; the last one counts."


def test_reordered_cells_are_put_back_with_what_follows_them() -> None:
    nb = whole()
    first, last = nb.cells[0], nb.cells[3]
    nb.cells = [new_markdown_cell("top"), last, new_code_cell("behind"), *nb.cells[1:3], first]
    notes = repair(nb, SOURCES, {})
    assert names(nb) == [None, "f-solution", "f-check", "f", "words", None]
    assert nb.cells[-1].source == "behind"
    assert notes == ["The cells were in another order than they were released in; they are in that order again."]


def test_deleted_cells_come_back_after_the_ones_they_followed() -> None:
    nb = new_notebook(cells=[cell(SOLUTION), new_code_cell("x"), cell(ANSWER)])
    notes = repair(nb, SOURCES, {})
    assert names(nb) == ["f-solution", "f-check", "f", None, "words"]
    assert [one.source for one in nb.cells[1:3]] == [CHECK.source, GRADED.source]
    assert [note.partition(":")[0] for note in notes] == ["f-check", "f"]


def test_a_deleted_answer_comes_back_without_anything_to_mark() -> None:
    nb = new_notebook(cells=[])
    repair(nb, SOURCES, {})
    assert "missing" in nb.cells[0].source
    assert "Your answer" not in nb.cells[3].source


def test_a_retyped_cell_gets_its_type_back_and_keeps_its_text() -> None:
    nb = whole()
    nb.cells[0] = new_markdown_cell("def f(): return 1", metadata={"nbgrader": MARKS[0]})
    nb.cells[3] = new_code_cell("my words", metadata={"nbgrader": MARKS[3]})
    notes = repair(nb, SOURCES, {})
    assert [(one.cell_type, one.source) for one in (nb.cells[0], nb.cells[3])] == [
        ("code", "def f(): return 1"),
        ("markdown", "my words"),
    ]
    assert len(notes) == 2


@pytest.mark.parametrize(
    "changes", [{"points": 100}, {"locked": False}, {"grade": True, "points": 1}, {"grade": "yes"}]
)
def test_forged_metadata_is_replaced(changes: dict[str, Any]) -> None:
    nb = whole()
    nb.cells = [cell(source, **changes) for source in SOURCES.values()]
    repair(nb, SOURCES, {})
    assert [one.metadata["nbgrader"] for one in nb.cells] == MARKS


@pytest.mark.parametrize("forged", ["bonus", "", None, 7, ["f"], {"f": 1}])
def test_unknown_metadata_is_dropped(forged: Any) -> None:
    nb = whole()
    nb.cells.append(new_code_cell("50.0", metadata={"nbgrader": {"grade": True, "grade_id": forged, "points": 50}}))
    repair(nb, SOURCES, {})
    assert "nbgrader" not in nb.cells[-1].metadata


def test_cells_that_lost_their_metadata_are_known_by_their_ids() -> None:
    nb = whole()
    ids = {one["id"]: name for one, name in zip(nb.cells, SOURCES, strict=True)}
    for one in nb.cells:
        one.metadata.clear()
    notes = repair(nb, SOURCES, ids)
    assert names(nb) == list(SOURCES)
    assert notes == ["nbgrader's metadata was lost: 4 cells were known by their ids."]


def test_an_id_does_not_take_another_cells_name() -> None:
    nb = whole()
    nb.cells.append(new_code_cell("plain"))
    repair(nb, SOURCES, {nb.cells[-1]["id"]: "f"})
    assert names(nb) == ["f-solution", "f-check", "f", "words", None]


def test_formats_3_4_and_5_are_read_alike(tmp_path: Path) -> None:
    nb = new_notebook(cells=[new_markdown_cell("# Title"), cell(SOLUTION)])
    documents = {"3": nbformat.convert(copy.deepcopy(nb), 3), "4": nb, "5": {**nb, "nbformat": 5}}
    for version, document in documents.items():
        path = tmp_path / f"{version}.ipynb"
        path.write_text(json.dumps(document))
        read = read_notebook(path)
        notes = [one for one in read.cells if TAG in one.metadata.get("tags", [])]
        cells = [one for one in read.cells if one not in notes]
        assert [one.source for one in cells] == ["# Title", "mine"], version
        assert cells[1].metadata["nbgrader"] == MARKS[0], version
        assert len(notes) == (version != "4"), version
        nbformat.validate(read)


def test_outputs_are_left_out_and_pasted_pictures_are_kept(tmp_path: Path) -> None:
    words = new_markdown_cell("![](a.png)", attachments={"a.png": {"image/png": "aaaa", "text/html": "<script>"}})
    code = new_code_cell("1", outputs=[new_output("stream", text="x" * 1000)])
    path = tmp_path / "n.ipynb"
    nbformat.write(new_notebook(cells=[words, code]), path)
    read = read_notebook(path)
    assert read.cells[0]["attachments"] == {"a.png": {"image/png": "aaaa"}}
    assert read.cells[1].outputs == []


DAMAGED = {
    "empty": b"",
    "cut": b'{"cells": [',
    "a list": b"[]",
    "binary": bytes(range(256)),
    "deep": b"[" * 100_000,
    "too large": b" " * ((128 << 20) + 1),
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_an_invalid_notebook_becomes_a_note(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "convolution.ipynb"
    path.write_bytes(data)
    read = read_notebook(path)
    assert [one.cell_type for one in read.cells] == ["markdown"]
    assert "cannot be read" in read.cells[0].source
    add_notes(read, repair(read, SOURCES, {}))
    assert "cannot be read" in read.cells[0].source
    assert "added back" in read.cells[0].source
    nbformat.validate(read)


ODD_CELLS: list[Any] = [
    1, None, [], {}, {"cell_type": "code"}, {"cell_type": "code", "source": {"a": 1}},
    {"cell_type": "magic", "source": "x"},
    {"cell_type": "code", "source": [1, "a"], "metadata": 3, "id": "no spaces please"},
    {"cell_type": "markdown", "source": "x", "attachments": [1], "metadata": {"nbgrader": [], "tags": [1, "a"]}},
    {"cell_type": "code", "source": "x", "id": "twice"}, {"cell_type": "code", "source": "y", "id": "twice"},
]  # fmt: skip


def test_malformed_cells_give_a_valid_notebook(tmp_path: Path) -> None:
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps({"nbformat": 4, "cells": ODD_CELLS, "metadata": {"kernelspec": {"name": 3}}}))
    read = read_notebook(path)
    nbformat.validate(read)
    assert len({one["id"] for one in read.cells}) == len(ODD_CELLS)


def test_half_of_a_surrogate_pair_is_replaced_wherever_it_stands(tmp_path: Path) -> None:
    odd = [
        {
            "cell_type": "code",
            "source": "x = '\ud800'",
            "metadata": {"tags": ["\udfff"], "nbgrader": MARKS[0]},
        },
        {"cell_type": "markdown", "source": "\U0001f600", "attachments": {"\ud800": {"image/png": "\ud800"}}},
    ]
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps({"nbformat": 4, "cells": odd}))
    read = read_notebook(path)
    assert [one.source for one in read.cells] == ["x = '?'", "\U0001f600"]
    assert compute_checksum(read.cells[0])
    nbformat.write(read, tmp_path / "again.ipynb")


def test_invalid_metadata_is_left_out(tmp_path: Path) -> None:
    one = {"cell_type": "code", "source": "x", "metadata": {"nbgrader": {**MARKS[0], "more": "NESTED"}}}
    nested = '{"a":' * 700 + "1" + "}" * 700
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps({"nbformat": 4, "cells": [one]}).replace('"NESTED"', nested))
    assert read_notebook(path).cells[0].metadata["nbgrader"] == MARKS[0]


def test_a_link_in_place_of_a_notebook_is_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("secret")]), secret)
    (tmp_path / "n.ipynb").symlink_to(secret)
    assert "secret" not in json.dumps(read_notebook(tmp_path / "n.ipynb").cells[0].source.replace("secret.ipynb", ""))


def test_notes_are_in_one_cell_and_contain_no_markup() -> None:
    nb = new_notebook(cells=[new_code_cell("1")])
    add_notes(nb, ["<script>alert(1)</script>"])
    add_notes(nb, ["[a](javascript:b) `c`"])
    assert len(nb.cells) == 2
    assert not set("<`[") & set(nb.cells[0].source)
