"""What grades a class, wherever its submissions are checked: each is tried until it has a result, and reported once."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from grader import __version__
from grader.hidden.plugin import CheckReport
from grader.intake import Snapshot
from grader.results import Result, SubmissionStatus
from grader.sandbox.walls import Level
from grader.seeds import fingerprint
from grader.versions import version_notes

TRIES = 3
"""How often a submission is checked whose checker, or whose node, ends over it."""

WAIT_SECONDS = 0.2


@dataclass(frozen=True)
class Order:
    """One submission to be graded.

    Attributes:
        student: its display name.
        snapshot: what was handed in.
        seed: of the inputs.
        selected: ids of the tasks asked for.
        way: how the artefact is judged; see ``Course.ways``.
        alone: whether nothing else may be checked beside it.
        patience: multiplies every limit of time.
    """

    student: str
    snapshot: Snapshot
    seed: int
    selected: frozenset[str]
    way: str = ""
    alone: bool = False
    patience: float = 1.0


@dataclass(frozen=True, eq=False)
class _Attempt:
    """A submission that is to be checked, or checked once more.

    Attributes:
        index: of the order, among all.
        order: what to check now.
        first: what a first try said, of which some tasks were disturbed.
        losses: how often a checker, or a node, ended over it.
    """

    index: int
    order: Order
    first: CheckReport | None = None
    losses: int = 0

    def again(self, checked: CheckReport | None) -> _Attempt | None:
        """Return the next attempt after this one's outcome, None if there is none to make."""
        if checked is None:
            return replace(self, losses=self.losses + 1) if self.losses + 1 < TRIES else None
        if checked.disturbed and self.first is None:
            order = replace(self.order, selected=checked.disturbed, alone=True)
            return _Attempt(self.index, order, checked)
        return None

    def outcome(self, checked: CheckReport | None) -> CheckReport | None:
        """Return what both tries say together."""
        return self.first.updated(checked) if self.first and checked else checked


class Executor(ABC):
    """Checks submissions, some at a time; subclasses say where.

    Attributes:
        level: how high the walls around student code are.
    """

    level: Level

    @abstractmethod
    def has_room(self, *, alone: bool) -> bool:
        """Return whether one more submission can be checked now; alone: where nothing else is checked."""

    @abstractmethod
    def submit(self, ticket: Any, order: Order) -> None:
        """Begin to check a submission; the ticket, which nothing else has meanwhile, comes back with what is said."""

    @abstractmethod
    def collect(self, seconds: float) -> list[tuple[Any, CheckReport | None]]:
        """Wait a while; return the tickets that are done since, with None for those that were lost."""

    def grade(
        self, orders: Iterable[Order], on_result: Callable[[int, Result], None], *, tick: Callable[[], None]
    ) -> None:
        """Grade submissions, as many at a time as there is room for.

        Args:
            orders: what to grade; each is taken when its turn comes.
            on_result: called with the order's index and its result, in the order in which they end.
            tick: called a few times a second, to show progress.
        """
        for index, order, checked in self.check(orders, tick=tick):
            on_result(index, result_of(order, self.level, checked))

    def check(
        self, orders: Iterable[Order], *, tick: Callable[[], None]
    ) -> Iterator[tuple[int, Order, CheckReport | None]]:
        """Run the hidden suites over submissions, as many at a time as there is room for.

        A task that was disturbed, because others took the processors or somebody ended its process, is tried once
        more at the end, alone.

        Args:
            orders: what to check; each is taken when its turn comes.
            tick: called a few times a second, to show progress.

        Returns:
            The order's index, the order, and what the suites say, in the order in which they end; None is what comes
            of one that the grader failed on, and of one that is rejected.
        """
        fresh = enumerate(orders)
        waiting: deque[_Attempt] = deque()  # those that are to be alone come last
        under_way = 0
        while True:
            if not waiting or waiting[0].order.alone:
                waiting.extendleft(_Attempt(index, order) for index, order in itertools.islice(fresh, 1))
            if waiting and self.has_room(alone=waiting[0].order.alone):
                attempt = waiting.popleft()
                if attempt.order.snapshot.rejected is not None:
                    yield attempt.index, attempt.order, None
                else:
                    under_way += 1
                    self.submit(attempt, attempt.order)
            elif waiting or under_way:
                for attempt, checked in self.collect(WAIT_SECONDS):
                    under_way -= 1
                    if again := attempt.again(checked):
                        (waiting.append if again.order.alone else waiting.appendleft)(again)
                    else:
                        yield attempt.index, attempt.order, attempt.outcome(checked)
                tick()
            else:
                return


def result_of(order: Order, level: Level, checked: CheckReport | None) -> Result:
    """Return the result of a submission from what the suites say of it: None if it is rejected, or they cannot say."""
    status: SubmissionStatus = "graded" if checked else "rejected"
    message = order.snapshot.rejected or ""
    if checked is None and order.snapshot.rejected is None:
        status = "grader_error"
        message = f"The grader itself failed {TRIES} times on this submission; no score is given. Grade it again?"
    return Result(
        student=order.student,
        status=status,
        sandbox=level,
        kit=__version__,
        submission_sha256=order.snapshot.sha256,
        seed=fingerprint(order.seed),
        notes=(*order.snapshot.notes, *((*checked.notes, *version_notes()) if checked else ())),
        tasks=checked.tasks if checked else (),
        message=message,
        figures=checked.figures if checked else {},
    )
