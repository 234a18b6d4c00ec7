"""JUnit XML, for tools that show the results of tests: a test suite per student, a test case per check.

Source: the schema of Ant's JUnit task, https://github.com/windyroad/JUnit-Schema, which Jenkins's and GitLab's readers
accept as well: a suite has ``properties``, ``testcase``s, ``system-out`` and ``system-err`` in this order; name,
timestamp, hostname, package, id, tests, failures, errors and time; a case has name, classname, time and at most one of
``skipped``, ``failure`` and ``error``, of which the last two have a type.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from xml.etree import ElementTree as ET

from grader.results import Result, TaskResult
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
    root = ET.Element("testsuites")
    for index, result in enumerate(results):
        _add_suite(root, index, result, when)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add_suite(root: ET.Element, index: int, result: Result, when: datetime) -> None:
    cases = list(_cases(result))
    troubles = [case.trouble for case in cases]
    attributes = {
        "name": _printable(result.student) or "submission",
        "package": "submissions",
        "id": str(index),
        "timestamp": when.replace(microsecond=0, tzinfo=None).isoformat(),
        "hostname": "localhost",
        "tests": str(len(cases)),
        "failures": str(troubles.count("failure")),
        "errors": str(troubles.count("error")),
        "skipped": str(troubles.count("skipped")),
        "time": f"{sum(case.seconds for case in cases):.3f}",
    }
    suite = ET.SubElement(root, "testsuite", attributes)
    properties = ET.SubElement(suite, "properties")
    for name in ("status", "score", "sandbox", "kit", "seed"):
        ET.SubElement(properties, "property", {"name": name, "value": _printable(str(getattr(result, name)))})
    for case in cases:
        _add_case(suite, case)
    ET.SubElement(suite, "system-out").text = _printable("\n".join(result.notes))
    ET.SubElement(suite, "system-err")


def _add_case(suite: ET.Element, case: _Case) -> None:
    attributes = {"name": _printable(case.name), "classname": case.group, "time": f"{case.seconds:.3f}"}
    element = ET.SubElement(suite, "testcase", attributes)
    if case.trouble == "skipped":
        ET.SubElement(element, "skipped")
    elif case.trouble:
        ET.SubElement(element, case.trouble, {"type": case.kind, "message": _printable(case.message)})


def _cases(result: Result) -> Iterator[_Case]:
    if result.status != "graded":
        trouble: Literal["failure", "error"] = "failure" if result.status == "rejected" else "error"
        yield _Case("can be graded", "submission", 0.0, trouble, result.status, result.message)
    for task in result.tasks:
        yield from _cases_of(task)


def _cases_of(task: TaskResult) -> Iterator[_Case]:
    if task.status == "skipped":
        yield _Case("not asked for", task.id, trouble="skipped")
        return
    trouble: Literal["failure", "error"] = "error" if task.status in DIED else "failure"
    kind = task.misconception or task.status
    if not task.checks:
        passed = task.status == "passed"
        yield _Case("can be checked", task.id, task.seconds, None if passed else trouble, kind, task.message)
    for check in task.checks:
        seconds = task.seconds / len(task.checks)
        yield _Case(check.name, task.id, seconds, None if check.passed else trouble, kind, task.message)


def _printable(text: str) -> str:
    return FORBIDDEN.sub(lambda found: escape(found[0]), text)
