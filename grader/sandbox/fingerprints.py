"""Tells whether a function is still the stub: one fingerprint per function of a source text."""

import ast
import hashlib


def symbol_fingerprints(source: str) -> dict[str, str]:
    """Return a SHA-256 of every top-level function's and method's body.

    Signatures, docstrings, comments and layout play no part: two functions have the same fingerprint if they do the
    same things in the same words. The source is parsed and never run, so that it may come from anyone.

    Args:
        source: the text of a Python module.

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
                if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef):
                    prints[f"{node.name}.{member.name}"] = _fingerprint(member)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
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
