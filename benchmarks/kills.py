"""Kills a grader at random moments until everything is graded: `python benchmarks/kills.py [kills] [seed]`.

Each kill is a SIGKILL to the grader or to one of its processes (a checker, the fork server, a worker), at a random
moment of a random phase. After each one the recorded results must be whole and right, and no process may outlive a
killed grader; a folder of results is continued until it is complete, and must then equal that of an undisturbed run.
Prints how many kills hit which process in which phase.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from grader.paths import EXERCISES, SOLUTIONS

TASKS = "output_size,convolve,class_counts"
FLIPPED = "\n\n_right = convolve\ndef convolve(image, kernel):\n    return _right(image, kernel.flip(0, 1))\n"
RAISES = "\n\ndef output_size(size, kernel_size, stride=1, padding=0, dilation=1):\n    raise KeyError(size)\n"
# For each phase: the line that announces it, and the longest time in seconds until the kill.
PHASES = {"starting": ("", 6.0), "sandbox": ("starting", 6.0), "canaries": ("canaries", 2.0), "class": ("grading", 0.6),
          "results": ("[", 0.3)}  # fmt: skip
SECONDS_TO_END = 60.0
SECONDS_OF_A_RUN = 600.0


def write_class(folder: Path) -> None:
    """Write a few small submissions: right, wrong, raising, not started, zipped and empty."""
    for name, base, addition in (
        ("ada", SOLUTIONS, ""),
        ("bob", SOLUTIONS, FLIPPED),
        ("cyd", SOLUTIONS, RAISES),
        ("dan", EXERCISES, ""),
        ("eve", SOLUTIONS, FLIPPED + RAISES),
    ):
        (folder / name).mkdir(parents=True)
        for module in ("convolution", "exploration"):
            source = (base / f"{module}.py").read_text(encoding="utf-8")
            text = source + addition if module == "convolution" else source
            (folder / name / f"{module}.py").write_text(text, encoding="utf-8")
    shutil.make_archive(str(folder / "fay"), "zip", folder / "ada")
    (folder / "gus").mkdir()


def descendants(pid: int) -> list[psutil.Process]:
    """Return all processes below one."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


class Run:
    """`grader grade` at work, its output, and its processes when one was killed."""

    def __init__(self, folder: Path, out: Path) -> None:
        command = [sys.executable, "-m", "grader", "grade", str(folder / "class"), "--out", str(out), "--jobs", "2"]
        options = ["--only", TASKS, "--accuracy", "skip", "--seed", "11"]
        self.process = subprocess.Popen(
            [*command, *options],
            env={**os.environ, "TMPDIR": str(folder / "tmp")},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.pids = {self.process.pid}
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)

    def wait_for(self, start: str) -> bool:
        """Wait until a line starts like this; False if the run ends first."""
        deadline = time.monotonic() + SECONDS_OF_A_RUN
        while not any(line.startswith(start) for line in self.lines) and start:
            if self.process.poll() is not None:
                return False
            assert time.monotonic() < deadline, f"expected {start!r}, got {self.lines}"
            time.sleep(0.01)
        return True

    def end(self) -> int:
        """Wait for its exit status."""
        code = self.process.wait(SECONDS_OF_A_RUN)
        self._reader.join()
        return code


def kill_somewhere(run: Run, rng: random.Random) -> tuple[str, str]:
    """Kill the grader or one of its processes; return phase and victim, empty if the run was faster."""
    phase = rng.choice(list(PHASES))
    start, seconds = PHASES[phase]
    if not run.wait_for(start):
        return "", ""
    time.sleep(rng.uniform(0, seconds))
    below = descendants(run.process.pid)
    run.pids |= {process.pid for process in below}
    if run.process.poll() is not None:
        return "", ""
    if not below or rng.random() < 0.6:
        os.kill(run.process.pid, signal.SIGKILL)
        run.process.wait()
        wait_until_gone(below)
        return phase, "grader"
    victim = rng.choice(below)
    name = name_of(victim, run.process.pid)
    try:
        victim.kill()
    except psutil.NoSuchProcess:
        return "", ""
    return phase, name


