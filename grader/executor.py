"""What grades a class, wherever its submissions are checked: each is tried until it has a result, and reported once."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from grader import __version__
from grader.checking.plugin import CheckReport
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
    """

    student: str
    snapshot: Snapshot
    seed: int
    selected: frozenset[str]
    way: str = ""


@dataclass
class _Attempt:
    """A submission that is to be checked, or checked once more."""

    index: int
    order: Order | None = None
    first: CheckReport | None = None
    losses: int = 0

    @property
    def alone(self) -> bool:
        """Whether nothing else may run beside it: it is a second try."""
        return self.first is not None

    def again(self, first: CheckReport) -> _Attempt:
        """Return the second try of the tasks that were disturbed."""
        assert self.order is not None, "it has been checked"
        return _Attempt(self.index, replace(self.order, selected=first.disturbed), first)

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
        """Tell whether one more submission can be checked now; alone: where nothing else is checked."""

    @abstractmethod
    def submit(self, ticket: int, order: Order, *, alone: bool, patience: float) -> None:
        """Begin to check a submission; `patience` multiplies every limit of time."""

    @abstractmethod
    def collect(self, seconds: float) -> list[tuple[int, CheckReport | None]]:
        """Wait a while; return the tickets that are done since, with None for those that were lost."""

    def grade(
        self, orders: Sequence[Order], on_result: Callable[[int, Result], None], *, tick: Callable[[], None]
    ) -> None:
        """Grade submissions, as many at a time as there is room for.

        Args:
            orders: what to grade; each is looked up when its turn comes.
            on_result: called with the order's index and its result, in the order in which they end.
            tick: called a few times a second, to show progress.
        """
        self._run(orders, lambda i, order, checked: on_result(i, result_of(order, self.level, checked)), tick, 1.0)

    def check(
        self,
        orders: Sequence[Order],
        on_checked: Callable[[int, CheckReport | None], None],
        *,
        tick: Callable[[], None],
        patience: float = 1.0,
    ) -> None:
        """Run the hidden suites over submissions; None is what comes of one that the grader failed on.

        A task that was disturbed, because others took the processors or somebody ended its process, is tried once
        more at the end, alone.

        Args:
            orders: what to check.
            on_checked: called with the order's index and what the suites say.
            tick: called a few times a second, to show progress.
            patience: multiplies every limit of time.
        """
        self._run(orders, lambda index, _, checked: on_checked(index, checked), tick, patience)

    def _run(
        self,
        orders: Sequence[Order],
        on_done: Callable[[int, Order, CheckReport | None], None],
        tick: Callable[[], None],
        patience: float,
    ) -> None:
        waiting = deque(_Attempt(index) for index in range(len(orders)))
        under_way: dict[int, _Attempt] = {}
        tickets = itertools.count()
        while waiting or under_way:
            while waiting and self.has_room(alone=waiting[0].alone):
                attempt = waiting.popleft()
                attempt.order = order = attempt.order or orders[attempt.index]
                if order.snapshot.rejected is not None:
                    on_done(attempt.index, order, None)
                    continue
                under_way[ticket := next(tickets)] = attempt
                self.submit(ticket, order, alone=attempt.alone, patience=patience)
            for ticket, checked in self.collect(WAIT_SECONDS):
                _settle(under_way.pop(ticket), checked, waiting, on_done)
            tick()


def _settle(
    attempt: _Attempt,
    checked: CheckReport | None,
    waiting: deque[_Attempt],
    on_done: Callable[[int, Order, CheckReport | None], None],
) -> None:
    """Report what came of an attempt, or have it made again."""
    assert attempt.order is not None, "it was submitted"
    if checked is None and attempt.losses + 1 < TRIES:
        attempt.losses += 1
        waiting.appendleft(attempt)
    elif checked is not None and checked.disturbed and not attempt.alone:
        waiting.append(attempt.again(checked))
    else:
        on_done(attempt.index, attempt.order, attempt.outcome(checked))


def result_of(order: Order, level: Level, checked: CheckReport | None) -> Result:
    """Return the result of a submission from what the suites say of it: None if it is rejected, or they cannot say."""
    if checked is not None:
        return _result(order, "graded", level, checked)
    if order.snapshot.rejected is not None:
        return _result(order, "rejected", level, message=order.snapshot.rejected)
    message = f"The grader itself failed {TRIES} times on this submission; no score is given. Grade it again?"
    return _result(order, "grader_error", level, message=message)


def _result(
    order: Order, status: SubmissionStatus, level: str, checked: CheckReport | None = None, message: str = ""
) -> Result:
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
