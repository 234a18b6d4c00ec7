"""Looks in everything that students get for what they must not: solutions, hidden checks, wrong answers, weights.

A file is looked at as it lies there, and as what is packed in it: members of a zip, what gzip packed, every text in a
notebook or other JSON (metadata, outputs, attachments), whatever is written as base64.
"""

from __future__ import annotations

import ast
import base64
import binascii
import contextlib
import gzip
import hashlib
import io
import json
import re
import zipfile
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from grader.authoring.release import derive_stubs, given_files
from grader.authoring.source_notebooks import questions
from grader.course import course
from grader.paths import COURSE, COURSE_FILE, DATA, HIDDEN_SUITES, LESSON, ROOT, SOLUTIONS, in_kit
from grader.stubs import given_text, solution_blocks

LEAK_LENGTH = 28
"""Shorter lines are everyday Python: they prove nothing where they turn up."""

NAME_LENGTH = 16
"""The same for the names of checks, which are prose."""

DIGITS = 5
MARKERS = ("BEGIN SOLUTION", "BEGIN HIDDEN TESTS", "BEGIN MARK SCHEME", "from grader.classroom import")
"""What nbgrader should have taken out of a released notebook."""

IMPORTS = ("import ", "from ")
MAX_DEPTH = 4
MAX_UNPACKED = 256 << 20
PIECE = 48
BASE64 = re.compile(r"[A-Za-z0-9+/\n]{60,}={0,2}")
NUMBER = re.compile(r"(?<![\w.])\d[\d_,]*(?:\.\d+)?(?![\w.])")


class Secret(NamedTuple):
    """A line that students must not see: as it is written, and where it stands."""

    shown: str
    origin: str


@dataclass(frozen=True)
class Secrets:
    """All that students must not see.

    Attributes:
        lines: code, names of checks and model answers, by their text without any blanks.
        numbers: as they are written, without separators -> where they stand.
        pieces: of the trained network's file.
        harmless: digests of large files that need no look: the data sets.
    """

    lines: Mapping[str, Secret]
    numbers: Mapping[str, str] = field(default_factory=dict)
    pieces: Sequence[bytes] = ()
    harmless: frozenset[bytes] = frozenset()


def kit_secrets() -> Secrets:
    """Collect what students of this kit must not see.

    What stubs, given files, public checks and README say is public, unless it is a line of a solution that a term
    does not give. The rest of the students' part of the grader makes nothing public: a line of a hidden check that
    gets into it is found.
    """
    texts = list(_public_texts())
    public, known = squeeze("\n".join(texts)), {_plain(number) for text in texts for number in NUMBER.findall(text)}
    hidden: dict[str, Secret] = {}
    for question in questions():
        hidden |= _lines_of(question.answer, f"the answer to {question.id}")
    for path in (*sorted(HIDDEN_SUITES.glob("*.py")), *sorted((LESSON / "mistakes").glob("*.py"))):
        hidden |= _code_secrets(path)
    artefact = course().artefact_file
    solved = squeeze("\n".join(given_text(f"{module}.py").decode() for module in course().solved))
    return Secrets(
        {text: secret for text, secret in hidden.items() if text not in public}
        | {text: secret for text, secret in solution_secrets(SOLUTIONS).items() if text not in solved},
        {number: origin for number, origin in _numbers(HIDDEN_SUITES) if number not in known},
        _pieces((SOLUTIONS / artefact).read_bytes() if artefact else b""),
        frozenset(_digest(path.read_bytes()) for path in DATA.glob("*/raw/*.gz")),
    )


def find_leaks(files: Iterable[tuple[str, bytes]], secrets: Secrets) -> list[str]:
    """Look through what students get.

    Args:
        files: names and what they hold.
        secrets: what they must not show.

    Returns:
        One sentence per leak, with file and line; empty if all is well.
    """
    seen = set(secrets.harmless)
    views = (view for name, data in files for view in _views(name, data, seen))
    return [problem for label, data in views for problem in _found(label, data, secrets)]


def solution_secrets(solutions: Path) -> dict[str, Secret]:
    """Return the telling lines of all solution blocks, by their text without any blanks."""
    secrets: dict[str, Secret] = {}
    for path in sorted(solutions.glob("*.py")):
        source, origin = path.read_text(encoding="utf-8"), f"solutions/{path.name}"
        with contextlib.suppress(ValueError):  # reported with its module
            for block in solution_blocks(source, origin):
                secrets |= _lines_of("\n".join(block.code), origin, IMPORTS)
    return secrets


def squeeze(text: str) -> str:
    """Return a text without blanks and backslashes: a line that was indented, wrapped or quoted is still the same."""
    return "".join(text.split()).replace("\\", "")


def _lines_of(text: str, origin: str, but: tuple[str, ...] = (), least: int = LEAK_LENGTH) -> dict[str, Secret]:
    """Return the lines of a text that prove something where they turn up, but those that begin in one of these ways."""
    lines = {squeeze(line): line.strip() for line in text.split("\n") if not line.strip().startswith(but)}
    return {squeezed: Secret(line, origin) for squeezed, line in lines.items() if len(squeezed) >= least}