def name_of(process: psutil.Process, grader: int) -> str:
    """Return the role of a process below a grader."""
    try:
        words, parents = process.cmdline(), [parent.pid for parent in process.parents()]
    except psutil.Error:
        return "another"
    if "grader.sandbox.zygote" not in words:
        return "checker" if "grade" in words else "another"
    return "fork server" if grader in parents[:2] else "worker"


def wait_until_gone(processes: list[psutil.Process]) -> None:
    """Wait until nothing of a killed grader is left."""
    _, left = psutil.wait_procs(processes, SECONDS_TO_END)
    assert not left, f"expected all to end with the grader, got {left}"


def without_times(document: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of a result that must be the same in every run."""
    return {**document, "tasks": [{**task, "seconds": 0} for task in document["tasks"]]}


def differences(got: dict[str, Any], expected: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the differences between two results."""
    return {key: (got.get(key), expected[key]) for key in expected if got.get(key) != expected[key]}


def recorded(out: Path) -> dict[str, dict[str, Any]]:
    """Return the gradebook's results by folder; everything in it and in the files must be whole."""
    if not (out / "gradebook.sqlite").exists():
        return {}
    connection = sqlite3.connect(out / "gradebook.sqlite")
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        rows = connection.execute("SELECT folder, document FROM results").fetchall() if tables else []
    finally:
        connection.close()
    assert len(dict(rows)) == len(rows), "expected one result per submission"
    results = {folder: json.loads(document) for folder, document in rows}
    for path in out.glob("*/results.json"):
        assert json.loads(path.read_text()) == results[path.parent.name], f"expected {path} as it is recorded"
        assert path.with_name("feedback.html").read_text().rstrip().endswith("</html>")
    return {folder: without_times(document) for folder, document in results.items()}


def assert_complete(out: Path, expected: dict[str, dict[str, Any]]) -> None:
    """Check that every submission has exactly one result, in the gradebook and in every file."""
    assert recorded(out) == expected
    assert {path.parent.name for path in out.glob("*/results.json")} == set(expected)
    assert len((out / "grades.csv").read_text().splitlines()) == 1 + len(expected)
    assert not list(out.rglob("*.part"))


def assert_nothing_left(folder: Path, makers: set[int]) -> None:
    """Check that the last run has swept up after killed ones; other graders on this machine may leave files."""
    assert list((folder / "tmp").glob("*cnn-kit-run-*")) == []
    groups = Path("/sys/fs/cgroup").glob("**/cnn-grader-*-*")
    assert [group for group in groups if int(group.name.split("-")[2]) in makers] == []


def main(kills: int, seed: int) -> None:
    """Kill this many times, and print what was hit."""
    rng = random.Random(seed)  # noqa: S311 - moments, not secrets
    met: Counter[tuple[str, str]] = Counter()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_class(folder / "class")
        (folder / "tmp").mkdir()
        assert Run(folder, folder / "undisturbed").end() == 0
        expected = recorded(folder / "undisturbed")
        assert len(expected) == 7
        classes = runs = failed = 0
        makers: set[int] = set()
        while met.total() < kills:
            out, code = folder / f"out-{classes}", -1
            while code != 0:
                run = Run(folder, out)
                runs += 1
                if met.total() < kills:
                    phase, victim = kill_somewhere(run, rng)
                    met[phase, victim] += bool(victim)
                    print(f"{met.total()}: {victim or 'faster'} {phase}", file=sys.stderr)
                code = run.end()
                makers |= run.pids
                assert code in (0, 3, -signal.SIGKILL), f"got {code}: {run.lines}"
                failed += code == 3
                kept = recorded(out)
                other = {folder: differences(kept[folder], expected[folder]) for folder in kept}
                assert not any(other.values()), f"after a {victim} was killed ({phase}), got and expected: {other}"
            assert_complete(out, expected)
            classes += 1
        assert_nothing_left(folder, makers)
    table = Table(title=f"{kills} kills, {runs} runs, {classes} classes, {time.monotonic() - started:.0f} s")
    victims = ("grader", "checker", "fork server", "worker", "another")
    for column in ("phase", *victims):
        table.add_column(column)
    for phase in PHASES:
        table.add_row(phase, *(str(met[phase, victim]) for victim in victims))
    Console(width=100).print(table)
    print(f"{failed} runs gave up with exit status 3 after a kill; every class was complete and right in the end.")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50, int(sys.argv[2]) if len(sys.argv) > 2 else 1)
