"""Derives nbgrader's source notebooks from the solutions: lesson, reference, checks and autograder cells in one."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.nbgraderformat import SCHEMA_VERSION

from grader.course import Task, course
from grader.paths import LESSON, SOLUTIONS
from grader.stubs import derive_stub, solution_blocks

METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
RELATIVE = re.compile(r"^(\s*from )\.(\w+ import )", re.MULTILINE)
HOW_TO = Path(__file__).parent / "templates" / "course" / "how_to.md"


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


def questions() -> list[Question]:
    """Return what people mark, from the course's questions.toml; nothing where it has none."""
    path = LESSON / "questions.toml"
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["question"] if path.is_file() else []
    return [Question(**entry) for entry in entries if entry["module"] in course().modules]


def source_notebooks() -> dict[str, str]:
    """Return the text of each source notebook by its module.

    Raises:
        ValueError: if a solution is not a lesson, or a task has no solution cell.
    """
    return {
        module: source_notebook((SOLUTIONS / f"{module}.py").read_text(encoding="utf-8"), module)
        for module in course().modules
    }


def source_notebook(source: str, module: str) -> str:
    """Return nbgrader's source notebook for a lesson; the same lesson gives the same text.

    Args:
        source: text of a solution, in the py:percent format.
        module: its name without ``.py``.

    Raises:
        ValueError: if the lesson is not Python, or a task has no solution cell.
    """
    solution_blocks(source, f"solutions/{module}.py")
    lesson = jupytext.reads(source, fmt="py:percent")
    cells = list(_with_graded(lesson.cells, module))
    if not cells:
        raise ValueError(f"solutions/{module}.py: expected a lesson with cells, got none.")
    first = course().tasks[0]
    how_to = HOW_TO.read_text(encoding="utf-8").rstrip()
    symbol = first.symbols[0].partition(".")[0]
    cells.insert(1, new_markdown_cell(how_to.format(module=first.module, symbol=symbol)))
    for number, cell in enumerate(cells, 1):
        cell["id"] = f"{module}-{number:02}".replace("_", "-")
    notebook = new_notebook(cells=cells, metadata=METADATA)
    nbformat.validate(notebook)
    return f"{nbformat.writes(notebook)}\n"


def _with_graded(lesson: list[Any], module: str) -> Iterator[Any]:
    """Give the cells of a lesson, marked for nbgrader, and after each task's last solution cell its checks."""
    waiting = {task.id: task for task in course().tasks if task.module == module}
    left = {task.id: set(task.symbols) for task in waiting.values()}
    names: Counter[str] = Counter()
    for cell in lesson:
        if cell.cell_type != "code":
            yield new_markdown_cell(cell.source)
            continue
        written = {block.symbol for block in solution_blocks(cell.source, "cell")}
        served = [task for task in waiting.values() if left[task.id] & written]
        source = cell.source if served or not written - {None} else derive_stub(cell.source, module)  # not in this term
        code = new_code_cell(RELATIVE.sub(r"\1exercises.\2", source))
        if served:  # a solution cell is named after the first task that it serves
            names[name := f"{served[0].id}-solution"] += 1
            _mark(code, name if names[name] == 1 else f"{name}-{names[name]}", solution=True)
        yield code
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
            yield new_markdown_cell(question.prompt.strip())
            answer = new_markdown_cell(f"### BEGIN SOLUTION\n{question.answer.strip()}\n### END SOLUTION")
            yield _mark(answer, question.id, grade=True, solution=True, points=float(question.points))


def _check_cells(task: Task) -> Iterator[Any]:
    """Give the check that students see, and the autograder cell whose hidden region asks the grader."""
    check = new_code_cell(f'from grader.student import check_here\n\ncheck_here("{task.id}")')
    yield _mark(check, f"{task.id}-check", locked=True)
    graded = new_code_cell(
        f"# Here the grader puts its own checks of {task.id}: {task.points:g} points.\n"
        f'### BEGIN HIDDEN TESTS\nfrom grader.classroom import check\ncheck("{task.id}")\n### END HIDDEN TESTS'
    )
    yield _mark(graded, task.id, grade=True, locked=True, points=task.points)


def _mark(cell: Any, grade_id: str, **marks: object) -> Any:
    """Put nbgrader's marks on a cell."""
    stock = {"grade": False, "grade_id": grade_id, "locked": False, "solution": False, "task": False}
    cell.metadata["nbgrader"] = {**stock, "schema_version": SCHEMA_VERSION, **marks}
    return cell
