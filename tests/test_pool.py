"""A worker forked ahead: ready at once, never a student's fault, and it leaves nothing behind."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("workers are forked on Linux alone", allow_module_level=True)

from grader.canaries import reference_order
from grader.grading import Grader
from grader.sandbox import client, walls
from grader.sandbox.client import SandboxBroken, Worker, WorkerEnded, WorkerTimedOut
from grader.sandbox.levels import candidates
from grader.sandbox.limits import Limits
from grader.sandbox.pool import MAX_ENDING, WorkerPool
from grader.sandbox.server import ZygoteServer
from grader.sandbox.walls import Level, Walls

pytestmark = pytest.mark.slow

LIMITS = Limits()


@dataclass(frozen=True)
class Server:
    """A fork server and the number of processes without any worker."""

    zygote: ZygoteServer
    level: Level
    processes: int


@pytest.fixture(scope="module", params=["namespaces", "landlock"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    level: Level = request.param
    if level not in walls.available_levels():
        pytest.skip(f"this machine has no {level}")
    zygote = ZygoteServer(1, level)
    zygote.wait_until_ready()
    yield Server(zygote, level, processes())
    zygote.close()


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for all temporary files, so that leftovers can be told apart from others'."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "data").mkdir()
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


@pytest.fixture
def pool(server: Server, home: Path) -> Iterator[WorkerPool]:
    with WorkerPool(server.zygote.channels[0], Walls(server.level, home / "data")) as pool:
        yield pool


def process_of(worker: Worker) -> int | None:
    return walls.pid_behind(worker._pidfd)


def spare_of(pool: WorkerPool) -> Worker:
    """Return the spare once its walls stand."""
    spare = pool._spare
    assert spare is not None
    spare._learn_pid()
    assert select.select([spare._channel], [], [], 60)[0]
    return spare


def answers(worker: Worker) -> bool:
    """Return whether a worker answers; its attempt fails, and that is an answer."""
    return worker.ask("attempt", {"name": "mount", "facts": {}}, 30).kind == "value"


def folders(home: Path) -> list[str]:
    return [path.name for path in home.iterdir() if path.name.startswith("cnn-kit-")]


def cages() -> list[Path]:
    return list(Path("/sys/fs/cgroup").glob(f"**/cnn-grader-{os.getpid()}-*"))


def processes() -> int:
    return len(list(walls.processes.tree(os.getpid())))


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names will do


def becomes(true: Callable[[], bool], patience: float = 20) -> bool:
    deadline = time.monotonic() + patience
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    return true()


def test_every_task_gets_a_worker_of_its_own(pool: WorkerPool) -> None:
    seen = []
    for _ in range(4):
        worker = pool.take(LIMITS)
        assert answers(worker)
        seen.append(process_of(worker))
        pool.retire(worker)
    assert len(set(seen)) == 4
    assert None not in seen


def test_the_next_worker_is_forked_ahead(pool: WorkerPool) -> None:
    first = pool.take(LIMITS)
    ahead = process_of(spare_of(pool))
    pool.retire(first)
    assert process_of(pool.take(LIMITS)) == ahead


def test_a_spare_that_died_is_replaced(pool: WorkerPool) -> None:
    pool.take(LIMITS)
    spare = spare_of(pool)
    process = process_of(spare)
    assert process is not None
    os.kill(process, signal.SIGKILL)
    assert becomes(spare.has_ended)

    worker = pool.take(LIMITS)

    assert worker is not spare
    assert answers(worker)


def test_a_spare_with_other_limits_is_replaced(pool: WorkerPool) -> None:
    pool.take(LIMITS)
    spare = spare_of(pool)
    smaller = replace(LIMITS, resources=replace(LIMITS.resources, open_files=32))

    worker = pool.take(smaller)

    assert worker is not spare
    assert worker.limits == smaller
    assert becomes(spare.has_ended)


def test_a_disk_that_is_nearly_full_stops_whoever_writes_to_it(
    server: Server, pool: WorkerPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = pool.take(LIMITS)
    monkeypatch.setattr(client, "RESERVE", 2 * worker._free_before)  # more than there is
    assert answers(worker)
    worker._free_before += 2 * LIMITS.resources.scratch  # as if this much had been written since

    worker._next_look = 0
    if server.level == walls.NAMESPACES:  # its files are in a file system of their own
        assert answers(worker)
        return
    with pytest.raises(WorkerEnded, match="disk is nearly full") as raised:
        answers(worker)
    assert raised.value.killed  # others may have caused it: the task is tried again


def test_walls_that_do_not_go_up_are_a_grader_error(server: Server, home: Path) -> None:
    if server.level != walls.NAMESPACES:
        pytest.skip("the other level opens what is there, and misses nothing")
    with (
        WorkerPool(server.zygote.channels[0], Walls(server.level, home / "no such folder")) as pool,
        pytest.raises(SandboxBroken, match="in 3 tries"),
    ):
        pool.take(LIMITS)
    assert folders(home) == []


def test_many_tasks_leave_nothing_behind(pool: WorkerPool, home: Path, server: Server) -> None:
    pool.retire(pool.take(LIMITS))
    pool.close()
    held = descriptors()

    for _ in range(30):
        pool.retire(pool.take(LIMITS))
        assert len(folders(home)) <= MAX_ENDING + 3
    pool.take(LIMITS)
    pool.close()

    assert descriptors() == held
    assert folders(home) == []
    assert cages() == []
    assert becomes(lambda: processes() == server.processes)


@pytest.mark.parametrize("ended_early", [False, True], ids=["after its work", "in the middle"])
def test_a_grader_leaves_nothing_behind(home: Path, ended_early: bool) -> None:
    held, others = descriptors(), processes()
    with Grader(1, candidates(unsafe=False)) as grader:
        checkers = {process.pid for process in grader._checkers.values()}

        def ended() -> None:
            if ended_early and any("worker" in name for name in folders(home)):
                raise KeyboardInterrupt

        try:
            order = reference_order(1, frozenset(["data_splits" if ended_early else "output_size"]))
            list(grader.check([order], tick=ended))
        except KeyboardInterrupt:
            assert ended_early

    assert folders(home) == []
    assert [path for pid in checkers for path in Path("/sys/fs/cgroup").glob(f"**/cnn-grader-{pid}-*")] == []
    assert descriptors() == held
    assert becomes(lambda: processes() <= others)


COUNTED = pytest.mark.skipif(
    not Path("/proc/self/schedstat").exists(), reason="this kernel does not count how long a process waits to run"
)


@COUNTED
def test_a_worker_that_sleeps_is_not_starved(pool: WorkerPool) -> None:
    worker = pool.take(LIMITS)
    assert answers(worker)
    os.kill(process_of(worker) or 0, signal.SIGSTOP)  # it waits for nobody
    with pytest.raises(WorkerTimedOut) as caught:
        worker.ask("attempt", {"name": "mount", "facts": {}}, 2)
    assert not caught.value.starved


@COUNTED
def test_a_worker_that_others_keep_from_running_is_starved(pool: WorkerPool) -> None:
    worker = pool.take(LIMITS)
    assert answers(worker)
    os.setpriority(os.PRIO_PROCESS, process_of(worker) or 0, 19)
    spins = "import time; end = time.monotonic() + 9\nwhile time.monotonic() < end: pass"
    # Each has a session of its own, since the kernel shares processors between sessions.
    others = [
        subprocess.Popen([sys.executable, "-c", spins], start_new_session=True)
        for _ in range(4 * (os.cpu_count() or 1))
    ]
    try:
        with pytest.raises(WorkerTimedOut) as caught:
            worker.ask("attempt", {"name": "cpu_time", "facts": {"seconds": 60}}, 4)
        assert caught.value.starved
    finally:
        for other in others:
            other.kill()
            other.wait()
