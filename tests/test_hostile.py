"""Hostile submissions, graded in one batch with honest ones: each gets what its manifest says, and harms nobody."""

from __future__ import annotations

import contextlib
import csv
import ctypes
import html
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest
from identities import ORDINARY_USER, OWN, python_of
from outputs import without_seconds

from grader import intake
from grader.authoring.samples import Sample, samples, write_sample
from grader.course import course
from grader.paths import HIDDEN_SUITES, ROOT, SAMPLE_CLASS
from grader.sandbox.walls import LANDLOCK, NAMESPACES, available_levels
from grader.sandbox.walls.processes import tree
from tests.hostile import BUILDERS

pytestmark = pytest.mark.slow

MANIFEST = SAMPLE_CLASS / "hostile.toml"
HOSTILE = samples(MANIFEST)
HONEST = [sample for sample in samples() if sample.name in ("reference", "half-finished", "untouched")]
AS_ROOT = {"devices"}
AT_LEVEL = """
import sys
from grader.cli import main
from grader.sandbox import walls
level = sys.argv.pop(1)
walls.available_levels = lambda: (level,)
main()
"""
PR_SET_CHILD_SUBREAPER = 36
TAGS = frozenset(
    {"html", "head", "meta", "title", "style", "body", "main", "section", "div", "h1", "h2", "h3", "p", "a", "span"}
    | {
        "strong",
        "em",
        "code",
        "pre",
        "details",
        "summary",
        "ul",
        "li",
        "br",
        "dl",
        "dt",
        "dd",
        "header",
        "footer",
        "nav",
    }
    | {"table", "caption", "thead", "tbody", "tr", "th", "td", "article", "figure", "figcaption", "img", "script"}
    | {"svg", "rect", "line", "text", "polyline", "circle", "path", "g"}
)
SCRIPT = (ROOT / "grader" / "reports" / "templates" / "report.js").read_text(encoding="utf-8")
HARMLESS = re.compile(
    r"(src=data:image/png;base64,[A-Za-z0-9+/=]+|style=width: \d+(?:\.\d+)?%|aria-label=.*)", re.DOTALL
)

OF_PYTORCH = "torchinductor_"
"""What PyTorch leaves, empty, in the folder for temporary files where it is first imported."""


@dataclass(frozen=True)
class Setting:
    """Who grades which of the hostile submissions behind which walls; the best available ones if none are named."""

    identity: str = OWN
    level: str = ""
    hostile: tuple[Sample, ...] = tuple(HOSTILE)

    def __str__(self) -> str:
        return f"{self.identity}-{self.level or 'best'}"


SECOND = Setting("user", "landlock", tuple(sample for sample in HOSTILE if sample.wall))
"""The opposite of root at `namespaces`; what walls stop is tried there in every run."""

EVERY_LEVEL = [
    pytest.param(Setting(identity, level), marks=pytest.mark.every_level)
    for identity in ("root", "user")
    for level in (NAMESPACES, LANDLOCK)
]


