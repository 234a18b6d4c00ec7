"""Hostile submissions, graded in one batch with honest ones: each gets what its manifest says, and harms nobody."""

from __future__ import annotations

import contextlib
import csv
import ctypes
import html
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from grader import intake
from grader.authoring.samples import WEIGHTS, Sample, samples, write_sample
from grader.paths import HIDDEN_SUITES, ROOT, SAMPLE_CLASS
from tests.hostile import BUILDERS

MANIFEST = SAMPLE_CLASS / "hostile.toml"
HOSTILE = samples(MANIFEST)
HONEST = [sample for sample in samples() if sample.name in ("reference", "half-finished", "untouched")]
AS_ROOT = {"devices"}
PR_SET_CHILD_SUBREAPER = 36
TAGS = frozenset(
    {"html", "head", "meta", "title", "style", "body", "main", "section", "div", "h1", "h2", "h3", "p", "a", "span"}
    | {"strong", "code", "details", "summary", "ul", "li", "br", "table", "thead", "tbody", "tr", "th", "td"}
)


@dataclass(frozen=True)
class Batch:
    """What grading the class left behind.

    Attributes:
        out: its reports.
        done: the finished command.
        folders: the output folder of each sample.
        processes: the names of processes that are still there.
        files: what is left of the temporary files.
        groups: control groups that are still there.
    """

    out: Path
    done: subprocess.CompletedProcess[str]
    folders: dict[str, str]
    processes: list[str]
    files: list[str]
    groups: list[str]

    def result(self, name: str) -> dict[str, Any]:
        return json.loads((self.out / self.folders[name] / "results.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Batch:
    out = tmp_path_factory.mktemp("hostile")
    (out / "class").mkdir()
    folders = write_submissions(out / "class")
    groups, children = control_groups(), set(own_children())
    with listening(), orphans_come_here(), temporary_folder() as temporary:
        done = grade(out / "class", out / "graded", temporary)
        deadline = time.monotonic() + 10
        while (left := still_there(children)) and time.monotonic() < deadline:
            time.sleep(0.1)
        files = [path.name for path in temporary.iterdir()]
    return Batch(out / "graded", done, folders, left, files, sorted(control_groups() - groups))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the reports of the honest submissions, graded without the others."""
    out = tmp_path_factory.mktemp("honest")
    (out / "class").mkdir()
    for sample in HONEST:
        write_honest(sample, out / "class")
    with temporary_folder() as temporary:
        assert grade(out / "class", out / "graded", temporary).returncode == 0
    return out / "graded"


def write_submissions(folder: Path) -> dict[str, str]:
    """Write all submissions; return the output folder that grading will use for each."""
    paths: dict[Path, str] = {}
    for sample in HOSTILE:
        if sample.name in AS_ROOT and os.geteuid() != 0:
            continue
        known = set(folder.iterdir())
        write_sample(sample, MANIFEST.parent / "hostile" / sample.name, folder, BUILDERS)
        (path,) = set(folder.iterdir()) - known  # its builder may have given it another name
        paths[path] = sample.name
    for sample in HONEST:
        write_honest(sample, folder)
        paths[folder / sample.name] = sample.name
    return {paths[entry.path]: entry.folder for entry in intake.find(folder)[0]}


def write_honest(sample: Sample, folder: Path) -> None:
    write_sample(sample, SAMPLE_CLASS / "class" / sample.name, folder)
    (folder / sample.name / WEIGHTS).unlink(missing_ok=True)  # the accuracy of a network takes long


def grade(submissions: Path, out: Path, temporary: Path) -> subprocess.CompletedProcess[str]:
    arguments = ["--out", str(out), "--seed", "7", "--jobs", "2", "--timeout", "5"]
    return subprocess.run(
        [sys.executable, "-m", "grader", "grade", str(submissions), *arguments],
        capture_output=True,
        text=True,
        timeout=850,
        check=False,
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(temporary)},
    )


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="cnn-kit-hostile-"))
    folder.chmod(0o755)  # workers are other users
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def listening() -> Iterator[None]:
    """Offer the service that the sample calls-a-service looks for."""
    with socket.socket(socket.AF_UNIX) as service:
        with contextlib.suppress(OSError):  # another run of this test offers it
            service.bind("\0cnn-kit-canary")
            service.listen()
        yield


@contextlib.contextmanager
def orphans_come_here() -> Iterator[None]:
    """Have every process that outlives its parents below us become our child, where it can be counted."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    try:
        yield
    finally:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def own_children() -> list[int]:
    tasks = Path("/proc/self/task").iterdir()
    return [int(pid) for task in tasks for pid in (task / "children").read_text().split()]


def still_there(known: set[int]) -> list[str]:
    """Return the names of our children that were not known before, once those that have ended are gone."""
    running = [pid for pid in set(own_children()) - known if os.waitpid(pid, os.WNOHANG) == (0, 0)]
    return [Path(f"/proc/{pid}/cmdline").read_text("utf-8", "replace").replace("\0", " ") for pid in running]


def control_groups() -> set[str]:
    """Return the grader's groups whose maker is gone; those of another run at the same time do not count."""
    found = Path("/sys/fs/cgroup").glob("**/cnn-grader-*-*")
    return {folder.name for folder in found if not Path("/proc", folder.name.split("-")[2]).exists()}


def test_the_batch_does_its_work(batch: Batch) -> None:
    assert batch.done.returncode == 0, batch.done.stderr


@pytest.mark.parametrize("sample", HOSTILE, ids=lambda sample: sample.name)
def test_hostile_submission_gets_what_its_manifest_says(sample: Sample, batch: Batch) -> None:
    if sample.name not in batch.folders:
        pytest.skip("only root can make it")
    got = batch.result(sample.name)
    by_id = {task["id"]: task for task in got["tasks"]}
    assert (got["status"], got["score"]) == (sample.status, sample.score), [t for t in got["tasks"] if t["score"]]
    if got["sandbox"] == "namespaces":  # behind other walls the same attack may end in another way
        for task_id, expected in sample.tasks.items():
            assert expected in (by_id[task_id]["status"], by_id[task_id]["misconception"]), by_id[task_id]
    words = [*got["notes"], got.get("message", ""), *(task["message"] for task in got["tasks"])]
    assert any(sample.says in text for text in words), words


@pytest.mark.parametrize("sample", HONEST, ids=lambda sample: sample.name)
def test_honest_submission_is_graded_as_if_alone(sample: Sample, batch: Batch, alone: Path) -> None:
    expected = json.loads((alone / sample.name / "results.json").read_text(encoding="utf-8"))
    assert without_seconds(batch.result(sample.name)) == without_seconds(expected)


def without_seconds(result: dict[str, Any]) -> dict[str, Any]:
    return result | {"tasks": [task | {"seconds": 0} for task in result["tasks"]]}


def test_honest_submissions_keep_their_points(batch: Batch) -> None:
    assert [batch.result(sample.name)["score"] for sample in HONEST] == [90.0, 11.0, 0.0]


def test_nothing_is_left_behind(batch: Batch) -> None:
    assert batch.processes == []
    assert batch.files == []
    assert batch.groups == []
    assert list(Path(tempfile.gettempdir()).glob("hostile-escaped*")) == []


def test_every_builder_is_used() -> None:
    assert {sample.build for sample in HOSTILE if sample.build} == set(BUILDERS)


def reports(batch: Batch) -> dict[str, str]:
    found = [path for path in batch.out.rglob("*") if path.suffix in (".html", ".csv", ".json")]
    texts = {str(path.relative_to(batch.out)): path.read_bytes().decode() for path in found}
    return texts | {"standard output": batch.done.stdout, "standard error": batch.done.stderr}


def test_reports_hold_nothing_that_steers_a_terminal_or_a_reader(batch: Batch) -> None:
    for name, text in reports(batch).items():
        invisible = {char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")}
        assert invisible <= {"\n", "\r"} if name == "grades.csv" else invisible <= {"\n"}, (name, invisible)


class Elements(HTMLParser):
    """Collects the tags of a page, and what its attributes would run or fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.active: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.active += [(key, value) for key, value in attrs if key.startswith("on") or ":" in (value or "")]


def test_pages_hold_only_their_own_elements(batch: Batch) -> None:
    pages = {name: text for name, text in reports(batch).items() if name.endswith(".html")}
    assert any("x-injected" in text for text in pages.values())
    for name, text in pages.items():
        elements = Elements()
        elements.feed(text)
        assert elements.tags <= TAGS, (name, elements.tags - TAGS)
        assert elements.active == [], name


def test_no_cell_is_a_formula(batch: Batch) -> None:
    with (batch.out / "grades.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == 1 + len(batch.folders)
    assert any(cell.startswith("'=") for row in rows for cell in row)
    assert [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []


def test_reports_name_no_path_of_this_machine(batch: Batch) -> None:
    places = {str(Path(place)) for place in (ROOT, sys.prefix, sys.base_prefix, batch.out.parent)}
    for name, text in reports(batch).items():
        if not name.startswith("standard"):  # what the instructor's own terminal shows ends with where the reports are
            assert [place for place in places if len(Path(place).parts) > 2 and place in text] == [], name
            assert "cnn-kit-" not in text, name


def test_reports_hold_no_line_of_the_hidden_tests(batch: Batch) -> None:
    lines = (line.strip() for path in HIDDEN_SUITES.glob("*.py") for line in path.read_text("utf-8").split("\n"))
    code = {line for line in lines if len(line) > 25 and not line.startswith(('"', 'f"'))}  # texts are for students
    shown = {line for text in reports(batch).values() for line in html.unescape(text).split("\n")}
    everything = "\n".join(shown)
    assert len(code) > 500
    assert [line for line in code if line in everything] == []
