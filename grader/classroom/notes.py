"""What was wrong with a notebook, said at its top, where whoever reads it looks first."""

from __future__ import annotations

from collections.abc import Sequence

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from grader.text import clean

TAG = "grader-notes"
HEAD = "**Notes of the grader**\n\n"


def add_notes(nb: NotebookNode, notes: Sequence[str]) -> None:
    """Put notes into a cell at the notebook's top, below those that are there already."""
    if not notes:
        return
    there = next((index for index, cell in enumerate(nb.cells) if TAG in cell.metadata.get("tags", [])), None)
    cell = new_markdown_cell(HEAD, metadata={"tags": [TAG]}) if there is None else nb.cells.pop(there)
    nb.cells.insert(0, cell)
    cell.source += "".join(f"- {_as_markdown(note)}\n" for note in notes)


def _as_markdown(note: str) -> str:
    """Return a note with nothing in it that Markdown or HTML would take for markup."""
    return "".join(f"&#{ord(char)};" if char in "<>&*_`[]\\#$!|~" else char for char in clean(note, 600))
