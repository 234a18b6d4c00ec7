"""Makes of whatever a student hands in as a notebook one that nbgrader can work with, and notes what it had to do.

nbgrader gives up on a student whose notebook is damaged, of another version, or whose cells are doubled, retyped or
marked otherwise. Here every notebook ends in a defined state: each cell that the assignment knows is there once, with
the marks and the type that it was released with, and no other cell has marks.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
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
PICTURES = ("image/png", "image/jpeg")
CELL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
MISSING = "This cell was missing from the submission; it was added back."


class SubmittedNotebook(NotebookExporter):
    """Reads what a student handed in as a notebook, however damaged: of any version, without outputs, under limits."""

    def from_file(self, file_stream: Any, resources: Any = None, **kw: Any) -> tuple[Any, Any]:
        """Convert a file that may be no notebook at all: it then counts as one without cells, with a note."""
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
        nb.cells = [_rebuilt(cell) for cell in cells_of(document)]
    except (OSError, UnreadableError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        add_notes(nb, [f"{path.name} cannot be read: {why}"])
        return nb
    _unique_ids(nb.cells)
    nb.metadata.update(_kernel(document))
    version = document.get("nbformat", 4)
    if version != 4:
        add_notes(nb, [f"{path.name} has notebook format {json.dumps(version)[:20]}; its cells were read as format 4."])
    return nb


def _rebuilt(cell: Mapping[str, Any]) -> NotebookNode:
    """Return a cell with what counts of it: type, source, id, pasted pictures, nbgrader's marks and our tag."""
    kind = str(cell.get("cell_type"))
    if kind == "heading":  # notebook format 3
        level = cell.get("level")
        prefix = "#" * (level if isinstance(level, int) and 0 < level < 7 else 1)
        return NEW_CELL["markdown"](f"{prefix} {source_of(cell)}")
    new = NEW_CELL.get(kind, NEW_CELL["raw"])(source_of(cell))
    if isinstance(cell.get("id"), str) and CELL_ID.fullmatch(cell["id"]):
        new["id"] = cell["id"]
    metadata = cell.get("metadata")
    marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    if isinstance(marks, dict):
        new.metadata["nbgrader"] = NotebookNode(
            {name: mark for name, mark in marks.items() if isinstance(mark, SCALAR)}
        )
    if isinstance(metadata, dict) and isinstance(metadata.get("tags"), list):
        new.metadata["tags"] = [tag for tag in metadata["tags"] if isinstance(tag, str)]
    pictures = _pictures(cell.get("attachments"))
    if pictures and kind == "markdown":
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


def _unique_ids(cells: Iterable[NotebookNode]) -> None:
    """Give a cell whose id an earlier one has a new one."""
    seen: set[str] = set()
    for cell in cells:
        if cell["id"] in seen:
            cell["id"] = new_raw_cell()["id"]
        seen.add(cell["id"])


