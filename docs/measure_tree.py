"""Measures the program for CONTRIBUTING.md: `python docs/measure_tree.py`.

A body is a function's lines without docstring, comments and blank lines. Complexity counts the ways through a function:
one, and one more for each branch, loop, handler, condition and boolean operator.
"""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent / "grader"
BRANCHES = (ast.If, ast.For, ast.While, ast.IfExp, ast.ExceptHandler, ast.comprehension, ast.match_case, ast.BoolOp)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def main() -> None:
    """Print the table."""
    files = {path: path.read_text(encoding="utf-8") for path in sorted(ROOT.rglob("*.py"))}
    trees = {path: ast.parse(text) for path, text in files.items()}
    functions = [(path, node) for path, tree in trees.items() for node in ast.walk(tree) if isinstance(node, Function)]
    print("| | median | p90 | most |\n|---|---|---|---|")
    print(row("lines of a file", [text.count("\n") for text in files.values()]))
    print(row("lines of a function's body", [body_lines(node, files[path]) for path, node in functions]))
    print(row("complexity of a function", [complexity(node) for _, node in functions]))
    public = [node for tree in trees.values() for node in documentable(tree)]
    documented = sum(ast.get_docstring(node) is not None for node in public)
    typed = sum(f.returns is not None and all(a.annotation for a in arguments(f)) for _, f in functions)
    shares = (f"{documented / len(public):.0%} of {len(public)}", f"{typed / len(functions):.0%} of {len(functions)}")
    print(f"\n{len(files)} files. {shares[0]} public names are documented, {shares[1]} functions fully typed.")


def row(what: str, values: list[int]) -> str:
    """Return one row of the table."""
    ordered = sorted(values)
    return f"| {what} | {statistics.median(ordered):g} | {ordered[int(0.9 * len(ordered))]} | {ordered[-1]} |"


def complexity(node: Function) -> int:
    """Count the ways through a function, its inner functions included."""
    return 1 + sum(isinstance(inner, BRANCHES) for inner in ast.walk(node))


def body_lines(node: Function, text: str) -> int:
    """Count the lines of a function's body that hold code."""
    statements = node.body[1:] if ast.get_docstring(node) is not None else node.body
    if not statements:
        return 0
    lines = text.splitlines()[statements[0].lineno - 1 : node.end_lineno]
    return sum(bool(line.strip()) and not line.strip().startswith("#") for line in lines)


def documentable(tree: ast.Module) -> Iterator[ast.Module | ast.ClassDef | Function]:
    """Yield the module, its public functions and classes, and their public methods."""
    yield tree
    for node in tree.body:
        if isinstance(node, ast.ClassDef | Function) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from (n for n in node.body if isinstance(n, Function) and not n.name.startswith("_"))


def arguments(node: Function) -> list[ast.arg]:
    """Return the arguments that want a type."""
    args = node.args
    every = [*args.posonlyargs, *args.args, *args.kwonlyargs, *filter(None, (args.vararg, args.kwarg))]
    return [arg for arg in every if arg.arg not in ("self", "cls")]


if __name__ == "__main__":
    main()
