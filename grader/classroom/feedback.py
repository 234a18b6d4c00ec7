"""Takes out of a student's page what nbgrader would print there: the hidden regions of cells, and where they failed."""

from __future__ import annotations

import re
from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_solution

MARK = r"^[^\S\n]*###[^\S\n]*{}[^\S\n]+(?:HIDDEN[^\S\n]+TESTS|MARK[^\S\n]+SCHEME)[^\n]*\n?"
REGION = re.compile(rf"{MARK.format('BEGIN')}.*?(?:{MARK.format('END')}|\Z)", re.IGNORECASE | re.MULTILINE | re.DOTALL)


class RemoveHiddenRegions(NbGraderPreprocessor):  # type: ignore[misc]
    """Leaves points, comments, messages and figures, and none of the hidden tests."""

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Clean one cell of the page."""
        del index
        graded = is_grade(cell) and not is_solution(cell)
        if graded or REGION.search(cell.source):
            for output in cell.get("outputs", []):
                if output.output_type == "error":  # the traceback of a hidden test would show the test
                    output.traceback = [f"{output.ename}: {output.evalue}"]
        cell.source = without_hidden_regions(cell.source)
        return cell, resources


def without_hidden_regions(source: str) -> str:
    """Return a cell's source without its hidden regions; one that is not closed reaches to the end."""
    return REGION.sub("", source).strip("\n")
