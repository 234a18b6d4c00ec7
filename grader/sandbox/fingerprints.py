"""Tells whether a function is still the stub: one fingerprint per function of a source text."""

import ast
import hashlib
from collections.abc import Container

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def symbol_fingerprints(source: str, wanted: Container[str] | None = None) -> dict[str, str]:
    """Return a SHA-256 of the body of top-level functions and methods.

    Signatures, docstrings, comments and layout play no part: two functions have the same fingerprint if they do the
    same things in the same words. The source is parsed and never run, so that it may come from anyone.

    Args:
        source: the text of a Python module.
        wanted: names as in the answer; all that there are if None.

    Returns:
        ``function`` or ``Class.method`` -> 64 hexadecimal digits. Of two definitions of a name the last one counts.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: if the text cannot be parsed; nothing else.
    """
    prints: dict[str, str] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef):
            stale = [name for name in prints if name.startswith(f"{node.name}.")]
            for name in stale:
                del prints[name]
            for member in node.body:
                name = f"{node.name}.{getattr(member, 'name', '')}"
                if isinstance(member, FUNCTIONS) and (wanted is None or name in wanted):
                    prints[name] = _fingerprint(member)
        elif isinstance(node, FUNCTIONS) and (wanted is None or node.name in wanted):
            prints[node.name] = _fingerprint(node)
    return prints


def _fingerprint(function: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """Return the SHA-256 of a function's body without its docstring."""
    body = function.body
    first = body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        body = body[1:]
    words = "\n".join(ast.dump(statement) for statement in body)
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()
