"""Takes from a notebook what defines the module: no magic, no test, no demonstration.

A notebook is read as JSON by hand, leniently and under limits; nothing of it is executed.
"""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from grader.course import course
from grader.intake import sizes
from grader.intake.definitions import Statement, needed, statements
from grader.intake.sizes import UnreadableError
from grader.text import clean

CODE_MAGICS = ("%%time", "%%capture", "%%prun")
"""Cell magics whose body is Python that defines what it says; the body of any other is left out."""

MAGIC = re.compile(r"\s*[%!?]|.*\?\s*$|[\w\s,.\[\]]+=\s*[%!]")
DEFINES = re.compile(r"^(?:async\s+)?(def|class)\s+(\w+)", re.MULTILINE)
MAX_MAGICS = 20
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Cell:
    """One code cell, by its number among all cells, from 1.

    Attributes:
        retyped: whether it is a solution cell that was turned into text; its source counts all the same.
    """

    number: int
    source: str
    grade_id: str
    solution: bool
    retyped: bool


def module_source(name: str, data: bytes) -> tuple[str, list[str]]:
    """Return the Python source that a notebook defines, and remarks for the instructor.

    Args:
        name: the stub module that the notebook stands for.
        data: the notebook's bytes.

    Raises:
        UnreadableError: if it cannot be read as a notebook, or is too large.
    """
    found = [_cell(number, cell) for number, cell in enumerate(cells_of(parsed(data)), 1)]
    every = [cell for cell in found if cell is not None]
    cells = _last_solutions(every)
    if sum(len(cell.source) for cell in cells) > sizes.MAX_NOTEBOOK_CODE:
        raise UnreadableError(f"expected at most {sizes.in_words(sizes.MAX_NOTEBOOK_CODE)} of code, got more")
    kept: list[Statement] = []
    broken: list[tuple[Cell, str]] = []
    for cell in cells:
        try:
            kept += _statements(cell)
        except UnreadableError as error:
            broken.append((cell, str(error)))
    if len(kept) > sizes.MAX_STATEMENTS:
        raise UnreadableError(f"expected at most {sizes.MAX_STATEMENTS:,} statements, got more")
    wanted = [symbol.partition(".")[0] for task in course().tasks if task.module == name for symbol in task.symbols]
    source = _joined(needed(kept, wanted), broken, {name for statement in kept for name in statement.defines})
    return source, [*(f"cell {cell.number} is left out: {why}" for cell, why in broken), *_oddities(every, cells)]


def _oddities(every: list[Cell], kept: list[Cell]) -> list[str]:
    """Return remarks on solution cells that are there twice, or were turned into text."""
    twice = [cell for cell in every if cell not in kept]
    return [
        *(f"cell {cell.number} is left out: a later one is {clean(cell.grade_id, 60)} too" for cell in twice),
        *(
            f"cell {cell.number} is a solution cell turned into text; it is read as code"
            for cell in kept
            if cell.retyped
        ),
    ]


