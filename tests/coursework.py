"""Makes notebook submissions for a course: the released notebooks, with a student's modules in their cells."""

from __future__ import annotations

import ast
import copy
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from grader.course import course
from grader.paths import SOLUTIONS

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
ALL = tuple(course().modules)


def hand_in(work: Path, released: Path, to: Path, modules: tuple[str, ...] = ALL) -> None:
    """Write the modules of a folder into the released notebooks, as a student would, and add the weights.

    Args:
        work: has modules, and perhaps weights.
        released: the released assignment.
        to: the submission's folder.
        modules: those to submit; the weights go with the model.
    """
    shutil.copytree(released, to)
    for module in ALL:
        path = to / f"{module}.ipynb"
        if module not in modules or not (work / f"{module}.py").is_file():
            path.unlink()
            continue
        nb = nbformat.read(path, as_version=4)
        write_into(nb, (work / f"{module}.py").read_text(encoding="utf-8"))
        nbformat.write(nb, path)
    if "model" in modules and (work / course().artefact_file).is_file():
        shutil.copyfile(work / course().artefact_file, to / course().artefact_file)


def write_into(nb: NotebookNode, source: str) -> None:
    """Write a module's text into a notebook: each definition into its solution cell."""
    source = re.sub(r"^(\s*from )\.(\w+ import )", r"\1exercises.\2", source, flags=re.MULTILINE)
    try:
        nodes = ast.parse(source).body
    except SyntaxError:
        nb.cells = [new_code_cell(source)]
        return
    pieces = {node.name for node in nodes if isinstance(node, Definition)}
    asked: set[str] = set()
    for cell in nb.cells:
        if cell.metadata.get("nbgrader", {}).get("solution") and cell.cell_type == "code":
            names = [node.name for node in ast.parse(cell.source).body if isinstance(node, Definition)]
            cell.source = "\n\n\n".join(with_decorators(source, nodes, name) for name in names if name in pieces)
            asked |= set(names)
    others = [
        ast.get_source_segment(source, node) or ""
        for node in nodes
        if not isinstance(node, ast.If) and not (isinstance(node, Definition) and node.name in asked)
    ]
    first = next(index for index, cell in enumerate(nb.cells) if cell.cell_type == "code")
    nb.cells.insert(first, new_code_cell("\n".join(others)))


def with_decorators(source: str, nodes: list[ast.stmt], name: str) -> str:
    """Return the text of a definition, decorators included."""
    node = [node for node in nodes if isinstance(node, Definition) and node.name == name][-1]
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return "\n".join(source.split("\n")[first - 1 : node.end_lineno])


# What happens to notebooks between release and submission: each changes a submission, none changes its score.


def lose_all_marks(folder: Path) -> None:
    """No nbgrader metadata and no kernel, as after a detour through another tool."""
    for path in folder.glob("*.ipynb"):
        nb = nbformat.read(path, as_version=4)
        nb.metadata.clear()
        for cell in nb.cells:
            cell.metadata.clear()
        nbformat.write(nb, path)


def become_old(folder: Path) -> None:
    """Notebook format 3."""
    for name in ("convolution", "transforms"):
        path = folder / f"{name}.ipynb"
        nb = nbformat.read(path, as_version=4)
        path.write_text(json.dumps(nbformat.convert(nb, 3)), encoding="utf-8")


def become_new(folder: Path) -> None:
    """A notebook format that does not exist yet."""
    for path in folder.glob("*.ipynb"):
        document = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**document, "nbformat": 5, "nbformat_minor": 0}), encoding="utf-8")


def shuffle_cells(folder: Path) -> None:
    """Cells deleted, duplicated, moved, turned into text and worth more; magics, and an error before any solution."""
    path = folder / "convolution.ipynb"
    nb = nbformat.read(path, as_version=4)
    by_name = {cell.metadata.nbgrader.grade_id: cell for cell in nb.cells if "nbgrader" in cell.metadata}
    nb.cells.remove(by_name["output_size"])
    by_name["conv2d"].metadata.nbgrader["points"] = 100
    nb.cells.append(copy.deepcopy(by_name["conv2d"]))
    solution = by_name["convolve_torch-solution"]
    nb.cells[nb.cells.index(solution)] = new_markdown_cell(solution.source, metadata=solution.metadata)
    nb.cells.insert(0, nb.cells.pop(nb.cells.index(by_name["activation_maps-solution"])))
    nb.cells.insert(0, new_code_cell("%pip install torch\n!rm -rf /\n%%nonsense\n1 / 0"))
    nb.cells.insert(1, new_code_cell("raise RuntimeError('before anything is defined')"))
    nbformat.write(nb, path)


