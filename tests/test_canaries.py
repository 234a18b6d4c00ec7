"""A broken grader grades nobody, and a slow machine fails nobody."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import warm
from copies import copy_kit, replace_text

from grader.canaries import reference_result_problems, stubs_result_problems
from grader.course import course
from grader.paths import SOLUTIONS
from grader.results import TaskResult
from grader.sandbox.limits import MARGIN, THREADS, Limits, Pace


def result(status: str, score: float) -> tuple[TaskResult, ...]:
    return tuple(TaskResult(t.id, t.points, score * t.points, status, None, "", 0.1) for t in course().tasks)  # type: ignore[arg-type]


def test_stubs_that_are_started_or_score_are_reported() -> None:
    assert stubs_result_problems(result("not_started", 0)) == []
    assert len(stubs_result_problems(result("failed", 0))) == 26
    assert len(stubs_result_problems(result("not_started", 1))) == 26


def test_a_reference_below_full_score_is_reported() -> None:
    assert reference_result_problems(result("passed", 1)) == []
    assert len(reference_result_problems(result("partial", 0.5))) == 26


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    """A copy of the kit that may be broken."""
    return copy_kit(tmp_path)


@pytest.mark.slow
def test_with_a_wrong_reference_nobody_is_graded(kit: Path) -> None:
    shutil.copytree(SOLUTIONS, kit / "class" / "ada")
    shutil.copy(SOLUTIONS / "summary.py", kit / "exercises" / "summary.py")
    replace_text(kit / "solutions" / "exploration.py", "num_classes", "number_of_classes")
    arguments = ["grade", "class", "--out", "out", "--only", "output_size,class_counts,freeze"]
    done = warm.run("grader", *arguments, cwd=kit, timeout=300)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "reference: expected class_counts to pass with 2 points, got" in done.stderr
    assert "reference: expected freeze to pass with 2 points, got not_started" in done.stderr
    assert "output_size" not in done.stderr.partition("canaries: expected")[2]
    assert "Traceback" not in done.stderr
    assert not (kit / "out" / "ada").exists()


def test_a_task_gets_a_multiple_of_the_reference_time() -> None:
    limits = Limits(load_seconds=30, call_seconds=30, task_seconds=120)
    slow, quick = Pace(load=4, call=10, task=50), Pace(load=0.1, call=0.2, task=1)
    found = limits.calibrated({"slow": slow, "quick": quick})
    assert (found["slow"].load_seconds, found["slow"].call_seconds) == (MARGIN * 4, MARGIN * 10)
    assert found["slow"].task_seconds == MARGIN * 50
    assert (found["quick"].load_seconds, found["quick"].call_seconds, found["quick"].task_seconds) == (30, 30, 120)
    assert found["quick"].resources.cpu_seconds == found["slow"].resources.cpu_seconds == THREADS * MARGIN * 50


def test_a_pace_has_the_longest_answer_and_their_sum() -> None:
    pace = Pace().after("load", 0.5).after("import", 2).after("call", 3).after("probe", 1)
    assert pace == Pace(load=2, call=3, task=6.5)