@dataclass(frozen=True)
class Batch:
    """What grading the class left behind.

    Attributes:
        setting: who graded it, and where.
        out: its reports.
        done: the finished command.
        folders: the output folder of each sample.
        left: what is still there, by kind.
    """

    setting: Setting
    out: Path
    done: subprocess.CompletedProcess[str]
    folders: dict[str, str]
    left: dict[str, list[str]]

    def result(self, name: str) -> dict[str, Any]:
        return json.loads((self.out / self.folders[name] / "results.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Batch:
    return graded(Setting(), tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module", params=[SECOND, *EVERY_LEVEL], ids=str)
def elsewhere(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Batch]:
    setting = request.param
    python_of(setting.identity)
    if setting.level not in available_levels():
        pytest.skip(f"this machine has no {setting.level}")
    with tempfile.TemporaryDirectory(prefix="cnn-kit-class-") as folder:  # pytest has its own closed
        yield graded(setting, Path(folder))


def graded(setting: Setting, out: Path) -> Batch:
    """Grade the hostile submissions and the honest ones together, and find what is left behind."""
    (out / "class").mkdir()
    folders = write_submissions(out / "class", setting.hostile)
    children, strays = set(own_children()), stray_files()
    if setting.identity != OWN:
        give_away(out)
    with listening(), orphans_come_here(), temporary_folder() as temporary:
        done, processes = grade(out / "class", out / "graded", temporary, setting)
        deadline = time.monotonic() + 10
        while (running := still_there(children)) and time.monotonic() < deadline:
            time.sleep(0.1)
        left = {
            "processes": running,
            "temporary files": [path.name for path in temporary.iterdir() if not path.name.startswith(OF_PYTORCH)],
            "files elsewhere": sorted(stray_files() - strays),
            "control groups": control_groups(processes),
        }
    return Batch(setting, out / "graded", done, folders, left)


def give_away(folder: Path) -> None:
    """Make the ordinary user the owner of a folder and everything below it."""
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, ORDINARY_USER, ORDINARY_USER, follow_symlinks=False)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the reports of the honest submissions, graded without the others."""
    out = tmp_path_factory.mktemp("honest")
    (out / "class").mkdir()
    for sample in HONEST:
        write_honest(sample, out / "class")
    with temporary_folder() as temporary:
        assert grade(out / "class", out / "graded", temporary, Setting())[0].returncode == 0
    return out / "graded"


def write_submissions(folder: Path, hostile: Iterable[Sample]) -> dict[str, str]:
    """Write the submissions; return the output folder that grading will use for each."""
    paths: dict[Path, str] = {}
    for sample in hostile:
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
    (folder / sample.name / course().artefact_file).unlink(missing_ok=True)  # the accuracy of a network takes long


def grade(
    submissions: Path, out: Path, temporary: Path, setting: Setting
) -> tuple[subprocess.CompletedProcess[str], set[int]]:
    """Grade a class from the command line; return the finished command, and all its processes that were seen."""
    arguments = ["--out", str(out), "--seed", "7", "--jobs", "2", "--timeout", "5"]
    start = ["-c", AT_LEVEL, setting.level] if setting.level else ["-m", "grader"]
    if setting.identity != OWN:
        temporary.chmod(0o777)
    command = [*python_of(setting.identity), *start, "grade", str(submissions), *arguments]
    environment = os.environ | {"TMPDIR": str(temporary), "HOME": str(temporary)}
    processes: set[int] = set()
    with subprocess.Popen(command, stdout=PIPE, stderr=PIPE, text=True, cwd=ROOT, env=environment) as running:
        while True:
            try:
                output = running.communicate(timeout=0.5)
                return subprocess.CompletedProcess(command, running.returncode, *output), processes
            except subprocess.TimeoutExpired:
                processes |= set(tree(running.pid))


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
    """Make every process below us that outlives its parents our child, so that it can be counted."""
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
    """Return the names of our new children, once those that have ended are gone."""
    running = [pid for pid in set(own_children()) - known if os.waitpid(pid, os.WNOHANG) == (0, 0)]
    return [Path(f"/proc/{pid}/cmdline").read_text("utf-8", "replace").replace("\0", " ") for pid in running]


def control_groups(makers: set[int]) -> list[str]:
    """Return the grader's control groups made by one of these processes."""
    found = Path("/sys/fs/cgroup").glob("**/cnn-grader-*-*")
    return sorted({folder.name for folder in found if int(folder.name.split("-")[2]) in makers})


def stray_files() -> set[str]:
    """Return what others put where everybody may write; the grader's own files there are in its own folder."""
    places = [Path(place) for place in ("/tmp", "/var/tmp", "/dev/shm", "/run/lock") if Path(place).is_dir()]
    found = [path for place in places for path in place.iterdir() if not path.name.startswith("cnn-kit-")]
    return {str(path) for path in found if path.name.startswith("hostile-escaped") or owner(path) != os.geteuid()}


def owner(path: Path) -> int:
    try:
        return path.lstat().st_uid
    except OSError:  # it has just been removed
        return os.geteuid()


def trouble(sample: Sample, batch: Batch) -> list[str]:
    """Report where a hostile submission's result differs from its manifest."""
    got = batch.result(sample.name)
    tasks = {task["id"]: task for task in got["tasks"]}
    words = [*got["notes"], got.get("message", ""), *(task["message"] for task in got["tasks"])]
    wanted = sample.tasks | (sample.landlock if got["sandbox"] == LANDLOCK else {})
    found = []
    is_known = sample.score is not None or sample.status != "graded"  # elsewhere it depends on the inputs drawn
    if got["status"] != sample.status or (is_known and got["score"] != sample.score):
        earned = {name: task["score"] for name, task in tasks.items() if task["score"]}
        found.append(f"expected {sample.status} with {sample.score}, got {got['status']} with {got['score']}: {earned}")
    for name, expected in wanted.items():
        if not {tasks[name]["status"], tasks[name]["misconception"]} & set(expected.split(" or ")):
            found.append(f"{name}: expected {expected}, got {tasks[name]['status']}: {tasks[name]['message']}")
    if not any(sample.says in text for text in words):
        found.append(f"expected {sample.says!r} in {words}")
    return found


def test_the_batch_does_its_work(batch: Batch) -> None:
    assert batch.done.returncode == 0, batch.done.stderr


@pytest.mark.parametrize("sample", HOSTILE, ids=lambda sample: sample.name)
def test_hostile_submission_gets_what_its_manifest_says(sample: Sample, batch: Batch) -> None:
    if sample.name not in batch.folders:
        pytest.skip("only root can make it")
    assert trouble(sample, batch) == []


def test_hostile_submissions_get_the_same_behind_other_walls(elsewhere: Batch) -> None:
    assert elsewhere.done.returncode == 0, elsewhere.done.stderr
    graded = [sample for sample in elsewhere.setting.hostile if sample.name in elsewhere.folders]
    assert {elsewhere.result(sample.name)["sandbox"] for sample in HONEST} == {elsewhere.setting.level}
    assert {sample.name: found for sample in graded if (found := trouble(sample, elsewhere))} == {}
    assert [elsewhere.result(sample.name)["score"] for sample in HONEST] == [90.0, 11.0, 0.0]
    assert {kind: found for kind, found in elsewhere.left.items() if found} == {}


@pytest.mark.parametrize("sample", HONEST, ids=lambda sample: sample.name)
def test_honest_submission_is_graded_as_if_alone(sample: Sample, batch: Batch, alone: Path) -> None:
    expected = json.loads((alone / sample.name / "results.json").read_text(encoding="utf-8"))
    assert without_seconds(batch.result(sample.name)) == without_seconds(expected)


def test_honest_submissions_keep_their_points(batch: Batch) -> None:
    assert [batch.result(sample.name)["score"] for sample in HONEST] == [90.0, 11.0, 0.0]


def test_nothing_is_left_behind(batch: Batch) -> None:
    assert {kind: found for kind, found in batch.left.items() if found} == {}


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
    """Collects the tags of a page, its scripts, and what its attributes would run or fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.active: list[str] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        given = [(key, f"{key}={value or ''}") for key, value in attrs]
        self.active += [
            text for key, text in given if key.startswith("on") or (":" in text and not HARMLESS.fullmatch(text))
        ]

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "script":
            self.scripts.append(data)


def test_pages_hold_only_their_own_elements(batch: Batch) -> None:
    pages = {name: text for name, text in reports(batch).items() if name.endswith(".html")}
    assert any("x-injected" in text for text in pages.values())
    for name, text in pages.items():
        elements = Elements()
        elements.feed(text)
        assert elements.tags <= TAGS, (name, elements.tags - TAGS)
        assert elements.active == [], name
        assert {script.strip() for script in elements.scripts} <= {SCRIPT.strip()}, name


def test_no_cell_is_a_formula(batch: Batch) -> None:
    with (batch.out / "grades.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == 1 + len(batch.folders)
    assert any(cell.startswith("'=") for row in rows for cell in row)
    assert [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []


def test_reports_name_no_path_of_this_machine(batch: Batch) -> None:
    places = {str(Path(place)) for place in (ROOT, sys.prefix, sys.base_prefix, batch.out.parent)}
    for name, text in reports(batch).items():
        if not name.startswith("standard"):  # the instructor's own terminal shows at the end where the reports are
            assert [place for place in places if len(Path(place).parts) > 2 and place in text] == [], name
            assert "cnn-kit-" not in text, name


def test_reports_hold_no_line_of_the_hidden_tests(batch: Batch) -> None:
    lines = (line.strip() for path in HIDDEN_SUITES.glob("*.py") for line in path.read_text("utf-8").split("\n"))
    code = {line for line in lines if len(line) > 25 and not line.startswith(('"', 'f"'))}  # texts are for students
    shown = {line for text in reports(batch).values() for line in html.unescape(text).split("\n")}
    everything = "\n".join(shown)
    assert len(code) > 500
    assert [line for line in code if line in everything] == []
