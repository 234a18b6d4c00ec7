"""Whatever student code does, its task gets a status that says so, and everything else is graded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from grader.canaries import stub_order
from grader.grading import Grader, Order
from grader.results import Result, TaskResult
from grader.sandbox.levels import candidates
from grader.sandbox.limits import Limits
from grader.sandbox.walls import Limits as Resources
from tests.answers.grading import order

MIB = 1 << 20
TASKS = ("output_size", "class_counts")
BODY = "def output_size(size, kernel_size, stride=1, padding=0, dilation=1):\n    "
QUICK = Limits(call_seconds=3, load_seconds=20, task_seconds=20, resources=Resources(memory=512 * MIB))

ENDS: list[tuple[str, str, str]] = [
    ("raises", "crashed", BODY + "raise KeyError('size')"),
    ("recurses", "crashed", BODY + "return output_size(size, kernel_size)"),
    ("leaves", "crashed", BODY + "import sys; sys.exit(0)"),
    ("skips", "crashed", BODY + "import pytest; pytest.skip('not today')"),
    ("interrupts", "crashed", BODY + "raise KeyboardInterrupt"),
    ("ends the process", "crashed", BODY + "import os; os._exit(0)"),
    ("aborts", "crashed", BODY + "import os; os.abort()"),
    ("reads no memory", "crashed", BODY + "import ctypes; return ctypes.string_at(0)"),
    ("raises on import", "crashed", "raise RuntimeError('on import')"),
    ("never returns", "timed_out", BODY + "while True: pass"),
    ("sleeps", "timed_out", BODY + "import time; time.sleep(3600)"),
    ("takes all memory", "out_of_memory", BODY + "taken = [bytearray(1 << 24) for _ in range(256)]; return len(taken)"),
    ("takes a large tensor", "out_of_memory", BODY + "return int(torch.ones(1 << 42).sum())"),
    ("writes into the channel", "protocol", BODY + "import os; os.write(3, b'passed' * 100); return 1"),
    ("is gone", "missing", "del output_size"),
    ("is no function", "crashed", "output_size = 3"),
    ("takes too few arguments", "crashed", "def output_size(size):\n    return size"),
    ("returns a text", "failed", BODY + "return 'all passed'"),
    ("returns itself", "failed", BODY + "return output_size"),
    ("prints endlessly", "timed_out", BODY + "while True: print('x' * 100_000)"),
]


def changed(code: str) -> Order:
    """Return the reference with code at the end of its first module."""
    reference = order(TASKS, "convolution", "")
    source = reference.snapshot.modules["convolution"] + f"\n\n{code}\n".encode()
    modules = {**reference.snapshot.modules, "convolution": source}
    return replace(reference, snapshot=replace(reference.snapshot, modules=modules))


def graded(orders: list[Order], limits: Limits) -> list[Result]:
    results: dict[int, Result] = {}
    with Grader(2, candidates(unsafe=False), limits) as grader:
        grader.grade(orders, results.__setitem__, tick=lambda: None)
    return [results[index] for index in range(len(orders))]


def scores(tasks: Iterable[TaskResult]) -> dict[str, tuple[str, float]]:
    return {task.id: (task.status, task.score) for task in tasks if task.status != "skipped"}


@pytest.fixture(scope="module")
def results() -> list[Result]:
    broken = changed("")
    modules = {name: source for name, source in broken.snapshot.modules.items() if name != "convolution"}
    missing = replace(broken, snapshot=replace(broken.snapshot, modules=modules))
    stubs = stub_order(1, frozenset(TASKS))
    return graded([*(changed(code) for _, _, code in ENDS), missing, stubs, changed("")], QUICK)


@pytest.mark.parametrize("index", range(len(ENDS)), ids=[name for name, _, _ in ENDS])
def test_a_task_gets_the_status_of_how_it_ended_and_the_other_keeps_its_points(
    index: int, results: list[Result]
) -> None:
    _, status, _ = ENDS[index]
    got = results[index]
    assert got.status == "graded"
    assert scores(got.tasks) == {"output_size": (status, 0), "class_counts": ("passed", 2)}, got.tasks[0].message
    assert got.tasks[0].message


def test_a_missing_module_is_missing(results: list[Result]) -> None:
    got = results[len(ENDS)]
    assert scores(got.tasks) == {"output_size": ("missing", 0), "class_counts": ("passed", 2)}
    assert "convolution.py" in got.tasks[0].message


def test_stubs_are_not_started(results: list[Result]) -> None:
    assert scores(results[len(ENDS) + 1].tasks) == {
        "output_size": ("not_started", 0),
        "class_counts": ("not_started", 0),
    }


def test_after_all_that_a_right_answer_still_passes(results: list[Result]) -> None:
    assert scores(results[-1].tasks) == {"output_size": ("passed", 3), "class_counts": ("passed", 2)}


def test_messages_name_no_path_of_this_machine(results: list[Result]) -> None:
    for result in results:
        for task in result.tasks:
            assert "/tmp" not in task.message
            assert "/work" not in task.message
            assert "site-packages" not in task.message
