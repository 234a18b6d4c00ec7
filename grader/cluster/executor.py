"""Grades on the nodes of a dask cluster, and sees to it that a node that dies, hangs or differs loses nothing.

Every task is bound to one node and is dask's to carry, not to place or to try again: which node is fit, how much it is
given and what is done elsewhere is decided here, and a submission that ends nodes is given up after a few.
"""

from __future__ import annotations

import importlib
import json
import pickle
import queue
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Literal, Protocol, Self

from grader.checking.plugin import Checked
from grader.cluster import node
from grader.cluster.plan import Plan, from_document
from grader.errors import GraderError
from grader.executor import Executor, Order
from grader.identity import difference, identity

NODE_SECONDS: Final = 60.0
"""How long a node may be silent before its submissions are given to others."""

WAIT_FOR_NODES: Final = 600.0
WAIT_BESIDE_REFUSED: Final = 10.0
"""How long a run goes on without any node; less where all that are there were refused."""

CONNECT_SECONDS: Final = 30.0
LOOK_SECONDS: Final = 1.0
LEAVE_SECONDS: Final = 20.0


class ClusterTrouble(GraderError):
    """The cluster cannot grade: no scheduler, or no node that is fit."""


class Teller(Protocol):
    """Told what becomes of the nodes."""

    def tell(self, text: str) -> None:
        """One more line for the instructor."""


@dataclass
class _Node:
    """A dask worker, as far as it is known.

    Attributes:
        address: dask's own name for it.
        threads: submissions that it checks at the same time.
        state: "greeted" until it has said what it has, "preparing" until its canaries are graded, then "ready".
        asked: greeting or preparation that is under way.
        checking: tickets under way, and whether they want to be alone.
        last_seen: of its heartbeat, by the scheduler's clock.
        seen_at: when that last changed, by ours.
    """

    address: str
    threads: int
    last_seen: float
    seen_at: float
    state: Literal["greeted", "preparing", "ready"] = "greeted"
    asked: Any = None
    checking: dict[int, tuple[Any, bool]] = field(default_factory=dict)

    def room(self, *, alone: bool) -> int:
        """How many more submissions it can take."""
        if self.state != "ready" or any(wants for _, wants in self.checking.values()):
            return 0
        return self.threads * (not self.checking) if alone else self.threads - len(self.checking)


