"""Derives nbgrader's source notebooks from the solutions: lesson, reference, checks and autograder cells in one."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.nbgraderformat import SCHEMA_VERSION

from grader import paths
from grader.course import Task, course
from grader.paths import LESSON
from grader.stubs import derive_stub, solution_blocks

METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
RELATIVE = re.compile(r"^(\s*from )\.(\w+ import )", re.MULTILINE)
HOW_TO = """\
**How this notebook works.** Run the cells from the top. Where a cell says *not written yet*, put your code in the place
of that line; the cell below it checks your work and says what is wrong. Leave the cells that cannot be edited as they
are, and keep each function in its own cell.

What you wrote in another notebook of this folder can be imported, as in `from exercises.{module} import {symbol}`:
save that notebook, and restart the kernel of this one after a change."""


@dataclass(frozen=True)
class Question:
    """What a person marks.

    Attributes:
        id: its grade_id.
        module: the notebook at whose end it stands.
        points: at most this many, on top of those of the tasks.
        prompt: what students read.
        answer: what an instructor marks by.
    """

    id: str
    module: str
    points: float
    prompt: str
    answer: str


def _how_to() -> str:
    first = course().tasks[0]
    return HOW_TO.format(module=first.module, symbol=first.symbols[0].partition(".")[0])


def questions() -> list[Question]:
    """Return what people mark, from the course's questions.toml; nothing where it has none."""
    path = LESSON / "questions.toml"
    text = path.read_text(encoding="utf-8") if path.is_file() else "question = []"
    return [
        Question(
            str(entry["id"]),
            str(entry["module"]),
            float(entry["points"]),
            str(entry["prompt"]).strip(),
            str(entry["answer"]).strip(),
        )
        for entry in tomllib.loads(text)["question"]
        if entry["module"] in course().modules
    ]


def source_notebooks(solutions: Path = paths.SOLUTIONS) -> dict[str, str]:
    """Return the text of each source notebook by its module.

    Raises:
        ValueError: if a solution is no lesson, or a task has no solution cell.
    """
    return {
        module: source_notebook((solutions / f"{module}.py").read_text(encoding="utf-8"), module)
        for module in course().modules
    }


def source_notebook(source: str, module: str) -> str:
    """Return nbgrader's source notebook for a lesson; the same lesson gives the same text.

    Args:
        source: text of a solution, in the py:percent format.
        module: its name without ``.py``.

    Raises:
        ValueError: if the lesson is no Python, or a task has no solution cell.
    """
    solution_blocks(source, f"solutions/{module}.py")
    lesson = jupytext.reads(source, fmt="py:percent")
    cells = list(_with_graded(lesson.cells, module))
    if not cells:
        raise ValueError(f"solutions/{module}.py: expected a lesson with cells, got none.")
    cells.insert(1, new_markdown_cell(_how_to()))
    for number, cell in enumerate(cells, 1):
        cell["id"] = f"{module}-{number:02}".replace("_", "-")
    notebook = new_notebook(cells=cells, metadata=METADATA)
    nbformat.validate(notebook)
    text: str = nbformat.writes(notebook)
    return f"{text}\n"


def _with_graded(lesson: list[Any], module: str) -> Iterator[Any]:
    """Give the cells of a lesson, marked for nbgrader, and after each task's last solution cell its checks."""
    waiting = {task.id: task for task in course().tasks if task.module == module}
    left = {task.id: set(task.symbols) for task in waiting.values()}
    names: set[str] = set()
    for cell in lesson:
        if cell.cell_type != "code":
            yield new_markdown_cell(cell.source)
            continue
        written = _symbols(cell.source)
        served = [task for task in waiting.values() if left[task.id] & written]
        yield _code_cell(cell.source, module, served, names)
        for task in served:
            left[task.id] -= written
            if not left[task.id] and task.id != course().judged:
                yield from _check_cells(waiting.pop(task.id))
    for task in waiting.values():  # what is about more than one cell stands at the end
        if left[task.id]:
            missing = ", ".join(sorted(left[task.id]))
            raise ValueError(f"solutions/{module}.py: expected a solution cell for {missing} ({task.id}), got none.")
        yield from _check_cells(task)
    for question in questions():
        if question.module == module:
            yield new_markdown_cell(question.prompt)
            yield _manual_cell(question)


def _symbols(source: str) -> set[str]:
    """Return the functions and methods of a cell that hold a solution block."""
    return {block.symbol for block in solution_blocks(source, "cell") if block.symbol}


def _code_cell(source: str, module: str, served: list[Task], names: set[str]) -> Any:
    """Return a code cell; a solution cell is named after the first task that it serves."""
    if not served and _symbols(source):
        source = derive_stub(source, module)  # what this term does not teach
    cell = new_code_cell(RELATIVE.sub(r"\1exercises.\2", source))
    if not served:
        return cell
    base = f"{served[0].id}-solution"
    name = next(n for n in (base, *(f"{base}-{count}" for count in range(2, 100))) if n not in names)
    names.add(name)
    cell.metadata["nbgrader"] = _marks(name, solution=True)
    return cell


def _check_cells(task: Task) -> Iterator[Any]:
    """Give the check that students see, and the autograder cell whose hidden region asks the grader."""
    check = new_code_cell(f'from grader.student import check_here\n\ncheck_here("{task.id}")')
    check.metadata["nbgrader"] = _marks(f"{task.id}-check", locked=True)
    yield check
    lines = [
        f"# Here the grader puts its own checks of {task.id}: {task.points:g} points.",
        "### BEGIN HIDDEN TESTS",
        "from grader.classroom import check",
        f'check("{task.id}")',
        "### END HIDDEN TESTS",
    ]
    graded = new_code_cell("\n".join(lines))
    graded.metadata["nbgrader"] = _marks(task.id, grade=True, locked=True, points=task.points)
    yield graded


def _manual_cell(question: Question) -> Any:
    answer = f"### BEGIN SOLUTION\n{question.answer}\n### END SOLUTION"
    cell = new_markdown_cell(answer)
    cell.metadata["nbgrader"] = _marks(question.id, grade=True, solution=True, points=question.points)
    return cell


def _marks(
    grade_id: str, *, grade: bool = False, solution: bool = False, locked: bool = False, points: float | None = None
) -> dict[str, Any]:
    marks: dict[str, Any] = {
        "grade": grade,
        "grade_id": grade_id,
        "locked": locked,
        "schema_version": SCHEMA_VERSION,
        "solution": solution,
        "task": False,
    }
    return marks if points is None else marks | {"points": points}
