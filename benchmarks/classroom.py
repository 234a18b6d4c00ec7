"""The cost of autograding, with nbgrader's own Execute and with this kit: `python benchmarks/classroom.py [students]`.

Prints wall and CPU seconds, child processes included. A run over one student and one over several separate the one-time
cost from that of each submission. The stock course runs the same notebooks in Jupyter kernels; its autograder cells
contain only an assert, so it does less than it would need to: no hidden check, no evaluation of the network.
Then both grade notebooks that try to get points they have not earned.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell
from nbgrader.api import Gradebook
from rich.console import Console
from rich.table import Table

from grader.authoring.nbgrader_course import GRADE, build_course
from grader.paths import ROOT, SOLUTIONS

sys.path.insert(0, str(ROOT / "tests"))
from coursework import hand_in

STOCK = "nbgrader.preprocessors.execute.Execute"
ASSERTS = {
    "output_size": "assert output_size(7, 3) == 5",
    "convolve": "assert convolve(torch.ones(5, 7), torch.ones(2, 3)).allclose(torch.full((4, 5), 6.0))",
}
"""Hidden tests as in many courses; the other tasks of the stock course have none at all."""

HOSTILE = {
    "ends the process": "import os\nos._exit(0)",
    "prints and leaves, at exit": "import atexit, os\natexit.register(os._exit, 0)\nraise SystemExit",
    "equals everything": "class E:\n    def __eq__(self, other): return True\n"
    "    def allclose(self, other): return True\ndef convolve(image, kernel): return E()\n"
    "def output_size(*args): return E()",
    "replaces torch's comparisons": "import torch\ntorch.Tensor.allclose = lambda *a, **k: True\n"
    "def convolve(image, kernel): return image\n_sizes = iter([5])\ndef output_size(*args): return next(_sizes)",
    "runs cells without errors": "get_ipython().set_custom_exc((BaseException,), lambda *a, **k: None)\n"
    "get_ipython().showtraceback = lambda *a, **k: None",
    "takes out asserts": "import ast\nclass T(ast.NodeTransformer):\n"
    "    def visit_Assert(self, node): return ast.Pass()\n"
    "get_ipython().ast_transformers.append(T())",
    "a value at the end": "def post(result=None): print(8.0)\nget_ipython().events.register('post_run_cell', post)",
}
"""Cells at the top of a convolution notebook in which nothing is solved."""


@dataclass(frozen=True)
class Cost:
    """Seconds of one run."""

    wall: float
    cpu: float

    def minus(self, other: Cost, parts: int) -> Cost:
        """Return the difference to another run, divided by a number of parts."""
        return Cost((self.wall - other.wall) / parts, (self.cpu - other.cpu) / parts)


def main(students: int) -> None:
    """Measure, and print both tables."""
    with tempfile.TemporaryDirectory(prefix="cnn-kit-benchmark-") as folder:
        built = Path(folder) / "course"
        build_course(built)
        rows = []
        for what, modules in (("the convolution notebook", ["convolution"]), ("all six notebooks", None)):
            for how in ("stock", "this kit"):
                print(f"{what}, {how}", file=sys.stderr)
                rows.append((what, how, *measure(built, Path(folder), how, modules, students)))
        print_costs(rows)
        print_hostile({how: hostile_points(built, Path(folder), how) for how in ("stock", "this kit")})


def measure(built: Path, folder: Path, how: str, modules: list[str] | None, students: int) -> tuple[Cost, Cost]:
    """Return the one-time cost and the cost of each submission."""
    one, many = (run(built, folder, how, modules, number) for number in (1, students))
    each = many.minus(one, students - 1)
    return one.minus(each, 1), each


def run(built: Path, folder: Path, how: str, modules: list[str] | None, students: int) -> Cost:
    """Autograde a fresh course with this many solved submissions."""
    course = copy_of(built, folder, how)
    for number in range(students):
        to = course / "submitted" / f"student-{number}" / "cnn"
        hand_in(SOLUTIONS, course / "release" / "cnn", to)
        for path in to.glob("*.ipynb"):
            if modules is not None and path.stem not in modules:
                path.unlink()
    cost = autograde(course)
    shutil.rmtree(course)
    return cost


def copy_of(built: Path, folder: Path, how: str) -> Path:
    """Return a copy of the course, with nbgrader's own Execute and plain tests for the stock one."""
    course = folder / "run"
    shutil.copytree(built, course)
    if how == "stock":
        config = course / "nbgrader_config.py"
        config.write_text(config.read_text(encoding="utf-8").replace(GRADE, STOCK), encoding="utf-8")
        for path in (course / "source" / "cnn").glob("*.ipynb"):
            plain(path)
        shutil.rmtree(course / "release")
        nbgrader(course, "generate_assignment", "cnn", "--force")
    return course


