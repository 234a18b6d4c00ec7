"""Runs `python -m MODULE` in a fork of a process with the slow imports: each run saves its first seconds.

    done = warm.run("grader", "verify", "--quick", cwd=kit)

is what `subprocess.run([sys.executable, "-m", "grader", "verify", "--quick"], cwd=kit, ...)` would be: the kit itself,
the exercises and the tests are imported anew, from the folder that it runs in. Some commands still have to be run cold,
so that what they import, and in which order, is tested too.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LIBRARIES = (
    "numpy", "torch", "torchvision.datasets", "torchvision.transforms.v2", "pytorch_lightning", "torchmetrics",
    "torchinfo", "matplotlib.pyplot", "safetensors.torch", "PIL.Image", "pytest", "nbformat", "rich.progress", "jinja2",
)  # fmt: skip
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""A process forked from one with OpenMP threads hangs when it first uses them."""


def run(
    *arguments: str, cwd: Path, env: Mapping[str, str] = os.environ, stdin: str = "", timeout: float = 600
) -> subprocess.CompletedProcess[str]:
    """Run a module as a program.

    Args:
        *arguments: the module's name, and what follows it.
        cwd: where.
        env: its whole environment.
        stdin: what it can read.
        timeout: seconds, after which it is killed with everything it started.

    Raises:
        subprocess.TimeoutExpired: if it takes longer.
    """
    if sys.platform != "linux":  # elsewhere such a fork does not exist, or is not safe
        return _cold(arguments, cwd, env, stdin, timeout)
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ("in", "out", "err")]
        files[0].write_text(stdin, encoding="utf-8")
        request = {"arguments": arguments, "cwd": str(cwd), "env": dict(env), "files": [str(path) for path in files]}
        status = _server().ask(request, timeout)
        out, err = (path.read_text(encoding="utf-8", errors="replace") for path in files[1:])
    return subprocess.CompletedProcess(arguments, status, out, err)


def _cold(
    arguments: tuple[str, ...], cwd: Path, env: Mapping[str, str], stdin: str, timeout: float
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(
        command, cwd=cwd, env=env, input=stdin, capture_output=True, text=True, timeout=timeout, check=False
    )


class _Server:
    """The forked process; one request at a time."""

    def __init__(self) -> None:
        command = [sys.executable, __file__]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env={**os.environ, **ONE_THREAD})

    def ask(self, request: dict[str, Any], timeout: float) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        pid = int(self._process.stdout.readline())
        with _killed_after(timeout, pid) as late:
            status = int(self._process.stdout.readline())
        if late:
            raise subprocess.TimeoutExpired(request["arguments"], timeout)
        return status


@contextlib.contextmanager
def _killed_after(seconds: float, pid: int) -> Any:
    late: list[int] = []

    def end(*_: object) -> None:
        late.append(pid)
        os.killpg(pid, signal.SIGKILL)

    timer = threading.Timer(seconds, end)
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


@functools.cache
def _server() -> _Server:
    return _Server()


def _serve() -> None:
    """Fork for each request; the fork becomes the program, and ends as one."""
    requests, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    for name in LIBRARIES:
        importlib.import_module(name)
    for line in requests:
        pid = os.fork()
        if not pid:
            requests.close()
            answers.close()
            _become(**json.loads(line))
            return
        with contextlib.suppress(OSError):  # it may have done so itself
            os.setpgid(pid, pid)
        print(pid, file=answers, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), file=answers, flush=True)


def _become(arguments: list[str], cwd: str, env: dict[str, str], files: list[str]) -> None:
    os.setpgid(0, 0)
    for target, (path, flags) in enumerate(zip(files, (os.O_RDONLY, *[os.O_WRONLY | os.O_CREAT] * 2), strict=True)):
        descriptor = os.open(path, flags, 0o600)
        os.dup2(descriptor, target)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.path[:1] = [cwd, *filter(None, env.get("PYTHONPATH", "").split(os.pathsep))]
    sys.argv = list(arguments)
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _serve()