def _code_secrets(path: Path) -> dict[str, Secret]:
    """Return the telling lines of a module, and the names that stand in the decorators of its checks."""
    source, origin = path.read_text(encoding="utf-8"), in_kit(path).as_posix()
    secrets = _lines_of(source, origin, (*IMPORTS, "#", '"""', "@pytest."))
    for node in ast.walk(ast.parse(source)):
        for mark in node.decorator_list if isinstance(node, ast.FunctionDef) else ():
            for argument in mark.args[1:] if isinstance(mark, ast.Call) else ():
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    secrets |= _lines_of(argument.value, origin, least=NAME_LENGTH)
    return secrets


def _numbers(folder: Path) -> Iterator[tuple[str, str]]:
    """Give the long numbers of the hidden checks, and where they stand."""
    for path in sorted(folder.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and type(node.value) in (int, float):
                digits = repr(node.value)
                if len(digits.replace(".", "").strip("0")) >= DIGITS and "e" not in digits:
                    yield digits, f"tests/hidden/{path.name}"


def _pieces(weights: bytes) -> list[bytes]:
    step = max(len(weights) // 32, PIECE)
    pieces = (weights[start : start + PIECE] for start in range(step, len(weights) - PIECE, step))
    return [piece for piece in pieces if len(set(piece)) > PIECE // 3]  # a run of zeros is nobody's


def _public_texts() -> Iterator[str]:
    """Give what students get as it stands in the kit: stubs, given files, public checks, and the texts about them."""
    yield from derive_stubs().values()
    yield from (data.decode() for data in given_files().values())
    texts = [COURSE / COURSE_FILE, COURSE / "README.md", *sorted((ROOT / "grader").glob("public/*.py"))]
    yield from (path.read_text(encoding="utf-8") for path in texts)


def _views(label: str, data: bytes, seen: set[bytes], depth: int = 0) -> Iterator[tuple[str, bytes]]:
    """Give a file, and everything that is packed in it; what was seen before is not given again."""
    digest = _digest(data)
    if digest in seen or depth > MAX_DEPTH:
        return
    seen.add(digest)
    yield label, data
    for name, inner in [*_unpacked(data), *(() if _is_large_binary(data) else _written(label, data))]:
        yield from _views(f"{label}{name}", inner, seen, depth + 1)


def _written(label: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """Give every text of a JSON document, and what is written as base64, by its place."""
    text = data.decode("utf-8", "replace")
    if label.endswith((".ipynb", ".json")):
        with contextlib.suppress(ValueError):
            for place, string in _strings(json.loads(text)):
                yield f":{place}", string.encode("utf-8", "replace")
    for found in BASE64.finditer(text):
        raw = found.group().replace("\n", "")
        line = text.count("\n", 0, found.start()) + 1
        with contextlib.suppress(binascii.Error, ValueError):
            yield f":{line} (base64)", base64.b64decode(raw + "=" * (-len(raw) % 4))


def _unpacked(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Give what an archive holds, by its name in it."""
    if data.startswith(b"PK\3\4"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield from ((f"!{info.filename}", archive.read(info)) for info in archive.infolist())
            yield "!comment", archive.comment
    elif data.startswith(b"\x1f\x8b"):
        with contextlib.suppress(OSError, EOFError, zlib.error), gzip.open(io.BytesIO(data)) as file:
            yield "!unpacked", file.read(MAX_UNPACKED)


def _strings(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Give every text in a JSON document with its place; the lines of a list belong together, as in a notebook."""
    match value:
        case str():
            yield place, value
        case [str(), *_] if all(isinstance(part, str) for part in value):
            yield place, "".join(value)
        case list():
            for index, part in enumerate(value):
                yield from _strings(part, f"{place}[{index}]")
        case dict():
            for key, part in value.items():
                yield from _strings(part, f"{place}.{key}".lstrip("."))
                if len(key) >= NAME_LENGTH:
                    yield f"{place} (key)", key


def _found(label: str, data: bytes, secrets: Secrets) -> Iterator[str]:
    if any(piece in data for piece in secrets.pieces):
        yield f"{label}: expected nothing of solutions/{course().artefact_file}, got a part of it."
    if _is_large_binary(data):
        return
    lines = data.decode("utf-8", "replace").split("\n")
    squeezed = [squeeze(line) for line in lines]
    starts = [0, *accumulate(map(len, squeezed))]
    whole = "".join(squeezed)
    for text, secret in secrets.lines.items():
        if (position := whole.find(text)) >= 0:
            line = bisect_right(starts, position)
            yield f"{label}:{line}: expected nothing that only graders know, got {secret.shown!r} ({secret.origin})."
    for number, text in enumerate(lines, 1):
        for value in {_plain(one) for one in NUMBER.findall(text)} & secrets.numbers.keys():
            yield f"{label}:{number}: expected no number of a hidden check, got {value} ({secrets.numbers[value]})."
        for marker in MARKERS if ".ipynb" in label else ():
            if marker in text:
                yield f"{label}:{number}: expected a released notebook, got {marker!r}."


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _is_large_binary(data: bytes) -> bool:
    """Return whether a file holds numbers, not words."""
    return len(data) > 1 << 20 and b"\0" in data[:4096]


def _plain(number: str) -> str:
    return number.replace(",", "").replace("_", "")