def plain(path: Path) -> None:
    """Replace the call of the grader by ordinary asserts."""
    nb = nbformat.read(path, as_version=4)
    for cell in nb.cells:
        marks = cell.metadata.get("nbgrader", {})
        if marks.get("grade") and not marks.get("solution"):
            test = ASSERTS.get(marks["grade_id"], "assert True")
            cell.source = f"### BEGIN HIDDEN TESTS\nimport torch\n{test}\n### END HIDDEN TESTS"
    nbformat.write(nb, path)


def autograde(course: Path) -> Cost:
    """Autograde everybody, and return the cost."""
    before, started = used(), time.perf_counter()
    nbgrader(course, "autograde", "cnn")
    return Cost(time.perf_counter() - started, used() - before)


def used() -> float:
    """Return the CPU seconds of all child processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def nbgrader(course: Path, *arguments: str) -> None:
    """Run one of nbgrader's commands; students that it gives up on are not an error here."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=course,
        env={**os.environ, "PATH": path},
        capture_output=True,
        check=False,
    )


def hostile_points(built: Path, folder: Path, how: str) -> dict[str, float | None]:
    """Return the points of each hostile notebook for two tasks worth 11; None if there is no grade."""
    course = copy_of(built, folder, how)
    for number, code in enumerate(HOSTILE.values()):
        to = course / "submitted" / f"hostile-{number}" / "cnn"
        to.mkdir(parents=True)
        nb = nbformat.read(course / "release" / "cnn" / "convolution.ipynb", as_version=4)
        last = max(i for i, cell in enumerate(nb.cells) if cell.metadata.get("nbgrader", {}).get("solution"))
        defines = "def convolve" in code
        nb.cells = [cell for i, cell in enumerate(nb.cells) if i <= last or "nbgrader" in cell.metadata]
        for i in [i for i, cell in enumerate(nb.cells) if solves(cell)] if defines else [0]:
            nb.cells.insert(i + defines, new_code_cell(code))
            break
        nbformat.write(nb, to / "convolution.ipynb")
    nbgrader(course, "autograde", "cnn")
    points = {title: points_of(course, f"hostile-{number}") for number, title in enumerate(HOSTILE)}
    shutil.rmtree(course)
    return points


def solves(cell: nbformat.NotebookNode) -> bool:
    """Return whether a cell is the last of the two tested solutions."""
    return bool(cell.metadata.get("nbgrader", {}).get("grade_id") == "convolve-solution")


def points_of(course: Path, student: str) -> float | None:
    """Return the points of a student for the two tasks, or None if nbgrader gave up."""
    if not (course / "autograded" / student).exists():
        return None
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        found = gradebook.find_submission_notebook("convolution", "cnn", student)
        return sum(grade.auto_score or 0.0 for grade in found.grades if grade.name in ASSERTS)


def print_costs(rows: Iterable[tuple[str, str, Cost, Cost]]) -> None:
    """Print the cost of autograding."""
    table = Table("notebooks", "how", "once: wall s", "once: CPU s", "each: wall s", "each: CPU s", "CPU, stock = 1")
    stock: dict[str, float] = {}
    for what, how, once, each in rows:
        stock.setdefault(what, each.cpu)
        figures = (once.wall, once.cpu, each.wall, each.cpu, each.cpu / stock[what])
        table.add_row(what, how, *(f"{figure:.2f}" for figure in figures))
    Console(width=120).print(table)


def print_hostile(points: dict[str, dict[str, float | None]]) -> None:
    """Print the points of notebooks that solve nothing."""
    table = Table("a notebook that solves nothing and", "stock: points of 11", "this kit: points of 11")
    for title in HOSTILE:
        shown = (
            "no grade" if points[how][title] is None else f"{points[how][title]:g}" for how in ("stock", "this kit")
        )
        table.add_row(title, *shown)
    Console(width=120).print(table)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
