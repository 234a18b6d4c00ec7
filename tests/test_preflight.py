"""Before a class every wall is tried; an act that was not really tried does not count as held."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

if sys.platform != "linux":
    pytest.skip("walls are tried on Linux alone", allow_module_level=True)

from grader.sandbox import preflight
from grader.sandbox.client import SandboxBroken, WorkerEnded, WorkerTimedOut
from grader.sandbox.walls import NAMESPACES, Walls
from grader.sandbox.walls.attacks import ATTACKS
from grader.sandbox.wire import Message, WireError

ATTACK = next(attack for attack in ATTACKS if not attack.may_die)


def outcome(monkeypatch: pytest.MonkeyPatch, answer: Message | Exception) -> preflight.Outcome:
    """Try one act in a worker that gives this answer."""

    class Worker:
        def __init__(self, *_: Any) -> None: ...
        def wait_until_ready(self) -> None: ...
        def close(self) -> None: ...

        def ask(self, *_: Any) -> Message:
            if isinstance(answer, Exception):
                raise answer
            return answer

    monkeypatch.setattr(preflight, "Worker", Worker)
    place: Any = Walls(NAMESPACES, Path())
    channel: Any = None
    return preflight._try(channel, place, ATTACK, {})


def test_an_act_that_was_stopped_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    assert outcome(monkeypatch, Message(1, "value", {"held": True, "seen": "PermissionError"})).held


@pytest.mark.parametrize(
    "answer",
    [
        Message(1, "value", {"held": False, "seen": "done"}),
        Message(1, "raised", {"type_names": ["AttributeError"], "text": "no such fact"}),
        WorkerTimedOut(starved=False),
        WorkerEnded("ended with exit status 1"),
        WireError("wire: nonsense"),
    ],
    ids=["done", "raised", "hangs", "ended", "nonsense"],
)
def test_an_act_not_seen_to_be_stopped_is_not_held(
    monkeypatch: pytest.MonkeyPatch, answer: Message | Exception
) -> None:
    assert not outcome(monkeypatch, answer).held


@pytest.mark.parametrize("trouble", [WorkerTimedOut(starved=True), WorkerEnded("was killed", killed=True)])
def test_an_act_prevented_by_others_is_retried(monkeypatch: pytest.MonkeyPatch, trouble: Exception) -> None:
    with pytest.raises(SandboxBroken):
        outcome(monkeypatch, trouble)
