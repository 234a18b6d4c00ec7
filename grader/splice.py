"""Puts functions of one source text into another: how sample submissions are made from the reference."""

import ast
from dataclasses import dataclass

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Edit:
    """Replace the lines from `first` up to, not including, `end` (from 0) by `lines`."""

    first: int
    end: int
    lines: list[str]


def splice(source: str, replacement: str) -> str:
    """Replace definitions in a source text, and leave every other character as it is.

    A function or a constant of the replacement takes the place of the one with its name. A class takes the place of
    its namesake if it has all of its methods; otherwise only the methods that it has do, and new ones are added at the
    end. What the source does not know (imports, helpers) goes above the first definition.

    Args:
        source: text of a Python module.
        replacement: text of a Python module; its docstring and comments between definitions are dropped.

    Raises:
        SyntaxError: if one of the texts is no Python.
        ValueError: if a definition shares its line with other code, or stands at another indentation.
    """
    old, new = ast.parse(source), ast.parse(replacement)
    lines, new_lines = source.split("\n"), replacement.split("\n")
    places = {name: node for node in old.body if (name := _name(node))}
    edits, fresh, future = [], [], []
    for node in new.body:
        place = places.get(_name(node) or "")
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            future += _text(node, new_lines)
        elif place is None:
            fresh += ["", "", *_text(node, new_lines), ""] if isinstance(node, Definition) else _text(node, new_lines)
        elif isinstance(node, ast.ClassDef) and isinstance(place, ast.ClassDef) and not _is_whole(node, place):
            edits += _class_edits(place, node, lines, new_lines)
        else:
            edits.append(_swap(place, node, lines, new_lines))
    edits += [
        Edit(top, top, text)
        for top, text in ((_above_definitions(old), fresh), (_below_docstring(old), future))
        if text
    ]
    # from the bottom, so that line numbers hold
    for edit in sorted(edits, key=lambda edit: (edit.first, edit.end), reverse=True):
        lines[edit.first : edit.end] = edit.lines
    return "\n".join(lines)


def _name(node: ast.stmt) -> str | None:
    """Return the name that a definition or a simple assignment binds."""
    if isinstance(node, Definition):
        return node.name
    target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
    return target.id if isinstance(target, ast.Name) else None


def _is_whole(new: ast.ClassDef, old: ast.ClassDef) -> bool:
    """Return whether the new class has all methods of the old one."""
    given, needed = ({member.name for member in node.body if isinstance(member, Definition)} for node in (new, old))
    return needed <= given


def _class_edits(old: ast.ClassDef, new: ast.ClassDef, lines: list[str], new_lines: list[str]) -> list[Edit]:
    """Replace the members that a partial class has, and add those that are new."""
    places = {name: member for member in old.body if (name := _name(member))}
    edits, added = [], []
    for member in new.body:
        name = _name(member)
        if name in places:
            edits.append(_swap(places[name], member, lines, new_lines))
        elif name is not None:
            added += ["", *_text(member, new_lines)]
    if added:
        end = _span(old)[1]
        edits.append(Edit(end, end, added))
    return edits


def _swap(old: ast.stmt, new: ast.stmt, lines: list[str], new_lines: list[str]) -> Edit:
    if old.col_offset != new.col_offset:
        raise ValueError(f"splice: expected {_name(new)} at column {old.col_offset}, got column {new.col_offset}.")
    first, end = _span(old)
    _text(old, lines)  # refuses code that shares a line
    return Edit(first, end, _text(new, new_lines))


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
    first = tree.body[0] if tree.body else None
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return _span(first)[1] if first is not None and is_docstring else 0


def _above_definitions(tree: ast.Module) -> int:
    """Return the line below the imports that stand above the first definition."""
    top = _below_docstring(tree)
    for node in tree.body:
        if isinstance(node, Definition):
            break
        if isinstance(node, ast.Import | ast.ImportFrom):
            top = _span(node)[1]
    return top
