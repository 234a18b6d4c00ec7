"""Text from a student, made safe to print anywhere."""

from __future__ import annotations

import unicodedata

MAX_LENGTH = 500
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def clean(text: str, max_length: int = MAX_LENGTH) -> str:
    """Escape control, bidi and undecodable characters, keep newlines as spaces, and cut.

    Args:
        text: anything.
        max_length: in characters.
    """
    kept = text[: max_length + 1].replace("\r", " ").replace("\n", " ").replace("\t", " ")
    escaped = "".join(
        char.encode("unicode_escape", "surrogatepass").decode("ascii")
        if unicodedata.category(char) in _INVISIBLE
        else char
        for char in kept
    )
    return escaped if len(escaped) <= max_length else escaped[: max_length - 1] + "…"
