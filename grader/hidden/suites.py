"""Starts pytest on the hidden suites with our plugin, isolated from the surroundings."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from grader.checks.marks import MARKER, Kind
from grader.course import course
from grader.errors import GraderError
from grader.hidden.plugin import CheckPlugin, CheckReport, Job, check_of
from grader.paths import HIDDEN_SUITES

ARGUMENTS = (
    *("-c", os.devnull, "--rootdir", str(HIDDEN_SUITES), "--import-mode=importlib"),
    *("--assert=plain", "--capture=no", "--strict-markers", "-W", "error"),
    *("-p", "no:cacheprovider", "-p", "no:terminal", "-p", "no:faulthandler", "-p", "no:unraisableexception"),
    *("-p", "no:logging", "--noconftest"),
    str(HIDDEN_SUITES),
)


class SuitesBroken(GraderError):
    """The hidden suites themselves do not run: the grader's own error."""


@dataclass(frozen=True)
class Check:
    """One hidden check, as declared by ``core``, ``detail`` or ``refusal``."""

    task: str
    name: str
    kind: Kind
    weight: float = 1.0
    way: str | None = None

    @property
    def core(self) -> bool:
        """Return whether the task earns nothing without it."""
        return self.kind == "core"


def run_suites(jobs: Iterator[Job], emit: Callable[[Job, CheckReport], None]) -> None:
    """Check one submission after another.

    Args:
        jobs: taken one at a time, as the suites become free.
        emit: called with each job and the suites' report on it.

    Raises:
        SuitesBroken: if the suites cannot be collected, or pytest itself fails.
        ZygoteDied: if the fork server does not answer.
    """
    plugin = CheckPlugin(jobs, emit)
    try:
        _pytest([*ARGUMENTS], plugin)
    except SuitesBroken:
        if plugin.grader_trouble is None:
            raise
    if plugin.grader_trouble is not None:
        raise plugin.grader_trouble


def collect_checks() -> list[Check]:
    """Return every hidden check, in the order of the files, without running any.

    Raises:
        SuitesBroken: if the suites cannot be collected.
    """
    plugin = _Collector()
    _pytest([*ARGUMENTS, "--collect-only"], plugin)
    return plugin.checks


class _Collector:
    def __init__(self) -> None:
        self.checks: list[Check] = []

    def pytest_configure(self, config: pytest.Config) -> None:
        config.addinivalue_line("markers", MARKER)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.checks = [Check(**check_of(item)) for item in session.items if isinstance(item, pytest.Function)]


@contextlib.contextmanager
def _without_surroundings() -> Iterator[None]:
    """Keep out options and plugins of the caller's pytest."""
    before = {name: os.environ.pop(name) for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS") if name in os.environ}
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        yield
    finally:
        os.environ.update(before)


def _pytest(arguments: list[str], plugin: object) -> None:
    course().make_importable()
    with _without_surroundings():
        code = pytest.main(arguments, plugins=[plugin])
    if code != pytest.ExitCode.OK:
        raise SuitesBroken(f"hidden suites: expected pytest to end with status 0, got {code!r}. Do they collect?")
