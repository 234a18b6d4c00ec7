"""`grader verify` passes for the kit, and reports every part of it that is broken on purpose."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import warm
from copies import copy_kit, replace_text

from grader.authoring.agreement import refusal_problems, stub_problems
from grader.authoring.answers import Answer
from grader.authoring.partial import partial_problems, plainest
from grader.authoring.verify import check_problems
from grader.course import course
from grader.executor import Order
from grader.hidden.suites import Check
from grader.intake import Snapshot
from grader.paths import EXERCISES, ROOT, SOLUTIONS
from grader.results import CheckResult, Result, TaskResult


@pytest.fixture(scope="module")
def checks() -> list[Check]:
    code = (
        "from grader.hidden.suites import collect_checks; import json; "
        "print(json.dumps([[c.task, c.name, c.kind, c.weight, c.way] for c in collect_checks()]))"
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


def test_a_task_without_a_core_check_is_reported(checks: list[Check]) -> None:
    weakened = [replace(check, kind="detail") if check.task == "freeze" else check for check in checks]
    assert check_problems(weakened) == ["hidden suites: expected one or two core checks for freeze, got 0."]


def test_a_task_with_too_much_core_is_reported(checks: list[Check]) -> None:
    crowded = [*checks, *(Check("freeze", f"core {number}", "core") for number in range(3))]
    assert any("one or two core checks for freeze" in problem for problem in check_problems(crowded))


def test_docstrings_and_refusals_agree(checks: list[Check]) -> None:
    assert refusal_problems(checks) == []


def test_undocumented_refusals_and_untested_promises_are_reported(checks: list[Check]) -> None:
    (promised, *_), others = (
        [check for check in checks if check.kind == "refusal" and check.task == "conv2d"],
        [check for check in checks if check.task == "convolve"],
    )
    clause = promised.name.removeprefix("refuses ")
    rest = [check for check in checks if check != promised]
    assert refusal_problems(rest) == [f"conv2d: expected a check that it refuses {clause!r}, got none."]
    assert refusal_problems(rest, asked={"convolve"}) == []
    assert refusal_problems([*others, Check("convolve", "refuses rain", "refusal")], asked={"convolve"}) == [
        "convolve: expected 'Raises:' to say 'rain', which is checked."
    ]


def earned(score: float, *, passed: bool = True) -> Result:
    checks = (CheckResult("adds the bias", core=False, passed=passed),)
    return Result(
        "a", "graded", "none", "1", "00", 1, (), (TaskResult("conv2d", 10, score, "partial", None, "", 0, checks),)
    )


def test_partial_answers_out_of_range_or_missing_are_reported() -> None:
    order = Order("a", Snapshot({}, None), 1, frozenset())
    answers = [Answer(name, ("conv2d",), order, 6, 8.5) for name in ("plainest", "a", "b", "c", "d")]
    assert partial_problems(answers, [earned(8)] * 5, ["conv2d"]) == []
    assert list(plainest(answers, [earned(8)] * 5)) == ["conv2d"]
    too_little, too_plain = partial_problems(
        answers, [earned(7), *[earned(8)] * 3, earned(5, passed=False)], ["conv2d"]
    )
    assert "'d' of conv2d: expected 6 to 8.5 points, got 5. It fails: adds the bias" in too_little
    assert "plainest right answer to earn at least 80%, got 7 of 10" in too_plain
    (few,) = partial_problems(answers[:4], [earned(8)] * 4, ["conv2d"])
    assert "at least 4 that are right in part, got 4" in few
    (missing,) = partial_problems(answers[1:] * 2, [earned(8)] * 8, ["conv2d"])
    assert "conv2d: expected the plainest" in missing


def test_a_check_of_an_unknown_task_and_a_repeated_name_are_reported(checks: list[Check]) -> None:
    problems = check_problems([*checks, checks[0], Check("sing", "a song", "core")])
    assert any("'sing'" in problem for problem in problems)
    assert any("2 times" in problem for problem in problems)


@pytest.fixture
def copies(tmp_path: Path) -> tuple[Path, Path]:
    for folder in (SOLUTIONS, EXERCISES):
        shutil.copytree(folder, tmp_path / folder.name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / SOLUTIONS.name, tmp_path / EXERCISES.name


def test_unchanged_copies_have_no_problems(copies: tuple[Path, Path]) -> None:
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
def test_a_stub_that_is_not_the_derived_one_is_reported(copies: tuple[Path, Path], old: str, new: str) -> None:
    replace_text(copies[1] / "convolution.py", old, new)
    assert any("convolution" in problem for problem in stub_problems(*copies))


def test_a_missing_hint_is_reported() -> None:
    first, *others = course().tasks
    problems = stub_problems(tasks=[replace(first, hints=()), *others])
    assert any("hints for output_size" in problem for problem in problems)


def test_a_solution_line_in_files_for_students_is_reported(copies: tuple[Path, Path]) -> None:
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


def test_options_of_the_callers_pytest_do_not_reach_the_hidden_suites(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "-v --no-such-option")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")
    collected = "from grader.hidden.suites import collect_checks; print(len(collect_checks()))"
    done = subprocess.run([sys.executable, "-c", collected], capture_output=True, text=True, timeout=300, check=True)
    assert int(done.stdout) >= 120
