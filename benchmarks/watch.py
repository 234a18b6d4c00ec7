"""What a student waits for: `python benchmarks/watch.py [saves] [runs]`.

First, from a save of `convolution.py` to the verdict in `grader watch`; then `pytest exercises/` on a solved set,
without the evaluation of the weights, against the bare import of the same libraries.
"""

from __future__ import annotations

import os
import queue
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tables import p95

from grader import paths
from grader.authoring.release import release_stubs

LIBRARIES = (
    "torch, torchvision, pytorch_lightning, torchmetrics, torchinfo, matplotlib.pyplot, safetensors.torch, pytest"
)
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(paths.ROOT), "CNN_DATA": str(paths.DATA)}
END = re.compile(r"\((\d+\.\d\d) s\)\n")
RIGHT, WRONG = "kernel[a, b] * image", "kernel.flip(0, 1)[a, b] * image"


def hand_out(to: Path, *, solved: tuple[str, ...]) -> Path:
    """Write a hand-out in which some modules are solved, and return its exercises."""
    release_stubs(to)
    for name in solved:
        shutil.copy(paths.SOLUTIONS / f"{name}.py", to / "exercises")
    return to / "exercises"


def lines(process: subprocess.Popen[str]) -> queue.Queue[tuple[float, str]]:
    """Collect what a process writes, with the time of each line."""
    collected: queue.Queue[tuple[float, str]] = queue.Queue()

    def collect() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            collected.put((time.perf_counter(), line))

    threading.Thread(target=collect, daemon=True).start()
    return collected


def verdict(collected: queue.Queue[tuple[float, str]]) -> tuple[float, float, str]:
    """Return when a run of checks was announced, when it ended, and its report."""
    announced, told = 0.0, ""
    while True:
        when, line = collected.get(timeout=300)
        told += line
        if ": checking ..." in line:
            announced, told = when, line
        if END.fullmatch(line):
            return announced, when, told


def saves(count: int, solved: tuple[str, ...]) -> Iterator[tuple[float, float]]:
    """Save a right and a wrong `convolve` in turn; return the seconds to the announcement and to the verdict."""
    with tempfile.TemporaryDirectory() as folder:
        exercises = hand_out(Path(folder), solved=solved)
        module = exercises / "convolution.py"
        right = module.read_text("utf-8")
        command = [sys.executable, "-m", "grader", "watch"]
        process = subprocess.Popen(
            command, cwd=folder, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        try:
            collected = lines(process)
            verdict(collected)
            for number in range(count):
                time.sleep(0.5)
                good = bool(number % 2)
                began = time.perf_counter()
                module.write_text(right if good else right.replace(RIGHT, WRONG), "utf-8")
                announced, ended, told = verdict(collected)
                if ("failed       convolve" in told) == good:
                    raise RuntimeError(f"expected a verdict on this save, got {told!r}")
                yield announced - began, ended - began
        finally:
            process.terminate()
            process.wait()


def cost(*command: str, cwd: str | Path) -> tuple[float, float]:
    """Run a command that must succeed; return its wall seconds and processor seconds."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *command], cwd=cwd, env=ENVIRONMENT, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - began, used


def row(what: str, seconds: list[float]) -> None:
    """Print one row."""
    print(f"| {what} | {len(seconds)} | {statistics.median(seconds):.3f} | {p95(seconds):.3f} |", flush=True)


def main() -> None:
    """Print both tables."""
    count, runs = (*map(int, sys.argv[1:]), *(24, 5)[len(sys.argv) - 1 :])
    print("| what | times | median s | p95 s |\n|---|---|---|---|")
    announced, ended = zip(*saves(count, ("convolution",)), strict=True)
    row("save to `checking ...`", list(announced))
    row("save to the verdict on convolution.py", list(ended))
    bare, whole = [], []
    with tempfile.TemporaryDirectory() as folder:
        modules = tuple(path.stem for path in paths.SOLUTIONS.glob("[a-z]*.py"))
        hand_out(Path(folder), solved=modules)
        arguments = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "exercises", "-k", "not fashion_accuracy")
        for _ in range(runs):
            bare.append(cost("-c", f"import {LIBRARIES}", cwd=folder))
            whole.append(cost(*arguments, cwd=folder))
    for place, what in enumerate(("on the clock", "of the processors")):
        row(f"bare import, {what}", [one[place] for one in bare])
        row(f"`pytest exercises/` solved, {what}", [one[place] for one in whole])
        ratios = [one[place] / other[place] for one, other in zip(whole, bare, strict=True)]
        row(f"ratio, {what}", ratios)


if __name__ == "__main__":
    main()
