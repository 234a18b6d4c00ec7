"""Grades a class again beside its published results, and puts the new ones in their place on request."""

from __future__ import annotations

import contextlib
import json
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from grader.batch import Settings, Watcher, grade_folder
from grader.figures import FILE_NAME as FIGURES
from grader.files import write_atomically
from grader.gradebook import FILE_NAME, Gradebook
from grader.graded.changes import Change, changes
from grader.locking import only_grader
from grader.overrides import overridden, read_overrides
from grader.reports.published import read_results

STAGING = ".regrade"
"""The folder in the output folder where the new results wait; an interrupted regrade goes on from there."""


@dataclass(frozen=True)
class Regraded:
    """What a class was graded to again.

    Attributes:
        students: how many.
        changes: who changes, by how much and why.
        new: whether anything at all would be published, be it a message.
    """

    students: int
    changes: list[Change]
    new: bool


def earlier_tasks(out: Path) -> tuple[str, ...]:
    """Return the ids of the tasks that a class was graded on.

    Raises:
        ValueError: if there is no graded class, or no task of it was graded.
    """
    found = (task for _, result in read_results(out) for task in result.tasks if task.status != "skipped")
    ids = tuple(dict.fromkeys(task.id for task in found))
    if not ids:
        raise ValueError(f"expected a class with graded tasks in {str(out)!r}, got none; use grader grade")
    return ids


def regrade(submissions: Path, out: Path, settings: Settings, watcher: Watcher) -> Regraded:
    """Grade a class again, unchanged submissions with their inputs of before; what is published stays as it is.

    Args:
        submissions: holds one folder or zip per student.
        out: holds the published results; gets ``regrade.json`` if anything would be published.
        settings: what and how to grade; a seed in it takes the place of those of before.
        watcher: is shown how far the run is.
    """
    before = dict(read_results(out))
    overrides = read_overrides(out)
    if settings.seed is None:
        with contextlib.closing(Gradebook(out)) as book:
            settings = replace(settings, seeds=book.seeds())
    results = grade_folder(submissions, out / STAGING, settings, watcher)
    after = {folder: overridden(folder, result, overrides) for folder, result in results}
    new = any(
        folder not in before or before[folder].without_times() != result.without_times()
        for folder, result in after.items()  # who has left the class is not graded again
    )
    found = Regraded(len(after), changes(before, after), new)
    if new:
        write_json(out, found, published=False)
    else:
        _forget_waiting(out)
    return found


def publish_regrade(submissions: Path, out: Path, settings: Settings, watcher: Watcher, found: Regraded) -> None:
    """Put the new results in the place of the published ones.

    The gradebook takes them in one transaction, and every file is derived from it: where this is cut off, the next
    grading or regrading of the class writes what is missing.
    """
    with only_grader(out), contextlib.closing(Gradebook(out)) as book:
        for results in (out / STAGING).glob("*/results.json"):
            _take_figures(results.parent, out / results.parent.name)
        book.adopt(out / STAGING / FILE_NAME)
    write_json(out, found, published=True)
    grade_folder(submissions, out, settings, watcher)
    shutil.rmtree(out / STAGING)


def write_json(out: Path, found: Regraded, *, published: bool) -> None:
    """Write regrade.json: who changes, and whether it is published."""
    document = {
        "schema": 1,
        "published": published,
        "students": found.students,
        "changes": [asdict(change) for change in found.changes],
    }
    write_atomically(out / "regrade.json", json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def _forget_waiting(out: Path) -> None:
    """Remove what waited to be published; the record of an earlier publication stays."""
    shutil.rmtree(out / STAGING)
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        if not json.loads((out / "regrade.json").read_text(encoding="utf-8"))["published"]:
            (out / "regrade.json").unlink()


def _take_figures(waiting: Path, published: Path) -> None:
    """Put what a new result draws in the place of what the earlier one did, be it nothing."""
    if (waiting / FIGURES).exists():
        write_atomically(published / FIGURES, (waiting / FIGURES).read_bytes())
    else:
        (published / FIGURES).unlink(missing_ok=True)
