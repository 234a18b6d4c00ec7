"""nbgrader's gradebook in the formats of learning management systems, with manual and late scores."""

from __future__ import annotations

import csv
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from coursework import programs
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook, new_output
from nbgrader.api import Gradebook
from nbgrader.preprocessors import AssignLatePenalties, SaveAutoGrades
from traitlets.config import Config, PyFileConfigLoader

from grader.authoring.nbgrader_course import configuration
from grader.classroom import late
from grader.classroom.export import MoodleExporter
from grader.course import course
from grader.term import Term

WHERE = {"notebook": "convolution", "assignment": "cnn"}
ROSTER = """\
Student,ID,SIS User ID,SIS Login ID,Section,cnn (77)
"Lovelace, Ada",4011,s-1,ada,Monday,
"Hopper, Grace",4012,s-2,grace,Monday,
"""


def autograded_notebook(cell_score: float) -> NotebookNode:
    """Return an autograded notebook whose only cell has this score."""
    metadata = {
        "grade": True,
        "solution": False,
        "grade_id": "conv2d",
        "points": 10,
        "locked": True,
        "cell_type": "code",
    }
    output = new_output("execute_result", {"text/plain": str(cell_score)})
    cell = new_code_cell("check('conv2d')", outputs=[output], metadata={"nbgrader": metadata})
    cell.metadata.nbgrader |= {"schema_version": 3, "cell_type": "code"}
    return new_notebook(cells=[cell])


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a gradebook in which ada got 8, by hand, and grace 6, an hour late; zoe submitted nothing."""
    monkeypatch.setenv("PATH", programs())
    url = f"sqlite:///{tmp_path / 'gradebook.db'}"
    with Gradebook(url) as book:
        book.add_assignment("cnn", duedate=datetime(2026, 3, 1, 12))
        book.add_notebook("convolution", "cnn")
        book.add_grade_cell("conv2d", "convolution", "cnn", max_score=10, cell_type="code")
        book.add_student("ada", first_name="Ada", last_name="Lovelace", email="ada@example.org", lms_user_id="4011")
        book.add_student("grace", email="=grace@example.org")
        book.add_student("zoe", email="zoe@example.org")
        for hour, student, score in ((11, "ada", 3), (13, "grace", 6)):
            book.add_submission("cnn", student, timestamp=datetime(2026, 3, 1, hour))
            book.find_grade("conv2d", "convolution", "cnn", student).auto_score = score
        book.find_grade("conv2d", "convolution", "cnn", "ada").manual_score = 8
        book.db.commit()
    return url


def run_late_penalties(database: str, config: Config) -> None:
    resources = {"nbgrader": {**WHERE, "student": "grace", "db_url": database}}
    AssignLatePenalties(config=config).preprocess(new_notebook(), resources)


def course_config(tmp_path: Path) -> Config:
    (tmp_path / "nbgrader_config.py").write_text(configuration())
    return PyFileConfigLoader("nbgrader_config.py", path=str(tmp_path)).load_config()


@pytest.mark.slow
def test_nbgrader_exports_to_canvas_by_its_own_command(database: str, tmp_path: Path) -> None:
    (tmp_path / "roster.csv").write_text(ROSTER)
    exporter = "--exporter=grader.classroom.export.CanvasExporter"
    command = [sys.executable, "-m", "nbgrader", "export", exporter, "--CanvasExporter.roster=roster.csv"]
    command += ["--db", database, "--to", "grades.csv"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with (tmp_path / "grades.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "cnn (77)"],
        ["    Points Possible", "", "", "", "", "10"],
        ["Hopper, Grace", "4012", "s-2", "grace", "Monday", "6"],
        ["Lovelace, Ada", "4011", "s-1", "ada", "Monday", "8"],
    ]
    assert "left out: zoe" in done.stderr


def test_late_work_loses_what_the_term_says(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = course_config(tmp_path)
    run_late_penalties(database, config)
    assert moodle(database, tmp_path)["grace"][0] == "6", "the course takes nothing off as it is"
    monkeypatch.setattr(late, "course", lambda: course().during(Term(late="all")))
    run_late_penalties(database, config)
    assert moodle(database, tmp_path) == {
        "ada": ["8", "8 of 10 points"],
        "grace": ["0", "6 of 10 points, less 6 for being late"],
        "zoe": ["", ""],
    }


def test_the_course_names_the_plugin_for_late_penalties(tmp_path: Path) -> None:
    config = course_config(tmp_path)
    assert config.AssignLatePenalties.plugin_class == "grader.classroom.late.LateWork"
    assert "nbgrader.preprocessors.latesubmissions.AssignLatePenalties" in config.Autograde.autograde_preprocessors


def test_a_score_given_by_hand_survives_autograde(database: str, tmp_path: Path) -> None:
    resources = {"nbgrader": {**WHERE, "student": "ada", "db_url": database}}
    SaveAutoGrades().preprocess(autograded_notebook(9.5), resources)
    with Gradebook(database) as book:
        grade = book.find_grade("conv2d", "convolution", "cnn", "ada")
        assert (grade.auto_score, grade.manual_score, grade.score) == (9.5, 8, 8)
        assert grade.needs_manual_grade, "the formgrader shows that it wants a second look"
    assert moodle(database, tmp_path)["ada"][0] == "8"


def test_only_the_named_students_and_assignments_are_exported(database: str, tmp_path: Path) -> None:
    assert list(moodle(database, tmp_path, student=["grace"])) == ["grace"]
    assert moodle(database, tmp_path, assignment=["other"])["ada"] == []


def moodle(database: str, folder: Path, **asked: list[str]) -> dict[str, list[str]]:
    """Return Moodle's table by user name; no cell is a formula."""
    with Gradebook(database) as book:
        MoodleExporter(to=str(folder / "moodle.csv"), **asked).export(book)
    with (folder / "moodle.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header[:2] == ["Username", "Email address"]
    assert not [cell for row in rows for cell in row if cell.startswith("=")]
    return {row[0]: row[2:] for row in rows}
