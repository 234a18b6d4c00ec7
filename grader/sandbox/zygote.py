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
import json
import os
import pkgutil
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PRELOADED = (
    "numpy",
    "torch",
    "torch.fx",
    "torchvision.datasets",
    "torchvision.transforms",
    "torchvision.transforms.v2",
    "pytorch_lightning",
    "torchmetrics",
    "torchinfo",
    "matplotlib.pyplot",
    "safetensors.torch",
    "PIL.Image",
    "grader.sandbox.worker",
)
MAX_REQUEST = 64 << 10


def preload() -> None:
    """Import the libraries and our own modules, then forget where the kit lies."""
    for name in PRELOADED:
        importlib.import_module(name)
    probes = importlib.import_module("grader.sandbox.probes")
    for module in pkgutil.iter_modules(probes.__path__):
        importlib.import_module(f"grader.sandbox.probes.{module.name}")
    byhand = importlib.import_module("grader.sandbox.byhand")
    byhand.prepare()
    _warm_up()
    _forget_the_kit()
    gc.collect()
    gc.freeze()
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads != 1:
        raise RuntimeError(f"zygote: expected one thread, got {threads}. Which import starts the others?")


def _warm_up() -> None:
    """Do once what every worker would otherwise do for the first time."""
    import torch  # noqa: PLC0415 - only after the environment is set
    from matplotlib import pyplot as plt  # noqa: PLC0415

    torch.set_num_threads(1)
    torch.nn.functional.conv2d(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 2, 2))
    figure, axes = plt.subplots()
    axes.set_title("warm")
    figure.canvas.draw()
    plt.close(figure)


def _forget_the_kit() -> None:
    """Take the kit's folder off the import path: the worker's `exercises` is the submission's, and nothing else is."""
    root = Path(__file__).resolve().parent.parent.parent
    sys.path[:] = [entry for entry in sys.path if entry and Path(entry).resolve() != root]
    sys.path_importer_cache.clear()
    for name in [name for name in sys.modules if name.partition(".")[0] in ("exercises", "solutions", "tests")]:
        del sys.modules[name]


def serve(channels: list[socket.socket]) -> None:
    """Fork workers until every checker has hung up."""
    children: dict[int, int | None] = {}
    while channels:
        ready, _, _ = select.select(channels, [], [], 1.0)
        _reap(children)
        for channel in ready:
            request, fds = _receive(channel)
            if request is None:
                channels.remove(channel)
            elif "reap" in request:
                channel.send(json.dumps({"status": _wait(children, request["reap"])}).encode())
            else:
                _spawn(channel, request, fds, children)
            for fd in fds:
                os.close(fd)


def _receive(channel: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    raw, fds, _, _ = socket.recv_fds(channel, MAX_REQUEST, 4)
    return (json.loads(raw) if raw else None), list(fds)


def _reap(children: dict[int, int | None]) -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            children[pid] = status


def _wait(children: dict[int, int | None], pid: int) -> int | None:
    """Return the wait status of a worker that is ending, or None if it is still there after a second."""
    deadline = time.monotonic() + 1.0
    while children.get(pid) is None and time.monotonic() < deadline:
        _reap(children)
        time.sleep(0.002)
    return children.pop(pid, None)


def _spawn(channel: socket.socket, request: dict[str, Any], fds: list[int], children: dict[int, int | None]) -> None:
    pid = os.fork()
    if pid == 0:
        _become_worker(fds, request)
    children[pid] = None
    pidfd = os.pidfd_open(pid)
    socket.send_fds(channel, [json.dumps({"pid": pid}).encode()], [pidfd])
    os.close(pidfd)


def _become_worker(fds: list[int], request: dict[str, Any]) -> None:
    """Turn the forked child into a worker; never returns."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.setsid()
        channel_fd, log_fd = fds
        null = os.open(os.devnull, os.O_RDONLY)
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 16) for fd in (null, log_fd, log_fd, channel_fd)]
        for target, fd in enumerate(high):
            os.dup2(fd, target)
        os.closerange(4, 1 << 16)
        workspace = Path(request["workspace"])
        os.chdir(workspace)
        os.environ["CNN_DATA"] = request["data_root"]
        _serve_requests(workspace)
    except BaseException:  # noqa: BLE001 - a child must never run on as the fork server
        import traceback  # noqa: PLC0415

        traceback.print_exc()
    os._exit(0)


def _serve_requests(workspace: Path) -> None:
    from grader.sandbox.worker import Worker  # noqa: PLC0415 - loaded by preload()

    Worker(socket.socket(fileno=3), workspace).serve()


def main() -> None:
    """Serve the channels whose descriptors are given as arguments; says "ready" on standard output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channels = [socket.socket(fileno=int(fd)) for fd in sys.argv[1:]]
    config = tempfile.mkdtemp(prefix="cnn-kit-matplotlib-")
    os.environ["MPLCONFIGDIR"] = config
    preload()
    shutil.rmtree(config, ignore_errors=True)
    os.write(1, b"ready\n")
    serve(channels)


if __name__ == "__main__":
    main()
