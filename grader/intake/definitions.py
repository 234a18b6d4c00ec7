"""Separates statements that define a module from those that only demonstrate it; nothing is executed."""

from __future__ import annotations

import ast
import builtins
import symtable
import warnings
from collections.abc import Iterable
from dataclasses import dataclass

from grader.intake.sizes import MAX_STATEMENTS

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
IMPORTS = (ast.Import, ast.ImportFrom)
LEFT_OUT = (ast.Expr, ast.Assert, ast.Pass, ast.Delete, ast.Raise, ast.Return, ast.Global, ast.Nonlocal)
EVERYTHING = "*"


@dataclass(frozen=True)
class Statement:
    """One statement at the top of a module.

    Attributes:
        source: its own text.
        defines: the functions and classes that it defines.
        binds: every name that it gives a value to, or changes a part of; ``*`` for an import of everything.
        uses: every name of the module that it needs, now or when what it defines is called.
        acts: whether it runs something other than a definition or an import when the module is imported.
        future: whether it must stand first.
        imports: whether it imports, and does nothing else.
    """

    source: str
    defines: frozenset[str]
    binds: frozenset[str]
    uses: frozenset[str]
    acts: bool = False
    future: bool = False
    imports: bool = False


def statements(source: str) -> list[Statement]:
    """Return the statements of a cell that could define something.

    Raises:
        SyntaxError: if it is not Python.
        ValueError: if it holds characters that Python refuses, or too many statements.
        RecursionError: if it is nested too deeply; so may MemoryError.
    """
    with warnings.catch_warnings():  # of the student's own escapes and comparisons
        warnings.simplefilter("ignore")
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        tree = compile(source, "<cell>", "exec", flags | ast.PyCF_ONLY_AST, dont_inherit=True)
        if len(tree.body) > MAX_STATEMENTS:
            raise ValueError(f"expected at most {MAX_STATEMENTS:,} statements, got more")
        compile(source, "<cell>", "exec", flags, dont_inherit=True)
        lines = source.split("\n")
        return [_statement(node, _text(node, lines)) for node in tree.body if not _is_demonstration(node)]


def needed(every: list[Statement], wanted: Iterable[str]) -> list[Statement]:
    """Return, in their order, the statements that a module consists of.

    These are the wanted names with all that they need, and every other definition or constant that needs nothing to
    run at import but what is kept anyway.
    """
    defined = {name for statement in every for name in statement.defines}
    wanted = set(wanted)
    # `answer = answer(image)` demonstrates what it would hide.
    every = [one for one in every if one.defines or not one.acts or not (one.binds & wanted & defined & one.uses)]
    known = {name for statement in every for name in statement.binds} | set(dir(builtins))
    binders = _numbers(one.binds for one in every)
    kept = _closure(every, binders, wanted, set())
    run = _names_to_run_for(every, kept, known)
    free = [one for one in every if (one.defines or not (one.acts or one.imports)) and not one.binds & run]
    kept |= _closure(every, binders, (name for one in free for name in one.binds), kept)
    return [
        statement
        for index, statement in enumerate(every)
        if index in kept or EVERYTHING in statement.binds or statement.future
    ]


def only_definitions(source: str, wanted: Iterable[str]) -> str:
    """Return a module without what only demonstrates it.

    Args:
        source: text of a Python module.
        wanted: the functions and classes that it is there for.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: as ``statements``.
    """
    kept = sorted(needed(statements(source), wanted), key=lambda statement: not statement.future)
    return "\n\n\n".join(statement.source for statement in kept) + "\n"


def _numbers(named: Iterable[Iterable[str]]) -> dict[str, list[int]]:
    """Return by each name the numbers of the statements that name it."""
    numbers: dict[str, list[int]] = {}
    for index, names in enumerate(named):
        for name in names:
            numbers.setdefault(name, []).append(index)
    return numbers


