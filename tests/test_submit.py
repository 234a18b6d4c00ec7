"""`grader submit`: a zip that the grader accepts, and the truth about its contents."""

import json
import shutil
import zipfile
from pathlib import Path
from random import Random

import pytest
import torch
from handout import grader, hand_out, write_function
from safetensors.torch import save_file

from grader import intake, paths
from grader.course import course
from grader.public.memory import Memory
from grader.student import CannotError
from grader.student.submit import VERSIONS, write_submission
from grader.student.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(hand_out(tmp_path))


def taken(path: Path) -> intake.Snapshot:
    """Return what the grader takes from a zip."""
    return intake.read(intake.Entry("ada", "ada", path))


def test_the_grader_accepts_the_submission_without_a_note(workspace: Workspace, tmp_path: Path) -> None:
    for path in paths.SOLUTIONS.glob("[a-z]*"):
        if path.is_file():
            shutil.copy(path, workspace.folder)
    rows = write_submission(workspace, tmp_path / "ada.zip")
    snapshot = taken(tmp_path / "ada.zip")
    assert (snapshot.rejected, snapshot.broken, snapshot.notes) == (None, {}, ())
    assert set(snapshot.modules) == set(course().modules)
    for name, source in snapshot.modules.items():
        assert source == workspace.module(name).read_bytes()
    assert snapshot.weights == (workspace.folder / course().artefact_file).read_bytes()
    assert all(row.good for row in rows)


def test_the_versions_are_noted(workspace: Workspace, tmp_path: Path) -> None:
    write_submission(workspace, tmp_path / "ada.zip")
    with zipfile.ZipFile(tmp_path / "ada.zip") as archive:
        noted = json.loads(archive.read(f"exercises/{VERSIONS}"))
    assert {"kit", "python", "torch"} <= set(noted)
    assert all(noted.values())


def test_nothing_else_in_the_folder_is_submitted(workspace: Workspace, tmp_path: Path) -> None:
    (workspace.folder / "diary.py").write_text("secret = 1\n")
    write_submission(workspace, tmp_path / "ada.zip")
    with zipfile.ZipFile(tmp_path / "ada.zip") as archive:
        names = set(archive.namelist())
    assert names == {f"exercises/{name}.py" for name in course().modules} | {f"exercises/{VERSIONS}"}


def test_the_same_work_gives_the_same_zip(workspace: Workspace, tmp_path: Path) -> None:
    for name in ("one.zip", "two.zip"):
        write_submission(workspace, tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_missing_files_are_reported(workspace: Workspace, tmp_path: Path) -> None:
    workspace.module("summary").unlink()
    workspace.module("exploration").write_text("def class_counts(:\n")
    write_function(workspace.module("convolution"), "convolve", "    return image")
    rows = {row.name: row for row in write_submission(workspace, tmp_path / "ada.zip")}
    assert rows["summary.py"].said == "missing"
    assert "line 1" in rows["exploration.py"].said
    assert rows["convolution.py"].said.startswith("1 of 6 tasks written; not written: output_size, conv2d")
    assert "python -m exercises.train" in rows[course().artefact_file].said
    assert not any(row.good for row in rows.values())


def test_oversized_weights_are_reported(workspace: Workspace, tmp_path: Path) -> None:
    (workspace.folder / course().artefact_file).write_bytes(Random(1).randbytes((16 << 20) + 1))
    rows = {row.name: row for row in write_submission(workspace, tmp_path / "ada.zip")}
    assert "at most 16.0 MiB" in rows[course().artefact_file].said
    assert not rows[course().artefact_file].good


def notebook(source: str) -> str:
    cell = {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{**cell, "id": "a"}]})


def test_of_a_stub_and_a_notebook_the_notebook_is_submitted(workspace: Workspace, tmp_path: Path) -> None:
    (workspace.folder / "summary.ipynb").write_text(notebook("def freeze(module):\n    pass\n"))
    rows = {row.name: row for row in write_submission(workspace, tmp_path / "ada.zip")}
    assert "summary.ipynb" in rows
    assert b"def freeze(module)" in taken(tmp_path / "ada.zip").modules["summary"]


def test_of_a_written_module_and_a_notebook_the_module_is_submitted(workspace: Workspace, tmp_path: Path) -> None:
    write_function(workspace.module("summary"), "count_parameters", "    return 1, 1")
    (workspace.folder / "summary.ipynb").write_text(notebook("def freeze(module):\n    pass\n"))
    write_submission(workspace, tmp_path / "ada.zip")
    assert b"return 1, 1" in taken(tmp_path / "ada.zip").modules["summary"]


