"""The worked example of `docs/example/`: laid over a copy of the kit, it is a seventh module that holds."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import warm
from copies import copy_kit, replace_text

from grader.paths import ROOT

pytestmark = pytest.mark.slow

EXAMPLE = ROOT / "docs" / "example"
AT_THE_END = {"tasks.toml": "course.toml"}
TASKS = "max_pool2d,global_average_pool"


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Do what the guide tells an author to do."""
    kit = copy_kit(tmp_path_factory.mktemp("kit"), "submissions")
    for folder in filter(Path.is_dir, EXAMPLE.iterdir()):
        shutil.copytree(folder, kit / folder.name, dirs_exist_ok=True)
    for name, place in AT_THE_END.items():
        with (kit / place).open("a", encoding="utf-8") as file:
            file.write((EXAMPLE / name).read_text(encoding="utf-8"))
    replace_text(kit / "course.toml", "\nmax_score = 100\n", "\nmax_score = 110\n")
    done = run(kit, "grader", "release", "--stubs", "--to", ".")
    assert done.returncode == 0, done.stdout + done.stderr
    return kit


def run(kit: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return warm.run(*arguments, cwd=kit, timeout=800)


def test_the_module_is_sound(extended: Path) -> None:
    """Its stubs are not started, its reference passes, its wrong answers are named, no mutant of it survives."""
    done = run(extended, "grader", "verify", "--only", TASKS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✓ wrong answers are rejected and named" in done.stdout


def test_its_stub_says_what_to_do_next(extended: Path) -> None:
    done = run(extended, "pytest", "exercises/test_pooling.py", "-q", "-p", "no:cacheprovider")
    assert "0 of 10 points in reach" in done.stdout, done.stdout + done.stderr
    assert "Next: max_pool2d, 6 points: exercises/pooling.py" in done.stdout


def test_each_of_its_mistakes_is_handed_in_as_an_answer() -> None:
    bank = (EXAMPLE / "lesson" / "mistakes" / "pooling.py").read_text(encoding="utf-8")
    answers = (EXAMPLE / "lesson" / "answers" / "wrong_pooling.py").read_text(encoding="utf-8")
    named = re.findall(r'@misconception\(\n    "([a-z-]+)"', bank)
    assert len(named) == 4
    assert set(named) <= set(re.findall(r'\("([a-z-]+)", "', answers))


def test_the_guide_names_the_place_of_each_of_its_files() -> None:
    guide = (ROOT / "docs" / "authors.md").read_text(encoding="utf-8")
    files = [path.relative_to(EXAMPLE).as_posix() for path in EXAMPLE.rglob("*.*") if path.suffix in {".py", ".toml"}]
    assert len(files) == 6
    assert [name for name in files if f"`{name.replace('pooling', '<module>')}`" not in guide] == []