class Cluster(Executor):
    """Implements `Executor` with the workers of a dask cluster; a context manager.

    Args:
        scheduler: its address, such as ``tcp://10.0.0.1:8786``.
        plan: how to grade.
        teller: told what becomes of the nodes.
        node_seconds: how long a node may be silent.

    Attributes:
        level: of the walls at the first node that was ready; a node with another is refused.
    """

    def __init__(self, scheduler: str, plan: Plan, teller: Teller, node_seconds: float = NODE_SECONDS) -> None:
        self._scheduler = scheduler
        self._plan = plan
        self._pickled_plan = pickle.dumps(plan)
        self._teller = teller
        self._node_seconds = node_seconds
        self._identity = identity()
        self._nodes: dict[str, _Node] = {}
        self._refused: dict[str, str] = {}
        self._silent: dict[str, float] = {}
        self._news: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._done: list[tuple[int, Checked | None]] = []
        self._looked_at = 0.0
        self._hopeful_at = time.monotonic()
        self._client: Any = None
        self._fixed = False

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
        leaving = [self._submit(node.leave, address, self._plan.run) for address in [*self._nodes, *self._refused]]
        deadline = time.monotonic() + LEAVE_SECONDS
        while leaving and time.monotonic() < deadline and self._client.status == "running":
            leaving = [future for future in leaving if not future.done()]
            time.sleep(0.05)
        self._client.close()

    def has_room(self, *, alone: bool) -> bool:
        """Tell whether some node has room; alone: whether one has nothing to do."""
        return any(one.room(alone=alone) for one in self._nodes.values())

    def submit(self, ticket: int, order: Order, *, alone: bool = False, patience: float = 1.0) -> None:
        """Send a submission to the node with the most room."""
        assert patience == 1.0, "canaries are graded by the nodes"
        chosen = max(self._nodes.values(), key=lambda one: one.room(alone=alone))
        future = self._submit(node.check, chosen.address, self._plan.run, pickle.dumps((order, alone)))
        chosen.checking[ticket] = future, alone
        self._listen(future, lambda: self._checked(chosen, ticket, future))

    def collect(self, seconds: float) -> list[tuple[int, Checked | None]]:
        """Wait for news of the nodes; what a lost one was at is lost."""
        if time.monotonic() - self._looked_at > LOOK_SECONDS:
            self._look_around()
            self._looked_at = time.monotonic()
        try:
            self._news.get(timeout=seconds)()
            while True:
                self._news.get_nowait()()
        except queue.Empty:
            pass
        done, self._done = self._done, []
        return done

    def _submit(self, function: Callable[..., Any], address: str, *arguments: Any) -> Any:
        return self._client.submit(function, *arguments, workers=[address], allow_other_workers=False, pure=False)

    def _listen(self, future: Any, then: Callable[[], None]) -> None:
        """Have something done, in this thread, when a future has ended in whatever way."""
        future.add_done_callback(lambda _: self._news.put(then))

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
        new = self._nodes[address] = _Node(address, about["nthreads"], about["last_seen"], now)
        self._ask(new, node.greet, self._greeted)

    def _ask(self, one: _Node, function: Callable[..., Any], then: Callable[[_Node, str], None], *what: Any) -> None:
        future = one.asked = self._submit(function, one.address, *what)

        def answered() -> None:
            if self._nodes.get(one.address) is not one:
                return
            if future.status == "finished":
                then(one, future.result())
            elif future.status == "error":
                self._refuse(one, f"expected the same kit, got {future.exception()!r}. Is it installed there?")
            else:
                self._drop(one, "is gone")

        self._listen(future, answered)

    def _greeted(self, one: _Node, answer: str) -> None:
        differs = difference(self._identity, json.loads(answer))
        if differs:
            self._refuse(one, f"{differs}. Install the same there")
            return
        one.state = "preparing"
        self._ask(one, node.prepare, self._prepared, self._plan.run, self._pickled_plan, one.threads)

    def _prepared(self, one: _Node, answer: str) -> None:
        document = json.loads(answer)
        if "refused" in document:
            self._refuse(one, document["refused"])
        elif self._fixed and document["level"] != self.level:
            self._refuse(one, f"expected walls at level {self.level} as at the other nodes, got {document['level']}")
        else:
            self.level, self._fixed = document["level"], True
            one.state = "ready"
            self._teller.tell(f"node {one.address} is ready: {one.threads} at a time, level {self.level}")

    def _checked(self, one: _Node, ticket: int, future: Any) -> None:
        if self._nodes.get(one.address) is not one or ticket not in one.checking:
            return
        del one.checking[ticket]
        checked, trouble = self._answer(future)
        self._done.append((ticket, checked))
        if trouble:  # such as a station that ended, or could not raise the same walls again: it starts anew
            self._drop(one, trouble)

    def _answer(self, future: Any) -> tuple[Checked | None, str]:
        """Return what the suites say, if a node has said it, and why it had better be dropped."""
        if future.status == "error":
            return None, f"failed: {future.exception()!r}"
        if future.status != "finished":
            return None, str(future.status)
        try:
            about = json.loads(future.result())
            if about.get("level") != self.level:
                return None, about.get("ended", "has other walls now")
            return from_document(future.result()) if "tasks" in about else None, ""
        except (ValueError, TypeError, AttributeError) as error:
            return None, f"failed: {error!r}"

    def _refuse(self, one: _Node, why: str) -> None:
        self._refused[one.address] = why
        self._drop(one, f"is refused: {why}")

    def _drop(self, one: _Node, why: str) -> None:
        """Do without a node; one that is still there, or comes back, is greeted anew."""
        del self._nodes[one.address]
        futures = [future for future, _ in one.checking.values()]
        lost = len(futures)
        self._done += [(ticket, None) for ticket in one.checking]
        one.checking.clear()
        self._client.cancel([*futures, *([one.asked] if one.asked is not None else [])])
        self._teller.tell(f"node {one.address} {why}" + (f"; {lost} of its submissions go elsewhere" if lost else ""))

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
