"""What functions do, read from a source text that is never run: a hash of each body, and the names that it mentions."""

import ast
import hashlib
from collections.abc import Container

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
NO_BODY = hashlib.sha256(b"").hexdigest()
"""Of a function that does nothing."""


def body_hashes(source: str | bytes, wanted: Container[str] | None = None) -> dict[str, str]:
    """Return a SHA-256 of the body of top-level functions and methods.

    Signatures, docstrings, comments and layout play no part: two functions have the same hash if they do the
    same things in the same words, and so have all that do nothing. The source is parsed and never run, so that it may
    come from anyone.

    Args:
        source: the text of a Python module.
        wanted: names as in the answer; all that there are if None.

    Returns:
        ``function`` or ``Class.method`` -> 64 hexadecimal digits. Of two definitions of a name the last one counts.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: if the text cannot be parsed; nothing else.
    """
    hashes: dict[str, str] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef):
            stale = [name for name in hashes if name.startswith(f"{node.name}.")]
            for name in stale:
                del hashes[name]
            for member in node.body:
                name = f"{node.name}.{getattr(member, 'name', '')}"
                if isinstance(member, FUNCTIONS) and (wanted is None or name in wanted):
                    hashes[name] = _hash(member)
        elif isinstance(node, FUNCTIONS) and (wanted is None or node.name in wanted):
            hashes[node.name] = _hash(node)
    return hashes


def names_used(source: str, wanted: Container[str]) -> dict[str, list[str]]:
    """Return which names top-level functions and methods mention, through others of the module as well.

    Args:
        source: the text of a Python module.
        wanted: names as in the answer.

    Returns:
        ``function`` or ``Class.method`` -> sorted names. What is reached through ``self`` counts as no name.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: if the text cannot be parsed; nothing else.
    """
    mentioned: dict[str, set[str]] = {}
    for node in ast.parse(source).body:
        parts = [(node.name, node)] if isinstance(node, (*FUNCTIONS, ast.ClassDef)) else []
        if isinstance(node, ast.ClassDef):
            parts += [(f"{node.name}.{one.name}", one) for one in node.body if isinstance(one, FUNCTIONS)]
        for name, part in parts:
            mentioned[name] = {one.id for one in ast.walk(part) if isinstance(one, ast.Name)}
    return {name: sorted(_reached(name, mentioned)) for name in mentioned if name in wanted}


def _reached(name: str, mentioned: dict[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    ahead = list(mentioned[name])
    while ahead:
        found = ahead.pop()
        if found not in reached:
            reached.add(found)
            ahead += mentioned.get(found, ())
    return reached


def _hash(function: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """Return the SHA-256 of a function's body without its docstring."""
    body = function.body
    first = body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        body = body[1:]
    words = "\n".join(ast.dump(statement) for statement in body if not _is_nothing(statement))
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()


def _is_nothing(statement: ast.stmt) -> bool:
    """Tell whether a statement stands where work is to be: `pass`, `...`, `return None`, NotImplementedError."""
    match statement:
        case ast.Pass() | ast.Expr(ast.Constant()) | ast.Return(None | ast.Constant(None)):
            return True
        case ast.Raise(ast.Name("NotImplementedError") | ast.Call(ast.Name("NotImplementedError"))):
            return True
    return False