def _closure(every: list[Statement], binders: dict[str, list[int]], names: Iterable[str], kept: set[int]) -> set[int]:
    """Return the numbers of all statements that bind the names, or what those need, and so on.

    Those that are kept are left out, and not followed: whatever they need is kept too.
    """
    found: set[int] = set()
    waiting, known = list(names), set(names)
    while waiting:
        for index in binders.get(waiting.pop(), []):
            if index not in found and index not in kept:
                found.add(index)
                fresh = every[index].uses - known
                known |= fresh
                waiting += fresh
    return found


def _names_to_run_for(every: list[Statement], kept: set[int], known: set[str]) -> set[str]:
    """Return the names whose value something has to run for: a statement that acts, or one that needs such a name.

    Statements that are kept anyway may run what they like.
    """
    users = _numbers(() if index in kept else one.uses for index, one in enumerate(every))
    waiting = [
        index
        for index, one in enumerate(every)
        if index not in kept and (one.acts or not (one.defines or one.uses <= known))
    ]
    found: set[str] = set()
    while waiting:
        fresh = every[waiting.pop()].binds - found
        found |= fresh
        waiting += [index for name in fresh for index in users.get(name, [])]
    return found


def _is_demonstration(node: ast.stmt) -> bool:
    if isinstance(node, LEFT_OUT):
        return True
    if not isinstance(node, DEFINITIONS) and any(isinstance(part, ast.Await) for part in ast.walk(node)):
        return True  # a notebook may wait at its top, a module may not
    return isinstance(node, ast.If) and any(
        isinstance(part, ast.Name) and part.id == "__name__" for part in ast.walk(node.test)
    )


def _statement(node: ast.stmt, text: str) -> Statement:
    uses = _uses(text)
    if isinstance(node, DEFINITIONS):
        return Statement(text, frozenset({node.name}), frozenset({node.name}), uses)
    if isinstance(node, IMPORTS):
        future = isinstance(node, ast.ImportFrom) and node.module == "__future__" and not node.level
        return Statement(text, frozenset(), frozenset(_imported(node)), frozenset(), future=future, imports=True)
    defines = {part.name for part in ast.walk(node) if isinstance(part, DEFINITIONS)}
    simple = isinstance(node, (ast.Assign, ast.AnnAssign))
    acts = not simple or any(isinstance(part, ast.Call) for part in ast.walk(node))
    return Statement(text, frozenset(defines), frozenset(_bound(node) | defines), uses, acts=acts)


def _imported(node: ast.Import | ast.ImportFrom) -> set[str]:
    return {
        alias.asname or (alias.name.partition(".")[0] if isinstance(node, ast.Import) else alias.name)
        for alias in node.names
    }


def _bound(node: ast.stmt) -> set[str]:
    """Return the names that a statement gives a value to, and those of which it changes a part."""
    names: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, IMPORTS):
            names |= _imported(part)
        elif isinstance(part, (ast.Name, ast.Attribute, ast.Subscript)) and isinstance(part.ctx, ast.Store):
            root: ast.expr = part
            while isinstance(root, (ast.Attribute, ast.Subscript)):
                root = root.value
            if isinstance(root, ast.Name):
                names.add(root.id)
    return names


def _uses(text: str) -> frozenset[str]:
    """Return the module's names that a statement needs, as Python's own rules of scope see it."""
    top = symtable.symtable(text, "<cell>", "exec")
    names = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_referenced()}
    waiting = list(top.get_children())
    while waiting:
        table = waiting.pop()
        names |= {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global()}
        waiting += table.get_children()
    return frozenset(names)


def _text(node: ast.stmt, lines: list[str]) -> str:
    """Return a statement's own text, its decorators included."""
    first, start = node.lineno, node.col_offset
    if isinstance(node, DEFINITIONS) and node.decorator_list:
        first, start = min((part.lineno, part.col_offset) for part in node.decorator_list)
        start = 0  # the sign before the decorator
    chosen = [line.encode("utf-8") for line in lines[first - 1 : node.end_lineno]]
    chosen[-1] = chosen[-1][: node.end_col_offset]
    chosen[0] = chosen[0][start:]
    return b"\n".join(chosen).decode("utf-8")
