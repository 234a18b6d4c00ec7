"""The course on attention: sound, and graded, released and solved by a grader without any code for it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import nbformat
import pytest
import warm

from grader.paths import COURSE_VARIABLE, ROOT

pytestmark = pytest.mark.slow

ATTENTION = ROOT / "examples" / "attention"
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != COURSE_VARIABLE}
MODULES = ("heads", "encoder")
NO_CACHE = ("-q", "-p", "no:cacheprovider")


def run(*arguments: str, cwd: Path = ATTENTION) -> str:
    """Run a module there, which must succeed; return its output."""
    done = run_anyhow(*arguments, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run_anyhow(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return warm.run(*arguments, cwd=cwd, env={**ENVIRONMENT, "PYTHONPATH": str(ROOT)}, timeout=800)


def handed_in(folder: Path, **changes: tuple[str, str]) -> Path:
    """Write the reference as a submission, with parts of its modules replaced."""
    folder.mkdir(parents=True)
    for module in MODULES:
        text = (ATTENTION / "solutions" / f"{module}.py").read_text(encoding="utf-8")
        old, new = changes.get(module, ("", ""))
        assert old in text
        (folder / f"{module}.py").write_text(text.replace(old, new), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("attention")
    run("grader", "release", "--to", str(folder))
    return folder


def test_the_course_is_sound() -> None:
    """Its stubs score 0, its reference full, its wrong answers are named, no mutant survives, nothing leaks."""
    said = run("grader", "verify")
    assert "✓ wrong answers are rejected and named" in said
    assert "✓ nothing that students get shows what they must not see" in said


def test_a_class_is_graded_from_anywhere(tmp_path: Path) -> None:
    handed_in(tmp_path / "class" / "right")
    handed_in(tmp_path / "class" / "unscaled", heads=(" / math.sqrt(query.shape[-1])", ""))
    (tmp_path / "class" / "untouched").mkdir()
    for module in MODULES:
        shutil.copy(ATTENTION / "exercises" / f"{module}.py", tmp_path / "class" / "untouched")
    run("grader", "--course", str(ATTENTION), "grade", "class", "--out", "out", cwd=tmp_path)
    results = {name: json.loads((tmp_path / "out" / name / "results.json").read_text())
               for name in ("right", "unscaled", "untouched")}  # fmt: skip
    assert {result["max_score"] for result in results.values()} == {30}
    assert (results["right"]["score"], results["untouched"]["score"]) == (30, 0)
    assert results["unscaled"]["tasks"][0]["misconception"] == "no-scaling"
    assert "Attention</p>" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_its_public_checks_lead_from_nothing_to_green(tmp_path: Path) -> None:
    shutil.copytree(ATTENTION, tmp_path / "course", ignore=shutil.ignore_patterns("__pycache__", ".progress.json"))
    said = run_anyhow("pytest", "exercises", *NO_CACHE, cwd=tmp_path / "course").stdout
    assert "0 of 30 points in reach" in said, said
    assert "Next: attention, 10 points: exercises/heads.py" in said
    for module in MODULES:
        shutil.copy(ATTENTION / "solutions" / f"{module}.py", tmp_path / "course" / "exercises")
    said = run("pytest", "exercises", *NO_CACHE, cwd=tmp_path / "course")
    assert "4 of 4 tasks green" in said


def test_students_get_a_hand_out_that_runs_without_the_rest(released: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(next(released.glob("*.zip"))) as archive:
        names = " ".join(archive.namelist())
        assert not [word for word in ("solutions", "hidden", "mistakes", "answers") if word in names]
        archive.extractall(tmp_path)
    [readme] = tmp_path.rglob("README.md")
    kit = readme.parent
    assert "encoder block" in readme.read_text(encoding="utf-8")
    done = warm.run("pytest", "exercises", *NO_CACHE, cwd=kit, env={**ENVIRONMENT, "PYTHONPATH": ""}, timeout=300)
    assert "0 of 4 tasks green" in done.stdout, done.stdout + done.stderr


def test_its_notebooks_hold_the_tasks_and_no_solution(released: Path) -> None:
    found = sorted((released / "course" / "release" / "attention").glob("*.ipynb"))
    assert {path.stem for path in found} == set(MODULES)
    for path in found:
        text = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)
        assert "is not written yet" in text
        assert "BEGIN SOLUTION" not in text
