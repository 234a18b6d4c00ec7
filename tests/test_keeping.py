"""Whatever ends a process or fills a disk, results are kept, whole and once; the next run goes on."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import warm

if sys.platform != "linux":
    pytest.skip("grading needs Linux", allow_module_level=True)

from grader.authoring.answers import replaced
from grader.files import DiskFull, explaining_full_disk, remove_unfinished, write_atomically
from grader.gradebook import Gradebook, GradebookBroken
from grader.grading import Grader
from grader.locking import AnotherGrader, only_grader
from grader.paths import ROOT, SOLUTIONS
from grader.reports.published import publish
from grader.results import Result, TaskResult
from grader.sandbox import scratch
from grader.sandbox.levels import candidates

ARGUMENTS = ("--only", "output_size", "--accuracy", "skip", "--seed", "5")


def result(student: str = "ada", message: str = "fine") -> Result:
    one = TaskResult("convolve", 8.0, 6.4, "partial", None, message, 0.1)
    return Result(student, "graded", "namespaces", "0.1.0", "00", "7", tasks=(one,))


def arguments(submissions: Path, out: Path) -> list[str]:
    return ["grader", "grade", str(submissions), "--out", str(out), *ARGUMENTS]


def rows(out: Path) -> dict[str, str]:
    connection = sqlite3.connect(out / "gradebook.sqlite")
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return dict(connection.execute("SELECT folder, document FROM results").fetchall())
    finally:
        connection.close()


@pytest.mark.slow
def test_whichever_process_is_killed_and_whenever_nothing_is_lost() -> None:
    """Few kills, to save time: CI kills more each week, and `python benchmarks/kills.py 50` is the long run."""
    seed = time.time_ns()
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "kills.py"), "2", str(seed)],
        capture_output=True,
        text=True,
        timeout=850,
        check=False,
    )
    assert done.returncode == 0, f"python benchmarks/kills.py 2 {seed}\n{done.stdout}{done.stderr}"
    assert "2 kills" in done.stdout


@pytest.mark.slow
def test_of_two_graders_started_at_once_one_grades_and_the_other_refuses(tmp_path: Path) -> None:
    shutil.copytree(SOLUTIONS, tmp_path / "class" / "ada")
    (tmp_path / "class" / "bob").mkdir()
    command = [sys.executable, "-m", *arguments(tmp_path / "class", tmp_path / "out")]
    both = [subprocess.Popen(command, stdout=-3, stderr=-1, text=True) for _ in "12"]
    texts = [one.communicate(timeout=400)[1] for one in both]
    assert sorted(one.returncode for one in both) == [0, 3], texts
    (refused,) = (text for one, text in zip(both, texts, strict=True) if one.returncode == 3)
    (worked,) = (one for one in both if one.returncode == 0)
    assert f"expected no other grader at work here, got process {worked.pid}" in refused
    assert {folder: json.loads(row)["score"] for folder, row in rows(tmp_path / "out").items()} == {"ada": 3, "bob": 0}


def test_a_forked_child_does_not_hold_the_folder_of_a_dead_grader(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    parent = os.fork()
    if not parent:
        with only_grader(tmp_path):
            if not os.fork():
                os.close(writing)
                os.read(reading, 1)
            os._exit(0)
    os.waitpid(parent, 0)
    with only_grader(tmp_path):
        child = os.fork()
        if not child:
            try:
                with only_grader(tmp_path):
                    os._exit(0)
            except AnotherGrader as error:
                os._exit(3 if str(os.getppid()) in str(error) else 4)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
    os.write(writing, b"x")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A separate file system with room for only some results."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a small file system needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=192k", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"this machine lets nobody mount: {mounted.stderr!r}")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.mark.slow
def test_on_a_full_disk_the_grader_stops_and_goes_on_when_there_is_room(tmp_path: Path, small_disk: Path) -> None:
    names = {f"student-{n:02}" for n in range(40)}
    for name in names:
        (tmp_path / "class" / name).mkdir(parents=True)
    out = small_disk / "out"
    full = warm.run(*arguments(tmp_path / "class", out), cwd=ROOT, timeout=300)
    assert full.returncode == 3, full.stdout + full.stderr
    assert "Traceback" not in full.stderr
    assert "full" in full.stderr or "No space left" in full.stderr
    kept = rows(out)
    assert 0 < len(kept) < 40
    assert not list(out.rglob("*.part"))
    for path in out.glob("*/results.json"):
        assert json.loads(path.read_text()) == json.loads(kept[path.parent.name])

    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    again = warm.run(*arguments(tmp_path / "class", out), cwd=ROOT, timeout=300)
    assert again.returncode == 0, again.stderr
    assert f"{len(kept)} of 40 results kept" in again.stderr
    now = rows(out)
    assert now.keys() == names
    assert {name: now[name] for name in kept} == kept
    assert {path.parent.name for path in out.glob("*/results.json")} == names
    assert {path.parent.name for path in out.glob("*/feedback.html")} == names
    assert len((out / "grades.csv").read_text().splitlines()) == 41


def test_a_gradebook_without_room_says_so_and_keeps_what_it_had(tmp_path: Path) -> None:
    book = Gradebook(tmp_path)
    book.record("ada", "key", result(), 1)
    pages = book._connection.execute("PRAGMA page_count").fetchone()[0]
    book._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(GradebookBroken, match="full"):
        book.record("bob", "key", result(message="x" * 100_000), 1)
    book.close()
    again = Gradebook(tmp_path)
    assert again.finished("ada", "key") == result()
    assert again.finished("bob", "key") is None
    again.close()


def test_a_damaged_gradebook_is_a_grader_error(tmp_path: Path) -> None:
    (tmp_path / "gradebook.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(GradebookBroken, match="not a database"):
        Gradebook(tmp_path)


def test_a_full_disk_is_reported_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DiskFull, match="make room"), explaining_full_disk(tmp_path):
        Path("/dev/full").write_text("x")
    with pytest.raises(FileNotFoundError), explaining_full_disk(tmp_path):
        (tmp_path / "none").read_text()


def test_missing_or_outdated_files_are_written_again(tmp_path: Path) -> None:
    publish(tmp_path, result())
    data, page = tmp_path / "results.json", tmp_path / "feedback.html"
    written = data.read_text(), page.read_text()
    times = data.stat().st_mtime_ns, page.stat().st_mtime_ns
    publish(tmp_path, result())
    assert (data.stat().st_mtime_ns, page.stat().st_mtime_ns) == times, "they were as they should be"
    data.write_text(written[0][:100])
    page.unlink()
    publish(tmp_path, result())
    assert (data.read_text(), page.read_text()) == written
    publish(tmp_path, result(message="another"))
    assert "another" in page.read_text()
    assert json.loads(data.read_text())["tasks"][0]["message"] == "another"


def test_partial_files_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        os._exit(9)

    child = os.fork()
    if not child:
        monkeypatch.setattr(os, "fsync", killed)
        write_atomically(tmp_path / "ada" / "results.json", "half")
    os.waitpid(child, 0)
    assert len(list((tmp_path / "ada").iterdir())) == 1
    (tmp_path / "ada" / ".hidden").touch()
    remove_unfinished(tmp_path)
    assert [path.name for path in (tmp_path / "ada").iterdir()] == [".hidden"]


def test_temporary_folders_are_swept_once_their_processes_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    mine = scratch.make("mine")
    told, tells = os.pipe()
    waits, goes = os.pipe()
    parent = os.fork()
    if not parent:
        (scratch.make("theirs") / "file").touch()
        if not os.fork():
            os.close(goes)
            os.write(tells, b"x")
            os.read(waits, 1)
        os._exit(0)
    os.waitpid(parent, 0)
    os.read(told, 1)
    assert scratch.sweep() == 0, "a child of its maker lives"
    os.write(goes, b"x")
    deadline = time.monotonic() + 10
    while not scratch.sweep():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert list(tmp_path.iterdir()) == [mine]
    scratch.remove(mine)
    with pytest.raises(FileNotFoundError):
        os.open(mine, os.O_RDONLY)
    held = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(held)


def kill_all(processes: list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


@pytest.mark.slow
def test_a_task_whose_worker_was_killed_is_retried_and_a_killed_checker_is_replaced() -> None:
    source = (SOLUTIONS / "convolution.py").read_text(encoding="utf-8")
    slow = replaced(("output_size",), {"convolution": f"import time\ntime.sleep(3)\n{source}"})
    killed: dict[str, float] = {}
    found: dict[int, Result] = {}
    others = set(psutil.Process().children(recursive=True))  # such as the browser of other tests

    def kill() -> None:
        now = time.monotonic()
        with contextlib.suppress(psutil.NoSuchProcess):  # one ended during the search: look again at the next tick
            below = [one for one in psutil.Process().children(recursive=True) if one not in others]
            forked = [one for one in below if "grader.sandbox.zygote" in one.cmdline()]
            workers = [one for one in forked if not one.children()]
            checkers = [one for one in below if one not in forked]
            if "worker" not in killed and now - started > 1.5:
                killed["worker"] = now
                kill_all(workers)
            elif "checker" not in killed and now - killed.get("worker", now) > 1:
                killed["checker"] = now
                kill_all(checkers)

    with Grader(1, candidates(unsafe=False)) as grader:
        started = time.monotonic()
        grader.grade([slow], found.__setitem__, tick=kill)
    assert list(killed) == ["worker", "checker"]
    tasks = {task.id: task for task in found[0].tasks}
    assert (tasks["output_size"].status, tasks["output_size"].score) == ("passed", 3), tasks["output_size"].message
