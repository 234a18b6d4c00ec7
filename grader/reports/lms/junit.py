"""JUnit XML, for tools that show the results of tests: a test suite per student, a test case per check.

Source: the schema of Ant's JUnit task, https://github.com/windyroad/JUnit-Schema, which Jenkins's and GitLab's readers
accept as well: a suite has ``properties``, ``testcase``s, ``system-out`` and ``system-err`` in this order; name,
timestamp, hostname, package, id, tests, failures, errors and time; a case has name, classname, time and at most one of
``skipped``, ``failure`` and ``error``, of which the last two have a type.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from grader.reports.pages import rendered
from grader.results import CheckResult, Result
from grader.text import escape

FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 does not allow in any form."""

DIED = ("crashed", "timed_out", "out_of_memory", "protocol")
"""The code did not answer: an error in JUnit's words, where a wrong answer is a failure."""


@dataclass(frozen=True)
class _Case:
    name: str
    group: str
    seconds: float = 0.0
    trouble: Literal["failure", "error", "skipped"] | None = None
    kind: str = ""
    message: str = ""


def junit_xml(results: Iterable[Result], when: datetime) -> str:
    """Return the results of a class as one document.

    Args:
        results: one test suite each.
        when: the time that stands on every suite, in whole seconds.
    """
    suites = [(result, cases := list(_cases(result)), Counter(case.trouble for case in cases)) for result in results]
    stamp = when.replace(microsecond=0, tzinfo=None).isoformat()
    return FORBIDDEN.sub(lambda found: escape(found[0]), rendered("junit.xml", suites=suites, stamp=stamp))


def _cases(result: Result) -> Iterator[_Case]:
    if result.status != "graded":
        trouble: Literal["failure", "error"] = "failure" if result.status == "rejected" else "error"
        yield _Case("can be graded", "submission", 0.0, trouble, result.status, result.message)
    for task in result.tasks:
        if task.status == "skipped":
            yield _Case("not asked for", task.id, trouble="skipped")
            continue
        trouble = "error" if task.status in DIED else "failure"
        kind = task.misconception or task.status
        checks = task.checks or (CheckResult("can be checked", core=True, passed=task.status == "passed"),)
        for check in checks:
            seconds = task.seconds / len(checks)
            yield _Case(check.name, task.id, seconds, None if check.passed else trouble, kind, task.message)
