"""Makes of whatever a student hands in as a notebook one that nbgrader can work with, and notes what it had to do.

nbgrader gives up on a student whose notebook is damaged, of another version, or whose cells are doubled, retyped or
marked otherwise. Here every notebook ends in a defined state: each cell that the assignment knows is there once, with
the marks and the type that it was released with, and no other cell has marks.
"""

from __future__ import annotations

import copy
import itertools
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell
from nbgrader.api import Gradebook
from nbgrader.nbgraderformat import SCHEMA_VERSION
from nbgrader.preprocessors import NbGraderPreprocessor

from grader.classroom.notes import add_notes
from grader.intake import sizes
from grader.intake.code_cells import cells_of, parsed, source_of
from grader.intake.folders import read_regular
from grader.intake.sizes import UnreadableError

NEW_CELL: dict[str, Callable[..., NotebookNode]] = {
    "code": new_code_cell,
    "markdown": new_markdown_cell,
    "raw": new_raw_cell,
}
SCALAR = (str, int, float, bool, type(None))
KERNEL = {
    "kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"},
    "language_info": {"name": "python"},
}
"""Of every notebook as it was released; a kernel of the student's own does not exist where it is graded."""

PICTURES = ("image/png", "image/jpeg")
CELL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
MISSING = "This cell was missing from the submission; it was added back."


class SubmittedNotebook(NotebookExporter):
    """Reads what a student handed in as a notebook, however damaged: of any version, without outputs, under limits."""

    def from_file(self, file_stream: Any, resources: Any = None, **kw: Any) -> tuple[Any, Any]:
        """Convert a file that may not be a notebook at all: it then counts as one without cells, with a note."""
        nb = read_notebook(Path(file_stream.name))
        converted: tuple[Any, Any] = self.from_notebook_node(nb, resources, **kw)  # type: ignore[no-untyped-call]
        return converted


def read_notebook(path: Path) -> NotebookNode:
    """Return the cells of a notebook file; any other file gives a notebook with a note alone.

    Whatever it holds can be encoded: JSON can escape half of a surrogate pair, which no file and no checksum takes.
    """
    text = json.dumps(_read(path), ensure_ascii=False).encode("utf-8", "replace")
    nb: NotebookNode = nbformat.from_dict(json.loads(text))
    return nb


