"""nbgrader's own pages in a browser: they show points, messages and figures, nothing hidden, and run nothing."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import open_page
from coursework import STUDENTS, programs
from nbgrader.api import Gradebook

from grader.classroom.pages import markdown2html

pytestmark = pytest.mark.timeout(2400)
FIGURE = "img[src^='data:image/png']"
HIDDEN = ("BEGIN HIDDEN", "grader.classroom")


def serve(course: Path, root: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Start a Jupyter server with nbgrader's pages, and return it with its address once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.root_dir": root,
        "ServerApp.open_browser": False,
        "ServerApp.allow_root": True,
        "IdentityProvider.token": "",
        "ServerApp.disable_check_xsrf": True,
        "ServerApp.jpserver_extensions": "{'nbgrader': True, 'jupyterlab': False}",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyter_server", *(f"--{name}={value}" for name, value in settings.items())],
        cwd=course,
        env={**os.environ, "PATH": programs()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{address}/api/status", timeout=5).close()
        except (urllib.error.URLError, OSError):
            assert process.poll() is None, "the server ended"
            time.sleep(0.5)
        else:
            return process, address
    process.kill()
    raise TimeoutError("no answer from the Jupyter server")


@pytest.fixture(scope="module")
def server(course: Path) -> Iterator[str]:
    process, address = serve(course, course)
    yield address
    process.terminate()
    process.wait(timeout=30)


def submission(course: Path, student: str, notebook: str) -> str:
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        return str(gradebook.find_submission_notebook(notebook, "cnn", student).id)


@pytest.mark.slow
def test_the_formgrader_lists_the_assignment_and_its_submissions(course: Path, server: str) -> None:
    page = open_page(f"{server}/formgrader/gradebook/cnn/convolution")
    handed_in = sum("convolution" in work.modules for work in STUDENTS.values())
    page.wait_for(f"document.body.innerText.split('Submission #').length - 1 === {handed_in}")


@pytest.mark.slow
def test_the_formgrader_shows_points_messages_and_figures_of_a_submission(course: Path, server: str) -> None:
    page = open_page(f"{server}/formgrader/submissions/{submission(course, 'flipped-kernel', 'convolution')}/")
    page.wait_for("document.querySelector('input.score')")
    assert "convolve: 0 of 8 points (failed), flipped-kernel" in page.html()
    placeholders = page.run("return [...document.querySelectorAll('input.score')].map(field => field.placeholder)")
    assert sum(float(value or 0) for value in placeholders) == pytest.approx(30 - 8)
    figures = open_page(f"{server}/formgrader/submissions/{submission(course, 'flipped-kernel', 'transforms')}/")
    assert figures.count(FIGURE)


@pytest.mark.slow
def test_full_credit_for_one_cell_goes_only_to_that_cell(course: Path, tmp_path: Path) -> None:
    """A text cell at the top has the names of tasks, as a student may write them."""
    copied = tmp_path / "course"
    shutil.copytree(course, copied)
    process, address = serve(copied, copied)
    try:
        page = open_page(f"{address}/formgrader/submissions/{submission(copied, 'forger', 'convolution')}/")
        scores = "[...document.querySelectorAll('input.score')]"
        page.wait_for(f"{scores}.length && {scores}.some(field => field.placeholder)")
        assert page.run(f"return {scores}.every(field => document.getElementById(field.id) === field)")
        page.run("document.querySelector('.full-credit').click()")
        page.wait_for(f"{scores}.some(field => field.value)")
        given = page.run(f"return {scores}.filter(field => field.value).map(field => field.id)")
        first = page.run("return document.querySelector('input.score').id")
        assert given == [first]
        assert "gone.png" in page.html()
        assert not page.count("img[src*='127.0.0.1:9']")
    finally:
        process.terminate()
        process.wait(timeout=30)
    with Gradebook(f"sqlite:///{copied}/gradebook.db") as gradebook:
        grades = gradebook.find_submission_notebook("convolution", "cnn", "forger").grades
        assert [grade.name for grade in grades if grade.manual_score is not None] == [first]


@pytest.mark.slow
def test_a_feedback_page_shows_points_messages_and_figures_and_nothing_hidden(course: Path) -> None:
    page = open_page(course / "feedback" / "flipped-kernel" / "cnn" / "convolution.html")
    text = page.text()
    assert "Score: 0.0 / 8.0" in text
    assert "flipped-kernel" in text
    assert not any(word in page.html() for word in HIDDEN)
    figures = open_page(course / "feedback" / "flipped-kernel" / "cnn" / "transforms.html")
    assert figures.count(FIGURE)


@pytest.mark.slow
def test_validate_runs_the_public_checks_of_a_notebook(course: Path) -> None:
    folder = course / "submitted" / "reference" / "cnn"
    process, address = serve(folder, folder)
    try:
        request = urllib.request.Request(
            f"{address}/assignments/validate", data=b"path=transforms.ipynb", method="POST"
        )
        with urllib.request.urlopen(request, timeout=300) as answer:
            said = answer.read().decode()
    finally:
        process.terminate()
        process.wait(timeout=30)
    answer_to_button = json.loads(said)
    assert answer_to_button["success"], said
    assert "failed" not in answer_to_button["value"], said


MARKUP = {
    "script": "a <script>alert(1)</script>",
    "handler": "<img src='data:,' onerror=alert(1)>",
    "link": "[x](javascript:alert(1))",
    "entity": "[x](&#106;avascript:alert(1))",
    "frame": "<iframe src='http://127.0.0.1'></iframe>",
    "form": "<form action='http://127.0.0.1'><input></form>",
    "style": "<style>body {display: none}</style>",
    "svg": "<svg onload=alert(1)></svg>",
    "id": "<span id='convolve'>x</span>",
    "heading with an id": "# convolve",
    "class": "<div class='score'>x</div>",
    "remote picture": "![x](http://127.0.0.1:9/x.png) <img src='//127.0.0.1:9/y.png'>",
    "picture beside the page": "![x](api/status) <img src='/formgrader/x'>",
    "picture that can run": "![x](data:image/svg+xml;base64,PHN2Zy8+)",
    "page in a link": "[x](data:text/html;base64,PGI+)",
}


@pytest.mark.parametrize("source", MARKUP.values(), ids=MARKUP)
def test_text_cells_contain_nothing_that_runs(source: str, tmp_path: Path) -> None:
    html = markdown2html({"cell": {}}, source)  # type: ignore[arg-type]
    (tmp_path / "page.html").write_text(f"<!doctype html><title>t</title>{html}", encoding="utf-8")
    page = open_page(tmp_path / "page.html")
    assert page.console == []
    assert page.count("script, iframe, form, style, svg, [onerror], [onload]") == 0
    assert page.count("a[href^='javascript'], a[href^='data'], body [id], body [class], body [name], img[src]") == 0


def test_text_cells_keep_tables_pictures_and_links() -> None:
    picture = {"cell": {"attachments": {"a.png": {"image/png": "aaaa"}}}}
    html = markdown2html(picture, "# T\n\n|a|\n|-|\n|1|\n\n![p](attachment:a.png) [x](https://a.b)")  # type: ignore[arg-type]
    for piece in ("<h1>T", "<td>1</td>", 'src="data:image/png;base64,aaaa"', 'href="https://a.b"'):
        assert piece in html


def test_a_missing_picture_is_named() -> None:
    for attachments in ({}, {"gone.png": {}}):
        html = markdown2html({"cell": {"attachments": attachments}}, "a ![p](attachment:gone.png) b")  # type: ignore[arg-type]
        assert html.strip() == "<p>a <em>(the picture gone.png is missing)</em> b</p>"
