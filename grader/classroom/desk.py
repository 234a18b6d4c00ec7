"""Where a course is graded: one `Grader` for as long as nbgrader runs, started when the first notebook needs it."""

from __future__ import annotations

import atexit
import contextlib
from pathlib import Path

from grader import intake
from grader.canaries import try_canaries
from grader.classroom.cells import CellRunner
from grader.course import course
from grader.errors import GraderError
from grader.executor import Order, result_of
from grader.figures import keep_figures
from grader.gradebook import Gradebook, grading_key
from grader.grading import Grader, code_of
from grader.intake import Snapshot, names
from grader.intake.box import read_boxed
from grader.locking import only_grader
from grader.reports.published import publish
from grader.results import Result
from grader.sandbox.levels import candidates
from grader.sandbox.limits import Limits
from grader.seeds import new_seed, submission_seed


class CourseGrader:
    """Grades submissions one at a time, and runs the cells of their notebooks.

    Results are kept in a folder as ``grader grade`` keeps them: what has not changed is not graded again.

    Args:
        out: the folder of the results.
        way: how the artefact is judged; see ``Course.ways``.
        seconds: for one answer and for one cell, at least.
        unsafe: whether student code runs without a sandbox.
    """

    def __init__(self, out: Path, way: str = "", seconds: float = 30, *, unsafe: bool = False) -> None:
        self._out = out
        self._way = way
        self._limits = Limits.per_answer(seconds)
        self._levels = candidates(unsafe=unsafe)
        self._seed = new_seed()
        self._selected = frozenset(task.id for task in course().tasks)
        self._grader: Grader | None = None
        atexit.register(self.close)

    def result(self, student: str, snapshot: Snapshot) -> Result:
        """Return the result of a submission, graded now or kept from an earlier run.

        Raises:
            GraderError: if the grader itself fails; the next submission gets a new one.
            AnotherGrader: if another one works in the folder of the results.
        """
        folder = names.folder(student)
        key = grading_key(snapshot.sha256, self._selected, self._levels[0], self._way)
        with only_grader(self._out), contextlib.closing(Gradebook(self._out)) as book:
            result = book.finished(folder, key)
            if result is None:
                seed = submission_seed(self._seed, snapshot.sha256)
                result = self._graded(Order(student, snapshot, seed, self._selected, self._way))
                keep_figures(self._out / folder, result.submission_sha256, result.figures)
                book.record(folder, key, result, seed)
            publish(self._out / folder, result)
        return result

    def _graded(self, order: Order) -> Result:
        if order.snapshot.rejected is not None:
            return result_of(order, self._levels[0], None)
        found: list[Result] = []
        self._started().grade([order], lambda _, result: found.append(result), tick=lambda: None)
        if found[0].status == "grader_error":
            self.close()
            raise GraderError(f"{order.student}: {found[0].message}")
        return found[0]

    def cells(self, snapshot: Snapshot) -> CellRunner:
        """Return what runs the cells of one notebook, beside the submission's modules.

        Raises:
            GraderError: if the sandbox cannot be started.
        """
        workers = self._started().workers
        assert workers is not None, "the grader was asked for workers"
        return CellRunner(workers, self._limits, code_of(snapshot).files)

    def _started(self) -> Grader:
        """Return the grader; a new one must first grade the reference and the stubs as it ought to."""
        if self._grader is None:
            self._grader = Grader(1, self._levels, self._limits, own_workers=True).__enter__()
            try:
                paces = try_canaries(self._grader, self._selected, self._seed, self._way, lambda: None)
            except BaseException:
                self.close()
                raise
            self._grader.calibrate(paces)
        return self._grader

    def close(self) -> None:
        """End every process; a later submission starts new ones."""
        grader, self._grader = self._grader, None
        if grader is not None:
            grader.__exit__(None, None, None)


def snapshot_of(student: str, folder: Path) -> Snapshot:
    """Read what a student handed in, as ``grader grade`` reads it."""
    return read_boxed(intake.Entry(student, names.folder(student), folder))
