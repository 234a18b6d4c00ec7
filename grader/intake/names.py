"""Names that are safe to print, and safe as a folder of the results."""

import hashlib
import os
import re
import unicodedata

MAX_FOLDER_BYTES = 120

OUTPUT_SUFFIXES = (".csv", ".html", ".json", ".sqlite", ".sqlite3", ".db", ".log", ".tmp", ".lock", ".partial")
"""What the grader itself writes beside the folders of the students ends so."""

UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Controls, bidi and other format characters, undecodable bytes, line separators."""

WINDOWS_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
)


def display(name: str) -> str:
    """Return a submission's name as people may see it: the original, escaped."""
    return "".join(_escaped(character) for character in name)


def folder(name: str) -> str:
    """Return the name itself where it is safe as a folder of the results, else a safe one that only it gets."""
    if _is_safe(name):
        return name
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:8]
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:40]
    return f"{stem or 'submission'}-{digest}"


def _escaped(character: str) -> str:
    if unicodedata.category(character) not in UNSAFE_CATEGORIES:
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8, as os.fsdecode keeps it
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _is_safe(name: str) -> bool:
    stem = name.partition(".")[0].strip().casefold()
    return (
        display(name) == name
        and not any(separator in name for separator in "/\\")
        and name == name.strip()
        and not name.startswith(".")
        and not name.endswith(".")
        and 0 < len(os.fsencode(name)) <= MAX_FOLDER_BYTES
        and not name.casefold().endswith(OUTPUT_SUFFIXES)
        and stem not in WINDOWS_DEVICES
    )
