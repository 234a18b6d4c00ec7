"""How the tests run, and what several files share because it takes long to make.

A run of all of them uses every core: files are handed out whole, the longest first, so that what the tests of a file
share is made once. What several files share is made by the first process that needs it, while the others wait.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import warm
from coursework import nbgrader, submit_class
from filelock import FileLock
from needs import not_tried
from timetable import TimeTable

from grader.authoring.samples import write_class
from grader.paths import ROOT

MadeOnce = Callable[[str, Callable[[Path], None]], Path]

BY_ZIP = ("half-finished", "softmax-in-forward")
"""Students whose zips are collected."""


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job: its children would ignore Ctrl-C too
    signal.signal(signal.SIGINT, signal.default_int_handler)


LONGEST = (
    "test_verify", "test_hostile", "test_classroom", "test_grading", "test_keeping", "test_cluster", "test_cli",
    "test_classroom_pages", "test_release", "test_documentation", "test_watch", "test_public_tests", "test_walls",
    "test_second_course", "test_training",
)  # fmt: skip
"""Files to start with: long ones that start late delay the end."""


SHARED = {"demo_out", "released", "course"}
"""Fixtures below: tests that need one are slow."""


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Run as many files at once as there are cores, unless the caller chose what to run, or how many at once."""
    everything = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    if everything and config.option.numprocesses is None and "PYTEST_XDIST_WORKER" not in os.environ:
        config.option.numprocesses = os.cpu_count()
        config.option.dist = "loadfile"
        config.option.loadscopereorder = False
        os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads that wait for each other would use up the cores


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(TimeTable())


@pytest.hookimpl(tryfirst=True)  # before `-m` is evaluated
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if SHARED.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("slow")
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))


def pytest_sessionfinish() -> None:
    if "browser" in sys.modules:
        sys.modules["browser"].close_browser()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if line := not_tried(terminalreporter.getreports("skipped")):
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> MadeOnce:
    """Return a function that lets the first process of this run that needs a folder fill it."""
    place = tmp_path_factory.getbasetemp()
    shared = place.parent if "PYTEST_XDIST_WORKER" in os.environ else place

    def folder(name: str, fill: Callable[[Path], None]) -> Path:
        made, whole = shared / name, shared / f"{name}.whole"
        with FileLock(shared / f"{name}.lock"):
            if not whole.exists():
                made.mkdir()
                fill(made)
                whole.touch()
        return made

    return folder


@pytest.fixture(scope="session")
def demo_out(made_once: MadeOnce) -> Path:
    """Grade the sample class; return the folder of its reports, which no test may change."""

    def fill(folder: Path) -> None:
        done = kit_command("grader", "demo", "--out", str(folder / "out"))
        assert "report.html" in done.stdout

    return made_once("demo", fill) / "out"


@pytest.fixture(scope="session")
def released(made_once: MadeOnce) -> Path:
    """Release the kit; return the folder of hand-out and course, which no test may change."""

    def fill(folder: Path) -> None:
        done = kit_command("grader", "release", "--to", str(folder / "to"))
        assert " files written, 0 up to date, 0 kept: " in done.stdout

    return made_once("released", fill) / "to"


@pytest.fixture(scope="session")
def course(made_once: MadeOnce, released: Path) -> Path:
    """Run a course from release to export; return its folder, which no test may change."""

    def fill(folder: Path) -> None:
        course = folder / "course"
        shutil.copytree(released / "course", course)
        with tempfile.TemporaryDirectory() as modules:
            write_class(Path(modules) / "class")
            submit_class(Path(modules) / "class", course)
        archive = course / "downloaded" / "cnn" / "archive"
        for name in BY_ZIP:
            shutil.make_archive(str(archive / name), "zip", course / "submitted" / name / "cnn")
            shutil.rmtree(course / "submitted" / name)
        nbgrader(course, "zip_collect", "cnn")
        nbgrader(course, "autograde", "cnn")
        nbgrader(course, "generate_feedback", "cnn")
        nbgrader(course, "export")

    return made_once("course", fill) / "course"


def kit_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a verb of the kit, which must succeed."""
    done = warm.run(*arguments, cwd=ROOT, timeout=850)
    assert done.returncode == 0, done.stdout + done.stderr
    return done
