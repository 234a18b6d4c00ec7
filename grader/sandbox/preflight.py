"""Before the first submission, each forbidden act is tried from inside a real worker: untried walls do not count."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.paths import HIDDEN_SUITES
from grader.sandbox import wire
from grader.sandbox.client import SandboxBroken, Worker, WorkerEnded, WorkerTimedOut
from grader.sandbox.limits import Limits
from grader.sandbox.server import Channel
from grader.sandbox.walls import Resources, Walls
from grader.sandbox.walls.attacks import ATTACKS, Attack
from grader.sandbox.walls.model import MIB

# Small limits, so that running against them is quick and cannot hurt the machine.
RESOURCES = Resources(
    memory=192 * MIB, scratch=32 * MIB, processes=24, open_files=128, file_size=16 * MIB, cpu_seconds=1
)
ACT_SECONDS = 60.0


@dataclass(frozen=True)
class Outcome:
    """What came of trying one forbidden act."""

    attack: Attack
    held: bool
    seen: str


def try_walls(channel: Channel, place: Walls) -> Iterator[Outcome]:
    """Try every act that the level forbids, each in a fresh worker, and return how it went.

    Raises:
        SandboxBroken: if a worker does not start, is killed over an act that ends nobody, or gets no processor to act.
        ZygoteDied: if the fork server does not answer.
    """
    with _surroundings(place) as facts:
        for attack in ATTACKS:
            if place.level in attack.levels:
                yield _try(channel, place, attack, facts)


def _try(channel: Channel, place: Walls, attack: Attack, facts: dict[str, Any]) -> Outcome:
    worker = Worker(channel, place, Limits(resources=RESOURCES))
    try:
        worker.wait_until_ready()
        reply = worker.ask("attempt", {"name": attack.name, "facts": facts}, ACT_SECONDS)
    except WorkerEnded as error:
        if error.killed and not attack.may_die:
            raise SandboxBroken(
                f"sandbox: expected an answer to {attack.name!r}, but somebody killed the worker"
            ) from None
        return Outcome(attack, attack.may_die, error.reason)
    except WorkerTimedOut as error:
        if error.starved and not attack.may_die:
            raise SandboxBroken(
                f"sandbox: expected {attack.name!r} to be tried within {ACT_SECONDS:.0f} s, but the worker hardly ran"
            ) from None
        return Outcome(attack, held=False, seen="no answer in time")
    except wire.WireError:
        return Outcome(attack, held=False, seen="no answer that can be read")
    finally:
        worker.close()
    if reply.kind == "raised":  # what a wall that holds makes of an act is a value
        what = f"{reply.body['type_names'][0]}: {reply.body['text']}"
        return Outcome(attack, held=False, seen=f"untried: {what}")
    return Outcome(attack, reply.body.get("held") is True, str(reply.body.get("seen")))


@contextlib.contextmanager
def _surroundings(place: Walls) -> Iterator[dict[str, Any]]:
    """Lay out what must not be reached: a file, a port, a socket, a process."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cnn-kit-preflight-")))
        folder.chmod(0o777)
        (folder / "canary").write_text("this stands for the hidden tests")
        (folder / "canary").chmod(0o644)
        port = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        service = stack.enter_context(socket.socket(socket.AF_UNIX))
        service.bind(str(folder / "service"))
        service.listen()
        sleeper = stack.enter_context(
            subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        )
        stack.callback(sleeper.kill)
        yield {
            "canary": str(folder / "canary"),
            "folder": str(HIDDEN_SUITES),
            "data": str(place.data_inside),
            "port": port.getsockname()[1],
            "service": str(folder / "service"),
            "process": sleeper.pid,
            "expected": [0, 1, 2, 3],
            "count": 4 * RESOURCES.open_files,
            "size": 6 * RESOURCES.memory,  # a twelfth of it, half the limit, is too much in each of four processes
            "seconds": RESOURCES.cpu_seconds + 2,
        }
