"""A test run ends with a report of where its time went, other processes included."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from timetable import TimeTable


def report(test: str, when: str, seconds: float) -> Any:
    return SimpleNamespace(nodeid=f"tests/test_{test[0]}.py::{test}", when=when, duration=seconds)


def printed(table: TimeTable) -> list[str]:
    lines: list[str] = []
    writer: Any = SimpleNamespace(section=lines.append, write_line=lines.append)
    table.pytest_terminal_summary(writer)
    return [" ".join(line.split()) for line in lines]


def test_files_tests_and_fixtures_are_listed_by_their_seconds() -> None:
    table = TimeTable()
    for one in (
        report("a1", "setup", 2.0),
        report("a1", "call", 1.5),
        report("b1", "call", 9.0),
        report("a2", "call", 0.2),
    ):
        table.pytest_runtest_logreport(one)
    table.pytest_testnodedown(SimpleNamespace(workeroutput={"fixtures": {"course of test_a": 2.5}}))
    table.pytest_testnodedown(SimpleNamespace(workeroutput={"fixtures": {"course of test_a": 1.5}}))
    table.pytest_testnodedown(SimpleNamespace())  # one that was killed
    head, *rows = printed(table)
    assert re.fullmatch(r"time: 0 s, with \d+\.\d tests at once", head)
    assert rows == [
        "seconds file", "9.0 tests/test_b.py (1 tests)", "3.7 tests/test_a.py (2 tests)",
        "seconds test", "9.0 test_b.py::b1", "3.5 test_a.py::a1",
        "seconds shared fixture", "4.0 course of test_a",
    ]  # fmt: skip


@pytest.mark.parametrize(("scope", "listed"), [("module", True), ("session", True), ("function", False)])
def test_a_fixture_that_many_tests_share_is_timed(scope: str, listed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([0.0, 10.0, 13.0])
    monkeypatch.setattr("timetable.time.monotonic", lambda: next(ticks))
    table = TimeTable()
    fixture: Any = SimpleNamespace(scope=scope, argname="course", func=SimpleNamespace(__module__="test_a"))
    setting_up = table.pytest_fixture_setup(fixture, SimpleNamespace())  # type: ignore[arg-type]
    next(setting_up)
    with pytest.raises(StopIteration):
        setting_up.send(None)
    output: dict[str, Any] = {}
    table.pytest_sessionfinish(SimpleNamespace(config=SimpleNamespace(workeroutput=output)))  # type: ignore[arg-type]
    assert output == {"fixtures": {"course of test_a": 3.0} if listed else {}}
