"""What several test files share because it takes long to make."""

import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from coursework import nbgrader, submit_class

from grader.authoring.samples import write_class

BY_ZIP = ("half-finished", "softmax-in-forward")
"""Those whose zips are collected."""


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job: its children would ignore Ctrl-C too
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def demo_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Grade the sample class, once for all tests; returns the folder of its reports."""
    out = tmp_path_factory.mktemp("demo") / "out"
    command = [sys.executable, "-m", "grader", "demo", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=850, check=False)
    assert done.returncode == 0, done.stderr
    assert "report.html" in done.stdout
    return out


@pytest.fixture(scope="session")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run a course from release to export."""
    to = tmp_path_factory.mktemp("kit")
    subprocess.run([sys.executable, "-m", "grader", "release", "--to", str(to)], check=True, capture_output=True)
    course = to / "course"
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
    return course
