"""Automatic mutants of the reference: each is the solution with one small thing changed, which the checks must notice.

Mutated is what a student writes, between the solution markers: comparisons, logic, arithmetic, constants, arguments,
and whole statements. Words of an error's message, annotations and docstrings are left alone.

What no change of an expression brings about is put around the whole function (`BEHAVIOURS`): it remembers an answer,
goes on counting, ignores an argument, changes one, returns what it got.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from grader.bodies import Function, functions_of
from grader.stubs import solution_blocks

_OTHERS: Final[dict[type[ast.AST], type[ast.AST]]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.MatMult: ast.Mult,
}  # fmt: skip
_LEFT_OUT: Final = (ast.Expr, ast.Assign, ast.AugAssign, ast.Raise, ast.If, ast.For, ast.With, ast.Delete)
"""Statements that a mutant can do without; what returns or defines something is changed inside only."""

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
        """A name that no other mutant has."""
        return f"{self.module}.{self.symbol}: {self.change}"


def mutants(source: str, module: str) -> Iterator[Mutant]:
    """Yield every mutant of a solution, in the order of its text.

    Args:
        source: text of ``solutions/<module>.py``.
        module: its name.
    """
    tree = ast.parse(source)
    lines = {line for block in solution_blocks(source, f"{module}.py") for line in range(block.begin, block.end)}
    functions = functions_of(tree)
    written = {
        symbol: function
        for symbol, function in functions.items()
        if not lines.isdisjoint(range(function.lineno, (function.end_lineno or function.lineno) + 1))
    }
    given = {function.name for function in functions.values()} - {function.name for function in written.values()}
    given |= {name.name for node in tree.body if isinstance(node, ast.ImportFrom) and node.level for name in node.names}
    seen: Counter[str] = Counter()
    for symbol, function in written.items():
        for behaviour, argument in _behaviours(symbol, function):
            does = BEHAVIOURS[behaviour].replace("{!r}", repr(argument))
            around = _AROUND.format(symbol=symbol, skipped=int("." in symbol), behaviour=does)
            yield Mutant(module, symbol, behaviour.format(argument), source + around)
        for old, new in _changes(function, lines, given):
            _swap(function, old, new)
            changed = ast.unparse(ast.fix_missing_locations(tree))
            _swap(function, new, old)
            text = f"{_shown(old)} → {_shown(new)}"
            seen[name := f"{symbol}: {text}"] += 1
            yield Mutant(module, symbol, text if seen[name] == 1 else f"{text} ({seen[name]})", changed)


def _behaviours(symbol: str, function: Function) -> Iterator[tuple[str, str]]:
    """Yield what can be put around a function, and the argument that it is about."""
    returns = ast.unparse(function.returns) if function.returns else "None"
    own = [arg for arg in (*function.args.posonlyargs, *function.args.args) if arg.arg != "self"]
    for arg in own[len(own) - len(function.args.defaults) :]:
        yield "ignores {}", arg.arg
    for arg in own if "." not in symbol else []:
        if "Tensor" in ast.unparse(arg.annotation or ast.Name("")):
            yield "changes {}", arg.arg
    if returns == "None":
        return
    if own:
        yield "remembers its answer to arguments of the same shape", ""
        yield "returns its argument", ""
    if returns in ("Tensor", "int"):
        yield "adds its answers up", ""
    if returns == "Tensor":
        yield "detaches its answer" if "." in symbol else "squeezes its answer", ""


def _changes(function: Function, lines: set[int], given: Collection[str]) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Yield each node that is changed, and what takes its place."""
    skipped = _left_alone(function, given)
    for node in ast.walk(function):
        if id(node) not in skipped and getattr(node, "lineno", 0) in lines:
            left_out = [ast.Pass()] if isinstance(node, _LEFT_OUT) else []
            yield from ((node, new) for new in (*left_out, *_changed(node)))


def _left_alone(function: Function, given: Collection[str]) -> set[int]:
    """Return the nodes of messages, annotations and docstrings; texts passed to helpers that are given are messages."""
    roots: list[ast.AST | None] = []
    for node in ast.walk(function):
        match node:
            case ast.Raise():
                roots += [node.exc, node.cause]
            case ast.JoinedStr():
                roots.append(node)
            case ast.Call(func=ast.Name(id=name)) if name in given:
                roots += [arg for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            case ast.arg() | ast.AnnAssign():
                roots.append(node.annotation)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                roots += [node.returns, *(node.body[:1] if ast.get_docstring(node) is not None else [])]
    return {id(node) for root in roots if root is not None for node in ast.walk(root)}


def _changed(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what takes a node's place."""
    match node:
        case ast.BoolOp(op=op) | ast.BinOp(op=op) | ast.AugAssign(op=op) if type(op) in _OTHERS:
            yield _with(node, op=_OTHERS[type(op)]())
        case ast.Compare(ops=[op]) if type(op) in _OTHERS:
            yield _with(node, ops=[_OTHERS[type(op)]()])
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand
        case ast.IfExp(test=test):
            yield _with(node, test=ast.UnaryOp(ast.Not(), test))
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int() | float() | str() as value):
            yield ast.Constant(f"{value}x" if isinstance(value, str) else value + 1)
        case ast.Attribute(attr="round"):
            yield _with(node, attr="trunc")
        case ast.Call():
            yield from _changed_call(node)


def _changed_call(node: ast.Call) -> Iterator[ast.AST]:
    """Leave each keyword and the last argument out, and exchange the first two."""
    for index in range(len(node.keywords)):
        yield _with(node, keywords=node.keywords[:index] + node.keywords[index + 1 :])
    if len(node.args) > 1:
        first, second, *others = node.args
        yield _with(node, args=node.args[:-1])
        if ast.dump(first) != ast.dump(second):
            yield _with(node, args=[second, first, *others])


def _with(node: ast.AST, **changes: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in changes.items():
        setattr(changed, name, value)
    return changed


def _swap(root: ast.AST, old: ast.AST, new: ast.AST) -> None:
    """Put a node in the place of another."""
    for parent in ast.walk(root):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, new)
                return
            if isinstance(value, list) and any(item is old for item in value):
                value[:] = [new if item is old else item for item in value]
                return


def _shown(node: ast.AST) -> str:
    if isinstance(node, ast.Pass):
        return "nothing"
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 90 else f"{text[:89]}…"
