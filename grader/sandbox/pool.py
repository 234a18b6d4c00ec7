"""Workers ahead of time: while one task is checked, the next one's worker is forked and locked down."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from grader.sandbox.client import SandboxBroken, Worker
from grader.sandbox.limits import Limits
from grader.sandbox.server import Channel
from grader.sandbox.walls import Walls

TRIES = 3
MAX_ENDING = 4


class WorkerPool:
    """One checker's workers: a spare one is kept ready, and those that served are swept away without waiting.

    A worker serves one task only. A spare that died, or whose walls did not go up, is replaced before a task gets it.

    Args:
        channel: to the fork server.
        place: what stands around each worker.
    """

    def __init__(self, channel: Channel, place: Walls) -> None:
        self.place = place
        self._channel = channel
        self._workers: list[Worker] = []  # all of which something is left
        self._ending: list[Worker] = []
        self._spare: Worker | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def take(self, limits: Limits) -> Worker:
        """Return a worker that is ready, to be handed back to `retire`, and have the next one forked meanwhile.

        Raises:
            SandboxBroken: if the walls of several workers in a row do not go up.
            ZygoteDied: if the fork server does not answer.
        """
        self._sweep()
        worker = self._ready(limits)
        self._spare = self._fork(limits)
        return worker

    def _ready(self, limits: Limits) -> Worker:
        trouble = "it ended at once"
        for _ in range(TRIES):
            worker = self._spare_for(limits) or self._fork(limits)
            try:
                worker.wait_until_ready()
            except SandboxBroken as error:
                trouble = str(error)
            else:
                if not worker.has_ended():
                    return worker
            self.retire(worker)
        raise SandboxBroken(f"sandbox: expected a worker, got none in {TRIES} tries: {trouble}")

    def _spare_for(self, limits: Limits) -> Worker | None:
        spare, self._spare = self._spare, None
        if spare is None or spare.limits.resources == limits.resources:
            return spare
        self.retire(spare)
        return None

    def _fork(self, limits: Limits) -> Worker:
        worker = Worker(self._channel, self.place, limits)
        self._workers.append(worker)
        return worker

    def retire(self, worker: Worker) -> None:
        """End a worker; what it leaves is removed once its processes are gone."""
        worker.kill()
        self._ending.append(worker)

    def _sweep(self) -> None:
        """Remove what ended workers left, and wait for the oldest where they are many."""
        excess = len(self._ending) - MAX_ENDING
        for index, worker in enumerate(list(self._ending)):
            if index < excess or worker.has_ended():
                self._ending.remove(worker)
                self._remove(worker)

    def _remove(self, worker: Worker) -> None:
        worker.close()
        self._workers.remove(worker)

    def close(self) -> None:
        """End every worker, whether it serves or not, and wait until nothing of them is left."""
        for worker in self._workers:
            worker.kill()
        for worker in list(self._workers):
            self._remove(worker)
        self._ending.clear()
        self._spare = None
