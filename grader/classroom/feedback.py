"""Takes out of a student's page what nbgrader would print there: the hidden regions of cells, and where they failed."""

from __future__ import annotations

import re
from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_solution

BEGIN = re.compile(r"^\s*###\s*BEGIN\s+(?:HIDDEN\s+TESTS|MARK\s+SCHEME)", re.IGNORECASE)
END = re.compile(r"^\s*###\s*END\s+(?:HIDDEN\s+TESTS|MARK\s+SCHEME)", re.IGNORECASE)


class RemoveHiddenRegions(NbGraderPreprocessor):  # type: ignore[misc]
    """Leaves points, comments, messages and figures, and none of the hidden tests."""

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Clean one cell of the page."""
        del index
        hidden = hidden_lines(cell.source)
        cell.source = without_hidden_regions(cell.source)
        if cell.cell_type == "code":
            cell.outputs = [
                _without(output, hidden, graded=is_grade(cell) and not is_solution(cell)) for output in cell.outputs
            ]
        return cell, resources


def without_hidden_regions(source: str) -> str:
    """Return a cell's source without its hidden regions; one that is not closed reaches to the end."""
    kept, _ = _split(source)
    return "\n".join(kept).strip("\n")


def hidden_lines(source: str) -> set[str]:
    """Return the lines of a cell's hidden regions, stripped."""
    _, hidden = _split(source)
    return {line.strip() for line in hidden if line.strip()}


def _split(source: str) -> tuple[list[str], list[str]]:
    kept: list[str] = []
    hidden: list[str] = []
    inside = False
    for line in source.split("\n"):
        inside = inside or bool(BEGIN.match(line))
        (hidden if inside else kept).append(line)
        inside = inside and not END.match(line)
    return kept, hidden


def _without(output: NotebookNode, hidden: set[str], *, graded: bool) -> NotebookNode:
    """Return an output that quotes no hidden line: the traceback of a hidden test would show the test."""
    if output.output_type == "error" and (graded or hidden):
        output.traceback = [f"{output.ename}: {output.evalue}"]
    return output
