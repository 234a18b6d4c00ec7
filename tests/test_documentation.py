"""The documentation: it builds without a broken link, opens soundly in a browser, and shows no solution."""

from __future__ import annotations

import functools
import importlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from browser import DESKTOP, PHONE, open_page

from grader.paths import ROOT
from lesson.sliding import sliding_kernel

pytestmark = pytest.mark.slow

sys.path.append(str(ROOT / "docs"))  # where mkdocs finds what its hook imports
LESSON_PAGE = importlib.import_module("executed_lesson")

PAGES = (
    "",
    "lesson/",
    "lesson/convolution/",
    "lesson/summary/",
    "students/",
    "second-course/",
    "threat-model/",
    "architecture/",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = build(ROOT / "mkdocs.yml", folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    handler = functools.partial(QuietHandler, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files without a line per request."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


def build(configuration: Path, to: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(configuration), "-d", str(to)],
        check=False,
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )


def test_build_refuses_a_broken_link(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# Here\n\n[there](nowhere.md)\n", encoding="utf-8")
    configuration = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("nav:\n  - Overview")[0]
    (tmp_path / "mkdocs.yml").write_text(re.sub(r"hooks:\n.*\n", "", configuration), encoding="utf-8")
    done = build(tmp_path / "mkdocs.yml", tmp_path / "site")
    assert done.returncode != 0
    assert "nowhere.md" in done.stderr


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(("width", "dark"), [(PHONE, False), (PHONE, True), (DESKTOP, False), (DESKTOP, True)])
def test_page_is_sound(address: str, page: str, width: int, dark: bool) -> None:
    opened = open_page(address + page, width, dark=dark)
    assert opened.console == []
    assert [url for url in opened.requests if not url.startswith(address)] == []
    assert opened.overflow() <= 0
    assert opened.axe() == []


def test_lesson_shows_what_demonstrations_print_and_draw(site: Path) -> None:
    page = (site / "lesson" / "convolution" / "index.html").read_text(encoding="utf-8")
    assert "by hand and through PyTorch: the same" in page
    assert "convolution-1.svg" in page
    assert (site / "lesson" / "convolution-1.svg").read_text(encoding="utf-8").count("<image") == 4


def test_with_mathml_replaces_formulas_and_leaves_code_alone() -> None:
    page = LESSON_PAGE.with_mathml("`$x$` and $n + 2p$ and\n$$ a\n= b $$")
    assert page.startswith("`$x$` and <math")
    assert page.count("<math") == 2
    assert page.count('display="block"') == 1


def test_sliding_kernel_has_a_cell_per_pixel_and_per_answer() -> None:
    image, kernel = torch.rand(5, 7), torch.randn(2, 3)
    answers = F.conv2d(image[None, None], kernel[None, None])
    moving, still = sliding_kernel(image, kernel), sliding_kernel(image, kernel, moving=False)
    assert still.count('width="13"') == image.numel() + answers.numel()
    assert moving.count('attributeName="opacity"') == answers.numel() - 1
    assert "animate" not in still