def _kernel(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the notebook's kernel and language, where they are well-formed."""
    metadata = document.get("metadata")
    kernel = metadata.get("kernelspec") if isinstance(metadata, dict) else None
    if not isinstance(kernel, dict) or not all(isinstance(kernel.get(key), str) for key in ("name", "display_name")):
        return {}
    return {"kernelspec": {key: kernel[key] for key in ("name", "display_name")}, "language_info": {"name": "python"}}


@dataclass(frozen=True)
class Source:
    """A cell that the assignment knows.

    Attributes:
        name: its grade_id.
        kind: "code", "markdown" or "raw".
        text: its source as it was released, hidden region included.
        marks: nbgrader's metadata.
    """

    name: str
    kind: str
    text: str
    marks: dict[str, Any]


class RepairCells(NbGraderPreprocessor):  # type: ignore[misc]
    """Puts marks and types of cells right before nbgrader looks at them, and adds back what is missing."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Repair one notebook; what was done is noted at its top."""
        about = resources["nbgrader"]
        sources = _sources(about["db_url"], about["notebook"], about["assignment"])
        coursedir = coursedir_of(self)
        released = Path(coursedir.format_path(coursedir.release_directory, ".", about["assignment"]))
        add_notes(nb, repair(nb, sources, _released_ids(released / f"{about['notebook']}.ipynb")))
        return nb, resources


def coursedir_of(preprocessor: Any) -> Any:
    """Return nbgrader's ``CourseDirectory``: that of the converter whose exporter the preprocessor belongs to."""
    return preprocessor.parent.parent.coursedir


def repair(nb: NotebookNode, sources: list[Source], names_by_id: Mapping[str, str]) -> list[str]:
    """Give every cell of a notebook the marks that it should have.

    Args:
        nb: the student's notebook, which is changed.
        sources: the assignment's cells, in their order.
        names_by_id: grade_id of a released cell by its nbformat id, for cells that lost their metadata.

    Returns:
        What was done, one sentence each.
    """
    notes: list[str] = []
    unmarked = 0
    known = {source.name: source for source in sources}
    found: dict[str, NotebookNode] = {}
    claims = [_claim(cell, known) for cell in nb.cells]
    claimed = set(filter(None, claims))
    for index in reversed(range(len(nb.cells))):  # of cells with one name the last counts
        cell, name = nb.cells[index], claims[index]
        if not name and (lost := names_by_id.get(cell["id"])) in known and lost not in claimed:
            name = lost
            unmarked += 1
        cell.metadata.pop("nbgrader", None)
        if name in found:
            notes.append(f"{name}: there are several cells of this name; the last one counts.")
        elif name:
            found[name] = nb.cells[index] = _restored(cell, known[name], notes)
    notes.reverse()
    if _put_in_order(nb, [found[name] for name in known if name in found]):
        notes.append("The cells were in another order than they were released in; they are in that order again.")
    notes += _add_missing(nb, sources, found)
    if unmarked:
        notes.append(f"nbgrader's metadata was lost: {unmarked} cells were known by their ids.")
    return notes


def _claim(cell: NotebookNode, known: Mapping[str, Source]) -> str | None:
    name = cell.metadata.get("nbgrader", {}).get("grade_id")
    return name if isinstance(name, str) and name in known else None


def _restored(cell: NotebookNode, source: Source, notes: list[str]) -> NotebookNode:
    if cell.cell_type != source.kind:
        notes.append(f"{source.name}: the cell had become {cell.cell_type}; it is {source.kind} again.")
        cell = NEW_CELL[source.kind](cell.source, id=cell["id"], metadata=cell.metadata)
    cell.metadata["nbgrader"] = NotebookNode(source.marks)
    return cell


def _put_in_order(nb: NotebookNode, wanted: list[NotebookNode]) -> bool:
    """Put the assignment's cells in the order of a list, each with the other cells behind it; tell if they were not."""
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


def _add_missing(nb: NotebookNode, sources: list[Source], found: dict[str, NotebookNode]) -> list[str]:
    """Add each missing cell behind the one that it followed when it was released."""
    notes, before = [], None
    for source in sources:
        if source.name not in found:
            cell = NEW_CELL[source.kind](_text_of_missing(source))
            cell.metadata["nbgrader"] = NotebookNode(source.marks)
            place = next((index for index, one in enumerate(nb.cells) if one is before), -1)
            nb.cells.insert(place + 1, cell)
            found[source.name] = cell
            notes.append(f"{source.name}: {MISSING[0].lower()}{MISSING[1:]}")
        before = found[source.name]
    return notes


def _text_of_missing(source: Source) -> str:
    """Return what a cell that was added back holds: a locked one its source, an answer nothing but a remark."""
    if source.marks["locked"] or (source.marks["grade"] and not source.marks["solution"]):
        return source.text
    return f"# {MISSING}" if source.kind == "code" else f"*{MISSING}*"


def _sources(db_url: str, notebook: str, assignment: str) -> list[Source]:
    """Return the assignment's cells as nbgrader's database has them."""
    with Gradebook(db_url) as gradebook:
        entry = gradebook.find_notebook(notebook, assignment)
        points = {cell.name: cell.max_score for cell in entry.grade_cells}
        solutions = {cell.name for cell in entry.solution_cells}
        tasks = {cell.name for cell in entry.task_cells}
        return [
            Source(cell.name, cell.cell_type, cell.source or "", _marks(cell, points, solutions, tasks))
            for cell in entry.source_cells
        ]


def _marks(cell: Any, points: Mapping[str, float], solutions: set[str], tasks: set[str]) -> dict[str, Any]:
    marks: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "grade_id": cell.name,
        "grade": cell.name in points,
        "solution": cell.name in solutions,
        "task": cell.name in tasks,
        "locked": bool(cell.locked),
        "cell_type": cell.cell_type,
        "checksum": cell.checksum,
    }
    return marks | {"points": points[cell.name]} if cell.name in points else marks


def _released_ids(path: Path) -> dict[str, str]:
    """Return the grade_id of each released cell by its nbformat id; nothing if the release is not there."""
    if not path.is_file():
        return {}
    cells = nbformat.read(path, as_version=4).cells
    return {
        cell["id"]: cell.metadata.nbgrader.grade_id for cell in cells if "id" in cell and "nbgrader" in cell.metadata
    }
