"""Puts functions of one source text into another: how samples are made of the reference, and stubs come back."""

import ast
from collections.abc import Container

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def splice(source: str, replacement: str, only: Container[str] | None = None) -> str:
    """Replace definitions in a source text, and leave every other character as it is.

    A function or a constant of the replacement takes the place of the one with its name. A class takes the place of
    its namesake if it has all of its methods; otherwise only the methods that it has do, and new ones are added at the
    end. What the source does not know (imports, helpers) goes above the first definition.

    Args:
        source: text of a Python module.
        replacement: text of a Python module; its docstring and comments between definitions are dropped.
        only: names of the functions, as ``function`` or ``Class.method``, that are taken of the replacement; all of it
            if None.

    Raises:
        SyntaxError: if one of the texts is no Python.
        ValueError: if a definition shares its line with other code, or stands at another indentation.
    """
    return _Splice(source, replacement, only).result()


class _Splice:
    """The two texts, and the edits so far: lines from the first up to, not including, the second become the third."""

    def __init__(self, source: str, replacement: str, only: Container[str] | None) -> None:
        self._old, self._new = ast.parse(source), ast.parse(replacement)
        self._lines, self._new_lines = source.split("\n"), replacement.split("\n")
        self._only = only
        self._edits: list[tuple[int, int, list[str]]] = []

    def result(self) -> str:
        docstring, imports = _below_docstring(self._old), _below_imports(self._old)
        for node in self._replace(self._old.body, self._new.body):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                continue
            text, place = _text(node, self._new_lines), imports
            if isinstance(node, ast.ImportFrom) and node.module == "__future__":
                place = docstring
            self._edits.append((place, place, ["", "", *text, ""] if isinstance(node, Definition) else text))
        ordered = sorted(self._edits, key=lambda edit: edit[:2])
        for first, end, text in ordered[::-1]:  # from the bottom, so that line numbers hold
            self._lines[first:end] = text
        return "\n".join(self._lines)

    def _replace(self, old: list[ast.stmt], new: list[ast.stmt], owner: str = "") -> list[ast.stmt]:
        """Replace statements of a body by their namesakes; return those that have none."""
        places = {name: node for node in old if (name := _name(node))}
        unknown = []
        for node in new:
            if not self._is_asked_for(node, owner):
                continue
            place = places.get(_name(node) or "")
            if place is None:
                unknown.append(node)
            elif isinstance(node, ast.ClassDef) and isinstance(place, ast.ClassDef) and not self._is_whole(node, place):
                added = self._replace(place.body, node.body, f"{node.name}.")
                end = _span(place)[1]
                self._edits += [(end, end, ["", *_text(one, self._new_lines)]) for one in added if _name(one)]
            elif place.col_offset != node.col_offset:
                got = f"expected {_name(node)} at column {place.col_offset}, got column {node.col_offset}"
                raise ValueError(f"splice: {got}.")
            else:
                _text(place, self._lines)  # refuses code that shares a line
                self._edits.append((*_span(place), _text(node, self._new_lines)))
        return unknown

    def _is_asked_for(self, node: ast.stmt, owner: str) -> bool:
        if self._only is None:
            return True
        if isinstance(node, ast.ClassDef):
            return any(self._is_asked_for(member, f"{node.name}.") for member in node.body)
        return f"{owner}{_name(node)}" in self._only

    def _is_whole(self, new: ast.ClassDef, old: ast.ClassDef) -> bool:
        """Return whether the new class has all methods of the old one, and is taken with all of them."""
        given, needed = ({one.name for one in node.body if isinstance(one, Definition)} for node in (new, old))
        return self._only is None and needed <= given


def _name(node: ast.stmt) -> str | None:
    """Return the name that a definition or a simple assignment binds."""
    if isinstance(node, Definition):
        return node.name
    target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
    return target.id if isinstance(target, ast.Name) else None


def _span(node: ast.stmt) -> tuple[int, int]:
    """Return the first line of a statement, decorators included, and the line after its last, from 0."""
    decorators = node.decorator_list if isinstance(node, Definition) else []
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    return first - 1, node.end_lineno or node.lineno


def _text(node: ast.stmt, lines: list[str]) -> list[str]:
    """Return the lines of a statement, which must have them for itself."""
    first, end = _span(node)
    before = lines[first].encode()[: node.col_offset]
    behind = lines[end - 1].encode()[node.end_col_offset :].strip()
    if before.strip() or (behind and not behind.startswith(b"#")):
        raise ValueError(f"splice: expected line {first + 1} to hold one statement, got {lines[first].strip()!r}.")
    return lines[first:end]


def _below_docstring(tree: ast.Module) -> int:
    return 0 if ast.get_docstring(tree) is None else _span(tree.body[0])[1]


def _below_imports(tree: ast.Module) -> int:
    """Return the line below the imports that stand above the first definition."""
    top = _below_docstring(tree)
    for node in tree.body:
        if isinstance(node, Definition):
            break
        if isinstance(node, ast.Import | ast.ImportFrom):
            top = _span(node)[1]
    return top
