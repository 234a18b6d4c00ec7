"""Derives what students edit from the solutions: the frame stays, what stands between the markers goes."""

import ast
import io
import itertools
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from grader import paths
from grader.bodies import NO_BODY, body_hashes, functions_of
from grader.course import course

BEGIN = "### BEGIN SOLUTION"
END = "### END SOLUTION"
TODO = "# TODO: your code here"

NOT_WRITTEN = " is not written yet: "
"""Stands in the message of every stub."""

STUBS = ".stubs"
"""Where students keep each stub as it was handed out."""


@dataclass(frozen=True)
class Block:
    """What a student is to write, as lines of the solution.

    Attributes:
        begin: line number of the opening marker, from 1.
        end: line number of the closing marker.
        symbol: the function or ``Class.method`` around it, or None if it stands outside of any.
        code: those of its lines that hold code, without blanks at their ends.
    """

    begin: int
    end: int
    symbol: str | None
    code: tuple[str, ...]


def derive_stub(source: str, module: str) -> str:
    """Return a lesson without its solutions.

    A block inside a function becomes a ``raise NotImplementedError`` that names the function and its file. A block
    outside of any function (a helper, an import) vanishes. Everything else is kept as it is, character by character.

    Args:
        source: text of a solution, in the py:percent format.
        module: its name without ``.py``.

    Raises:
        ValueError: if the markers do not pair up, a block holds no code, or what remains is no Python.
    """
    where = f"solutions/{module}.py"
    blocks = solution_blocks(source, where)
    lines = source.split("\n")
    kept: list[str] = []
    line = 1
    for block in blocks:
        kept += lines[line - 1 : block.begin - 1]
        line = block.end + 1
        if block.symbol is not None:
            indent = lines[block.begin - 1].removesuffix(BEGIN)
            kept += [indent + TODO, indent + _raise(block.symbol, module)]
        else:
            line += min(_blank(reversed(kept)), _blank(lines[line - 1 :]))
    stub = "\n".join(kept + lines[line - 1 :])
    _compile(stub, where)
    return stub


def given_text(name: str) -> bytes:
    """Return a file that students get whole: of ``exercises/``, or a module that they get solved.

    Args:
        name: of the file.

    Raises:
        OSError: if it is not there.
    """
    if name.removesuffix(".py") not in course().solved:
        return (paths.EXERCISES / name).read_bytes()
    lines = (paths.SOLUTIONS / name).read_text(encoding="utf-8").split("\n")
    return "\n".join(line for line in lines if line.strip() not in {BEGIN, END}).encode()


def not_written(symbol: str, module: str) -> str:
    """Return the message of a stub."""
    return f"{symbol}{NOT_WRITTEN}exercises/{module}.py"


def says_not_written(text: str) -> bool:
    """Return whether a text is the message of a stub."""
    return NOT_WRITTEN in text


def stub_text(folder: Path, module: str) -> str:
    """Return a module as it was handed out: the copy below a student's folder, or derived where the solutions lie.

    An empty text where there is neither.
    """
    copy, solution = folder / STUBS / f"{module}.py", paths.SOLUTIONS / f"{module}.py"
    if copy.is_file():
        return copy.read_text(encoding="utf-8")
    return derive_stub(solution.read_text(encoding="utf-8"), module) if solution.is_file() else ""


def unwritten(source: str | bytes, stub: str, symbols: Iterable[str]) -> frozenset[str]:
    """Return those functions of a module whose bodies do no more than the stub's.

    Args:
        source: the module.
        stub: as it was handed out; if that is empty, a function without a body is not written.
        symbols: the functions that are asked about; what is not in the source is not in the answer.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: if the source cannot be parsed.
    """
    symbols = set(symbols)
    found, given = body_hashes(source, symbols), body_hashes(stub, symbols)
    return frozenset(symbol for symbol, body in found.items() if body == given.get(symbol, NO_BODY))


def holds_work(path: Path, stub: str) -> bool:
    """Return whether a module is more than its stub: a task is written, or it holds a text that does not parse."""
    if not path.is_file():
        return False
    symbols = {symbol for task in course().tasks if task.module == path.stem for symbol in task.symbols}
    try:
        source = path.read_bytes()
        return body_hashes(source, symbols).keys() > unwritten(source, stub, symbols)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True


def solution_blocks(source: str, where: str) -> list[Block]:
    """Find the solution blocks of a lesson, in order.

    Raises:
        ValueError: if the markers do not pair up, a block holds no code, or the source is no Python.
    """
    functions = functions_of(_compile(source, where))
    blocks: list[Block] = []
    begin = 0
    for number, marker in _markers(source, where):
        if (marker == BEGIN) == bool(begin):
            trouble = f"the block opened in line {begin} is still open" if begin else "no block is open"
            raise ValueError(f"{where}, line {number}: expected markers in pairs, got {marker!r} where {trouble}.")
        if marker == BEGIN:
            begin = number
            continue
        inside = [name for name, node in functions.items() if node.lineno < begin <= (node.end_lineno or 0)]
        inner = map(str.strip, source.split("\n")[begin : number - 1])
        code = tuple(line for line in inner if line and not line.startswith("#"))
        blocks.append(Block(begin, number, inside[-1] if inside else None, code))
        if not code:
            raise ValueError(f"{where}, line {begin}: expected code between the markers, got none.")
        begin = 0
    if begin:
        raise ValueError(f"{where}, line {begin}: expected {END!r} for this {BEGIN!r}, got the end of the file.")
    return blocks


def _blank(lines: Iterable[str]) -> int:
    """Count the blank lines before the first other one."""
    return sum(1 for _ in itertools.takewhile(lambda line: not line.strip(), lines))


def _raise(symbol: str, module: str) -> str:
    asked = {one for task in course().tasks for one in task.symbols}
    if symbol in {one for task in course().left_out for one in task.symbols} - asked:
        return f'raise NotImplementedError("{symbol} is not part of this term")'
    return f'raise NotImplementedError("{not_written(symbol, module)}")'


def _compile(source: str, where: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError as error:
        raise ValueError(f"{where}, line {error.lineno}: expected Python, got {error.msg}.") from error


def _markers(source: str, where: str) -> Iterator[tuple[int, str]]:
    """Give line number and text of each marker; markers in strings are text, not markers."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and re.search(r"(BEGIN|END)\s+SOLUTION", token.string):
            number, text = token.start[0], token.line.strip()
            if text not in {BEGIN, END}:
                raise ValueError(
                    f"{where}, line {number}: expected {BEGIN!r} or {END!r} on its own line, got {text!r}."
                )
            yield number, text
