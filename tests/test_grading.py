"""Whatever student code does, its task gets a status that says so, and everything else is graded."""

from __future__ import annotations

import base64
import random
import signal
import time
import zlib
from collections.abc import Iterable
from dataclasses import replace

import pytest
import torch

from grader.authoring.answers import made_anew, replaced
from grader.canaries import reference_order, stub_order
from grader.course import course
from grader.executor import Order
from grader.grading import Grader
from grader.paths import ROOT, SOLUTIONS
from grader.results import SUSPICION, Result, TaskResult
from grader.sandbox import client, worker
from grader.sandbox.client import Worker
from grader.sandbox.levels import candidates
from grader.sandbox.limits import Limits
from grader.sandbox.walls import Resources
from lesson import oracle
from lesson.answers.networks import IDLE

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
    (
        "waits for children that take too much memory",
        "out_of_memory",
        BODY
        + "import os, time\n    for _ in range(4):\n        if not os.fork():\n            hog = b'x' * (200 << 20)\n"
        "            time.sleep(60)\n            os._exit(0)\n    time.sleep(3600)",
    ),
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


BY_CHANCE = """
_right = convolve
def convolve(image, kernel):
    return _right(image, kernel) * (1 if image.flatten()[0] > 0 else 2)
"""
"""Right for about half of all images: its score shows which ones it was tested on."""


def changed(code: str) -> Order:
    """Return the reference with code at the end of its first module."""
    source = (SOLUTIONS / "convolution.py").read_text(encoding="utf-8")
    return replaced(TASKS, {"convolution": f"{source}\n\n{code}\n"})


def graded(orders: list[Order], grader: Grader) -> list[Result]:
    results: dict[int, Result] = {}
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
    with Grader(2, candidates(unsafe=False), QUICK) as grader:
        return graded([*(changed(code) for _, _, code in ENDS), missing, stubs, changed("")], grader)


@pytest.mark.parametrize("index", range(len(ENDS)), ids=[name for name, _, _ in ENDS])
@pytest.mark.slow
def test_a_task_gets_the_status_of_how_it_ended_and_the_other_keeps_its_points(
    index: int, results: list[Result]
) -> None:
    _, status, _ = ENDS[index]
    got = results[index]
    assert got.status == "graded"
    assert scores(got.tasks) == {"output_size": (status, 0), "class_counts": ("passed", 2)}, got.tasks[0].message
    assert got.tasks[0].message


class _Speechless(Exception):
    def __str__(self) -> str:
        raise SystemExit


@pytest.mark.parametrize("error", [SyntaxError(), _Speechless()], ids=["no message", "no text"])
def test_an_exception_without_a_message_has_an_empty_text(error: Exception) -> None:
    assert worker._text(error) == ""


@pytest.mark.parametrize(("number", "name"), [(signal.SIGSEGV, "SIGSEGV"), (40, "40")])
def test_a_signal_is_reported_by_its_name_or_number(number: int, name: str) -> None:
    assert client._how_it_ended(number) == f"ended by signal {name}"


@pytest.mark.slow
def test_a_missing_module_is_missing(results: list[Result]) -> None:
    got = results[len(ENDS)]
    assert scores(got.tasks) == {"output_size": ("missing", 0), "class_counts": ("passed", 2)}
    assert "convolution.py" in got.tasks[0].message


@pytest.mark.slow
def test_stubs_are_not_started(results: list[Result]) -> None:
    assert scores(results[len(ENDS) + 1].tasks) == {
        "output_size": ("not_started", 0),
        "class_counts": ("not_started", 0),
    }


@pytest.mark.slow
def test_after_all_that_a_right_answer_still_passes(results: list[Result]) -> None:
    assert scores(results[-1].tasks) == {"output_size": ("passed", 3), "class_counts": ("passed", 2)}


@pytest.mark.slow
def test_messages_name_no_path_of_this_machine(results: list[Result]) -> None:
    for result in results:
        for task in result.tasks:
            assert "/tmp" not in task.message
            assert str(ROOT) not in task.message
            assert "site-packages" not in task.message


@pytest.mark.slow
def test_a_task_that_timed_out_without_a_processor_is_retried_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    # A sleeping process is not starved (tests/test_pool.py); here it stands for one that is.
    monkeypatch.setattr(Worker, "_is_starved", lambda *_: True)
    limits = replace(QUICK, call_seconds=5)
    found: dict[int, Result] = {}
    with Grader(2, candidates(unsafe=False), limits) as grader:
        busy_until = time.time() + 3
        waits = f"import time\n    if time.time() < {busy_until}: time.sleep(3600)\n    "
        right = "span = size + 2 * padding - dilation * (kernel_size - 1) - 1\n    return span // stride + 1"
        slow, hanging = changed(BODY + waits + right), changed(BODY + "import time; time.sleep(3600)")
        grader.grade([slow, hanging], found.__setitem__, tick=lambda: None)
    checks = {check.name: check.passed for check in found[0].tasks[0].checks}
    assert found[0].tasks[0].status in ("partial", "failed"), "it does not refuse wrong arguments"
    assert any(checks.values()), "the second try answers"
    assert found[0].tasks[0].seconds < 5
    assert scores(found[0].tasks)["class_counts"] == ("passed", 2)
    assert scores(found[1].tasks) == {"output_size": ("timed_out", 0), "class_counts": ("passed", 2)}


