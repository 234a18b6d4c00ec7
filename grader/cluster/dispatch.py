"""Grades on the nodes of a dask cluster, and sees to it that a node that dies, hangs or differs loses nothing.

Every task is bound to one node and is dask's to carry, not to place or to try again: which node is fit, how much it is
given and where its work goes afterwards is decided here, and a submission that ends nodes is given up after a few.
"""

from __future__ import annotations

import importlib
import json
import pickle
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

from grader.cluster import node
from grader.cluster.plan import Plan, from_document
from grader.errors import GraderError
from grader.executor import Executor, Order
from grader.hidden.plugin import CheckReport
from grader.identity import identity

WAIT_FOR_NODES: Final = 600.0
WAIT_BESIDE_REFUSED: Final = 10.0
"""How long a run goes on without any node; less where all that are there were refused."""

CONNECT_SECONDS: Final = 30.0
LOOK_SECONDS: Final = 1.0
LEAVE_SECONDS: Final = 20.0
POLL_SECONDS: Final = 0.02


class ClusterTrouble(GraderError):
    """The cluster cannot grade: no scheduler, or no node that is fit."""


@dataclass
class _Node:
    """A dask worker, as far as it is known.

    Attributes:
        address: dask's own name for it.
        threads: submissions that it checks at the same time.
        last_seen: of its heartbeat, by the scheduler's clock.
        seen_at: when that last changed, by ours.
        preparing: what it will have said when its canaries are graded; None once it is ready.
        checking: by ticket, the order and what it will have said.
    """

    address: str
    threads: int
    last_seen: float
    seen_at: float
    preparing: Any
    checking: dict[Any, tuple[Order, Any]] = field(default_factory=dict)

    def room(self, *, alone: bool) -> int:
        """How many more submissions it can take."""
        if self.preparing is not None or any(order.alone for order, _ in self.checking.values()):
            return 0
        return self.threads * (not self.checking) if alone else self.threads - len(self.checking)

    def asked(self) -> list[Any]:
        """All that it has been asked and has not answered yet."""
        return [*(future for _, future in self.checking.values()), *([self.preparing] if self.preparing else [])]


