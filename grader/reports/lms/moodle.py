"""The CSV that Moodle imports in its gradebook.

Moodle asks at the import which column identifies a user ("Map from", "Map to": username, useridnumber or useremail)
and which grade item, or feedback of a grade item, each other column is; headings are free, so these are the words of
Moodle's own export. An empty grade or ``-`` means that there is none. A user whom Moodle does not know, or an empty
identifier, ends the whole import: a column is written only where every line fills it. Feedback is shown as HTML.

Source: "Grade import", https://docs.moodle.org/405/en/Grade_import, and Moodle's own reader,
https://github.com/moodle/moodle, ``grade/import/csv/classes/load_data.php``.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from itertools import chain

from grader.reports.lms.sheet import Cell, Column, Grade, table

IDENTIFIERS = {"Username": "login", "ID number": "number", "Email address": "email"}
"""Heading -> the attribute of a person; in the order in which they are offered."""


def moodle_csv(columns: Sequence[Column], grades: Sequence[Grade]) -> str:
    """Return the gradebook as Moodle imports it: identifiers, then for each assignment its grade and its feedback.

    Raises:
        ValueError: if no column identifies everybody.
    """
    known = {title: name for title, name in IDENTIFIERS.items() if all(getattr(one.person, name) for one in grades)}
    if not known:
        raise ValueError(
            "moodle: expected a user name, ID number or e-mail address of every student, got none that all have. "
            "Does the roster have such a column?"
        )
    rows: list[list[Cell]] = [[*known, *chain.from_iterable((one.title, f"{one.title} (Feedback)") for one in columns)]]
    for grade in grades:
        pairs = (
            (score, html.escape(text, quote=False)) for score, text in zip(grade.scores, grade.feedback, strict=True)
        )
        rows.append([*(getattr(grade.person, name) for name in known.values()), *chain.from_iterable(pairs)])
    return table(rows)
