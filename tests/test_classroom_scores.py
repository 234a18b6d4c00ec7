"""nbgrader reads exactly the checker's score from the outputs of an autograder cell."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_output
from nbgrader.utils import determine_grade

from grader.classroom import stock
from grader.classroom.autograde import is_autograder, is_public_check, score_outputs
from grader.classroom.cells import outputs, readable
from grader.classroom.desk import CourseGrader, snapshot_of
from grader.classroom.feedback import RemoveHiddenRegions, without_hidden_regions
from grader.errors import GraderError
from grader.locking import AnotherGrader
from grader.results import CheckResult, TaskResult, TaskStatus

HIDDEN = '# seen\n### BEGIN HIDDEN TESTS\nfrom grader.classroom import check\ncheck("conv2d")\n### END HIDDEN TESTS'


def graded_cell(points: float = 10.0, grade_id: str = "conv2d") -> NotebookNode:
    marks = {"grade": True, "solution": False, "locked": True, "grade_id": grade_id, "points": points}
    return new_code_cell(HIDDEN, metadata={"nbgrader": marks})


def result(score: float, status: TaskStatus = "partial", message: str = "") -> TaskResult:
    return TaskResult("conv2d", 10.0, score, status, None, message, 0.1, (CheckResult("adds bias", True, False),))


@pytest.mark.parametrize("score", [0.0, 0.01, 3.33, 9.99, 10.0])
def test_nbgrader_reads_exactly_the_score(score: float) -> None:
    cell = graded_cell()
    cell.outputs = score_outputs(result(score), cell)
    assert determine_grade(cell) == (score, 10.0)


def test_a_dead_worker_never_passes() -> None:
    cell = graded_cell()
    cell.outputs = score_outputs(result(0.0, "crashed", "the process ended with exit status 0"), cell)
    assert determine_grade(cell)[0] == 0
    assert "exit status 0" in cell.outputs[0].text


def test_points_that_an_instructor_changed_scale_the_score() -> None:
    cell = graded_cell(points=4.0)
    cell.outputs = score_outputs(result(5.0), cell)
    assert determine_grade(cell) == (2.0, 4.0)


def test_a_cell_without_a_task_is_neither_zero_nor_a_pass_and_the_tasks_are_named() -> None:
    with pytest.raises(GraderError, match=r"'bonus': .*conv2d"):
        score_outputs(None, graded_cell(grade_id="bonus"))


def test_a_grader_error_in_a_kernel_is_not_a_zero(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fill_up(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(stock, "_graded", fill_up)
    monkeypatch.chdir(tmp_path)
    assert stock.check_here("conv2d") == math.inf
    assert "the grader failed" in capsys.readouterr().out


def test_the_graders_own_error_is_shown_in_a_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done = subprocess.CompletedProcess([], 3, "", "sandbox: no level holds")
    monkeypatch.setattr(stock.subprocess, "run", lambda *_, **__: done)
    monkeypatch.setattr(stock, "_memory", lambda: tmp_path / "kept")
    monkeypatch.chdir(tmp_path)
    assert stock.check_here("conv2d") == math.inf
    assert "status 3: sandbox: no level holds" in capsys.readouterr().out


def test_only_locked_cells_named_after_a_task_are_public_checks() -> None:
    def marked(**marks: object) -> NotebookNode:
        return new_code_cell("", metadata={"nbgrader": marks})

    assert is_public_check(marked(grade_id="conv2d-check", locked=True))
    assert not is_public_check(marked(grade_id="conv2d-check", locked=True, solution=True))
    assert not is_public_check(marked(grade_id="imports", locked=True))
    assert is_autograder(graded_cell())
    assert not is_autograder(new_code_cell("8.0"))


def test_worker_output_is_cut_and_cleaned() -> None:
    said = [
        {"kind": "stream", "name": "stderr", "text": "\x1b[31mred\x1b[0m\r\n1 %\r99 %\x07"},
        {"kind": "result", "text": "3.0", "png": "no tensor"},
        {"kind": "display", "text": "<b>"},
        {"kind": "error", "name": "E\x1b[1m", "text": 7, "traceback": None},
        {"kind": "html", "text": "<script>"},
        7,
    ]
    found = outputs(said)
    assert [one.output_type for one in found] == ["stream", "execute_result", "display_data", "error"]
    assert found[0].text == "red\n99 %\\x07"
    assert found[1].data == {"text/plain": "3.0"}
    assert (found[3].ename, found[3].evalue) == ("E", "")
    assert len(outputs([{"kind": "result", "text": "x"}] * 1000)) < 100
    assert len(readable("x" * 1_000_000)) < 100_000


@pytest.mark.parametrize("nonsense", [None, 3, "text", {"kind": "result"}])
def test_a_worker_that_answers_nonsense_outputs_nothing(nonsense: object) -> None:
    assert outputs(nonsense) == []


HOLD = """
import pathlib, sys
from grader.errors import GraderError
from grader.locking import only_grader
with only_grader(pathlib.Path(sys.argv[1])):
    print(flush=True)
    sys.stdin.read()
"""


def test_a_desk_does_not_work_beside_another_grader(tmp_path: Path) -> None:
    desk = CourseGrader(tmp_path / "graded", unsafe=True)
    (tmp_path / "ada").mkdir()
    command = [sys.executable, "-c", HOLD, str(tmp_path / "graded")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(AnotherGrader):
            desk.result("ada", snapshot_of("ada", tmp_path / "ada"))
        other.communicate()
    assert desk.result("ada", snapshot_of("ada", tmp_path / "ada")).status == "rejected"


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        (HIDDEN, "# seen"),
        (HIDDEN.replace("### END HIDDEN TESTS", ""), "# seen"),
        (HIDDEN + "\nafter()", "# seen\nafter()"),
        ("a\n  ###  begin hidden tests\nb\n### end hidden tests\n", "a"),
        ("plain\n", "plain"),
    ],
)
def test_hidden_regions_are_removed(source: str, kept: str) -> None:
    assert without_hidden_regions(source) == kept


def test_feedback_keeps_message_and_points_and_no_traceback_of_a_hidden_test() -> None:
    cell = graded_cell()
    cell.outputs = [
        new_output("stream", text="0 of 10 points"),
        new_output("error", ename="NameError", evalue="x", traceback=['----> 2 check("conv2d")']),
    ]
    cleaned, _ = RemoveHiddenRegions().preprocess_cell(cell, {}, 0)
    assert "check(" not in str(cleaned)
    assert cleaned.outputs[0].text == "0 of 10 points"
    assert cleaned.outputs[1].ename == "NameError"
    assert cleaned.metadata.nbgrader.points == 10.0