def claim_points(folder: Path) -> None:
    """Cells that would earn points if anybody trusted their output, or if the grading page took their names."""
    path = folder / "convolution.ipynb"
    nb = nbformat.read(path, as_version=4)
    for cell in nb.cells:
        marks = cell.metadata.get("nbgrader", {})
        if marks.get("grade") and not marks.get("solution"):
            cell.source = f"{marks['points']}"
            marks["locked"] = False
        if marks.get("grade_id") == "convolve-solution":
            marks["grade"] = True
            marks["points"] = 8
    forged = {"grade": True, "solution": False, "locked": False, "schema_version": 3, "points": 50}
    for name in ("bonus", "", None, 7, "conv2d-check"):
        nb.cells.append(new_code_cell("50.0", metadata={"nbgrader": {**forged, "grade_id": name}}))
    nb.cells.append(new_code_cell("x", metadata={"nbgrader": "nonsense"}))
    steers = (
        "<span id='convolve'>x</span>\n\n# output_size\n\n![x](attachment:gone.png) <img src='http://127.0.0.1:9/x'>"
    )
    nb.cells.insert(0, new_markdown_cell(steers))
    nb.cells.append(new_code_cell("x", metadata={"nbgrader": {"schema_version": 99}}))
    nbformat.write(nb, path)


def end_the_process(folder: Path) -> None:
    """Cells that end their process, quietly and as a success, and one that leaves a value after that."""
    for path in folder.glob("*.ipynb"):
        nb = nbformat.read(path, as_version=4)
        nb.cells.insert(0, new_code_cell("import os\nos._exit(0)"))
        nb.cells.append(new_code_cell("100.0"))
        nbformat.write(nb, path)


def swell(folder: Path) -> None:
    """Outputs of 100 MB."""
    path = folder / "exploration.ipynb"
    nb = nbformat.read(path, as_version=4)
    cell = next(cell for cell in nb.cells if cell.cell_type == "code")
    cell.outputs = [new_output("stream", text="x" * 100_000_000)]
    path.write_text(json.dumps(nb), encoding="utf-8")


def hand_in_a_module(folder: Path) -> None:
    """A module instead of a notebook, and one that has more than the notebook beside it."""
    for name in ("summary", "exploration"):
        shutil.copyfile(SOLUTIONS / f"{name}.py", folder / f"{name}.py")
    (folder / "summary.ipynb").unlink()
    (folder / "exploration.ipynb").write_text("cut off in the mid", encoding="utf-8")


@dataclass(frozen=True)
class Work:
    """What a sample of the class submits as notebooks.

    Attributes:
        modules: those that matter here, and what they import.
        mishap: what happens to the folder before submission, if anything.
    """

    modules: tuple[str, ...] = ALL
    mishap: Callable[[Path], None] | None = None


STUDENTS = {
    "reference": Work(mishap=swell),
    "other-styles": Work(mishap=become_old),
    "half-finished": Work(("convolution", "transforms"), lose_all_marks),
    "flipped-kernel": Work(("convolution", "transforms"), shuffle_cells),
    "overlapping-splits": Work(("data_module", "transforms")),
    "softmax-in-forward": Work(("model", "exploration", "summary"), hand_in_a_module),
    "syntax-error": Work(("convolution", "exploration")),
    "square-images-only": Work(("convolution", "model"), become_new),
    "wrong-signature": Work(("convolution",)),
    "exits-in-the-middle": Work(("convolution",)),
    "forger": Work(("convolution",), claim_points),
    "untouched": Work(("summary", "convolution"), end_the_process),
}
"""Samples of the class by name."""


def submit_class(modules: Path, course: Path) -> None:
    """Submit the work of samples as notebooks.

    Args:
        modules: the sample class, one folder of modules per student.
        course: gets ``submitted/NAME/cnn``.
    """
    for name, work in STUDENTS.items():
        folder = course / "submitted" / name / "cnn"
        hand_in(modules / name, course / "release" / "cnn", folder, work.modules)
        if work.mishap is not None:
            work.mishap(folder)


def programs() -> str:
    """Return a PATH on which nbgrader finds alembic and its own commands, those of this environment first."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


def nbgrader(course: Path, *arguments: str, status: int = 0) -> str:
    """Run one of nbgrader's commands in a course and return its output."""
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=course,
        env={**os.environ, "PATH": programs()},
        capture_output=True,
        text=True,
        timeout=1700,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == status, said[-6000:]
    return said
