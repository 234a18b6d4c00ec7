"""Turns a named mistake into the code of a student who made it."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterable
from functools import cache
from types import ModuleType

from grader.hidden.mistakes import Misconception, shows

OF_THE_BANK = {"__future__", "collections.abc", "functools", "grader.hidden.mistakes", "typing"}
"""Modules that a bank of mistakes imports, and a student's code does not need."""


def coding(mistake: Misconception, task_id: str, reference: str) -> str:
    """Return a mistake as code to splice into the reference: the task's function, and what it needs.

    Args:
        mistake: one of the bank.
        task_id: the task where it is made, which has its function's name.
        reference: text of the solutions' module.

    Raises:
        ValueError: if something of the bank has a name that the reference has too, and would be taken for it.
    """
    answer = inspect.unwrap(mistake.answer)
    bank = _bank(sys.modules[answer.__module__])
    right = _named(ast.parse(reference).body)
    needed = _needed(answer.__name__, _named(bank))
    if clash := sorted(right.keys() & needed.keys()):
        raise ValueError(f"mistakes: expected names that the reference does not have, got {', '.join(clash)}")
    its = right[task_id]
    assert isinstance(its, ast.FunctionDef), "what can be answered wrong is a function"
    its.name = f"right_{task_id}"
    wrong = ast.parse(f"def {task_id}({ast.unparse(its.args)}):\n    return {answer.__name__}({its.name})").body[0]
    call = wrong.body[0].value  # type: ignore[attr-defined]
    call.args += [ast.Name(argument.arg) for argument in its.args.args]
    imports = [
        node for node in bank if isinstance(node, ast.Import | ast.ImportFrom) and _source(node) not in OF_THE_BANK
    ]
    return ast.unparse(_Bare().visit(ast.Module([*imports, *needed.values(), its, wrong], [])))


@cache
def _bank(module: ModuleType) -> list[ast.stmt]:
    """Return the statements of a module of mistakes, as they may stand in a student's."""
    tree: ast.Module = _Bare().visit(ast.parse(inspect.getsource(module)))
    return tree.body


def _source(node: ast.Import | ast.ImportFrom) -> str | None:
    """Return which module a statement imports or imports from."""
    return node.module if isinstance(node, ast.ImportFrom) else node.names[0].name


class _Bare(ast.NodeTransformer):
    """Leaves out what a student's code does not have: decorators, annotations, where a mistake can be named."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        """Leave out what a function is decorated and annotated with."""
        node.decorator_list, node.returns = [], None
        self.generic_visit(node)
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        """Leave out what an argument is annotated with."""
        node.annotation = None
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.stmt | None:
        """Leave out where a mistake can be named."""
        call = node.value
        named = isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == shows.__name__
        return None if named else node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        """Make a plain assignment of an annotated one."""
        assert node.value is not None, "a bank declares nothing that it does not set"
        return ast.copy_location(ast.Assign([node.target], node.value), node)


def _named(body: Iterable[ast.stmt]) -> dict[str, ast.stmt]:
    """Return functions and constants by their names."""
    found: dict[str, ast.stmt] = {}
    for node in body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = node
    return found


def _needed(name: str, known: dict[str, ast.stmt]) -> dict[str, ast.stmt]:
    """Return a function and all that it needs of its module, in the module's order."""
    waiting, needed = [name], set()
    while waiting:
        one = waiting.pop()
        if one in known and one not in needed:
            needed.add(one)
            waiting += [node.id for node in ast.walk(known[one]) if isinstance(node, ast.Name)]
    return {one: node for one, node in known.items() if one in needed}