def test_an_empty_folder_is_not_submitted(tmp_path: Path) -> None:
    (tmp_path / "exercises").mkdir()
    with pytest.raises(CannotError, match="at least one module"):
        write_submission(Workspace(tmp_path / "exercises"), tmp_path / "ada.zip")
    assert not (tmp_path / "ada.zip").exists()


def test_a_zip_that_the_grader_would_refuse_is_not_written(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.intake.sizes.MAX_UNPACKED", 1000)
    with pytest.raises(CannotError, match="refuse"):
        write_submission(workspace, tmp_path / "ada.zip")
    assert not (tmp_path / "ada.zip").exists()


def test_the_verb_lists_what_is_in_it(tmp_path: Path) -> None:
    write_function(hand_out(tmp_path) / "convolution.py", "convolve", "    return image")
    done = grader(tmp_path, "submit", "--out", "mine.zip", "--yes")
    assert done.returncode == 0
    assert f"Written: {(tmp_path / 'mine.zip').resolve()}" in done.stdout
    assert "1 of 6 tasks written" in done.stdout
    assert "fashion_cnn.safetensors   missing" in done.stdout
    assert taken(tmp_path / "mine.zip").rejected is None


def test_an_incomplete_submission_is_not_written_without_a_yes(tmp_path: Path) -> None:
    hand_out(tmp_path)
    done = grader(tmp_path, "submit")
    assert done.returncode == 1
    assert "7 of 7 files are not complete or not green. Write the zip all the same?" in done.stdout
    assert "nothing is written. `--yes` writes it as it is" in done.stderr
    assert not (tmp_path / "submission.zip").exists()


def test_the_zip_lies_beside_the_exercises_wherever_the_verb_is_called(tmp_path: Path) -> None:
    (hand_out(tmp_path) / "deep").mkdir()
    done = grader(tmp_path / "exercises" / "deep", "submit", "--yes")
    assert done.returncode == 0, done.stderr
    assert taken(tmp_path / "submission.zip").rejected is None


def test_the_last_public_result_of_each_task_is_repeated(workspace: Workspace, tmp_path: Path) -> None:
    write_function(workspace.module("convolution"), "convolve", "    return image")
    write_function(workspace.module("convolution"), "convolve_torch", "    return image")
    memory = Memory.load(workspace.folder)
    memory.note({"convolve": ("failed", "convolution"), "convolve_torch": ("green", "convolution")})
    (row, *_) = write_submission(workspace, tmp_path / "ada.zip")
    assert row.said.endswith("; public checks red: convolve")
    write_function(workspace.module("convolution"), "output_size", "    return 1")
    (row, *_) = write_submission(workspace, tmp_path / "ada.zip")
    assert row.said.endswith("; not checked as they are now: output_size, convolve, convolve_torch")


NETWORK = """import torch

print("the student's own words")


class FashionCNN(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 3)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"layer.weight": torch.zeros(3, 2), "layer.bias": torch.zeros(3)}, ""),
        (
            {"layer.weight": torch.zeros(3, 2), "layer.bias": torch.tensor([0, 1, torch.nan])},
            "NaN or infinity in layer.bias",
        ),
        ({"layer.weight": torch.zeros(4, 2), "layer.bias": torch.zeros(4)}, "do not fit FashionCNN()"),
        ({"other.weight": torch.zeros(3, 2)}, "was it changed after the training?"),
    ],
    ids=["right", "NaN", "another shape", "another network"],
)
def test_weights_are_tried_on_the_network(
    workspace: Workspace, tmp_path: Path, state: dict[str, torch.Tensor], said: str
) -> None:
    workspace.module("model").write_text(NETWORK)
    save_file(state, workspace.folder / course().artefact_file)
    row = write_submission(workspace, tmp_path / "ada.zip")[-1]
    assert row.good == (not said)
    assert said in row.said


@pytest.mark.slow
def test_weights_that_cannot_be_tried_are_not_called_right(workspace: Workspace, tmp_path: Path) -> None:
    workspace.module("model").write_text("import os\nos._exit(7)\n")
    save_file({"layer.weight": torch.zeros(3, 2)}, workspace.folder / course().artefact_file)
    row = write_submission(workspace, tmp_path / "ada.zip")[-1]
    assert not row.good
    assert "it could not be tried: it ended with status 7" in row.said


@pytest.mark.slow
def test_weights_that_are_not_weights_are_reported(workspace: Workspace, tmp_path: Path) -> None:
    (workspace.folder / course().artefact_file).write_bytes(b"not weights")
    row = write_submission(workspace, tmp_path / "ada.zip")[-1]
    assert not row.good
    assert "they cannot be read" in row.said
