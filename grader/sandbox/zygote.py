"""The fork server: imports what student code needs once, then forks a worker per request.

It holds no secret (no tests, expected values, names or seeds) and stays single-threaded, since a child that is
forked from a process with OpenMP threads hangs at its first parallel operation.

Protocol, over one SOCK_SEQPACKET per checker: a request is JSON with the worker's ends of its channel and log
attached; the answer is JSON with the worker's pidfd attached. `{"reap": pid}` asks how a worker ended.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import importlib
import itertools
import json
import os
import select
import shutil
import signal
import socket
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from grader.course import course
from grader.paths import COURSE, COURSE_VARIABLE, ROOT, TERM_VARIABLE
from grader.sandbox import paging, walls

PRELOADED = (
    "numpy",
    "torch",
    "torch.fx",
    "matplotlib.pyplot",
    "matplotlib_inline.backend_inline",
    "grader.sandbox.shell",
    "grader.sandbox.worker",
    "grader.sandbox.walls.attacks",
)
MAX_REQUEST = 64 << 10
CHANNEL = 3
READY = b"R"
STATUSES_KEPT = 256
HIDDEN = tuple({ROOT, COURSE})
"""No worker sees these, wherever they lie."""

_SLOTS = itertools.count()


def preload() -> None:
    """Import the libraries and our own modules, then forget where the kit lies."""
    for name in (*PRELOADED, *course().preload):
        importlib.import_module(name)
    course().parts("probes")
    if by_hand := course().part("by_hand"):
        by_hand.prepare()
    sys.modules["grader.sandbox.shell"].prepare()
    if warming := course().part("warming"):
        warming.warm_up()
    _forget_the_kit()
    gc.collect()
    gc.freeze()
    paging.collapse()
    paging.keep_freed()
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads != 1:
        raise RuntimeError(f"zygote: expected one thread, got {threads}. Which import starts the others?")


def _forget_the_kit() -> None:
    """Take the kit's folder off the import path: the worker's `exercises` is the submission's, and nothing else is."""
    sys.path[:] = [entry for entry in sys.path if entry and Path(entry).resolve() not in (ROOT, COURSE)]
    for name in (COURSE_VARIABLE, TERM_VARIABLE):
        os.environ.pop(name, None)
    sys.path_importer_cache.clear()
    for name in [name for name in sys.modules if name.partition(".")[0] in ("exercises", "solutions", "tests")]:
        del sys.modules[name]


def serve(channels: list[socket.socket]) -> None:
    """Fork workers until every checker has hung up."""
    ended: dict[int, int] = {}  # wait status by process id
    while channels:
        ready, _, _ = select.select(channels, [], [], 1.0)
        _reap(ended)
        for channel in ready:
            raw, fds, _, _ = socket.recv_fds(channel, MAX_REQUEST, 4)
            request = json.loads(raw) if raw else None
            if request is None:
                channels.remove(channel)
            elif "reap" in request:
                channel.send(json.dumps({"status": _wait(ended, request["reap"])}).encode())
            else:
                ended.pop(_spawn(channel, request, fds), None)  # of an earlier process with the same id
            for fd in fds:
                os.close(fd)


def _reap(ended: dict[int, int]) -> None:
    """Note how workers ended; the oldest statuses are dropped, since most are never asked for."""
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            ended.update([found])
    for pid in [*ended][:-STATUSES_KEPT]:
        del ended[pid]


def _wait(ended: dict[int, int], pid: int) -> int | None:
    """Return the wait status of a worker that is ending, or None if it is still there after a second."""
    deadline = time.monotonic() + 1.0
    while pid not in ended and time.monotonic() < deadline:
        _reap(ended)
        time.sleep(0.002)
    return ended.pop(pid, None)


def _spawn(channel: socket.socket, request: dict[str, Any], fds: list[int]) -> int:
    """Fork a worker, answer with its process id, and return that."""
    slot = next(_SLOTS)
    around = walls.Walls(request["level"], Path(request["data"]), HIDDEN)
    pid, pidfd = walls.fork_worker(around)
    if pid == 0:
        _become_worker(fds, request, around, slot)
    socket.send_fds(channel, [json.dumps({"pid": pid}).encode()], [pidfd])
    os.close(pidfd)
    return pid


def _become_worker(fds: list[int], request: dict[str, Any], around: walls.Walls, slot: int) -> None:
    """Turn the forked child into a worker behind its walls; never returns."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        _arrange_descriptors(*fds)
        scratch = walls.lock_down(
            around,
            walls.Resources(**request["resources"]),
            slot=slot,
            scratch=Path(request["scratch"]),
            cage=walls.Cage(tuple(map(Path, request["cage"]))) if request["cage"] else None,
        )
        if variable := course().data_variable:
            os.environ[variable] = str(around.data_inside)
        workspace = scratch / "work"
        workspace.mkdir()
        os.chdir(workspace)
        channel = socket.socket(fileno=CHANNEL)
        for printed in (1, 2):
            os.dup2(0, printed)  # nobody reads what student code prints
        channel.sendall(READY)
        sys.modules["grader.sandbox.worker"].RequestHandler(channel, workspace).serve()
    except BaseException:  # noqa: BLE001 - a child must never run on as the fork server
        traceback.print_exc()
    os._exit(0)


def _arrange_descriptors(channel: int, log: int) -> None:
    """0 is the null device, 1 and 2 are the log, 3 is the channel; whatever else the fork server holds is closed."""
    null = os.open(os.devnull, os.O_RDWR)
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 16) for fd in (null, log, log, channel)]
    for target, fd in enumerate(high):
        os.dup2(fd, target)
    os.closerange(CHANNEL + 1, 1 << 16)


def main() -> None:
    """Serve at the level, and the channels with the descriptors, that are given; says "ready" on standard output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    level, *fds = sys.argv[1:]
    walls.enter(level)  # type: ignore[arg-type]
    channels = [socket.socket(fileno=int(fd)) for fd in fds]
    made = [Path.home() / name for name in ("matplotlib", "torchinductor")]
    for variable, folder in zip(("MPLCONFIGDIR", "TORCHINDUCTOR_CACHE_DIR"), made, strict=True):
        folder.mkdir(parents=True)
        os.environ[variable] = str(folder)  # else PyTorch leaves one in /tmp
    preload()
    for folder in made:
        shutil.rmtree(folder, ignore_errors=True)
    del os.environ["TORCHINDUCTOR_CACHE_DIR"]  # a worker has a temporary folder of its own
    os.write(1, b"ready\n")
    serve(channels)
    os._exit(0)  # what is frozen cannot be taken down in order: extensions would call it a leak


if __name__ == "__main__":
    main()
