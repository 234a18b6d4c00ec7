"""A term: an instructor's changes to a course without editing it, read from a `term.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from grader.errors import WrongTerm
from grader.paths import TERM_FILE

LATE = re.compile(r"none|all|(\d{1,3}) ?%")
PICTURES = (".png", ".jpg", ".jpeg", ".svg")
MAX_LOGO = 500_000
DATES = "%Y-%m-%d %H:%M"


@dataclass(frozen=True)
class Term:
    """The contents of a term.toml; what it leaves out is as in the course.

    Attributes:
        file: where it was read, or None.
        title: shown on pages and in what students get.
        logo: a picture for pages, or None.
        deadline: with its time zone, or None.
        late: what late work loses: ``none`` or ``all`` of its points, or a percentage for each day begun.
        dates: how dates are written, as for `strftime`.
        modules: those that are taught, or None for all.
        given: those that students get solved.
        points: by task id; 0 removes a task.
        thresholds: of the artefact, by name.
    """

    file: Path | None = None
    title: str | None = None
    logo: Path | None = None
    deadline: datetime | None = None
    late: str = "none"
    dates: str = DATES
    modules: tuple[str, ...] | None = None
    given: tuple[str, ...] = ()
    points: Mapping[str, float] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Term:
        """Read a file; the course checks later whether the names in it exist.

        Raises:
            WrongTerm: if it cannot be read, or contains anything unknown.
        """
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise WrongTerm(f"{path}: expected a term that can be read, got {error}") from error
        if unknown := sorted(document.keys() - READERS.keys()):
            raise WrongTerm(f"{path}: expected {', '.join(READERS)}, got {', '.join(unknown)}.")
        found = {}
        for key, value in document.items():
            try:
                found[key] = READERS[key](value)
            except TypeError as error:
                raise WrongTerm(f"{path}: {key}: expected {error}, got {value!r}.") from None
        if "logo" in found:
            found["logo"] = _picture(path, found["logo"])
        return cls(path, **found)

    def files(self) -> dict[str, bytes]:
        """Return the file and its picture, by name; nothing if there is no file."""
        named = {TERM_FILE: self.file} | ({self.logo.name: self.logo} if self.logo else {})
        return {name: one.read_bytes() for name, one in named.items() if one}

    def lost_by(self, seconds_late: float) -> float:
        """Return the share of its points that work loses if submitted this long after the deadline."""
        if seconds_late <= 0 or self.late == "none":
            return 0.0
        if self.late == "all":
            return 1.0
        return min(1.0, float(self.late.rstrip(" %")) / 100 * -(-seconds_late // 86_400))


def _picture(path: Path, name: str) -> Path:
    logo = path.parent / name
    if logo.suffix.lower() not in PICTURES or not logo.is_file() or logo.stat().st_size > MAX_LOGO:
        kinds = ", ".join(PICTURES)
        raise WrongTerm(f"{path}: logo: expected a file beside it ({kinds}) of at most {MAX_LOGO} bytes, got {name!r}.")
    return logo


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a text")
    return value


def _late(value: Any) -> str:
    if not isinstance(value, str) or not LATE.fullmatch(value):
        raise TypeError('"none", "all", or a share for each day such as "10 %"')
    return value


def _deadline(value: Any) -> datetime:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise TypeError("a date and time with its zone, such as 2027-01-31T23:59:00+01:00")
    return value


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise TypeError("a list of modules")
    return tuple(value)


def _numbers(value: Any) -> dict[str, float]:
    if not isinstance(value, dict) or not all(type(one) in (int, float) and 0 <= one < 1e6 for one in value.values()):
        raise TypeError("lines with a name and a number that is not negative")
    return {name: float(one) for name, one in value.items()}


READERS: Mapping[str, Callable[[Any], Any]] = {
    "title": _text,
    "logo": _text,
    "deadline": _deadline,
    "late": _late,
    "dates": _text,
    "modules": _names,
    "given": _names,
    "points": _numbers,
    "thresholds": _numbers,
}