def parsed(data: bytes) -> dict[str, Any]:
    """Return the JSON document of a notebook.

    Raises:
        UnreadableError: if the bytes are not JSON, or too many.
    """
    if len(data) > sizes.MAX_NOTEBOOK:
        raise UnreadableError(f"expected a notebook of at most {sizes.in_words(sizes.MAX_NOTEBOOK)}, got more")
    if data.count(b"{") + data.count(b"[") > sizes.MAX_NOTEBOOK_NODES:
        raise UnreadableError(
            f"expected at most {sizes.MAX_NOTEBOOK_NODES:,} parts, got more. Can you clear its outputs?"
        )
    try:
        document = json.loads(data.removeprefix(BOM).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        reason = clean(str(error), 100)
        raise UnreadableError(f"expected a notebook (JSON), got something else ({reason}). Is it complete?") from error
    if not isinstance(document, dict):
        raise UnreadableError("expected a notebook with cells, got other JSON. Is it complete?")
    return document


def cells_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the cells of a notebook of any format; anything else comes as an empty cell.

    Raises:
        UnreadableError: if it has none.
    """
    found = document.get("cells")
    if found is None:  # nbformat 3 keeps its cells in sheets
        sheets = document.get("worksheets")
        found = [cell for sheet in _list(sheets) for cell in _list(_dict(sheet).get("cells"))]
        found = found if isinstance(sheets, list) else None
    if not isinstance(found, list):
        raise UnreadableError("expected a notebook with cells, got other JSON. Is it complete?")
    return [_dict(cell) for cell in found]


def source_of(cell: Mapping[str, Any]) -> str:
    """Return the text of a cell of any format."""
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    return source if isinstance(source, str) else ""


def _cell(number: int, cell: dict[str, Any]) -> Cell | None:
    """Return a cell that holds code, or was released as one; None for a test and for any other."""
    marks = _dict(_dict(cell.get("metadata")).get("nbgrader"))
    grade_id, solution, grade = marks.get("grade_id"), marks.get("solution") is True, marks.get("grade") is True
    retyped, released = cell.get("cell_type") != "code", marks.get("cell_type", "code")
    is_test = grade and not solution
    if is_test or (retyped and (grade or not solution or released != "code")):
        return None
    return Cell(number, source_of(cell), grade_id if isinstance(grade_id, str) else "", solution, retyped)


def _last_solutions(cells: list[Cell]) -> list[Cell]:
    """Leave out every solution cell that a later one with the same grade_id replaces."""
    last = {cell.grade_id: cell.number for cell in cells if cell.solution and cell.grade_id}
    return [cell for cell in cells if not cell.solution or last.get(cell.grade_id, cell.number) == cell.number]


def _statements(cell: Cell) -> list[Statement]:
    """Return a cell's statements, with its magics left out.

    Raises:
        UnreadableError: if the rest is not Python either.
    """
    source = _without_cell_magic(cell.source.replace("\r\n", "\n").replace("\r", "\n"))
    for _ in range(MAX_MAGICS):
        try:
            return statements(source)
        except SyntaxError as error:
            without = _without_line(source, error.lineno or 0)
            if without is None:
                raise UnreadableError(f"line {error.lineno}: {clean(error.msg, 120)}") from error
            source = without
        except (ValueError, RecursionError, MemoryError) as error:
            raise UnreadableError(
                f"cannot be read as Python: {clean(str(error), 120) or 'too deeply nested'}"
            ) from error
    raise UnreadableError(f"expected at most {MAX_MAGICS} magics in a cell, got more")


def _without_cell_magic(source: str) -> str:
    lines = source.split("\n")
    first = next((index for index, line in enumerate(lines) if line.strip()), 0)
    if not lines[first].startswith("%%"):
        return source
    if lines[first].split()[0] not in CODE_MAGICS:
        return ""
    return "\n".join([*lines[:first], "", *lines[first + 1 :]])


def _without_line(source: str, number: int) -> str | None:
    """Put ``pass`` in the place of a magic and the lines that continue it; None if the line is not a magic."""
    lines = source.split("\n")
    index = number - 1
    if not 0 <= index < len(lines) or not MAGIC.match(lines[index]):
        return None
    indent = lines[index][: len(lines[index]) - len(lines[index].lstrip())]
    continued = True
    while continued and index < len(lines):
        continued = lines[index].endswith("\\")
        lines[index] = f"{indent}pass"
        index += 1
    return "\n".join(lines)


def _joined(kept: list[Statement], broken: list[tuple[Cell, str]], defined: set[str]) -> str:
    """Return the module: imports from the future, other imports, the rest in its order, stand-ins for what is broken.

    A notebook's cells are run in any order, so a function may stand above the import that its annotations need.
    """
    ordered = sorted(kept, key=lambda statement: (not statement.future, not statement.imports))
    parts = [statement.source for statement in ordered]
    for cell, why in broken:
        for kind, name in DEFINES.findall(cell.source):
            if name not in defined and name.isidentifier() and not keyword.iskeyword(name):
                parts.append(_placeholder(kind, name, f"notebook cell {cell.number}, {why}"))
    return "\n\n\n".join(parts) + "\n"


def _placeholder(kind: str, name: str, message: str) -> str:
    """Return a definition that says on its first use why the student's own could not be read."""
    if kind == "class":
        return f"class {name}:\n    def __init__(self, *args, **kwargs):\n        raise SyntaxError({message!r})"
    return f"def {name}(*args, **kwargs):\n    raise SyntaxError({message!r})"


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
