"""A roster: which person of the learning management system a submission belongs to."""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from grader.files import read_utf8
from grader.reports.lms.sheet import Person
from grader.text import clean

HEADINGS = {
    "name": ("student", "full name", "name"),
    "login": ("sis login id", "username", "login"),
    "number": ("sis user id", "id number", "idnumber"),
    "lms_id": ("id",),
    "email": ("email address", "email", "e-mail"),
    "section": ("section",),
    "submission": ("submission",),
    "first": ("first name",),
    "last": ("last name",),
}
"""A person's attribute, or a part of the name -> its headings in exports of Canvas and Moodle, or in one's own list."""

CANVAS_DOWNLOAD = re.compile(r"[^_]+_(?:late_)?(\d+)_\d+_.*", re.IGNORECASE)
MOODLE_DOWNLOAD = re.compile(r"(.+?)_\d+_assignsubmission_.*")
"""What the two call a student's work when an instructor downloads all of it."""


@dataclass(frozen=True)
class Roster:
    """The people of a course, and the headings of the file that names them."""

    people: tuple[Person, ...]
    headings: tuple[str, ...]


def read_roster_file(path: Path) -> Roster:
    """Read a roster from its file; see ``read_roster``.

    Raises:
        ValueError: if it is no CSV in UTF-8, or no column says who somebody is.
    """
    try:
        return read_roster(read_utf8(path))
    except (ValueError, csv.Error) as error:
        raise ValueError(f"{path}: {error}") from None


def read_roster(text: str) -> Roster:
    """Read a roster: an export of Canvas's gradebook, of Moodle's grades or participants, or a list of one's own.

    Args:
        text: CSV with a header; commas or semicolons.

    Raises:
        ValueError: if no column says who somebody is.
    """
    text = text.removeprefix("\ufeff")
    first = text.partition("\n")[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restkey="further cells")
    headings = tuple(rows.fieldnames or ())
    by_word = {heading.strip().casefold(): heading for heading in headings if heading}
    words = {name: next(filter(by_word.get, words), None) for name, words in HEADINGS.items()}
    columns = {name: by_word[word] for name, word in words.items() if word}
    if not {"name", "login", "number", "lms_id", "email"} & columns.keys():
        raise ValueError(
            "expected a header with Student, ID, SIS User ID, SIS Login ID, Username, ID number or Email "
            f"address, got {clean(first, 120)!r}. Is it the gradebook's export?"
        )
    people = (_person({name: (row[heading] or "").strip() for name, heading in columns.items()}) for row in rows)
    somebody = (one for one in people if _keys(one) and one.name.casefold() != "points possible")
    return Roster(tuple(somebody), headings)


def assign(roster: Roster, submissions: Iterable[str]) -> tuple[dict[str, Person], list[str]]:
    """Return whose each submission is, and what to say of those that are nobody's."""
    by_key: dict[str, set[Person]] = defaultdict(set)
    for person in roster.people:
        for key in _keys(person):
            by_key[key].add(person)
    found: dict[str, Person] = {}
    problems: list[str] = []
    for submission in submissions:
        people = next((by_key[key] for key in _readings(submission) if key in by_key), set())
        taken = next((name for name, person in found.items() if {person} == people), None)
        if len(people) == 1 and taken is None:
            found[submission] = next(iter(people))
        else:
            problems.append(f"{submission}: {_reason(submission, people, taken, list(by_key))}")
    return found, problems


def _reason(submission: str, people: set[Person], taken: str | None, keys: list[str]) -> str:
    if taken is not None:
        return f"expected one submission of {next(iter(people)).name}, got {taken} as well. Which one counts?"
    if people:
        names = ", ".join(sorted(person.name for person in people))
        return f"expected one person of the roster, got {names}. A column `submission` can tell who it is."
    close = difflib.get_close_matches(submission.casefold(), keys, n=1)
    hint = f"Is it {close[0]}?" if close else "A column `submission` in the roster can tell who it is."
    return f"expected a login, number, e-mail address or name of the roster, got none of them. {hint}"


def _readings(submission: str) -> list[str]:
    """Return what a submission's name may stand for, the likeliest first."""
    names = [submission]
    names += [found[1] for pattern in (CANVAS_DOWNLOAD, MOODLE_DOWNLOAD) if (found := pattern.fullmatch(submission))]
    return [name.casefold().strip() for name in names]


def _keys(person: Person) -> set[str]:
    last, comma, first = person.name.partition(",")
    names = (person.name, f"{first.strip()} {last.strip()}" if comma else "", person.email.partition("@")[0])
    every = (*names, person.submission, person.login, person.number, person.lms_id, person.email)
    return {key.casefold().strip() for key in every} - {""}


def _person(cells: dict[str, str]) -> Person:
    first, last = cells.pop("first", ""), cells.pop("last", "")
    name = cells.pop("name", "") or f"{first} {last}".strip()
    return Person(name=name or cells.get("login", "") or cells.get("email", ""), **cells)
