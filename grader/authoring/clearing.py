"""Clears solutions in nbgrader's notebooks as in the stubs: the released cell says what is not written yet."""

from __future__ import annotations

from typing import Any

from nbgrader.preprocessors import ClearSolutions as Stock

from grader.stubs import BEGIN, derive_stub


class ClearSolutions(Stock):  # type: ignore[misc] # nbgrader has no types
    """nbgrader's own preprocessor, with the kit's stubs in the place of one text for all functions."""

    def preprocess(self, nb: Any, resources: Any) -> Any:
        """Clear a notebook, and know its name: the stubs do."""
        self._module = resources["unique_key"]
        return super().preprocess(nb, resources)

    def _replace_solution_region(self, cell: Any, language: str) -> bool:
        if cell.cell_type != "code" or language != "python" or BEGIN not in cell.source:
            return bool(super()._replace_solution_region(cell, language))
        cell.source = derive_stub(cell.source, self._module)
        return True
