"""What functions do, read from a source text that is never run: a hash of each body, and the names that it mentions."""

import ast
import hashlib
from collections.abc import Container

Function = ast.FunctionDef | ast.AsyncFunctionDef
NO_BODY = hashlib.sha256(b"").hexdigest()
"""Of a function that does nothing."""


def functions_of(tree: ast.Module) -> dict[str, Function]:
    """Return the top-level functions and the methods of a module by ``function`` or ``Class.method``.

    Of two definitions of a name the last one counts.
    """
    found: dict[str, Function] = {}
    for node in tree.body:
        if isinstance(node, Function):
            found[node.name] = node
        elif isinstance(node, ast.ClassDef):
            found = {name: one for name, one in found.items() if not name.startswith(f"{node.name}.")}
            found |= {f"{node.name}.{member.name}": member for member in node.body if isinstance(member, Function)}
    return found


def definitions_of(tree: ast.Module) -> dict[str, Function | ast.ClassDef]:
    """Return the functions and methods of a module, and its classes, by name."""
    return {**functions_of(tree), **{node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}}


def body_hashes(source: str | bytes, names: Container[str] | None = None) -> dict[str, str]:
    """Return a SHA-256 of the body of top-level functions and methods.

    Signatures, docstrings, comments and layout play no part: two functions have the same hash if they do the
    same things in the same words, and so have all that do nothing. The source is parsed and never run, so that it may
    come from anyone.

    Args:
        source: the text of a Python module.
        names: names as in the answer; all that there are if None.

    Returns:
        ``function`` or ``Class.method`` -> 64 hexadecimal digits. Of two definitions of a name the last one counts.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: if the text cannot be parsed; nothing else.
    """
    functions = functions_of(ast.parse(source))
    return {name: _hash(function) for name, function in functions.items() if names is None or name in names}


def names_used(source: str, names: Container[str]) -> dict[str, list[str]]:
    """Return which names top-level functions and methods mention, through others of the module as well.

    Args:
        source: the text of a Python module.
        names: names as in the answer.

    Returns:
        ``function`` or ``Class.method`` -> sorted names. What is reached through ``self`` does not count as a name.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: if the text cannot be parsed; nothing else.
    """
    mentioned = {
        name: {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
        for name, node in definitions_of(ast.parse(source)).items()
    }
    return {name: sorted(_reached(name, mentioned)) for name in mentioned if name in names}


def _reached(name: str, mentioned: dict[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    ahead = list(mentioned[name])
    while ahead:
        found = ahead.pop()
        if found not in reached:
            reached.add(found)
            ahead += mentioned.get(found, ())
    return reached


def _hash(function: Function) -> str:
    """Return the SHA-256 of a function's body without its docstring."""
    body = function.body if ast.get_docstring(function, clean=False) is None else function.body[1:]
    words = "\n".join(ast.dump(statement) for statement in body if not _is_nothing(statement))
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()


def _is_nothing(statement: ast.stmt) -> bool:
    """Return whether a statement stands where work is to be: `pass`, `...`, `return None`, NotImplementedError."""
    match statement:
        case ast.Pass() | ast.Expr(ast.Constant()) | ast.Return(None | ast.Constant(None)):
            return True
        case ast.Raise(ast.Name("NotImplementedError") | ast.Call(ast.Name("NotImplementedError"))):
            return True
    return False
