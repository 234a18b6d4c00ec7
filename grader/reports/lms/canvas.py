"""The CSV that Canvas imports in its gradebook.

The first columns are Student, ID, SIS User ID, SIS Login ID and Section, every further one is an assignment; the row
after the header names the points possible. Canvas looks for a student by ID, then by SIS User ID, then by SIS Login
ID, then by name. An assignment is known by the number in its heading, ``Title (123)``, or by its title; another
title makes a new assignment. An empty cell means that there is no score. Semicolons would do for commas; decimals take
a point.

Source: "How do I import grades in the Gradebook?", https://community.canvaslms.com/t5/Instructor-Guide/-/ta-p/807,
and Canvas's own reader, https://github.com/instructure/canvas-lms, ``lib/gradebook_importer.rb``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from grader.reports.lms.sheet import Cell, Column, Grade, table

STUDENT_COLUMNS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
POINTS_POSSIBLE = "    Points Possible"


def canvas_csv(columns: Sequence[Column], grades: Iterable[Grade]) -> str:
    """Return the gradebook as Canvas imports it."""
    rows: list[list[Cell]] = [
        [*STUDENT_COLUMNS, *(column.title for column in columns)],
        [POINTS_POSSIBLE, "", "", "", "", *(column.points for column in columns)],
    ]
    for one, scores in ((grade.person, grade.scores) for grade in grades):
        rows.append([one.name, one.lms_id, one.number, one.login, one.section, *scores])
    return table(rows)


def heading(title: str, headings: Iterable[str]) -> str:
    """Return the heading of a Canvas export that is this assignment, number included, or else the title itself."""
    known = re.compile(rf"{re.escape(title)}( \(\d+\))?", re.IGNORECASE)
    return next((one for one in headings if known.fullmatch(one)), title)
