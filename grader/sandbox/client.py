"""The checker's side of the sandbox: starts workers, and asks them for values.

Nothing that a worker sends is believed beyond being a value: each reply has one deadline, a size limit, and must
carry the id of the request; anything else ends the worker.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
import select
import shutil
import signal
import socket
import time
from dataclasses import KW_ONLY, dataclass
from typing import Any

from grader.errors import GraderError
from grader.sandbox import scratch, walls, wire
from grader.sandbox.limits import Limits
from grader.sandbox.server import Channel, ZygoteDied

WALLS_SECONDS = 60.0
END_SECONDS = 5.0
LOOK_SECONDS = 0.1
LOG_BYTES = 1 << 16
"""What a pipe holds: more is not printed before the walls stand."""

RESERVE = 1 << 30
"""Bytes of disk that are left to others where the scratch folders have no quota."""
REPLIES = ("value", "raised")


@dataclass(eq=False)
class WorkerEnded(Exception):
    """The worker's process ended before it answered.

    Attributes:
        reason: in words, such as "ended by signal SIGSEGV".
        out_of_memory: whether it took more memory than it may.
        killed: whether it was ended by SIGKILL, which also somebody else on this machine may have sent.
    """

    reason: str
    _: KW_ONLY
    out_of_memory: bool = False
    killed: bool = False


class SandboxBroken(GraderError):
    """The walls around a worker did not go up."""


@dataclass(eq=False, kw_only=True)
class WorkerTimedOut(Exception):
    """The worker did not answer in time.

    Attributes:
        starved: whether it got less than half of a processor meanwhile, and others were in its way: a process that
            sleeps is not starved.
    """

    starved: bool


class _DeadlinePassed(Exception):
    """Nothing came until the deadline."""


class Worker:
    """One process that holds one submission's code for one task.

    Args:
        channel: to the fork server, which is asked for the process at once and not waited for.
        place: what stands around it.
        limits: what it may use.
    """

    def __init__(self, channel: Channel, place: walls.Walls, limits: Limits) -> None:
        self._zygote = channel
        self.limits = limits
        self._scratch = scratch.make("worker")
        self._cage = walls.Cage.make(limits.resources, self._scratch.name)
        self._counts_disk = place.level != walls.NAMESPACES
        self._free_before = shutil.disk_usage(self._scratch).free
        self._channel, theirs = socket.socketpair()
        self._log, log_end = os.pipe()
        self._next_id = 0
        self._next_look = 0.0
        self._baseline: int | None = None  # bytes inherited, once it is known and nobody else counts its memory
        self._used: tuple[float, float] | None = None  # seconds of processor, once an answer is waited for
        self._asked, self._pid, self._pidfd = 0, 0, -1
        self._channel.setblocking(False)
        os.set_blocking(self._log, False)
        try:
            request = {
                "level": place.level,
                "data": str(place.data),
                "resources": dataclasses.asdict(limits.resources),
                "scratch": str(self._scratch),
                "cage": [str(folder) for folder in self._cage.folders] if self._cage else None,
            }
            self._asked = channel.ask(request, [theirs.fileno(), log_end])
        except ZygoteDied:
            self.close()
            raise
        finally:
            theirs.close()
            os.close(log_end)

    def wait_until_ready(self) -> None:
        """Wait until the walls stand; trouble before that is never a student's fault.

        Raises:
            SandboxBroken: if the process ends before.
            ZygoteDied: if the fork server does not answer.
        """
        self._learn_pid()
        try:
            self._read(1, time.monotonic() + WALLS_SECONDS)
        except (WorkerEnded, _DeadlinePassed) as error:
            log = b""
            with contextlib.suppress(BlockingIOError):  # it has said nothing
                log = os.read(self._log, LOG_BYTES)
            said = log.decode("utf-8", "replace")[-600:]
            raise SandboxBroken(f"sandbox: expected the walls to go up, got {error}: {said}") from None
        if self._cage is None:
            self._baseline = self._own_memory()

    def _learn_pid(self) -> None:
        if self._asked:
            number, self._asked = self._asked, 0
            answer, self._pidfd = self._zygote.answer(number)
            self._pid = int(answer["pid"])

    def ask(self, kind: str, body: dict[str, Any], seconds: float) -> wire.Message:
        """Send one request and return the reply.

        Raises:
            WorkerTimedOut: if there is no reply within ``seconds``.
            WorkerEnded: if the process ends first.
            wire.WireError: if something else comes than a reply to this request.
        """
        deadline, self._used = time.monotonic() + seconds, None
        try:
            return self._exchange(kind, body, deadline)
        except _DeadlinePassed:
            if self._cage is not None and self._cage.ran_out_of_memory():  # one that it waits for was ended
                raise WorkerEnded("took too much memory", out_of_memory=True) from None
            starved = self._used is not None and self._is_starved(self._used, seconds)
            raise WorkerTimedOut(starved=starved) from None

    def _exchange(self, kind: str, body: dict[str, Any], deadline: float) -> wire.Message:
        self._next_id += 1
        if select.select([self._channel], [], [], 0)[0] and self._channel.recv(1, socket.MSG_PEEK):
            raise wire.WireError("wire: expected nothing after a reply")
        for chunk in wire.encode(wire.Message(self._next_id, kind, body), views=True):
            self._send(chunk, deadline)
        reply = wire.decode(lambda size: self._read(size, deadline), self.limits.reply_bytes)
        if reply.id != self._next_id or reply.kind not in REPLIES or not isinstance(reply.body, dict):
            raise wire.WireError(f"wire: expected a reply to request {self._next_id}")
        return reply

    def kill(self) -> None:
        """End the process and everything that it started, without waiting until they are gone."""
        with contextlib.suppress(ZygoteDied):
            self._learn_pid()
        if self._pidfd >= 0:
            walls.kill(self._pidfd)

    def has_ended(self) -> bool:
        """Return whether the process is gone."""
        return self._pidfd < 0 or walls.gone(self._pidfd, 0)

    def close(self) -> None:
        """End the process, wait until it is gone, and remove what it left."""
        self.kill()
        if self._pidfd >= 0:
            walls.gone(self._pidfd, END_SECONDS)
            os.close(self._pidfd)
        self._channel.close()
        os.close(self._log)
        if self._cage is not None:
            self._cage.remove()
        scratch.remove(self._scratch)

    def _send(self, chunk: memoryview, deadline: float) -> None:
        while chunk:
            self._wait(select.POLLOUT, deadline)
            try:
                chunk = chunk[self._channel.send(chunk) :]
            except (BrokenPipeError, ConnectionResetError):
                raise self._ended() from None

    def _read(self, size: int, deadline: float) -> bytearray:
        buffer = bytearray(size)
        view = memoryview(buffer)
        while view:
            self._wait(select.POLLIN, deadline)
            try:
                count = self._channel.recv_into(view)
            except BlockingIOError:
                continue
            except ConnectionResetError:
                count = 0
            if not count:
                raise self._ended()
            view = view[count:]
        return buffer

    def _wait(self, event: int, deadline: float) -> None:
        """Wait until the channel is ready, and look at what the worker uses meanwhile."""
        poll = select.poll()
        poll.register(self._channel, event)
        while True:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise _DeadlinePassed
            ready = poll.poll(min(remaining, LOOK_SECONDS) * 1000)
            if self._used is None and not ready:  # few answers take so long
                self._used = self._seconds_of_processor()
            if over := self._over_its_limits():
                self.kill()
                raise over
            if ready:
                return

    def _over_its_limits(self) -> WorkerEnded | None:
        """Count what the kernel does not count here: all memory without a cage, the disk without namespaces."""
        now, resources = time.monotonic(), self.limits.resources
        if now < self._next_look:
            return None
        self._next_look = now + LOOK_SECONDS
        if self._baseline is not None and self._own_memory() > resources.memory:
            return WorkerEnded("took too much memory", out_of_memory=True)
        if self._counts_disk:
            free = shutil.disk_usage(self._scratch).free
            if walls.folder_size(self._scratch) > resources.scratch:
                return WorkerEnded("wrote too much to disk")
            if free < min(RESERVE, self._free_before - resources.scratch):  # files without a name, or somebody else's
                return WorkerEnded("had to stop for the disk is nearly full", killed=True)
        return None

    def _own_memory(self) -> int:
        return walls.tree_memory(walls.pid_behind(self._pidfd), self._baseline or 0)

    def _seconds_of_processor(self) -> tuple[float, float]:
        """Return how many it used, and how many it waited for."""
        pid = walls.pid_behind(self._pidfd)
        return walls.tree_processor_seconds(pid), walls.tree_queued_seconds(pid)

    def _is_starved(self, before: tuple[float, float], seconds: float) -> bool:
        used, queued = self._seconds_of_processor()
        return used - before[0] < seconds / 2 and (queued == math.inf or queued - before[1] > seconds / 4)

    def _ended(self) -> WorkerEnded:
        out_of_memory = self._cage is not None and self._cage.ran_out_of_memory()
        answer, _ = self._zygote.answer(self._zygote.ask({"reap": self._pid}))
        status = answer["status"]
        killed = status is not None and os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        return WorkerEnded(_how_it_ended(status), out_of_memory=out_of_memory, killed=killed and not out_of_memory)


def _how_it_ended(status: int | None) -> str:
    if status is None:
        return "closed its channel"
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)  # most real-time signals have no name
        return f"ended by signal {signal.Signals(number).name if number in set(signal.Signals) else number}"
    return f"ended with exit status {os.waitstatus_to_exitcode(status)}"
