"""Grades for gradebooks: each format has the columns that its reader expects, and nothing in it can do harm."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import xmlschema

from grader.graded.lms_file import lms_file
from grader.reports.lms.canvas import canvas_csv, heading
from grader.reports.lms.gradescope import gradescope_json
from grader.reports.lms.junit import junit_xml
from grader.reports.lms.moodle import moodle_csv
from grader.reports.lms.roster import assign, read_roster, read_roster_file
from grader.reports.lms.sheet import Column, Grade, Person, grade_of
from grader.results import CheckResult, Result, TaskResult

CHECKS = (CheckResult("adds the bias", core=False, passed=False), CheckResult("has the shape", core=True, passed=True))
CANVAS_EXPORT = """\
Student,ID,SIS User ID,SIS Login ID,Section,CNN exercises (77),Final Score
    Points Possible,,,,,100.00,(read only)
"Lovelace, Ada",4011,s-1,ada,Monday,,
"Hopper, Grace",4012,s-2,grace,Monday,,
"""
MOODLE_EXPORT = """\
First name,Last name,ID number,Email address
Ada,Lovelace,s-1,ada@example.org
Grace,Hopper,s-2,grace@example.org
"""


def task(**changes: Any) -> TaskResult:
    one = TaskResult("conv2d", 10.0, 5.0, "partial", "ignores-bias", "No bias <b>?", 0.5, CHECKS)
    return replace(one, **changes)


def result(student: str = "ada", *tasks: TaskResult, **changes: Any) -> Result:
    one = Result(student, "graded", "namespaces", "0.1.0", "00", "7", ("a note",), tasks or (task(),))
    return replace(one, **changes)


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def failed(student: str = "ada") -> Result:
    return Result(student, "grader_error", "namespaces", "0.1.0", "00", "7", message="ours")


# --- Canvas


def test_canvas_gets_the_columns_and_the_row_that_it_expects() -> None:
    person = Person("Lovelace, Ada", login="ada", number="s-1", lms_id="4011", section="Monday")
    assert rows(canvas_csv([Column("CNN exercises", 100.0)], [grade_of(person, result())])) == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "CNN exercises"],
        ["    Points Possible", "", "", "", "", "100"],
        ["Lovelace, Ada", "4011", "s-1", "ada", "Monday", "5"],
    ]


def test_canvas_gets_an_empty_cell_if_the_grader_failed() -> None:
    assert rows(canvas_csv([Column("CNN", 100.0)], [grade_of(Person("ada"), failed())]))[-1][-1] == ""


def test_canvas_keeps_the_number_of_an_assignment_that_the_export_knows() -> None:
    headings = read_roster(CANVAS_EXPORT).headings
    assert heading("CNN exercises", headings) == "CNN exercises (77)"
    assert heading("CNN", headings) == "CNN"


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_cells_that_a_spreadsheet_would_run_get_an_apostrophe(name: str) -> None:
    grade = Grade(Person(name, login=name), (1.0,), (name,))
    for text in (canvas_csv([Column("CNN", 1.0)], [grade]), moodle_csv([Column(name, 1.0)], [grade])):
        cells = [cell for row in rows(text) for cell in row]
        assert "'" + name in cells
        assert not [cell for cell in cells if cell.startswith(tuple("=+-@\t\r"))]


def test_scores_keep_two_decimals_and_no_more() -> None:
    grade = Grade(Person("ada", login="ada"), (100 / 3, 99.999), ("", ""))
    assert rows(canvas_csv([Column("a", 100.0), Column("b", 100.0)], [grade]))[-1][-2:] == ["33.33", "100"]


# --- Moodle


def test_moodle_gets_identifiers_a_grade_and_feedback_as_html() -> None:
    person = Person("Ada Lovelace", login="ada", number="s-1", email="ada@example.org")
    assert rows(moodle_csv([Column("CNN exercises", 100.0)], [grade_of(person, result())])) == [
        ["Username", "ID number", "Email address", "CNN exercises", "CNN exercises (Feedback)"],
        ["ada", "s-1", "ada@example.org", "5", "conv2d 5 of 10 (ignores-bias): No bias &lt;b&gt;?"],
    ]


def test_moodle_gets_only_identifiers_that_every_line_fills() -> None:
    people = [Person("Ada", login="ada", email="ada@example.org"), Person("Grace", login="grace")]
    text = moodle_csv([Column("CNN", 100.0)], [grade_of(person, result()) for person in people])
    assert rows(text)[0] == ["Username", "CNN", "CNN (Feedback)"]
    with pytest.raises(ValueError, match="expected a user name, ID number or e-mail"):
        moodle_csv([Column("CNN", 100.0)], [grade_of(Person("Ada"), result())])


# --- Gradescope

TOP = {
    "score": float, "execution_time": int, "output": str, "output_format": str, "test_output_format": str,
    "test_name_format": str, "visibility": str, "stdout_visibility": str, "extra_data": dict, "tests": list,
}  # fmt: skip
TEST = {
    "name": str, "score": float, "max_score": float, "status": str, "output": str, "visibility": str, "tags": list,
}  # fmt: skip
FORMATS = {"text", "html", "simple_format", "md", "ansi"}
VISIBILITIES = {"hidden", "after_due_date", "after_published", "visible"}


def test_gradescope_gets_its_documented_fields_and_no_others() -> None:
    skipped = task(id="convolve", status="skipped", score=0.0, checks=())
    document = json.loads(gradescope_json(result("ada", task(), skipped)))
    assert {name: type(value) for name, value in document.items()} == TOP
    assert [{name: type(value) for name, value in test.items()} for test in document["tests"]] == [TEST]
    assert {document["output_format"], document["test_output_format"], document["test_name_format"]} <= FORMATS
    assert {document["visibility"], document["stdout_visibility"], document["tests"][0]["visibility"]} <= VISIBILITIES
    assert (document["score"], document["tests"][0]["status"]) == (5.0, "failed")
    assert "adds the bias" in document["tests"][0]["output"]
    assert "has the shape" not in document["tests"][0]["output"]


def test_gradescope_shows_students_no_instructor_notes() -> None:
    assert "a note" not in gradescope_json(result())


def test_gradescope_says_that_there_was_no_sandbox_and_why_a_submission_is_rejected() -> None:
    assert "without a sandbox" in gradescope_json(result(sandbox="none"))
    rejected = Result("ada", "rejected", "namespaces", "0.1.0", "00", "7", message="expected files")
    document = json.loads(gradescope_json(rejected))
    assert (document["score"], document["tests"], document["output"]) == (0, [], "expected files")


def test_gradescope_gets_no_zero_for_a_failure_of_the_grader() -> None:
    with pytest.raises(ValueError, match="grader's own failure"):
        gradescope_json(failed())


# --- JUnit

WHEN = datetime(2026, 3, 1, 12, 0, 0, 5)


@pytest.fixture(scope="module")
def schema() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(Path(__file__).with_name("junit.xsd"))


def test_junit_follows_the_schema_and_counts_right(schema: xmlschema.XMLSchema) -> None:
    crashed = task(id="convolve", status="crashed", score=0.0, checks=())
    skipped = task(id="freeze", status="skipped", checks=())
    passed = task(id="unfreeze", status="passed", checks=(CHECKS[1],))
    rejected = Result("bob", "rejected", "namespaces", "0.1.0", "00", "7", message="expected files")
    text = junit_xml([result("ada", task(), crashed, skipped, passed), rejected, failed("eve")], WHEN)
    schema.validate(text)
    ada, bob, eve = ET.fromstring(text)
    assert [ada.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["5", "1", "1", "1"]
    assert [ada.get("name"), ada.get("time"), ada.get("timestamp")] == ["ada", "1.500", "2026-03-01T12:00:00"]
    failure = ada.find("testcase[@name='adds the bias']/failure")
    assert failure is not None
    assert (failure.get("type"), failure.get("message")) == ("ignores-bias", "No bias <b>?")
    assert ada.find("testcase[@classname='convolve']/error") is not None
    assert bob.find("testcase/failure[@type='rejected']") is not None
    assert eve.find("testcase/error[@type='grader_error']") is not None


@pytest.mark.parametrize("text", ["\x00", "\x1b[2J", "\x0b", "\ufffe", "\ud800", "]]>", "<&\"'>"])
def test_junit_is_well_formed_whatever_students_wrote(text: str, schema: xmlschema.XMLSchema) -> None:
    check = CheckResult(f"a {text}", core=True, passed=False)
    hostile = result(f"a{text}", task(message=f"m {text}", checks=(check,)), notes=(text,))
    document = junit_xml([hostile], WHEN)
    schema.validate(document)
    document.encode("utf-8")


# --- rosters


@pytest.mark.parametrize("roster", [CANVAS_EXPORT, CANVAS_EXPORT.replace(",", ";").replace("; ", ", "), MOODLE_EXPORT])
@pytest.mark.parametrize(
    "submission",
    ["s-1", "ADA", "Ada Lovelace", "Ada Lovelace_123_assignsubmission_file"],
)
def test_a_roster_knows_people_by_login_number_and_name(roster: str, submission: str) -> None:
    found, problems = assign(read_roster("\ufeff" + roster), [submission])
    assert problems == []
    assert found[submission].number == "s-1"


def test_a_roster_knows_what_canvas_calls_a_download() -> None:
    found, _ = assign(read_roster(CANVAS_EXPORT), ["lovelaceada_LATE_4011_998_submission"])
    assert [person.name for person in found.values()] == ["Lovelace, Ada"]


def test_a_column_submission_says_whose_it_is() -> None:
    found, problems = assign(read_roster("Submission,Username\nteam 7,ada\n"), ["team 7"])
    assert (found["team 7"].login, problems) == ("ada", [])


def test_unknown_or_ambiguous_people_are_reported_not_guessed() -> None:
    roster = read_roster("Username,Name\nada,Sam\nbob,Sam\ngrace,Grace\n")
    found, problems = assign(roster, ["gracee", "Sam", "ada", "ADA "])
    assert list(found) == ["ada"]
    assert "Is it grace?" in problems[0]
    assert "expected one person of the roster, got Sam, Sam" in problems[1]
    assert "got ada as well" in problems[2]


def test_an_invalid_roster_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a header with"):
        read_roster("a,b\n1,2\n")


@pytest.mark.parametrize(
    ("data", "word"), [("Name,Login\nRen\xe9,r\n", "CSV UTF-8"), ("Name,Login\nada," + "x" * 200_000, "limit")]
)
def test_a_roster_that_cannot_be_read_is_refused_with_its_name(data: str, word: str, tmp_path: Path) -> None:
    (tmp_path / "roster.csv").write_bytes(data.encode("cp1252"))
    with pytest.raises(ValueError, match=f"roster.csv: .*{word}"):
        read_roster_file(tmp_path / "roster.csv")


# --- the verb


@pytest.fixture
def graded(tmp_path: Path) -> Path:
    for one in (result("ada"), result("grace"), result("zoe")):
        (tmp_path / one.student).mkdir()
        (tmp_path / one.student / "results.json").write_text(json.dumps(one.to_json()))
    (tmp_path / "roster.csv").write_text(CANVAS_EXPORT)
    return tmp_path


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "grader", "export", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=cwd)


def test_export_writes_people_of_the_roster_and_names_the_others(graded: Path) -> None:
    done = run(".", "--to", "canvas", "--roster", "roster.csv", cwd=graded)
    assert (done.returncode, done.stdout) == (1, "canvas.csv: 2 students\n"), done.stderr
    assert done.stderr.startswith("left out: zoe: expected a login")
    header, _, *people = rows((graded / "canvas.csv").read_text())
    assert header[-1] == "CNN exercises (77)"
    assert [person[1] for person in people] == ["4011", "4012"]


def test_export_without_a_roster_takes_names_for_logins(graded: Path) -> None:
    done = run(".", "--to", "moodle", "--file", "m.csv", "--assignment", "Week 3", cwd=graded)
    assert done.returncode == 0, done.stderr
    assert [row[:2] for row in rows((graded / "m.csv").read_text())] == [
        ["Username", "Week 3"], ["ada", "5"], ["grace", "5"], ["zoe", "5"],
    ]  # fmt: skip


def test_export_to_gradescope_is_of_one_student(graded: Path) -> None:
    done = run(".", "--to", "gradescope", cwd=graded)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "--student" in done.stderr
    assert run(".", "--to", "gradescope", "--student", "zoe", cwd=graded).returncode == 0
    assert json.loads((graded / "gradescope.json").read_text())["score"] == 5


def test_export_refuses_a_folder_without_results(tmp_path: Path) -> None:
    done = run(".", "--to", "junit", cwd=tmp_path)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "grader grade" in done.stderr


def test_people_of_the_roster_without_a_submission_are_counted() -> None:
    done = lms_file([result("ada")], "canvas", "CNN", read_roster(CANVAS_EXPORT))
    assert list(done.absent) == ["Hopper, Grace"]
