"""A student's cells in the sandbox: their output is kept for people, and how they end is reported."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("workers are forked on Linux alone", allow_module_level=True)

from nbformat import NotebookNode

from grader.classroom.cells import CellRunner
from grader.sandbox import walls
from grader.sandbox.client import SandboxBroken
from grader.sandbox.limits import Limits
from grader.sandbox.pool import WorkerPool
from grader.sandbox.server import ZygoteServer
from grader.sandbox.walls import Walls

LIMITS = Limits(call_seconds=20, task_seconds=60)
FILES = {"exercises/__init__.py": b"", "exercises/convolution.py": b"def convolve(image, kernel):\n    return 7\n"}


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerPool]:
    data = tmp_path_factory.mktemp("data")
    data.chmod(0o755)
    level = walls.available_levels()[0]
    zygote = ZygoteServer(1, level)
    zygote.wait_until_ready()
    with WorkerPool(zygote.channels[0], Walls(level, data)) as workers:
        yield workers
    zygote.close()


def run(pool: WorkerPool, *sources: str, limits: Limits = LIMITS) -> list[list[NotebookNode]]:
    with CellRunner(pool, limits, FILES) as runner:
        return [runner.run(source) for source in sources]


def test_text_values_and_figures_are_kept_in_their_order(pool: WorkerPool) -> None:
    plot = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\nprint('after')\n3"
    (found,) = run(pool, plot)
    assert [one.output_type for one in found] == ["display_data", "stream", "execute_result"]
    assert found[0].data["image/png"].startswith("iVBOR")
    assert (found[1].text, found[2].data["text/plain"]) == ("after\n", "3")


def test_cells_share_their_names_and_import_the_other_modules(pool: WorkerPool) -> None:
    found = run(pool, "from exercises.convolution import convolve\nx = 5", "convolve(x, x) + x")
    assert found[1][0].data["text/plain"] == "12"


def test_html_is_left_out(pool: WorkerPool) -> None:
    (found,) = run(pool, "from IPython.display import HTML, display\ndisplay(HTML('<script>alert(1)</script>'))")
    assert [list(one.data) for one in found] == [["text/plain"]]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("1 / 0", "division by zero"),
        ("def f(:", "invalid syntax"),
        ("!ls", "was not run"),
        ("files = !ls", "was not run"),
        ("%%bash\nls", ""),
        ("%nonsense", "nonsense"),
        ("raise SystemExit(0)", "0"),
        ("input()", "EOF"),
        ("import no_such_package", "no_such_package"),
    ],
)
def test_a_cell_that_fails_says_why_and_the_next_one_runs(pool: WorkerPool, source: str, says: str) -> None:
    failed, after = run(pool, source, "1 + 1")
    said = "".join(f"{one.get('evalue', '')}{one.get('text', '')}" for one in failed)
    assert failed
    assert says in said
    assert after[0].data["text/plain"] == "2"


def test_magics_work(pool: WorkerPool) -> None:
    found = run(pool, "%time 1 + 1", "%%capture\nprint('x')", "%matplotlib inline")
    assert found[0][-1].data["text/plain"] == "2"
    assert found[1:] == [[], []]


ENDINGS = {
    "exit": ("import os\nos._exit(0)", "exit status 0"),
    "crash": ("import ctypes\nctypes.string_at(0)", "SIGSEGV"),
    "hang": ("while True: pass", "longer than 2 s"),
    "nonsense": ("import os\nos.write(3, b'\\x00' * 64)\nos._exit(0)", "nonsense"),
}


@pytest.mark.parametrize(("source", "says"), ENDINGS.values(), ids=ENDINGS)
def test_a_process_that_ends_is_an_error_and_later_cells_do_not_run(pool: WorkerPool, source: str, says: str) -> None:
    ended, after = run(pool, source, "8.0", limits=Limits(call_seconds=2 if says.startswith("longer") else 20))
    assert [one.output_type for one in ended] == ["error"]
    assert says in ended[0].evalue
    assert after[0].text.startswith("(not run: ")


def test_all_cells_together_have_a_limit(pool: WorkerPool) -> None:
    sleep = "import time\ntime.sleep(1.5)"
    found = run(pool, sleep, sleep, "8.0", limits=Limits(call_seconds=20, task_seconds=2))
    assert found[0] == []
    assert found[1][0].evalue == "the cells of this notebook took longer than 2 s together"
    assert "not run" in found[-1][0].text


def test_a_namespace_that_does_not_open_is_not_the_students_fault(pool: WorkerPool) -> None:
    with pytest.raises(SandboxBroken, match="a namespace"):
        run(pool, "1", limits=Limits(load_seconds=0))
    assert run(pool, "1")[0][0].data["text/plain"] == "1"


def test_floods_are_cut(pool: WorkerPool) -> None:
    found = run(pool, "print('x' * 10_000_000)", "for i in range(5000): display(i)", "'y' * 1_000_000")
    assert len(found[0][0].text) < 25_000
    assert len(found[1]) <= 60
    assert len(found[2][0].data["text/plain"]) < 25_000


def test_paths_of_this_machine_are_not_shown(pool: WorkerPool) -> None:
    (found,) = run(pool, "import torch\ntorch.ones(2) @ torch.ones(3)")
    assert not any(str(Path(sys.prefix)) in line for line in found[0].traceback)