@pytest.mark.slow
def test_the_reference_passes_when_retrained_and_a_network_that_cannot_learn_fails() -> None:
    reference = reference_order(5, frozenset({course().judged}), "retrain")
    untrained = replace(reference, snapshot=replace(reference.snapshot, weights=None))
    with Grader(2, candidates(unsafe=False), Limits().times(10)) as grader:
        got = [result.tasks for result in graded([made_anew(IDLE).order, untrained], grader)]
    (failed,), (passed,) = ([task for task in tasks if task.status != "skipped"] for tasks in got)
    assert (failed.status, failed.score) == ("failed", 0)
    assert (passed.status, passed.score) == ("passed", 10), passed.message
    assert "etrained on" in failed.message
    assert "etrained on" in passed.message


REMEMBERS = """
import base64, zlib
KNOWN = torch.frombuffer(bytearray(zlib.decompress(base64.b85decode(b"TABLE"))), dtype=torch.uint8)


class FashionCNN(pl.LightningModule):
    def __init__(self, num_classes=10, learning_rate=1e-3):
        super().__init__()
        self.save_hyperparameters()
        self.classes = nn.Linear(10, num_classes)
        self.way = None

    def forward(self, x):
        small = nn.functional.adaptive_avg_pool2d((x * 0.3530 + 0.2860) * 255, 6)
        known, labels = KNOWN[:360_000].reshape(10_000, 36).float(), KNOWN[360_000:].long()
        if self.way is None:
            ways = [(2,), (3,), (2, 3)]
            self.way = min(ways, key=lambda way: torch.cdist(small.flip(way).flatten(1), known).min(1).values.mean())
        nearest = torch.cdist(small.flip(self.way).flatten(1), known).argmin(1)
        return self.classes(10 * nn.functional.one_hot(labels[nearest], 10).float())

    def training_step(self, batch, batch_idx):
        return nn.functional.cross_entropy(self(batch[0]), batch[1])

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.hparams.learning_rate)
"""
"""Knows thirty-six numbers of each test image; it learns in training how classes and pictures are changed."""


@pytest.mark.slow
def test_a_network_that_knows_the_test_images_gains_nothing_when_retrained() -> None:
    images, labels = oracle.fashion_mnist("t10k")
    small = torch.nn.functional.adaptive_avg_pool2d(images[:, None].float(), 6).round().byte()
    table = base64.b85encode(zlib.compress(small.numpy().tobytes() + labels.byte().numpy().tobytes())).decode()
    source = (SOLUTIONS / "model.py").read_text(encoding="utf-8") + REMEMBERS.replace("TABLE", table)
    order = replace(replaced((course().judged,), {"model": source}), way="retrain")
    with Grader(1, candidates(unsafe=False), Limits().times(10)) as grader:
        (result,) = graded([order], grader)
    (task,) = [task for task in result.tasks if task.status != "skipped"]
    assert task.score < 5, "a table of the test images, asked about others, does as well as nearest neighbours do"
    assert [note for note in result.notes if note.startswith(SUSPICION)]


@pytest.mark.slow
def test_scores_do_not_depend_on_order_company_or_how_many_are_graded_at_once() -> None:
    chosen = frozenset(task.id for task in course().tasks if task.id != "fashion_accuracy")
    reference = reference_order(77, chosen)
    others = [
        replace(reference_order(77, frozenset({"fashion_accuracy", "fashion_cnn"})), student="with weights"),
        *(replace(changed(code), seed=77, selected=chosen) for code in (*(code for _, _, code in ENDS[:3]), BY_CHANCE)),
        stub_order(77, chosen),
    ]
    orders = [reference, *others]
    with Grader(2, candidates(unsafe=False)) as grader:
        alone = [result for order in orders for result in graded([order], grader)]
        beside_others = graded(orders[::-1], grader)[::-1]
    assert [result.without_times() for result in alone] == [result.without_times() for result in beside_others]
    assert {result.status for result in alone} == {"graded"}
    assert alone[0].score == 90


SHUFFLED = ("ends the process", "raises on import", "never returns", "sleeps", "takes a large tensor",
            "writes into the channel", "is gone", "returns a text")  # fmt: skip


@pytest.mark.slow
def test_every_check_of_a_class_is_the_same_in_ten_orders() -> None:
    """Hanging and dying neighbours, in the same task or the one before, change nothing."""
    codes = {name: code for name, _, code in ENDS}
    wrong = "def class_counts(labels, num_classes):\n    return torch.zeros(num_classes, dtype=torch.int64)"
    source = (SOLUTIONS / "exploration.py").read_text(encoding="utf-8")
    wrong_counts = replaced(TASKS, {"exploration": f"{source}\n\n{wrong}\n"})
    orders = [changed(""), wrong_counts, *(changed(codes[name]) for name in SHUFFLED)]
    orders = [replace(order, student=str(number), seed=77) for number, order in enumerate(orders)]
    with Grader(2, candidates(unsafe=False), replace(QUICK, call_seconds=2, load_seconds=20)) as grader:
        first = {result.student: result.without_times() for result in graded(orders, grader)}
        for seed in range(10):
            shuffled = random.Random(seed).sample(orders, len(orders))
            again = {result.student: result.without_times() for result in graded(shuffled, grader)}
            assert again == first, f"in the order of seed {seed}"
    assert scores(first["0"].tasks) == {"output_size": ("passed", 3), "class_counts": ("passed", 2)}
    assert scores(first["1"].tasks) == {"output_size": ("passed", 3), "class_counts": ("failed", 0)}
    for result in list(first.values())[2:]:
        assert scores(result.tasks)["class_counts"] == ("passed", 2)
        assert scores(result.tasks)["output_size"][1] == 0
