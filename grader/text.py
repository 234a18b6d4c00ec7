"""Text from a student, made safe to print anywhere."""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache
from pathlib import Path

from grader.paths import ROOT

MAX_LENGTH = 500
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def clean(text: str, max_length: int = MAX_LENGTH) -> str:
    """Put text on one line, escape what is unsafe, and cut.

    Args:
        text: anything.
        max_length: in characters.
    """
    escaped = escape(re.sub(r"[\r\n\t]", " ", text[: max_length + 1]))
    return escaped if len(escaped) <= max_length else escaped[: max_length - 1] + "…"


def escape(text: str) -> str:
    """Write controls, bidi and other format characters, unassigned ones and undecodable bytes as Python would."""
    return "".join(_escaped(character) for character in text)


def _escaped(character: str) -> str:
    if unicodedata.category(character) not in _UNSAFE:
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8, as os.fsdecode keeps it
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def for_students(text: str) -> str:
    """Return what a student may read: cleaned, and without the places where this machine keeps Python and the kit."""
    return clean(without_places(text))


def without_places(text: str) -> str:
    """Put an ellipsis where a text says in which folders this machine keeps Python and the kit."""
    for place in _places():
        text = text.replace(place, "…")
    return text


@cache
def _places() -> list[str]:
    found = {Path(place) for place in (ROOT, sys.prefix, sys.base_prefix, Path.home())}
    every = {str(place) for one in found for place in (one, one.resolve()) if len(place.parts) > 2}
    return sorted(every, key=len, reverse=True)
