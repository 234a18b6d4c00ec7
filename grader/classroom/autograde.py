"""Takes the place of nbgrader's `Execute`: cells run in the sandbox, and autograder cells get the checker's score."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_locked, is_solution
from traitlets import Bool, Float, Unicode

from grader.classroom.desk import CourseGrader, snapshot_of
from grader.classroom.notes import add_notes, message_of, tasks_of
from grader.classroom.repair import coursedir_of
from grader.course import course
from grader.errors import GraderError
from grader.intake import Snapshot
from grader.results import TaskResult

NOT_AGAIN = "(The grader's own checks follow.)\n"
"""What stands below a public check, which needs the kit that the sandbox hides."""


class GradeInSandbox(NbGraderPreprocessor):  # type: ignore[misc]
    """Grades a student's submission once, and gives every notebook of it outputs and scores.

    No Jupyter kernel is started. The student's cells run in a worker of the sandbox, and what they put out is kept
    for people to read. The score of an autograder cell comes from the hidden suites alone: whatever the cells do, print
    or leave behind, it is not looked at.
    """

    results_directory = Unicode("graded", help="Folder of the course that keeps each student's results.json.").tag(
        config=True
    )
    way = Unicode("", help="How the course's artefact is judged, as by the option of `grader grade`.").tag(config=True)
    timeout = Float(30.0, help="Seconds for one cell, and for one answer of a hidden check, at least.").tag(config=True)
    unsafe = Bool(False, help="Run student code without a sandbox.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Run the cells of one notebook and score its autograder cells.

        Raises:
            GraderError: if the grader itself fails: nbgrader then reports the student, and records no grade.
        """
        about = resources["nbgrader"]
        coursedir = coursedir_of(self)
        submitted = Path(coursedir.format_path(coursedir.submitted_directory, about["student"], about["assignment"]))
        snapshot = snapshot_of(about["student"], submitted)
        results = Path(coursedir.root) / self.results_directory
        desk = _desk(results, self.way, self.timeout, unsafe=self.unsafe)
        try:
            result = desk.result(about["student"], snapshot)
            self._run_cells(nb, desk, snapshot)
        except GraderError:
            desk.close()
            raise
        tasks = tasks_of(result)
        for cell in nb.cells:
            if is_autograder(cell):
                cell.outputs = score_outputs(tasks.get(cell.metadata.nbgrader.grade_id), cell)
        own = [note for note in result.notes if f"{about['notebook']}.ipynb" in note]  # others are the instructor's
        add_notes(nb, own)
        _save_scores_without_notebook(about, tasks, submitted)
        return nb, resources

    def _run_cells(self, nb: NotebookNode, desk: CourseGrader, snapshot: Snapshot) -> None:
        with desk.cells(snapshot) as runner:
            for cell in nb.cells:
                if cell.cell_type != "code" or is_autograder(cell):
                    continue
                if is_public_check(cell):
                    cell.outputs = [new_output("stream", name="stdout", text=NOT_AGAIN)]
                else:
                    cell.outputs = runner.run(cell.source) if cell.source.strip() else []


_desk = functools.cache(CourseGrader)
"""Nbgrader makes a preprocessor per notebook; all of a run share their grader."""


def is_autograder(cell: NotebookNode) -> bool:
    """Return whether a cell is one that nbgrader scores by its outputs."""
    return cell.cell_type == "code" and is_grade(cell) and not is_solution(cell)


def is_public_check(cell: NotebookNode) -> bool:
    """Return whether a cell is the locked one in which students check their work."""
    name = str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))
    return is_locked(cell) and name.removesuffix("-check") in {task.id for task in course().tasks}


def score_outputs(task: TaskResult | None, cell: NotebookNode) -> list[NotebookNode]:
    """Return outputs that nbgrader's ``determine_grade`` turns into exactly the task's score.

    It reads the first `execute_result` as the points, and takes a cell without one for solved.

    Raises:
        GraderError: if the cell belongs to no task of the kit: nobody here could say what it earns.
    """
    name, points = cell.metadata.nbgrader.grade_id, float(cell.metadata.nbgrader.points)
    if task is None:
        ids = ", ".join(task.id for task in course().tasks)
        raise GraderError(
            f"autograder cell {name!r}: expected the id of a task of this kit, one of {ids}. "
            "Should it be marked as a manually graded answer?"
        )
    score = _scaled(task, points)
    return [
        new_output("stream", name="stdout", text=message_of(task, score, points)),
        new_output("execute_result", data={"text/plain": repr(score)}, execution_count=None),
    ]


def _scaled(task: TaskResult, points: float) -> float:
    """Return the score of a task that is worth so many points here: an instructor may have changed them."""
    return round(task.score * points / task.points, 2)


def _save_scores_without_notebook(about: Mapping[str, str], tasks: Mapping[str, TaskResult], submitted: Path) -> None:
    """Record the tasks of modules that came as .py alone: nbgrader gives their missing notebooks a zero."""
    with Gradebook(about["db_url"]) as gradebook:
        for notebook in gradebook.find_assignment(about["assignment"]).notebooks:
            if (submitted / f"{notebook.name}.ipynb").exists():
                continue
            found = gradebook.find_submission_notebook(notebook.name, about["assignment"], about["student"])
            for grade in found.grades:
                if task := tasks.get(grade.name):
                    grade.auto_score = _scaled(task, grade.max_score)
        gradebook.db.commit()
