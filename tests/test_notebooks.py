"""Notebooks are derived from the lessons, and the grader takes from them what the lessons have."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.nbgraderformat import MetadataValidator

from grader import paths
from grader.authoring.source_notebooks import questions, source_notebook, source_notebooks
from grader.bodies import functions_of
from grader.course import course
from grader.intake.code_cells import module_source

LESSON = '''\
# %% [markdown]
# # Lengths

# %%
"""Lengths."""

from .transforms import show_image

# %%
def output_size(size, kernel_size):
    """Say it."""
    ### BEGIN SOLUTION
    return size - kernel_size + 1
    ### END SOLUTION

# %%
if __name__ == "__main__":
    print(output_size(5, 3))
'''


@pytest.fixture(scope="module")
def notebooks() -> dict[str, Any]:
    return {module: nbformat.reads(text, as_version=4) for module, text in source_notebooks().items()}


def marks(notebook: Any) -> dict[str, Any]:
    return {cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells if "nbgrader" in cell.metadata}


def test_each_task_has_a_solution_a_check_and_an_autograder_cell(notebooks: dict[str, Any]) -> None:
    for task in course().tasks:
        cells = marks(notebooks[task.module])
        check, graded = cells[f"{task.id}-check"], cells[task.id]
        assert check.metadata.nbgrader.items() >= {"grade": False, "solution": False, "locked": True}.items()
        assert check.source == f'from grader.student import check_here\n\ncheck_here("{task.id}")'
        assert graded.metadata.nbgrader.items() >= {"grade": True, "solution": False, "locked": True}.items()
        assert graded.metadata.nbgrader.points == task.points
        first, *hidden = graded.source.split("\n")
        assert first.startswith("# ")
        call = f'check("{task.id}")'
        assert hidden == [
            "### BEGIN HIDDEN TESTS",
            "from grader.classroom import check",
            call,
            "### END HIDDEN TESTS",
        ]


def test_points_are_those_of_the_tasks_and_of_manual_marking(notebooks: dict[str, Any]) -> None:
    cells = [cell.metadata.nbgrader for notebook in notebooks.values() for cell in marks(notebook).values()]
    assert sum(mark.points for mark in cells if mark.grade and not mark.solution) == 100
    manual = {mark.grade_id: mark.points for mark in cells if mark.grade and mark.solution}
    assert manual == {"exploration-commentary": 5, "summary-reading": 5}
    assert {question.id for question in questions()} == manual.keys()


def test_a_solution_is_above_its_check(notebooks: dict[str, Any]) -> None:
    for notebook in notebooks.values():
        order = list(marks(notebook))
        for task in course().tasks:
            if f"{task.id}-solution" in order:
                last = max(order.index(name) for name in order if name.startswith(f"{task.id}-solution"))
                assert order.index(f"{task.id}-check") > last
                assert order.index(task.id) == order.index(f"{task.id}-check") + 1


def test_a_class_of_several_tasks_is_one_solution_cell(notebooks: dict[str, Any]) -> None:
    assert [name for name in marks(notebooks["model"]) if "solution" in name] == [
        "build_baseline-solution",
        "fashion_cnn-solution",
    ]
    assert {"freeze-solution", "freeze-solution-2"} <= marks(notebooks["summary"]).keys()


def test_notebooks_are_valid_and_the_same_each_time(notebooks: dict[str, Any]) -> None:
    again = source_notebooks()
    for module, notebook in notebooks.items():
        nbformat.validate(notebook)
        MetadataValidator().validate_nb(notebook)
        assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
        assert nbformat.writes(notebook) + "\n" == again[module]


def test_a_notebook_imports_its_neighbours_by_their_full_names() -> None:
    text = source_notebook(LESSON + FILLED, "convolution")
    assert "from exercises.transforms import show_image" in json.loads(text)["cells"][2]["source"][-1]


FILLED = "".join(
    f"\n# %%\ndef {symbol}():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION\n"
    for task in course().tasks
    if task.module == "convolution"
    for symbol in task.symbols
    if symbol != "output_size"
)


def test_a_task_without_a_solution_cell_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a solution cell for convolve"):
        source_notebook(LESSON, "convolution")


def test_the_intake_takes_the_solutions_from_the_notebooks(notebooks: dict[str, Any]) -> None:
    for module, notebook in notebooks.items():
        taken, remarks = module_source(module, nbformat.writes(notebook).encode())
        lesson = (paths.SOLUTIONS / f"{module}.py").read_text(encoding="utf-8")
        got, wanted = functions_of(ast.parse(taken)), functions_of(ast.parse(lesson))
        assert remarks == []
        assert {name: ast.dump(node) for name, node in got.items()} == {
            name: ast.dump(node) for name, node in wanted.items()
        }
        assert "check_here" not in taken
        assert "__main__" not in taken


def test_only_what_the_grader_adds_is_missing_from_the_lesson(notebooks: dict[str, Any]) -> None:
    for module, notebook in notebooks.items():
        lesson = Path(paths.SOLUTIONS / f"{module}.py").read_text(encoding="utf-8")
        code = [c for c in notebook.cells if c.cell_type == "code" and not c.metadata.get("nbgrader", {}).get("locked")]
        for cell in code:
            for line in cell.source.split("\n"):
                assert line.replace("from exercises.", "from .") in lesson or line in lesson