class Cluster(Executor):
    """Implements `Executor` with the workers of a dask cluster; a context manager.

    Args:
        scheduler: its address, such as ``tcp://10.0.0.1:8786``.
        plan: how to grade.
        tell: called with news of the nodes, one line at a time.
        node_seconds: how long a node may be silent.

    Attributes:
        level: of the walls at the first node that was ready; a node with another is refused.
    """

    def __init__(self, scheduler: str, plan: Plan, tell: Callable[[str], None], node_seconds: float) -> None:
        self._scheduler = scheduler
        self._plan = pickle.dumps(plan)
        self._run_id = secrets.token_hex(8)
        self._tell = tell
        self._node_seconds = node_seconds
        self._nodes: dict[str, _Node] = {}
        self._refused: dict[str, str] = {}
        self._silent: dict[str, float] = {}
        self._done: list[tuple[Any, CheckReport | None]] = []
        self._looked_at = 0.0
        self._hopeful_at = time.monotonic()
        self._client: Any = None

    def __enter__(self) -> Self:
        try:
            distributed = importlib.import_module("distributed")  # an extra
        except ImportError:
            raise ClusterTrouble(
                "cluster: expected dask.distributed, got none. `pip install -c constraints.txt -e '.[cluster]'`?"
            ) from None
        try:
            self._client = distributed.Client(self._scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise ClusterTrouble(
                f"cluster: expected a dask scheduler at {self._scheduler}, got none: {error}. Is the address right?"
            ) from None
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        leaving = [self._submit(node.leave, address, self._run_id) for address in (*self._nodes, *self._refused)]
        if self._client.status == "running":
            _wait(leaving, LEAVE_SECONDS, all)
        self._client.close()

    def has_room(self, *, alone: bool) -> bool:
        """Return whether some node has room; alone: whether one has nothing to do."""
        return any(one.room(alone=alone) for one in self._nodes.values())

    def submit(self, ticket: Any, order: Order) -> None:
        """Send a submission to the node with the most room."""
        chosen = max(self._nodes.values(), key=lambda one: one.room(alone=order.alone))
        chosen.checking[ticket] = order, self._submit(node.check, chosen.address, self._run_id, pickle.dumps(order))

    def collect(self, seconds: float) -> list[tuple[Any, CheckReport | None]]:
        """Wait for news of the nodes; what a lost one was at is lost."""
        if time.monotonic() - self._looked_at > LOOK_SECONDS:
            self._look_around()
            self._looked_at = time.monotonic()
        _wait([future for one in self._nodes.values() for future in one.asked()], seconds, any)
        for one in list(self._nodes.values()):
            if one.preparing is not None and one.preparing.done():
                self._prepared(one, one.preparing)
            troubles = []
            for ticket in [ticket for ticket, (_, future) in one.checking.items() if future.done()]:
                checked, trouble = self._answer(one.checking.pop(ticket)[1])
                self._done.append((ticket, checked))
                troubles += [trouble] if trouble else []
            if troubles:  # such as a station that ended, or could not raise the same walls again: it starts anew
                self._drop(one, troubles[0])
        done, self._done = self._done, []
        return done

    def _submit(self, function: Callable[..., Any], address: str, *arguments: Any) -> Any:
        return self._client.submit(function, *arguments, workers=[address], allow_other_workers=False, pure=False)

    def _look_around(self) -> None:
        """Greet new nodes, and drop those that left or are silent."""
        workers = self._client.scheduler_info(n_workers=-1)["workers"] if self._client.status == "running" else {}
        now = time.monotonic()
        for address, about in workers.items():
            known = self._nodes.get(address)
            if known is None:
                self._meet(address, about, now)
            elif known.last_seen != about["last_seen"]:
                known.last_seen, known.seen_at = about["last_seen"], now
            elif now - known.seen_at > self._node_seconds:
                self._silent[address] = known.last_seen
                self._drop(known, f"has been silent for {self._node_seconds:g} s")
        for gone in [one for address, one in self._nodes.items() if address not in workers]:
            self._drop(gone, "is gone")
        self._refused = {address: why for address, why in self._refused.items() if address in workers}
        self._give_up_without_hope(now)

    def _meet(self, address: str, about: dict[str, Any], now: float) -> None:
        if address in self._refused or self._silent.get(address) == about["last_seen"]:
            return
        preparing = self._submit(node.prepare, address, self._run_id, identity(), self._plan, about["nthreads"])
        self._nodes[address] = _Node(address, about["nthreads"], about["last_seen"], now, preparing)

    def _prepared(self, one: _Node, future: Any) -> None:
        if future.status == "error":
            self._refuse(one, f"expected the same kit, got {future.exception()!r}. Is it installed there?")
            return
        if future.status != "finished":
            self._drop(one, "is gone")
            return
        document = json.loads(future.result())
        if "refused" in document:
            self._refuse(one, document["refused"])
        elif document["level"] != getattr(self, "level", document["level"]):
            self._refuse(one, f"expected walls at level {self.level} as at the other nodes, got {document['level']}")
        else:
            self.level = document["level"]
            one.preparing = None
            self._tell(f"node {one.address} is ready: {one.threads} at a time, level {self.level}")

    def _answer(self, future: Any) -> tuple[CheckReport | None, str]:
        """Return the suites' report, if the node sent one, and why the node must be dropped; empty if it may stay."""
        if future.status == "error":
            return None, f"failed: {future.exception()!r}"
        if future.status != "finished":
            return None, str(future.status)
        try:
            about = json.loads(future.result())
            if about["level"] != self.level:
                return None, "has other walls now"
            return from_document(about) if "tasks" in about else None, ""
        except (ValueError, KeyError, TypeError) as error:
            return None, f"failed: expected what the suites say, got {error!r}"

    def _refuse(self, one: _Node, why: str) -> None:
        self._refused[one.address] = why
        self._drop(one, f"is refused: {why}")

    def _drop(self, one: _Node, why: str) -> None:
        """Do without a node; one that is still there, or comes back, is greeted anew."""
        del self._nodes[one.address]
        self._client.cancel(one.asked())
        self._done += [(ticket, None) for ticket in one.checking]
        lost = f"; {len(one.checking)} of its submissions go elsewhere" if one.checking else ""
        self._tell(f"node {one.address} {why}{lost}")

    def _give_up_without_hope(self, now: float) -> None:
        patience = WAIT_BESIDE_REFUSED if self._refused else WAIT_FOR_NODES
        if self._nodes:
            self._hopeful_at = now
        elif now - self._hopeful_at > patience:
            reasons = "".join(f"\n  {address}: {why}." for address, why in self._refused.items())
            raise ClusterTrouble(
                f"cluster: expected a node that can grade at {self._scheduler}, got {len(self._refused)} that are "
                f"refused and no other.{reasons}\nWhat is graded is kept; run the same command when nodes are there."
            )


def _wait(futures: list[Any], seconds: float, enough: Callable[[Iterable[bool]], bool]) -> None:
    """Wait a while for enough of these to have ended, in whatever way."""
    deadline = time.monotonic() + seconds
    while not enough(future.done() for future in futures) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
