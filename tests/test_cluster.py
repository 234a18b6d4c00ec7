"""Many machines: a node that dies, hangs or differs loses nothing, and a score is the same on every node."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

if sys.platform != "linux":
    pytest.skip("grading needs Linux", allow_module_level=True)

from outputs import without_seconds

from grader import identity
from grader.cluster import dispatch
from grader.cluster.plan import Plan, from_document, to_document
from grader.hidden.plugin import CheckReport
from grader.paths import EXERCISES, SOLUTIONS
from grader.results import CheckResult, TaskResult
from grader.sandbox.limits import Limits

SECONDS = 400
NODE = "import sys; from distributed.cli.dask_worker import main; sys.exit(main())"
OTHER_NODE = f"import grader; grader.__version__ = '0.0.9'; {NODE}"
SCHEDULER = "import sys; from distributed.cli.dask_scheduler import main; sys.exit(main())"
ARGUMENTS = ("--only", "output_size,convolve", "--accuracy", "skip", "--seed", "9")


class Cluster:
    """A scheduler, and nodes that are added to it, as separate processes on loopback."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{port}"
        self._processes: list[subprocess.Popen[bytes]] = []
        self._run(SCHEDULER, "--host", "127.0.0.1", "--port", str(port), "--no-dashboard", "--no-show")

    def _run(self, code: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self._folder / f"log-{len(self._processes)}").open("wb") as log:
            process = subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=log, stderr=log)
        self._processes.append(process)
        return process

    def add(self, name: str, code: str = NODE) -> subprocess.Popen[bytes]:
        """Start a node that checks one submission at a time."""
        where = ("--local-directory", str(self._folder / name), "--no-nanny", "--no-dashboard", "--nthreads", "1")
        return self._run(code, self.address, "--host", "127.0.0.1", "--name", name, *where)

    def close(self) -> None:
        for process in self._processes[::-1]:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self._processes:
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    one = Cluster(tmp_path)
    yield one
    one.close()


class Run:
    """`grader grade` at work."""

    def __init__(self, submissions: Path, out: Path, *options: str) -> None:
        command = [sys.executable, "-m", "grader", "grade", str(submissions), "--out", str(out), *ARGUMENTS, *options]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.text = ""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.text += line

    def wait_for(self, pattern: str) -> re.Match[str]:
        deadline = time.monotonic() + SECONDS
        while not (found := re.search(pattern, self.text)):
            assert time.monotonic() < deadline, self.text
            assert self.process.poll() is None, self.text
            time.sleep(0.05)
        return found

    def end(self) -> int:
        code = self.process.wait(SECONDS)
        self._reader.join()
        return code


def results(out: Path) -> dict[str, dict[str, Any]]:
    return {path.parent.name: without_seconds(json.loads(path.read_text())) for path in out.glob("*/results.json")}


def write_class(folder: Path) -> set[str]:
    """Write submissions that take their time: 2 s for each of two tasks."""
    for name, base, addition in (
        *((f"slow-{n}", SOLUTIONS, "\nimport time\ntime.sleep(2)\n") for n in range(8)),
        ("wrong", SOLUTIONS, "\n\ndef convolve(image, kernel):\n    return image\n"),
        ("stubs", EXERCISES, ""),
        ("leaves", SOLUTIONS, "\nimport os\nos._exit(0)\n"),
    ):
        (folder / name).mkdir(parents=True)
        source = (base / "convolution.py").read_text(encoding="utf-8")
        (folder / name / "convolution.py").write_text(source + addition, encoding="utf-8")
    (folder / "empty").mkdir()
    return {path.name for path in folder.iterdir()}


@pytest.mark.slow
def test_nodes_that_die_hang_or_differ_lose_nothing_and_scores_are_those_of_one_machine(
    tmp_path: Path, cluster: Cluster
) -> None:
    names = write_class(tmp_path / "class")
    dies, hangs, _stays = (cluster.add(name) for name in ("dies", "hangs", "stays"))
    cluster.add("differs", OTHER_NODE)
    run = Run(
        tmp_path / "class",
        tmp_path / "out",
        "--executor",
        "dask",
        "--scheduler",
        cluster.address,
        "--node-timeout",
        "8",
    )
    run.wait_for(r"is refused: expected version of the kit [\d.]+, got 0\.0\.9")
    run.wait_for(r"(?s)(is ready.*){3}")
    below = psutil.Process(dies.pid).children(recursive=True)
    dies.kill()
    hangs.send_signal(signal.SIGSTOP)
    assert run.end() == 0, run.text
    assert re.search(r"is gone; 1 of its submissions go elsewhere", run.text), run.text
    assert re.search(r"silent for 8 s; 1 of its submissions go elsewhere", run.text), run.text
    _, left = psutil.wait_procs(below, 60)
    assert not left, "the station of a node that died ends"

    alone = Run(tmp_path / "class", tmp_path / "alone", "--jobs", "2")
    assert alone.end() == 0, alone.text
    assert results(tmp_path / "out").keys() == names
    assert results(tmp_path / "out") == results(tmp_path / "alone")
    assert [one["score"] for name, one in results(tmp_path / "out").items() if name.startswith("slow")] == [11] * 8


