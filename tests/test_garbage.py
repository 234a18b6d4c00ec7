"""Whatever a worker answers, of the right types and of absurd sizes, each check soon ends."""

from __future__ import annotations

import itertools
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from torch import Tensor

if sys.platform != "linux":
    pytest.skip("workers are forked on Linux alone", allow_module_level=True)

from grader.canaries import reference_order
from grader.checks.student import Observation
from grader.course import Task, course
from grader.grading import code_of, lay_out_data
from grader.hidden import plugin, suites
from grader.hidden.plugin import CheckPlugin, CheckReport, Job
from grader.hidden.session import Code, TaskSession
from grader.results import TaskStatus
from grader.sandbox import walls
from grader.sandbox.limits import Limits
from grader.sandbox.pool import WorkerPool
from grader.sandbox.server import ZygoteServer
from grader.sandbox.walls import Walls

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

MANY, LONG = 4_000, 20_000
TASKS = 8
"""How many are tried in a run; which ones is random."""


def garbled(value: Any, chance: random.Random, share: float) -> Any:  # noqa: PLR0911 - one return per kind
    """Return a value with each part replaced, with some probability, by another of its kind."""
    if isinstance(value, dict):
        return {key: garbled(part, chance, share) for key, part in value.items() if chance.random() > share / 4}
    if isinstance(value, list | tuple):
        parts = [garbled(part, chance, share) for part in value]
        if chance.random() < share:
            parts = chance.choice([[], parts[:1], parts * 2, (parts * MANY)[:MANY], [parts] * 3, [None] * 600])
        return type(value)(parts)
    if chance.random() > share:
        return value
    if isinstance(value, Tensor):
        return _other_tensor(value, chance)
    if isinstance(value, str):
        return chance.choice(["", "x" * LONG, "7 " * (LONG // 2), value * 50, None])
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return chance.choice([0, -1, 1 << 60, float("nan"), float("inf"), -float("inf"), 1e300, None, "7", value + 1])
    return chance.choice([None, [], "", 0, value])


def _other_tensor(value: Tensor, chance: random.Random) -> Any:
    flat = value.flatten()
    return chance.choice(
        [
            flat,
            flat[:0],
            value[None, None],
            value.double() * float("nan"),
            value.double() * 1e30,
            value.to(torch.complex64),
            value.bool(),
            value.transpose(0, -1) if value.ndim else value,
            torch.zeros(1 << 20),
            torch.zeros(0, 3, 1 << 20),
            torch.zeros([1] * 12),
            torch.full((2048, 2048), -1, dtype=torch.int64),
            [1.5, float("nan")],
            None,
        ]
    )


class GarbledSession(TaskSession):
    """Garbles the workers' answers, except those that decide whether there is anything to check."""

    chance = random.Random(0)
    share = 0.0

    def call(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Observation:
        """Garble an answer, and the arguments after it."""
        seen = super().call(function, args, kwargs)
        value, after = (garbled(one, self.chance, self.share) for one in (seen.value, seen.args_after))
        return Observation(value, after, seen.ops)

    def probe(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Garble the facts of a probe."""
        return garbled(super().probe(name, args, kwargs), self.chance, self.share)


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    level = walls.available_levels()[0]
    zygote = ZygoteServer(1, level)
    zygote.wait_until_ready()
    with tempfile.TemporaryDirectory() as folder:
        lay_out_data(Path(folder))
        with WorkerPool(zygote.channels[0], Walls(level, Path(folder))) as workers:
            yield workers
    zygote.close()


def check(pool: WorkerPool, code: Code, seed: int) -> CheckReport:
    """Grade some of the tasks; which ones and how much is garbled is random."""
    chance = GarbledSession.chance = random.Random(seed)
    GarbledSession.share = chance.choice([0.05, 0.3, 0.8])
    selected = frozenset(chance.sample([task.id for task in course().tasks if task.id != "fashion_accuracy"], TASKS))

    def open_session(task: Task) -> TaskSession:
        return GarbledSession(pool, Limits(), code, task)

    found: list[CheckReport] = []
    job = Job("ada", seed, selected, open_session, None)
    running = CheckPlugin(iter([job]), lambda _job, checked: found.append(checked))
    assert pytest.main([*suites.ARGUMENTS], plugins=[running]) == pytest.ExitCode.OK
    assert running.grader_trouble is None
    return found[0]


def test_every_check_ends_soon_whatever_the_answer(pool: WorkerPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    longest: list[float] = []
    bounded = plugin._bounded

    def measured() -> Any:
        longest.append(time.process_time())
        return bounded()

    monkeypatch.setattr(plugin, "_bounded", measured)
    seed = time.time_ns()
    checked = check(pool, code_of(reference_order(0, frozenset()).snapshot), seed)
    assert {task.status for task in checked.tasks} <= set(get_args(TaskStatus)), seed
    assert sum(task.status == "skipped" for task in checked.tasks) == len(checked.tasks) - TASKS
    spent = max(after - before for before, after in itertools.pairwise(longest))
    assert spent < plugin.CHECK_SECONDS + 5, f"{spent:.1f} s of one check, seed {seed}"
    assert not any("too long to check" in task.message for task in checked.tasks), seed
