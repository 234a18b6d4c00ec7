"""The report as a page: escaped, self-contained, without script."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from markupsafe import Markup, escape

from grader.reports.pages import rendered
from grader.similar.classes import Class, Module, given_code, share_of
from grader.text import escape as escape_controls

CONTEXT = 3
"""Lines that are shown around what matches."""


def similarity_page(found: Class, modules: Sequence[Module], least: float) -> str:
    """Return the page that an instructor reads."""
    return rendered(
        "similar.html",
        found=found,
        modules=modules,
        least=least,
        weights=sorted((students for students in found.weights.values() if len(students) > 1), key=len)[::-1],
        given={module.name: frozenset(given_code(module.name).split("\n")) for module in modules},
        marked=marked,
        plain=plain,
        share_of=share_of,
    )


def plain(code: str) -> Markup:
    """Return code as HTML, whole."""
    return Markup("\n").join(map(_text, code.split("\n")))


def marked(code: str, spans: Sequence[tuple[int, int]], given: Collection[str]) -> Markup:
    """Return code as HTML with what matches marked, but for lines that were given; what is far from it is left out."""
    near = _near(code, spans)
    lines: list[Markup] = []
    start, gap = 0, False
    for number, line in enumerate(code.split("\n")):
        if number in near:
            lines.append(_text(line) if line in given else _line(line, [(a - start, b - start) for a, b in spans]))
        elif not gap:
            lines.append(Markup("<i>…</i>"))
        gap = number not in near
        start += len(line) + 1
    return Markup("\n").join(lines)


def _line(line: str, spans: Sequence[tuple[int, int]]) -> Markup:
    html, done = Markup(""), 0
    for first, last in spans:
        start, end = max(first, 0), min(last, len(line))
        if start < end and line[start:end].strip():
            html += _text(line[done:start]) + Markup("<mark>") + _text(line[start:end]) + Markup("</mark>")
            done = end
    return html + _text(line[done:])


def _text(text: str) -> Markup:
    return escape(escape_controls(text.replace("\t", "    ")))


def _near(code: str, spans: Sequence[tuple[int, int]]) -> set[int]:
    near: set[int] = set()
    for start, end in spans:
        first, last = code.count("\n", 0, start), code.count("\n", 0, end)
        near.update(range(first - CONTEXT, last + CONTEXT + 1))
    return near