@pytest.mark.slow
def test_a_cluster_whose_nodes_all_differ_grades_nobody(tmp_path: Path, cluster: Cluster) -> None:
    cluster.add("differs", OTHER_NODE)
    (tmp_path / "class" / "ada").mkdir(parents=True)
    (tmp_path / "class" / "ada" / "convolution.py").write_bytes((EXERCISES / "convolution.py").read_bytes())
    run = Run(tmp_path / "class", tmp_path / "out", "--executor", "dask", "--scheduler", cluster.address)
    assert run.end() == 3
    assert "got 1 that are refused and no other" in run.text
    assert "expected version of the kit" in run.text.partition("got 1 that are refused")[2]
    assert "Traceback" not in run.text
    assert not (tmp_path / "out" / "ada").exists()


def test_without_a_scheduler_nobody_is_graded_and_the_address_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "CONNECT_SECONDS", 1.0)
    plan = Plan(("convolve",), "weights", 1, Limits(), unsafe=False)
    with pytest.raises(dispatch.ClusterTrouble, match=r"expected a dask scheduler at tcp://127\.0\.0\.1:9, got none"):
        dispatch.Cluster("tcp://127.0.0.1:9", plan, print, 60).__enter__()


def test_the_identity_of_a_kit_shows_what_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = identity.identity()
    assert identity.difference(mine, identity.identity()) == ""
    for place in ("ROOT", "EXERCISES", "SOLUTIONS", "HIDDEN_SUITES", "DATA"):
        monkeypatch.setattr(identity, place, tmp_path)
    monkeypatch.setattr(identity, "in_kit", lambda path: path)
    (tmp_path / "images.gz").write_bytes(b"other images")
    differs = identity.difference(mine, identity.identity.__wrapped__())
    assert f"expected data {mine['data']}, got " in differs
    assert f"expected files of the kit {mine['files of the kit']}, got " in differs
    assert "torch" not in differs
    for name in (".backups/convolution.py", ".hidden.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert identity.difference(mine, identity.identity.__wrapped__()) == differs
    assert "expected version of torch" in identity.difference(mine, {**mine, "version of torch": "0.4.1"})
    assert identity.difference(mine, {}).count("got none") == len(mine)


def test_suite_reports_travel_as_documents() -> None:
    task = TaskResult("convolve", 8.0, 6.4, "partial", None, "fine", 0.1, (CheckResult("a check", True, False),))
    figures = {"convolve": {"call": "convolve(x)", "expected": [1, 2.5], "got": None}, "summarize": "a table"}
    checked = CheckReport((task,), ("a note",), {}, frozenset({"convolve"}), figures)
    assert from_document(json.loads(json.dumps(to_document(checked)))) == checked


@pytest.mark.parametrize(
    ("status", "document", "why"),
    [
        ("error", None, "KeyError('images')"),
        ("cancelled", None, "cancelled"),
        ("finished", {"level": "landlock", "tasks": []}, "other walls"),
        ("finished", {"level": "namespaces", "tasks": [{"id": "convolve"}]}, "expected what the suites say"),
        ("finished", {"level": "namespaces", "tasks": [7]}, "expected what the suites say"),
        ("finished", [], "failed"),
    ],
)
def test_a_node_with_an_invalid_answer_loses_only_that_and_says_why(status: str, document: Any, why: str) -> None:
    plan = Plan(("convolve",), "weights", 1, Limits(), unsafe=False)
    cluster = dispatch.Cluster("tcp://127.0.0.1:9", plan, print, 60)
    cluster.level = "namespaces"
    future = SimpleNamespace(status=status, result=lambda: json.dumps(document), exception=lambda: KeyError("images"))
    checked, trouble = cluster._answer(future)
    assert checked is None
    assert why in trouble


def test_a_node_imports_nothing_heavy() -> None:
    code = "import sys; import grader.cluster.node; print('torch' in sys.modules)"
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "False"
