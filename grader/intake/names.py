"""Names that are safe to print, and safe as a folder of the results."""

import hashlib
import os
import re

from grader.text import escape

MAX_FOLDER_BYTES = 120

OUTPUT_SUFFIXES = (
    ".csv", ".html", ".json", ".xml", ".sqlite", ".sqlite-journal", ".sqlite-wal", ".sqlite-shm",
)  # fmt: skip
"""What the grader and its database write beside the folders of the students ends so."""

WINDOWS_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
)


def folder(name: str) -> str:
    """Return the name itself where it is safe as a folder of the results, else a safe one that only it gets."""
    if _is_safe(name):
        return name
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:8]
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:40]
    return f"{stem or 'submission'}-{digest}"


def _is_safe(name: str) -> bool:
    stem = name.partition(".")[0].strip().casefold()
    return (
        escape(name) == name
        and not any(separator in name for separator in "/\\")
        and name == name.strip()
        and not name.startswith(".")
        and not name.endswith(".")
        and 0 < len(os.fsencode(name)) <= MAX_FOLDER_BYTES
        and not name.casefold().endswith(OUTPUT_SUFFIXES)
        and stem not in WINDOWS_DEVICES
    )
