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
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any

from grader.authoring.notebooks import questions
from grader.authoring.release import derive_stubs, given_files
from grader.course import course
from grader.paths import COURSE, COURSE_FILE, DATA, HIDDEN_SUITES, LESSON, ROOT, SOLUTIONS, in_kit
from grader.stubs import solution_blocks, solution_lines

LEAK_LENGTH = 28
"""Shorter lines are everyday Python: they prove nothing where they turn up."""

NAME_LENGTH = 16
"""The same for the names of checks, which are prose."""

DIGITS = 5
MARKERS = ("BEGIN SOLUTION", "BEGIN HIDDEN TESTS", "BEGIN MARK SCHEME", "from grader.classroom import")
"""What nbgrader should have taken out of a released notebook."""

MAX_DEPTH = 4
MAX_UNPACKED = 256 << 20
PIECE = 48
BASE64 = re.compile(r"[A-Za-z0-9+/\n]{60,}={0,2}")
NUMBER = re.compile(r"(?<![\w.])\d[\d_,]*(?:\.\d+)?(?![\w.])")


@dataclass(frozen=True)
class Secret:
    """One thing that students must not see.

    Attributes:
        text: without any blanks.
        shown: as it is written.
        origin: where it stands.
    """

    text: str
    shown: str
    origin: str


@dataclass
class Secrets:
    """All that students must not see.

    Attributes:
        lines: code, names of checks and model answers.
        numbers: as they are written, without separators -> where they stand.
        pieces: of the trained network's file.
        harmless: digests of large files that need no look: the data sets.
    """

    lines: list[Secret] = field(default_factory=list)
    numbers: dict[str, str] = field(default_factory=dict)
    pieces: list[bytes] = field(default_factory=list)
    harmless: frozenset[bytes] = frozenset()

    def __post_init__(self) -> None:
        self.by_start: dict[int, dict[str, list[Secret]]] = {}
        for secret in self.lines:
            start = secret.text[: LEAK_LENGTH if len(secret.text) >= LEAK_LENGTH else NAME_LENGTH]
            self.by_start.setdefault(len(start), {}).setdefault(start, []).append(secret)


def kit_secrets() -> Secrets:
    """Collect what students of this kit must not see.

    What stubs, given files, public checks and README say is none of it. The rest of the students' part of the grader
    makes nothing harmless: a line of a hidden check that gets into it is found.
    """
    public = squeeze("\n".join(_public_texts()))
    lines = [*solution_secrets(SOLUTIONS), *_answer_secrets()]
    for folder in (HIDDEN_SUITES, LESSON / "mistakes"):
        lines += [secret for path in sorted(folder.glob("*.py")) for secret in _code_secrets(path)]
    numbers, artefact = _numbers(HIDDEN_SUITES), course().artefact_file
    known = {_plain(number) for text in _public_texts() for number in NUMBER.findall(text)}
    return Secrets(
        [secret for secret in lines if secret.text not in public],
        {number: origin for number, origin in numbers.items() if number not in known},
        _pieces((SOLUTIONS / artefact).read_bytes() if artefact else b""),
        frozenset(_digest(path.read_bytes()) for path in DATA.glob("*/raw/*.gz")),
    )


def find_leaks(files: Iterable[Path], secrets: Secrets, beside: Path) -> list[str]:
    """Look through files that students get.

    Args:
        files: all of them.
        secrets: what they must not show.
        beside: the folder that names of files are relative to.

    Returns:
        One sentence per leak, with file and line; empty if all is well.
    """
    problems: list[str] = []
    seen = set(secrets.harmless)
    for file in files:
        for label, data in _views(file.relative_to(beside).as_posix(), file.read_bytes(), seen):
            problems += _found(label, data, secrets)
    return problems


def solution_secrets(solutions: Path) -> list[Secret]:
    """Return the telling lines of all solution blocks."""
    secrets: dict[str, Secret] = {}
    for path in sorted(solutions.glob("*.py")):
        source = path.read_text(encoding="utf-8")
        try:
            blocks = solution_blocks(source, f"solutions/{path.name}")
        except ValueError:
            continue  # reported with its module
        for block in blocks:
            for line in solution_lines(source, block):
                text = squeeze(line)
                if len(text) >= LEAK_LENGTH and not line.startswith(("import ", "from ")):
                    secrets[text] = Secret(text, line, f"solutions/{path.name}")
    return list(secrets.values())


def squeeze(text: str) -> str:
    """Return a text without blanks and backslashes: a line that was indented, wrapped or quoted is still the same."""
    return "".join(text.split()).replace("\\", "")


def _answer_secrets() -> Iterator[Secret]:
    for question in questions():
        for line in question.answer.split("\n"):
            if len(squeeze(line)) >= LEAK_LENGTH:
                yield Secret(squeeze(line), line, f"the answer to {question.id}")


def _code_secrets(path: Path) -> Iterator[Secret]:
    """Give the telling lines of a module, and the names that stand in the decorators of its checks."""
    source, origin = path.read_text(encoding="utf-8"), in_kit(path).as_posix()
    for line in map(str.strip, source.split("\n")):
        if len(squeeze(line)) >= LEAK_LENGTH and not line.startswith(("import ", "from ", "#", '"""', "@pytest.")):
            yield Secret(squeeze(line), line, origin)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            calls = [mark for mark in node.decorator_list if isinstance(mark, ast.Call)]
            for name in (arg.value for call in calls for arg in call.args[1:] if isinstance(arg, ast.Constant)):
                if isinstance(name, str) and len(squeeze(name)) >= NAME_LENGTH:
                    yield Secret(squeeze(name), name, origin)


