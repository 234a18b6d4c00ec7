"""A course of twelve students with notebooks, from release to export, with nbgrader's own commands."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from coursework import STUDENTS, nbgrader
from nbformat import NotebookNode
from nbgrader.api import Gradebook

from grader.course import course

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]


def auto_scores(course: Path, student: str) -> dict[str, float | None]:
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        submission = gradebook.find_submission("cnn", student)
        return {grade.name: grade.auto_score for notebook in submission.notebooks for grade in notebook.grades}


def graded(course: Path, student: str, module: str) -> NotebookNode:
    return nbformat.read(course / "autograded" / student / "cnn" / f"{module}.ipynb", as_version=4)


def page(course: Path, student: str, module: str) -> str:
    return (course / "feedback" / student / "cnn" / f"{module}.html").read_text(encoding="utf-8")


def notes(nb: NotebookNode) -> str:
    return nb.cells[0].source if "grader-notes" in nb.cells[0].metadata.get("tags", []) else ""


def outputs(nb: NotebookNode) -> list[Any]:
    return [output for cell in nb.cells if cell.cell_type == "code" for output in cell.outputs]


def scores_of_modules(demo_out: Path, student: str) -> dict[str, float]:
    """Return the points of the tasks submitted as notebooks when graded as modules."""
    result = json.loads((demo_out / student / "results.json").read_text(encoding="utf-8"))
    asked = {task.id for task in course().tasks if task.module in STUDENTS[student].modules}
    return {task["id"]: task["score"] for task in result["tasks"] if task["id"] in asked}


@pytest.mark.parametrize("student", STUDENTS)
def test_notebooks_score_as_the_same_work_in_modules(course: Path, demo_out: Path, student: str) -> None:
    scores, expected = auto_scores(course, student), scores_of_modules(demo_out, student)
    assert {name: scores[name] for name in expected} == expected


def test_the_exported_gradebook_holds_everybodys_points(course: Path, demo_out: Path) -> None:
    with (course / "grades.csv").open(encoding="utf-8") as file:
        rows = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file) if row["assignment"] == "cnn"}
    expected = {name: sum(scores_of_modules(demo_out, name).values()) for name in STUDENTS}
    assert rows == pytest.approx(expected)


def test_every_submitted_notebook_has_a_page_without_anything_hidden(course: Path) -> None:
    for student in STUDENTS:
        for path in (course / "submitted" / student / "cnn").glob("*.ipynb"):
            text = page(course, student, path.stem)
            assert not re.search(r"HIDDEN|grader\.classroom|MARK SCHEME", text), (student, path.stem)
            assert str(course) not in text, (student, path.stem)


def test_a_page_shows_points_messages_and_figures(course: Path) -> None:
    text = page(course, "flipped-kernel", "convolution")
    assert "convolve: 0 of 8 points (failed), flipped-kernel" in text
    assert "Score: 0.0 / 8.0" in text
    assert "Which of its corners meets the image" in text
    assert "data:image/png;base64," in page(course, "flipped-kernel", "transforms")


TASKS = {task.id for task in course().tasks}
MISHAPS = {
    ("flipped-kernel", "convolution"): ["output", "size: this cell was missing", "conv2d: there are several cells",
                                        "turned into text"],
    ("other-styles", "convolution"): ["has notebook format 3"],
    ("square-images-only", "model"): ["has notebook format 5"],
    ("half-finished", "convolution"): ["metadata was lost: 18 cells"],
    ("softmax-in-forward", "exploration"): ["cannot be read"],
}  # fmt: skip


@pytest.mark.parametrize(("student", "module"), MISHAPS)
def test_mishaps_are_noted_where_people_look(course: Path, student: str, module: str) -> None:
    said = notes(graded(course, student, module)).replace("&#95;", "_").replace("_", "")
    for words in MISHAPS[student, module]:
        assert words.replace("_", "") in said


def test_errors_and_escapes_before_a_solution_are_outputs_and_cost_nothing(course: Path) -> None:
    errors = [one for one in outputs(graded(course, "flipped-kernel", "convolution")) if one.output_type == "error"]
    assert any("before anything is defined" in one.evalue for one in errors)
    assert any("was not run" in one.evalue for one in errors)


def test_a_cell_that_ends_its_process_is_an_error_and_the_rest_does_not_run(course: Path) -> None:
    nb = graded(course, "untouched", "summary")
    said = outputs(nb)
    assert "exit status 0" in said[0].evalue
    assert said[-1].text.startswith("(not run: ")
    assert not any(output.output_type == "execute_result" and output.data["text/plain"] == "100.0" for output in said)


def test_large_outputs_are_left_out(course: Path) -> None:
    submitted, kept = (course / folder / "reference/cnn/exploration.ipynb" for folder in ("submitted", "autograded"))
    assert submitted.stat().st_size > 100_000_000
    assert kept.stat().st_size < 5_000_000


def test_written_answers_wait_for_a_human(course: Path) -> None:
    scores = auto_scores(course, "reference")
    assert scores.keys() - TASKS == {
        "exploration-commentary",
        "summary-reading",
    }


def test_results_are_kept_as_grader_grade_keeps_them(course: Path) -> None:
    kept = json.loads((course / "graded" / "reference" / "results.json").read_text(encoding="utf-8"))
    assert (kept["status"], kept["score"]) == ("graded", 100.0)


def test_a_grader_error_gives_no_grade(course: Path, tmp_path: Path) -> None:
    broken = tmp_path / "course"
    shutil.copytree(course, broken, ignore=shutil.ignore_patterns("autograded", "feedback", "graded", "downloaded"))
    (broken / "graded").write_text("no folder")
    said = nbgrader(broken, "autograde", "cnn", "--student", "untouched", status=1)
    assert "error processing assignment" in said
    assert not (broken / "autograded" / "untouched" / "cnn").exists()


def test_stock_execute_gives_the_same_points_and_warns_that_nothing_is_isolated(course: Path, tmp_path: Path) -> None:
    stock = tmp_path / "course"
    shutil.copytree(course, stock, ignore=shutil.ignore_patterns("autograded", "feedback", "graded", "downloaded"))
    text = (stock / "nbgrader_config.py").read_text(encoding="utf-8")
    own = "grader.classroom.autograde.GradeInSandbox"
    assert own in text
    (stock / "nbgrader_config.py").write_text(text.replace(own, "nbgrader.preprocessors.Execute"), encoding="utf-8")
    nbgrader(stock, "autograde", "cnn", "--student", "half-finished", "--notebook", "convolution")
    scores = auto_scores(stock, "half-finished")
    assert (scores["output_size"], scores["convolve"], scores["conv2d"]) == (3.0, 8.0, 0.0)
    said = "".join(one.text for one in outputs(graded(stock, "half-finished", "convolution")) if "text" in one)
    assert "ran without a sandbox" in said
