"""The command line: wrong usage is one line and status 2, and nothing heavy is imported to say so."""

import csv
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
import warm
from outputs import without_seconds

from grader.authoring.samples import samples, write_sample
from grader.cli import cli
from grader.paths import ROOT, SAMPLE_CLASS

VERBS = cli.list_commands(click.Context(cli))


def grader(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "grader", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=cwd)


def warm_grader(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return warm.run("grader", *arguments, cwd=cwd, timeout=300)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str) -> None:
    done = grader(verb, "--help")
    assert done.returncode == 0
    assert verb in done.stdout


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ([], "command"),
        (["sing"], "sing"),
        (["demo", "now"], "now"),
        (["grade", "."], "--out"),
        (["grade", "no such folder", "--out", "x"], "no such folder"),
        (["grade", ".", "--out", "x", "--only", "convolve,nonsense"], "nonsense"),
        (["grade", ".", "--out", "x", "--jobs", "0"], "--jobs"),
        (["grade", ".", "--out", "x", "--accuracy", "guess"], "guess"),
        (["grade", ".", "--out", "x", "--only", "fashion_accuracy", "--accuracy", "skip"], "besides fashion_accuracy"),
        (["verify", "--only", "nonsense"], "nonsense"),
        (["verify", "--matrix", "--only", "convolve"], "--only"),
        (["release"], "--to"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else value,
)
def test_wrong_usage_is_one_line_and_status_2(arguments: list[str], word: str, tmp_path: Path) -> None:
    done = grader(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert word in done.stderr
    assert done.stderr.startswith("grader")
    assert done.stdout == ""


@pytest.mark.slow
def test_a_folder_without_submissions_is_graded_to_an_empty_class(tmp_path: Path) -> None:
    (tmp_path / "class").mkdir()
    done = warm_grader("grade", "class", "--out", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "grades.csv").read_text().startswith("student,output_size,")
    assert "<dt>Submissions</dt><dd>0</dd>" in (tmp_path / "out" / "report.html").read_text()


def test_a_grader_error_is_status_3(tmp_path: Path) -> None:
    (tmp_path / "class").mkdir()
    (tmp_path / "file").touch()
    done = grader("grade", "class", "--out", "file/out", cwd=tmp_path)
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (3, 1)


@pytest.mark.slow
def test_the_doctor_finds_versions_data_limits_and_a_sandbox() -> None:
    done = warm_grader("doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    for word in ("torch", "train-images-idx3-ubyte.gz", "memory", "Grading runs at level"):
        assert word in done.stdout


def test_the_doctor_names_a_missing_package_without_importing_it() -> None:
    code = (
        "import sys; sys.modules['torchvision'] = None; from rich.console import Console; from grader import doctor\n"
        "doctor.GRADING_PACKAGES += ('no-such-[/]package',); print(doctor.examine(Console(width=300)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert "no-such-[/]package" in done.stdout, done.stderr
    assert "missing: run `" in done.stdout
    assert done.stdout.endswith("False\n")


@pytest.mark.parametrize(("verb", "kept"), [("grade", True), ("submit", False)])
def test_an_interrupted_verb_says_what_is_kept_if_anything_is(verb: str, kept: bool) -> None:
    code = (
        "import sys; from grader import cli; sys.argv = ['grader', sys.argv[1]]\n"
        "def stop(**_): raise KeyboardInterrupt\n"
        "cli.cli.main = stop; cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", code, verb], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "What is graded is kept" in done.stderr) == (130, kept)
    assert done.stderr.startswith("Stopped.")


def test_help_does_not_wait_for_torch() -> None:
    code = "import sys; import grader.cli; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.slow
def test_release_of_stubs_writes_the_exercises_and_nothing_else(tmp_path: Path) -> None:
    done = warm_grader("release", "--stubs", "--to", str(tmp_path))
    assert done.returncode == 0, done.stderr
    names = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert {"exercises/convolution.py", "exercises/train.py", "exercises/conftest.py"} <= names
    assert not [name for name in names if "solution" in name or "hidden" in name]
    assert "raise NotImplementedError" in (tmp_path / "exercises" / "convolution.py").read_text()


CLASS = (("class", "reference"), ("class", "flipped-kernel"), ("class", "half-finished"), ("hostile", "exits-quietly"))


def write_class(folder: Path, names: str) -> None:
    """Write the samples under other names, in turn."""
    for name, (manifest, sample) in zip(names, CLASS, strict=True):
        (known,) = [one for one in samples(SAMPLE_CLASS / f"{manifest}.toml") if one.name == sample]
        write_sample(replace(known, name=name), SAMPLE_CLASS / manifest / sample, folder / "class")


def grade_class(folder: Path, jobs: str) -> str:
    """Grade the class, and return the grader's output."""
    only = "convolve,class_counts,count_parameters"
    options = ["--only", only, "--accuracy", "skip", "--seed", "7", "--jobs", jobs]
    done = warm_grader("grade", str(folder / "class"), "--out", str(folder / "out"), *options)
    assert done.returncode == 0, done.stderr
    return done.stderr


def results(folder: Path, names: str) -> dict[str, Any]:
    """Return each sample's result, without names and times."""
    with (folder / "out" / "grades.csv").open(encoding="utf-8", newline="") as file:
        rows = {row.pop("student"): row for row in csv.DictReader(file)}
    found = {}
    for name, (_, sample) in zip(names, CLASS, strict=True):
        result = json.loads((folder / "out" / name / "results.json").read_text(encoding="utf-8"))
        found[sample] = without_seconds(result) | {"student": "", "row": rows[name]}
    return found


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Grade the class for the first time; return its folder, and each sample's result."""
    folder = tmp_path_factory.mktemp("class")
    write_class(folder, "abcd")
    assert "kept" not in grade_class(folder, jobs="1")
    return folder, results(folder, "abcd")


@pytest.mark.slow
def test_a_class_gets_the_same_grades_in_another_order_and_with_other_jobs(
    graded: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    _, one = graded
    assert [result["score"] for result in one.values()] == [12, 4, 8, 0]
    write_class(tmp_path, "dbca")
    grade_class(tmp_path, jobs="2")
    assert results(tmp_path, "dbca") == one


@pytest.mark.slow
def test_unchanged_submissions_are_not_graded_again(graded: tuple[Path, dict[str, Any]]) -> None:
    folder, before = graded
    with (folder / "class" / "b" / "convolution.py").open("a") as file:
        file.write("\nCHANGED = True\n")
    assert "3 of 4 results kept" in grade_class(folder, jobs="2")
    changed = [sample for sample, result in results(folder, "abcd").items() if result != before[sample]]
    assert changed == ["flipped-kernel"]
