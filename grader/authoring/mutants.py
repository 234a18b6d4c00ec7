"""Automatic mutants of the reference: each is the solution with one small thing changed, which the checks must notice.

Mutated is what a student writes, between the solution markers: comparisons, logic, arithmetic, constants, arguments,
and whole statements. Messages of exceptions, annotations and docstrings are left alone.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

from grader.stubs import Function, functions_of, solution_blocks

_COMPARISONS: Final = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_ARITHMETIC: Final = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.MatMult: ast.Mult,
}  # fmt: skip

_Node = TypeVar("_Node", bound=ast.AST)


@dataclass(frozen=True)
class Mutant:
    """The reference with one change.

    Attributes:
        module: the module that is changed.
        symbol: ``function`` or ``Class.method`` in which the change is.
        change: the statement's part before and after, as in ``a + b → a - b``.
        source: text of the whole changed module.
    """

    module: str
    symbol: str
    change: str
    source: str

    @property
    def name(self) -> str:
        """What tells it from all others."""
        return f"{self.module}.{self.symbol}: {self.change}"


def mutants(source: str, module: str) -> Iterator[Mutant]:
    """Yield every mutant of a solution, in the order of its text.

    Args:
        source: text of ``solutions/<module>.py``.
        module: its name.
    """
    tree = ast.parse(source)
    lines = {line for block in solution_blocks(source, f"{module}.py") for line in range(block.begin, block.end)}
    seen: dict[str, int] = {}
    for symbol, function in functions_of(tree).items():
        for old, new in _changes(function, lines):
            with _Swapped(function, old, new):
                changed = ast.unparse(ast.fix_missing_locations(tree))
            text = f"{_shown(old)} → {_shown(new)}"
            count = seen[f"{symbol}: {text}"] = seen.get(f"{symbol}: {text}", 0) + 1
            yield Mutant(module, symbol, text if count == 1 else f"{text} ({count})", changed)


def _changes(function: Function, lines: set[int]) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Yield each node that is changed, and what takes its place."""
    skipped = _left_alone(function)
    for node in ast.walk(function):
        if id(node) in skipped or getattr(node, "lineno", 0) not in lines:
            continue
        if isinstance(node, ast.stmt):
            yield from _changed_statement(node)
        elif isinstance(node, ast.expr):
            yield from ((node, new) for new in _changed_expression(node))


def _left_alone(function: Function) -> set[int]:
    """Return the nodes of messages, annotations and docstrings."""
    roots: list[ast.AST] = []
    for node in ast.walk(function):
        if isinstance(node, ast.Raise):
            roots += [child for child in (node.exc, node.cause) if child is not None]
        elif isinstance(node, ast.JoinedStr):
            roots.append(node)
        elif isinstance(node, ast.arg | ast.AnnAssign) and node.annotation is not None:
            roots.append(node.annotation)
        elif isinstance(node, Function):
            roots += [node.returns] if node.returns else []
            roots += node.body[:1] if ast.get_docstring(node) is not None else []
    return {id(node) for root in roots for node in ast.walk(root)}


def _changed_statement(node: ast.stmt) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Leave a statement out; what returns or defines something is changed inside only."""
    if isinstance(node, ast.Expr | ast.Assign | ast.AugAssign | ast.Raise | ast.If | ast.For | ast.With | ast.Delete):
        yield node, ast.Pass()
    if isinstance(node, ast.AugAssign) and type(node.op) in _ARITHMETIC:
        yield node, _with(node, op=_ARITHMETIC[type(node.op)]())


def _changed_expression(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.Compare(ops=[op]) if type(op) in _COMPARISONS:
            yield _with(node, ops=[_COMPARISONS[type(op)]()])
        case ast.BoolOp(op=op):
            yield _with(node, op=ast.Or() if isinstance(op, ast.And) else ast.And())
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand
        case ast.BinOp(op=op) if type(op) in _ARITHMETIC:
            yield _with(node, op=_ARITHMETIC[type(op)]())
        case ast.IfExp(test=test):
            yield _with(node, test=ast.UnaryOp(ast.Not(), test))
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value) | float(value)):
            yield ast.Constant(value + 1)
        case ast.Constant(value=str(value)):
            yield ast.Constant(f"{value}x")
        case ast.Call():
            yield from _changed_call(node)


def _changed_call(node: ast.Call) -> Iterator[ast.expr]:
    """Leave each keyword and the last argument out, and exchange the first two."""
    for index in range(len(node.keywords)):
        yield _with(node, keywords=node.keywords[:index] + node.keywords[index + 1 :])
    if len(node.args) > 1:
        first, second, *others = node.args
        yield _with(node, args=node.args[:-1])
        if ast.dump(first) != ast.dump(second):
            yield _with(node, args=[second, first, *others])


def _with(node: _Node, **changes: object) -> _Node:
    changed = copy.copy(node)
    for name, value in changes.items():
        setattr(changed, name, value)
    return changed


class _Swapped:
    """Puts one node in the place of another while the context lasts."""

    def __init__(self, root: ast.AST, old: ast.AST, new: ast.AST) -> None:
        self._old, self._new = old, new
        self._parent, self._field, self._index = next(_places(root, old))

    def __enter__(self) -> None:
        self._put(self._new)

    def __exit__(self, *_: object) -> None:
        self._put(self._old)

    def _put(self, node: ast.AST) -> None:
        if self._index is None:
            setattr(self._parent, self._field, node)
        else:
            getattr(self._parent, self._field)[self._index] = node


def _places(root: ast.AST, wanted: ast.AST) -> Iterator[tuple[ast.AST, str, int | None]]:
    for parent in ast.walk(root):
        for field, value in ast.iter_fields(parent):
            if value is wanted:
                yield parent, field, None
            elif isinstance(value, list):
                yield from ((parent, field, index) for index, item in enumerate(value) if item is wanted)


def _shown(node: ast.AST) -> str:
    if isinstance(node, ast.Pass):
        return "nothing"
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 90 else f"{text[:89]}…"
