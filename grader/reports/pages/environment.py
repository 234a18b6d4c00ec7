"""The templates, and the words and drawings that all pages share."""

from __future__ import annotations

import base64
import functools
import mimetypes

import jinja2

from grader.course import course
from grader.paths import LESSON
from grader.results import MAX_SCORE, CheckResult, TaskResult

STATUS_WORDS = {
    "passed": "passed",
    "partial": "partly right",
    "failed": "not right yet",
    "not_started": "not started",
    "missing": "missing",
    "crashed": "stopped with an error",
    "timed_out": "took too long",
    "out_of_memory": "ran out of memory",
    "protocol": "gave no readable answer",
    "skipped": "not asked for",
}


def points(value: float) -> str:
    """Write points or seconds without needless digits."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def worth(task: TaskResult, check: CheckResult) -> str:
    """Write what a check weighs beside its name; nothing where points come from a measurement."""
    if check.core:
        return "(core)"
    share = points(task.points * check.weight)
    return f"({share} point{'' if share == '1' else 's'})" if share != "0" else ""


def _logo() -> str:
    """Return the term's picture as a data URI; empty without one."""
    logo = course().term.logo
    if logo is None:
        return ""
    kind = mimetypes.guess_type(logo.name)[0] or "image/png"
    return f"data:{kind};base64,{base64.b64encode(logo.read_bytes()).decode()}"


@functools.cache
def environment() -> jinja2.Environment:
    """Return the templates' environment, which escapes whatever is put into a page."""
    ours = jinja2.PackageLoader("grader.reports")
    lessons = jinja2.PrefixLoader({LESSON.name: jinja2.FileSystemLoader(LESSON)})
    loader = jinja2.ChoiceLoader([ours, lessons])
    made = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters["points"] = points
    made.globals |= {
        "words": STATUS_WORDS,
        "course_title": course().title,
        "logo": _logo(),
        "max_score": MAX_SCORE,
        "worth": worth,
    }
    return made


def rendered(template: str, **values: object) -> str:
    """Return a template, filled in."""
    return environment().get_template(template).render(**values)
