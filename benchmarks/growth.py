"""Whether time and memory per submission stay level as classes grow: `python benchmarks/growth.py [--work DIR] N...`.

Grades a class of each size N in one run of `grader grade`, prints a table and draws docs/growth.svg. Of every ten
submissions two are the reference, one is right in another style, two have one named mistake, three are half done and
two not started; each differs from all others by a comment, so that no result can be reused for another, and the
first five submit the trained network. None runs into its time limit: a class with such submissions takes longer.

Finished sizes are kept in DIR (default: a folder for temporary files), and an interrupted one goes on where
it stopped, which the table shows. The mixture repeats every ten submissions: from a class of 100 on thirds can be
compared. How long it takes: the seconds per submission that the first line of the table shows, times N.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import matplotlib as mpl
import psutil
from rich.console import Console
from rich.table import Table

from grader.authoring.answers import right_answers, wrong_answers
from grader.canaries import reference_order, stub_order
from grader.executor import Order
from grader.paths import ROOT

SAMPLE_SECONDS = 2.0
WEIGHTS = "fashion_cnn.safetensors"
HALF = ("convolution", "transforms", "exploration")
PICTURE = ROOT / "docs" / "growth.svg"
KINDS = ("grader", "checkers", "fork server", "workers")
OURS = KINDS[:3]
MIB = 1 << 20


def write_class(folder: Path, size: int) -> None:
    """Write this many submissions, unless they exist."""
    right, wrong = [one.order for one in right_answers()], [one.order for one in wrong_answers()]
    reference, stubs = reference_order(1, frozenset()), stub_order(1, frozenset())
    for number in range(size):
        kind, turn = number % 10, number // 10
        order: Order = reference
        if kind == 2:
            order = right[turn % len(right)]
        elif kind in (3, 4):
            order = wrong[(2 * turn + kind) % len(wrong)]
        elif kind in (8, 9):
            order = stubs
        modules = order.snapshot.modules
        if kind in (5, 6, 7):
            modules = {**stubs.snapshot.modules, **{name: modules[name] for name in HALF}}
        target = folder / f"student-{number:04}"
        target.mkdir(parents=True, exist_ok=True)
        for name, source in modules.items():
            (target / f"{name}.py").write_bytes(source + f"\n# {number}\n".encode())
        if kind < 5:
            (target / WEIGHTS).write_bytes(reference.snapshot.weights or b"")


class Watch:
    """Samples the memory of a run's processes and the times of its results."""

    def __init__(self, process: subprocess.Popen[str], size: int) -> None:
        self.samples: list[dict[str, float]] = []
        self.times: list[float] = []
        self._process = process
        self._size = size
        self._started = time.monotonic()

    def run(self) -> None:
        """Watch until the run ends."""
        reader = threading.Thread(target=self._read)
        reader.start()
        while self._process.poll() is None:
            taken = time.monotonic()
            self.samples.append({"done": len(self.times), "seconds": taken - self._started, **self._memory()})
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(max(0.1, SAMPLE_SECONDS - (time.monotonic() - taken)))
        reader.join()

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if re.match(rf"\[\d+/{self._size}\]", line):
                self.times.append(time.monotonic() - self._started)
            print(line, end="", file=sys.stderr)

    def _memory(self) -> dict[str, float]:
        """Memory by kind of process, in MiB, without mapped files: they count less while other programs map them."""
        used = dict.fromkeys(KINDS, 0.0)
        with contextlib.suppress(psutil.NoSuchProcess):
            main = psutil.Process(self._process.pid)
            for process in [main, *main.children(recursive=True)]:
                with contextlib.suppress(psutil.Error):
                    used[self._kind(process)] += _anonymous(process.pid) / MIB
        return used

    def _kind(self, process: psutil.Process) -> str:
        if process.pid == self._process.pid:
            return "grader"
        if "grader.sandbox.zygote" not in process.cmdline():
            return "checkers"
        return "fork server" if self._process.pid in [one.pid for one in process.parents()[:2]] else "workers"


