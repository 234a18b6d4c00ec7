"""The autograder for Gradescope: the zip grades a submission, and makes up no score if it cannot."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from grader.authoring.autograder_zip import write_autograder
from grader.paths import SOLUTIONS

PYTHON = '#!/bin/sh\nPYTHONPATH="{source}/kit" exec "{python}" "$@"\n'


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("gradescope") / "gradescope.zip"
    write_autograder(target)
    return target


@pytest.fixture
def root(archive: Path, tmp_path: Path) -> Path:
    """Return Gradescope's /autograder folder, with this environment instead of the one that setup.sh makes."""
    source = tmp_path / "source"
    with zipfile.ZipFile(archive) as files:
        files.extractall(source)
    for name in ("venv/bin", "submission", "results"):
        (tmp_path / name).mkdir(parents=True)
    write_python(tmp_path, PYTHON.format(source=source, python=sys.executable))
    return tmp_path


def write_python(root: Path, text: str) -> None:
    python = root / "venv" / "bin" / "python"
    python.write_text(text)
    python.chmod(0o755)


def run(root: Path) -> subprocess.CompletedProcess[str]:
    command = ["bash", str(root / "source" / "run_autograder"), "--only", "output_size,class_counts", "--jobs", "1"]
    environment = {**os.environ, "AUTOGRADER_ROOT": str(root)}
    environment.pop("PYTHONPATH", None)
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, cwd=root, env=environment)


def test_the_zip_has_its_scripts_at_the_top_and_they_can_be_run(archive: Path) -> None:
    with zipfile.ZipFile(archive) as files:
        modes = {name: files.getinfo(name).external_attr >> 16 for name in ("setup.sh", "run_autograder")}
        names = files.namelist()
    assert modes == {"setup.sh": 0o755, "run_autograder": 0o755}
    assert {"kit/pyproject.toml", "kit/tests/hidden/test_convolution.py", "kit/solutions/convolution.py"} <= set(names)
    assert not [name for name in names if "__pycache__" in name or "/.git/" in name or "/tests/test_" in name]


@pytest.mark.parametrize("script", ["setup.sh", "run_autograder"])
def test_the_scripts_are_bash(script: str, root: Path) -> None:
    subprocess.run(["bash", "-n", str(root / "source" / script)], check=True, timeout=60)


def test_the_same_kit_gives_the_same_zip(archive: Path, tmp_path: Path) -> None:
    write_autograder(tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == archive.read_bytes()


def test_the_zip_contains_nothing_generated_in_use(archive: Path, tmp_path: Path) -> None:
    used = tmp_path / "kit"
    with zipfile.ZipFile(archive) as files:
        files.extractall(tmp_path)
        names = files.namelist()
    for name in ("data/MNIST5k/raw/images-idx3-ubyte", "data/MNIST5k/unpack.lock", "exercises/filters.png",
                 "exercises/fashion_cnn.safetensors", "exercises/.progress.json", "exercises/mine.py"):  # fmt: skip
        (used / name).write_bytes(b"used")
    again = (
        "import pathlib; from grader.authoring import autograder_zip as made; made.write_autograder(pathlib.Path('{}'))"
    )
    subprocess.run([sys.executable, "-c", again.format(tmp_path / "again.zip")], cwd=used, check=True)
    with zipfile.ZipFile(tmp_path / "again.zip") as files:
        assert files.namelist() == names


@pytest.mark.slow
def test_a_submission_is_graded_by_the_kit_in_the_zip(root: Path) -> None:
    (root / "submission" / "convolution.py").write_bytes((SOLUTIONS / "convolution.py").read_bytes())
    (root / "submission" / "link").symlink_to("/etc/passwd")
    done = run(root)
    assert done.returncode == 0, done.stderr
    document = json.loads((root / "results" / "results.json").read_text())
    assert {test["name"].partition(":")[0]: test["score"] for test in document["tests"]} == {
        "output_size": 3.0, "class_counts": 0.0,
    }  # fmt: skip
    assert document["score"] == 3.0


def test_no_score_is_made_up_if_the_grader_cannot_work(root: Path) -> None:
    (root / "results" / "results.json").write_text('{"score": 100}')
    write_python(root, "#!/bin/sh\necho 'no walls hold here' >&2\nexit 3\n")
    done = run(root)
    assert done.returncode == 3
    assert "no walls" in done.stderr
    assert not (root / "results" / "results.json").exists()