def _read(path: Path) -> NotebookNode:
    nb: NotebookNode = new_notebook()
    try:
        document = parsed(read_regular(str(path), sizes.MAX_NOTEBOOK))
        seen: set[str] = set()
        nb.cells = [_rebuilt(cell, seen) for cell in cells_of(document)]
    except (OSError, UnreadableError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        add_notes(nb, [f"{path.name} cannot be read: {why}"])
        return nb
    nb.metadata.update(copy.deepcopy(KERNEL))
    version = document.get("nbformat", 4)
    if version != 4:
        add_notes(nb, [f"{path.name} has notebook format {json.dumps(version)[:20]}; its cells were read as format 4."])
    return nb


def _rebuilt(cell: Mapping[str, Any], seen: set[str]) -> NotebookNode:
    """Return a cell with what counts of it: type, source, id, pasted pictures, nbgrader's marks and our tag.

    Args:
        cell: as it stands in the notebook.
        seen: ids of the cells above it, to which its own is added; a cell that repeats one gets a new id.
    """
    kind = str(cell.get("cell_type"))
    if kind == "heading":  # notebook format 3
        level = cell.get("level")
        prefix = "#" * (level if isinstance(level, int) and 0 < level < 7 else 1)
        return NEW_CELL["markdown"](f"{prefix} {source_of(cell)}")
    new = NEW_CELL.get(kind, NEW_CELL["raw"])(source_of(cell))
    if isinstance(own := cell.get("id"), str) and CELL_ID.fullmatch(own) and own not in seen:
        new["id"] = own
    seen.add(new["id"])
    metadata = cell.get("metadata")
    marks, tags = map(metadata.get, ("nbgrader", "tags")) if isinstance(metadata, dict) else (None, None)
    if isinstance(marks, dict):
        plain = {name: mark for name, mark in marks.items() if isinstance(mark, SCALAR)}
        new.metadata["nbgrader"] = NotebookNode(plain)
    if isinstance(tags, list):
        new.metadata["tags"] = [tag for tag in tags if isinstance(tag, str)]
    if kind == "markdown" and (pictures := _pictures(cell.get("attachments"))):
        new["attachments"] = pictures
    return new


def _pictures(attachments: Any) -> dict[str, dict[str, str]]:
    """Return the pictures that were pasted into a text cell."""
    if not isinstance(attachments, dict):
        return {}
    return {
        name: {kind: data for kind, data in bundle.items() if kind in PICTURES and isinstance(data, str)}
        for name, bundle in attachments.items()
        if isinstance(bundle, dict)
    }


class RepairCells(NbGraderPreprocessor):  # type: ignore[misc]
    """Puts marks and types of cells right before nbgrader looks at them, and adds back what is missing."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Repair one notebook; what was done is noted at its top."""
        about = resources["nbgrader"]
        cells = _released_cells(about["db_url"], about["notebook"], about["assignment"])
        coursedir = coursedir_of(self)
        folder = Path(coursedir.format_path(coursedir.release_directory, ".", about["assignment"]))
        add_notes(nb, repair(nb, cells, _released_ids(folder / f"{about['notebook']}.ipynb")))
        return nb, resources


def coursedir_of(preprocessor: Any) -> Any:
    """Return nbgrader's ``CourseDirectory``: that of the converter whose exporter the preprocessor belongs to."""
    return preprocessor.parent.parent.coursedir


def repair(nb: NotebookNode, released: Mapping[str, NotebookNode], names_by_id: Mapping[str, str]) -> list[str]:
    """Give every cell of a notebook the marks that it should have.

    Args:
        nb: the student's notebook, which is changed.
        released: the assignment's cells by grade_id, in their order: their types, sources and marks.
        names_by_id: grade_id of a released cell by its nbformat id, for cells that lost their metadata.

    Returns:
        What was done, one sentence each.
    """
    notes: list[str] = []
    unmarked = 0
    found: dict[str, NotebookNode] = {}
    claims = [_claim(cell, released) for cell in nb.cells]
    claimed = set(filter(None, claims))
    for index in reversed(range(len(nb.cells))):  # of cells with one name the last counts
        cell, name = nb.cells[index], claims[index]
        if not name and (lost := names_by_id.get(cell["id"])) in released and lost not in claimed:
            name = lost
            unmarked += 1
        cell.metadata.pop("nbgrader", None)
        if name in found:
            notes.append(f"{name}: there are several cells of this name; the last one counts.")
        elif name:
            found[name] = nb.cells[index] = _restored(name, cell, released[name], notes)
    notes.reverse()
    if _put_in_order(nb, [found[name] for name in released if name in found]):
        notes.append("The cells were in another order than they were released in; they are in that order again.")
    notes += _add_missing(nb, released, found)
    if unmarked:
        notes.append(f"nbgrader's metadata was lost: {unmarked} cells were known by their ids.")
    return notes


def _claim(cell: NotebookNode, released: Mapping[str, NotebookNode]) -> str | None:
    name = cell.metadata.get("nbgrader", {}).get("grade_id")
    return name if isinstance(name, str) and name in released else None


def _restored(name: str, cell: NotebookNode, released: NotebookNode, notes: list[str]) -> NotebookNode:
    kind = released.cell_type
    if cell.cell_type != kind:
        notes.append(f"{name}: the cell had become {cell.cell_type}; it is {kind} again.")
        cell = NEW_CELL[kind](cell.source, id=cell["id"], metadata=cell.metadata)
    cell.metadata["nbgrader"] = copy.deepcopy(released.metadata.nbgrader)
    return cell


def _put_in_order(nb: NotebookNode, wanted: list[NotebookNode]) -> bool:
    """Put the assignment's cells in the order of a list, each with the other cells behind it.

    Returns:
        Whether they were in another order.
    """
    place = {id(cell): index for index, cell in enumerate(wanted)}
    groups: list[list[NotebookNode]] = [[]]
    for cell in nb.cells:
        groups[-1:] = [groups[-1], [cell]] if id(cell) in place else [[*groups[-1], cell]]
    first, *others = groups
    ordered = sorted(others, key=lambda group: place[id(group[0])])
    if ordered == others:
        return False
    nb.cells = [*first, *itertools.chain(*ordered)]
    return True


def _add_missing(nb: NotebookNode, released: Mapping[str, NotebookNode], found: dict[str, NotebookNode]) -> list[str]:
    """Add each missing cell behind the one that it followed when it was released; an answer's holds a remark alone."""
    notes, before = [], None
    for name, cell in released.items():
        if name not in found:
            found[name] = copy.deepcopy(cell)
            marks = cell.metadata.nbgrader
            if not marks.locked and (marks.solution or not marks.grade):
                found[name].source = f"# {MISSING}" if cell.cell_type == "code" else f"*{MISSING}*"
            place = next((index for index, one in enumerate(nb.cells) if one is before), -1)
            nb.cells.insert(place + 1, found[name])
            notes.append(f"{name}: {MISSING[0].lower()}{MISSING[1:]}")
        before = found[name]
    return notes


def _released_cells(db_url: str, notebook: str, assignment: str) -> dict[str, NotebookNode]:
    """Return the assignment's cells by grade_id, hidden regions included, as nbgrader's database has them."""
    with Gradebook(db_url) as gradebook:
        entry = gradebook.find_notebook(notebook, assignment)
        points = {cell.name: {"points": cell.max_score} for cell in entry.grade_cells}
        solutions, tasks = ({cell.name for cell in cells} for cells in (entry.solution_cells, entry.task_cells))
        released = {}
        for cell in entry.source_cells:
            released[cell.name] = NEW_CELL[cell.cell_type](cell.source or "")
            released[cell.name].metadata["nbgrader"] = NotebookNode(
                schema_version=SCHEMA_VERSION,
                grade_id=cell.name,
                grade=cell.name in points,
                solution=cell.name in solutions,
                task=cell.name in tasks,
                locked=bool(cell.locked),
                cell_type=cell.cell_type,
                checksum=cell.checksum,
                **points.get(cell.name, {}),
            )
        return released


def _released_ids(path: Path) -> dict[str, str]:
    """Return the grade_id of each released cell by its nbformat id; nothing if the release is not there."""
    if not path.is_file():
        return {}
    cells = nbformat.read(path, as_version=4).cells
    return {
        cell["id"]: cell.metadata.nbgrader.grade_id for cell in cells if "id" in cell and "nbgrader" in cell.metadata
    }