def _numbers(folder: Path) -> dict[str, str]:
    """Return the long numbers of the hidden checks -> where they stand."""
    found: dict[str, str] = {}
    for path in sorted(folder.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and type(node.value) in (int, float):
                digits = repr(node.value)
                if len(digits.replace(".", "").strip("0")) >= DIGITS and "e" not in digits:
                    found[digits] = f"tests/hidden/{path.name}"
    return found


def _pieces(weights: bytes) -> list[bytes]:
    step = max(len(weights) // 32, PIECE)
    pieces = (weights[start : start + PIECE] for start in range(step, len(weights) - PIECE, step))
    return [piece for piece in pieces if len(set(piece)) > PIECE // 3]  # a run of zeros is nobody's


def _public_texts() -> Iterator[str]:
    """Give what students get as it stands in the kit: stubs, given files, public checks, and the texts about them."""
    yield from derive_stubs().values()
    yield from (data.decode() for data in given_files().values())
    for path in [COURSE / COURSE_FILE, COURSE / "README.md"]:
        yield path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "grader").glob("public/*.py")):
        yield path.read_text(encoding="utf-8")


def _views(label: str, data: bytes, seen: set[bytes], depth: int = 0) -> Iterator[tuple[str, bytes]]:
    """Give a file, and everything that is packed in it; what was seen before is not given again."""
    digest = _digest(data)
    if digest in seen or depth > MAX_DEPTH:
        return
    seen.add(digest)
    yield label, data
    inside = [(f"{label}!{name}", inner) for name, inner in _unpacked(data)]
    if not _is_large_binary(data):
        inside += _written(label, data.decode("utf-8", "replace"))
    for name, inner in inside:
        yield from _views(name, inner, seen, depth + 1)


def _written(label: str, text: str) -> Iterator[tuple[str, bytes]]:
    """Give every text of a JSON document, and what is written as base64."""
    if label.endswith((".ipynb", ".json")):
        for place, string in _strings(text):
            yield f"{label}:{place}", string.encode("utf-8", "replace")
    for found in BASE64.finditer(text):
        raw = found.group().replace("\n", "")
        line = text.count("\n", 0, found.start()) + 1
        with contextlib.suppress(binascii.Error, ValueError):
            yield f"{label}:{line} (base64)", base64.b64decode(raw + "=" * (-len(raw) % 4))


def _unpacked(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Give what an archive holds, by its name in it."""
    if data.startswith(b"PK\3\4"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in archive.infolist():
                yield info.filename, archive.read(info)
            yield "comment", archive.comment
    elif data.startswith(b"\x1f\x8b"):
        with gzip.open(io.BytesIO(data)) as file:
            try:
                yield "unpacked", file.read(MAX_UNPACKED)
            except (OSError, EOFError, zlib.error):
                return


def _strings(text: str) -> Iterator[tuple[str, str]]:
    """Give every text in a JSON document with its place; the lines of a list belong together, as in a notebook."""
    try:
        waiting: list[tuple[str, Any]] = [("", json.loads(text))]
    except ValueError:
        return
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, str):
            yield place, value
        elif isinstance(value, list) and value and all(isinstance(part, str) for part in value):
            yield place, "".join(value)
        elif isinstance(value, list):
            waiting += [(f"{place}[{index}]", part) for index, part in enumerate(value)]
        elif isinstance(value, dict):
            waiting += [(f"{place}.{key}".lstrip("."), part) for key, part in value.items()]
            waiting += [(f"{place} (key)", str(key)) for key in value if len(str(key)) >= NAME_LENGTH]


def _found(label: str, data: bytes, secrets: Secrets) -> Iterator[str]:
    if any(piece in data for piece in secrets.pieces):
        yield f"{label}: expected nothing of solutions/{course().artefact_file}, got a part of it."
    if _is_large_binary(data):
        return
    lines = data.decode("utf-8", "replace").split("\n")
    squeezed = [squeeze(line) for line in lines]
    starts = [0, *accumulate(map(len, squeezed))]
    for position, secret in _secrets_in("".join(squeezed), secrets):
        line = bisect_right(starts, position)
        yield f"{label}:{line}: expected nothing that only graders know, got {secret.shown!r} ({secret.origin})."
    for number, text in enumerate(lines, 1):
        for value in {_plain(one) for one in NUMBER.findall(text)} & secrets.numbers.keys():
            yield f"{label}:{number}: expected no number of a hidden check, got {value} ({secrets.numbers[value]})."
        for marker in MARKERS if ".ipynb" in label else ():
            if marker in text:
                yield f"{label}:{number}: expected a released notebook, got {marker!r}."


def _secrets_in(text: str, secrets: Secrets) -> Iterator[tuple[int, Secret]]:
    """Give each secret in a squeezed text with its position, once."""
    found: set[Secret] = set()
    for length, starts in secrets.by_start.items():
        for position in range(len(text) - length + 1):
            for secret in starts.get(text[position : position + length], ()):
                if secret not in found and text.startswith(secret.text, position):
                    found.add(secret)
                    yield position, secret


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _is_large_binary(data: bytes) -> bool:
    """Tell whether a file holds numbers, not words."""
    return len(data) > 1 << 20 and b"\0" in data[:4096]


def _plain(number: str) -> str:
    return number.replace(",", "").replace("_", "")
