"""Where the time of a test run goes: a table by file, the slowest tests, and the fixtures that many tests share.

A plugin of pytest. With several processes each counts its own fixtures, and the one that started them adds it all up.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

ROWS = 10
SHARED = ("session", "package", "module")


class TimeTable:
    """Adds up what a run reports, and prints it at the end."""

    def __init__(self) -> None:
        self._files: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._tests: Counter[str] = Counter()
        self._fixtures: Counter[str] = Counter()
        self._started = time.monotonic()

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Iterator[None]:
        """Time a fixture without those that it uses."""
        started = time.monotonic()
        try:
            return (yield)
        finally:
            if fixturedef.scope in SHARED:
                self._fixtures[f"{fixturedef.argname} of {fixturedef.func.__module__}"] += time.monotonic() - started  # type: ignore[assignment]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Send this process's counts to the one that started it."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["fixtures"] = dict(self._fixtures)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Receive another process's counts."""
        self._fixtures.update(getattr(node, "workeroutput", {}).get("fixtures", {}))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a setup, a call or a teardown."""
        file, _, test = report.nodeid.partition("::")
        self._files[file] += report.duration  # type: ignore[assignment]
        self._tests[f"{file.rpartition('/')[2]}::{test}"] += report.duration  # type: ignore[assignment]
        self._counts[file] += report.when == "call"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the three tables."""
        whole = time.monotonic() - self._started
        busy = sum(self._files.values())
        terminalreporter.section(f"time: {whole:.0f} s, with {busy / whole:.1f} tests at once")
        for title, counter in (("file", self._files), ("test", self._tests), ("shared fixture", self._fixtures)):
            terminalreporter.write_line(f"  seconds  {title}")
            for name, seconds in counter.most_common(None if title == "file" else ROWS):
                many = f" ({self._counts[name]} tests)" if title == "file" else ""
                if seconds >= 1:
                    terminalreporter.write_line(f"{seconds:9.1f}  {name}{many}")