def _anonymous(pid: int) -> int:
    """Return the bytes of a process's memory that are not mapped from files; 0 if it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    found = re.search(r"^RssAnon:\s+(\d+) kB$", status, re.MULTILINE)
    return int(found[1]) << 10 if found else 0


def measure(size: int, work: Path) -> dict[str, Any]:
    """Grade a class of this size, or go on with it; return times and samples."""
    document = work / f"{size}.json"
    measured: dict[str, Any] = {"runs": [], "cores": os.cpu_count()}
    if document.exists():
        measured = json.loads(document.read_text(encoding="utf-8"))
    if measured.get("complete"):
        return measured
    write_class(work / f"class-{size}", size)
    command = [sys.executable, "-m", "grader", "grade", str(work / f"class-{size}"), "--out", str(work / f"out-{size}")]
    process = subprocess.Popen(
        [*command, "--seed", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    watch = Watch(process, size)
    try:
        watch.run()
    finally:
        process.terminate()
        measured["runs"].append({"times": watch.times, "samples": watch.samples})
        measured["complete"] = process.wait() == 0
        document.write_text(json.dumps(measured), encoding="utf-8")
    assert measured["complete"], f"expected exit status 0, got {process.returncode}"
    return measured


def rates(times: list[float], share: slice) -> float:
    """Return seconds per submission over part of a run: slice(0, 1 / 2) is its first half."""
    first, last = int(len(times) * (share.start or 0)), int(len(times) * (share.stop or 1)) - 1
    return (times[last] - times[first]) / max(1, last - first)


def memory(samples: list[dict[str, float]], share: slice) -> float:
    """Return the median memory of the grader's own processes during part of the results, in MiB."""
    total = samples[-1]["done"]
    low, high = total * (share.start or 0), total * (share.stop or 1)
    chosen = [sum(one[kind] for kind in OURS) for one in samples if max(1, low) <= one["done"] < min(total, high + 1)]
    return statistics.median(chosen) if chosen else float("nan")


def print_table(measured: dict[int, dict[str, Any]]) -> None:
    """Print each size's figures, and its last third against its first."""
    table = Table(title=f"Classes of several sizes, {os.cpu_count()} cores")
    columns = (
        "submissions",
        "runs",
        "wall s",
        "s each",
        "first third",
        "last third",
        "ratio",
        "MiB",
        "last / first third",
    )
    for column in columns:
        table.add_column(column, justify="right")
    first, last = slice(0, 1 / 3), slice(2 / 3, 1)
    for size, one in measured.items():
        run = max(one["runs"], key=lambda run: len(run["times"]))
        times, samples = run["times"], run["samples"]
        early, late = rates(times, first), rates(times, last)
        used, later = memory(samples, first), memory(samples, last)
        row = (size, len(one["runs"]), f"{samples[-1]['seconds']:.0f}", f"{rates(times, slice(0, 1)):.2f}")
        row += (f"{early:.2f}", f"{late:.2f}", f"{late / early:.2f}", f"{memory(samples, slice(0, 1)):.0f}")
        table.add_row(*map(str, row), f"{later / used:.3f}")
    Console(width=110).print(table)
    print("MiB: median of what grader, checkers and fork server hold, without mapped files and without the workers.")


def draw(measured: dict[int, dict[str, Any]]) -> None:
    """Draw seconds per submission and memory over the submissions graded."""
    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "growth"
    from matplotlib import pyplot as plt  # noqa: PLC0415 - after the backend is chosen

    figure, (above, below) = plt.subplots(2, 1, figsize=(7, 6), sharex=True, layout="constrained")
    for size, one in measured.items():
        run = max(one["runs"], key=lambda run: len(run["times"]))
        times, window = run["times"], max(2, len(run["times"]) // 20)
        moving = [(times[i] - times[i - window]) / window for i in range(window, len(times))]
        above.plot(range(window + 1, len(times) + 1), moving, label=f"a class of {size}")
        used = [(sample["done"], sum(sample[kind] for kind in OURS)) for sample in run["samples"]]
        rows = [(done, mib) for done, mib in used if 0 < done < len(times)]  # without the start and the end
        below.plot([done for done, _ in rows], [used for _, used in rows], label=f"a class of {size}")
    above.set(ylabel="seconds per submission", ylim=(0, None), xscale="log", title="Time and memory as classes grow")
    below.set(ylabel="memory of the grader's processes, MiB", xlabel="submissions graded", ylim=(0, None))
    for axes in (above, below):
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(PICTURE, metadata={"Date": None})
    print(f"wrote {PICTURE}")


def main() -> None:
    """Measure every requested size."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "cnn-kit-growth")
    parser.add_argument("sizes", type=int, nargs="+", metavar="N")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    measured = {size: measure(size, arguments.work) for size in sorted(arguments.sizes)}
    print_table(measured)
    draw(measured)


if __name__ == "__main__":
    main()
