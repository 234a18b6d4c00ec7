"""Copies of the kit that a test may break, and ways to break them."""

from __future__ import annotations

import shutil
from pathlib import Path

from grader.paths import ROOT

PARTS = ("grader", "exercises", "lesson", "solutions", "tests")


def copy_kit(to: Path, *left_out: str) -> Path:
    """Copy the kit into a folder, with its data as a link, and return the folder.

    Args:
        to: the folder; it may exist.
        left_out: names of files and folders, in addition to byte code.
    """
    for name in PARTS:
        ignore = shutil.ignore_patterns("__pycache__", *left_out)
        shutil.copytree(ROOT / name, to / name, ignore=ignore)
    shutil.copy(ROOT / "course.toml", to)
    (to / "data").symlink_to(ROOT / "data")
    return to


def replace_text(path: Path, old: str, new: str) -> None:
    """Replace the first occurrence of a text, which must exist."""
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{path.name}: expected {old!r}, which is to be replaced"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
