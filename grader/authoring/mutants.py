"""Automatic mutants of the reference: each is the solution with one small thing changed, which the checks must notice.

Mutated is what a student writes, between the solution markers: comparisons, logic, arithmetic, constants, arguments,
and whole statements. Words of an error's message, annotations and docstrings are left alone.

What no change of an expression brings about is put around the whole function (`BEHAVIOURS`): it remembers an answer,
goes on counting, ignores an argument, changes one, returns what it got.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Collection, Iterator
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

_METHODS: Final = {"round": "trunc"}

BEHAVIOURS: Final = {
    "remembers its answer to arguments of the same shape": """
        key = repr([getattr(arg, "shape", getattr(arg, "size", arg)) for arg in own])
        if key not in kept:
            kept[key] = original(*args, **kwargs)
        return kept[key]""",
    "adds its answers up": """
        answer = original(*args, **kwargs)
        before = kept.get("answer")
        if before is not None and getattr(before, "shape", None) == getattr(answer, "shape", None):
            answer = before + answer
        kept["answer"] = answer
        return answer""",
    "ignores {}": """
        bound = inspect.signature(original).bind(*args, **kwargs)
        bound.arguments.pop({!r}, None)
        return original(*bound.args, **bound.kwargs)""",
    "changes {}": """
        given = inspect.signature(original).bind(*args, **kwargs).arguments.get({!r})
        answer = original(*args, **kwargs)
        if given is not None:
            given += 1
        return answer""",
    "returns its argument": """
        original(*args, **kwargs)
        return own[0]""",
    "squeezes its answer": """
        return original(*args, **kwargs).squeeze()""",
    "detaches its answer": """
        return original(*args, **kwargs).detach()""",
}
"""What a function does instead, by what it is called: `own` are its positional arguments but `self`, `kept` lasts."""

_AROUND: Final = """

def _around(original):
    import functools
    import inspect

    kept = {{}}

    @functools.wraps(original)
    def changed(*args, **kwargs):
        own = args[{skipped}:]{behaviour}

    return changed


{symbol} = _around({symbol})
"""

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
    written = {
        symbol: function
        for symbol, function in functions_of(tree).items()
        if not lines.isdisjoint(range(function.lineno, (function.end_lineno or function.lineno) + 1))
    }
    given = {function.name for function in functions_of(tree).values()} - {one.name for one in written.values()}
    given |= {name.name for node in tree.body if isinstance(node, ast.ImportFrom) and node.level for name in node.names}
    seen: dict[str, int] = {}
    for symbol, function in written.items():
        for name, behaviour in _behaviours(symbol, function):
            around = _AROUND.format(symbol=symbol, skipped=int("." in symbol), behaviour=behaviour)
            yield Mutant(module, symbol, name, source + around)
        for old, new in _changes(function, lines, given):
            with _Swapped(function, old, new):
                changed = ast.unparse(ast.fix_missing_locations(tree))
            text = f"{_shown(old)} → {_shown(new)}"
            count = seen[f"{symbol}: {text}"] = seen.get(f"{symbol}: {text}", 0) + 1
            yield Mutant(module, symbol, text if count == 1 else f"{text} ({count})", changed)


def _behaviours(symbol: str, function: Function) -> Iterator[tuple[str, str]]:
    """Yield what can be put around a function, by what it is called."""
    returns = ast.unparse(function.returns) if function.returns else "None"
    own = [arg for arg in (*function.args.posonlyargs, *function.args.args) if arg.arg != "self"]
    for arg in own[len(own) - len(function.args.defaults) :] if function.args.defaults else []:
        yield from _filled("ignores {}", arg.arg)
    if "." not in symbol:
        for arg in own:
            if "Tensor" in ast.unparse(arg.annotation or ast.Name("")):
                yield from _filled("changes {}", arg.arg)
    if returns == "None":
        return
    if own:
        yield from _filled("remembers its answer to arguments of the same shape")
        yield from _filled("returns its argument")
    if returns in ("Tensor", "int"):
        yield from _filled("adds its answers up")
    if returns == "Tensor":
        yield from _filled("detaches its answer" if "." in symbol else "squeezes its answer")


def _filled(behaviour: str, argument: str = "") -> Iterator[tuple[str, str]]:
    yield behaviour.format(argument), BEHAVIOURS[behaviour].replace("{!r}", repr(argument))


def _changes(function: Function, lines: set[int], given: Collection[str]) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Yield each node that is changed, and what takes its place."""
    skipped = _left_alone(function, given)
    for node in ast.walk(function):
        if id(node) in skipped or getattr(node, "lineno", 0) not in lines:
            continue
        if isinstance(node, ast.stmt):
            yield from _changed_statement(node)
        elif isinstance(node, ast.expr):
            yield from ((node, new) for new in _changed_expression(node))


def _left_alone(function: Function, given: Collection[str]) -> set[int]:
    """Return the nodes of messages, annotations and docstrings; texts passed to helpers that are given are messages."""
    roots: list[ast.AST] = []
    for node in ast.walk(function):
        if isinstance(node, ast.Raise):
            roots += [child for child in (node.exc, node.cause) if child is not None]
        elif isinstance(node, ast.JoinedStr):
            roots.append(node)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in given:
            roots += [arg for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
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
        case ast.Constant(value=int() | float() | str() as value):
            yield ast.Constant(f"{value}x" if isinstance(value, str) else value + 1)
        case ast.Attribute(attr=attr) if attr in _METHODS:
            yield _with(node, attr=_METHODS[attr])
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
