"""`grader verify` holds for the kit as it is, and tells when any part of it is broken on purpose."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import warm
from copies import copy_kit, replace_text

from grader.authoring.agreement import stub_problems
from grader.authoring.verify import check_problems
from grader.checking.suites import Check
from grader.curriculum import tasks
from grader.paths import EXERCISES, ROOT, SOLUTIONS


@pytest.fixture(scope="module")
def checks() -> list[Check]:
    code = (
        "from grader.checking.suites import collect_checks; import json; "
        "print(json.dumps([[c.task, c.name, c.kind] for c in collect_checks()]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True)

    return [Check(*values) for values in json.loads(done.stdout.splitlines()[-1])]


@pytest.mark.timeout(2400)
@pytest.mark.slow
def test_the_kit_is_sound() -> None:
    """Grades all right and wrong answers and all mutants: the longest test of all."""
    done = verify(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The kit is sound" in done.stdout


def test_there_are_at_least_120_checks_and_each_task_has_a_core_check(checks: list[Check]) -> None:
    assert len(checks) >= 120
    assert check_problems(checks) == []


def test_a_task_without_core_check_is_told(checks: list[Check]) -> None:
    weakened = [replace(check, kind="detail") if check.task == "freeze" else check for check in checks]
    assert check_problems(weakened) == ["hidden suites: expected a core check for freeze, got none."]


def test_a_check_of_an_unknown_task_and_a_repeated_name_are_told(checks: list[Check]) -> None:
    problems = check_problems([*checks, checks[0], Check("sing", "a song", "core")])
    assert any("'sing'" in problem for problem in problems)
    assert any("2 times" in problem for problem in problems)


@pytest.fixture
def copies(tmp_path: Path) -> tuple[Path, Path]:
    for folder in (SOLUTIONS, EXERCISES):
        shutil.copytree(folder, tmp_path / folder.name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / SOLUTIONS.name, tmp_path / EXERCISES.name


def test_copies_as_they_are_have_no_problems(copies: tuple[Path, Path]) -> None:
    assert stub_problems(*copies) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("def convolve(image: Tensor, kernel: Tensor)", "def convolve(kernel: Tensor, image: Tensor)"),
        ("Args:\n", "Arguments:\n"),
        ("convolve is not written yet", "convolve is still to be written"),
        ("# %% [markdown]\n", "# %% [markdown]\n# Something else.\n"),
    ],
    ids=["signature", "docstring", "message", "prose"],
)
def test_a_stub_that_is_not_the_derived_one_is_told(copies: tuple[Path, Path], old: str, new: str) -> None:
    replace_text(copies[1] / "convolution.py", old, new)
    assert any("convolution" in problem for problem in stub_problems(*copies))


def test_a_missing_hint_is_told() -> None:
    first, *others = tasks()
    problems = stub_problems(tasks=[replace(first, hints=()), *others])
    assert any("hints for output_size" in problem for problem in problems)


def test_a_solution_line_in_what_students_get_is_told(copies: tuple[Path, Path]) -> None:
    line = "order = torch.randperm(len(plain), generator=generator).tolist()"
    assert line in (copies[0] / "data_module.py").read_text(encoding="utf-8"), "the line to be leaked is gone"
    with (copies[1] / "train.py").open("a", encoding="utf-8") as file:
        file.write(f"\n# {line}\n")
    assert any("train.py" in problem for problem in stub_problems(*copies))


@pytest.mark.slow
def test_a_copy_of_the_kit_with_a_solved_stub_and_a_wrong_reference_exits_with_1(tmp_path: Path) -> None:
    copy_kit(tmp_path)
    solved = (SOLUTIONS / "summary.py").read_text(encoding="utf-8")
    (tmp_path / "exercises" / "summary.py").write_text(solved, encoding="utf-8")
    replace_text(tmp_path / "solutions" / "exploration.py", "num_classes", "number_of_classes")
    done = verify(tmp_path, "--quick")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "reference: expected freeze to pass with 2 points, got not_started" in done.stdout
    assert "reference: expected class_counts to pass with 2 points, got" in done.stdout
    assert "exploration" in done.stdout


def verify(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the verb of the package that lies in a folder."""
    return warm.run("grader", "verify", *options, cwd=root, timeout=2300)
