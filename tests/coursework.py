"""Makes notebook submissions for a course: the released notebooks, with somebody's modules written into their cells."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from grader import curriculum
from grader.authoring.samples import WEIGHTS

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def hand_in(work: Path, released: Path, to: Path) -> None:
    """Write the modules of a folder into the released notebooks, as a student would, and put the weights beside them.

    Args:
        work: holds modules, and perhaps weights.
        released: the released assignment.
        to: the submission's folder.
    """
    shutil.copytree(released, to)
    for module in curriculum.modules():
        path = to / f"{module}.ipynb"
        if not (work / path.with_suffix(".py").name).is_file():
            path.unlink()
            continue
        nb = nbformat.read(path, as_version=4)
        write_into(nb, (work / f"{module}.py").read_text(encoding="utf-8"))
        nbformat.write(nb, path)
    if (work / WEIGHTS).is_file():
        shutil.copyfile(work / WEIGHTS, to / WEIGHTS)


def write_into(nb: NotebookNode, source: str) -> None:
    """Write a module's text into a notebook: each definition into the solution cell that asks for it."""
    try:
        nodes = ast.parse(source).body
    except SyntaxError:
        nb.cells = [new_code_cell(source)]
        return
    pieces = {node.name: ast.get_source_segment(source, node) for node in nodes if isinstance(node, Definition)}
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
