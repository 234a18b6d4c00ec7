"""`grader predict`: guess the output's shape before the code is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import Protocol

from grader.course import course
from grader.student import CannotError

CASES = 3


class Case(Protocol):
    """One question, its answer, and how that comes about; the course draws them."""

    question: str
    answer: tuple[int, ...]
    steps: tuple[str, ...]


def ask_cases(task_id: str, answers: Iterable[str], say: Callable[[str], None], rng: Random) -> int:
    """Ask for the shapes of three drawn cases, and explain each wrong guess.

    Args:
        task_id: of a task that is ``predicted``.
        answers: what the student types, line by line.
        say: writes one line.
        rng: draws the cases.

    Returns:
        How many guesses were right.

    Raises:
        CannotError: if there are no more answers.
    """
    predictions = course().part("predictions")
    assert predictions is not None, "a course whose tasks can be predicted has cases for them"
    lines, right = iter(answers), 0
    for number, case in enumerate(predictions.draw(task_id, CASES, rng), 1):
        say(f"{number} of {CASES}: {case.question}")
        guess = _guess(case, lines, say)
        if guess == case.answer:
            right += 1
            say("  Right.")
        else:
            say(f"  It is {shown(case.answer)}, not {shown(guess)}:")
            for step in case.steps:
                say(f"    {step}")
        say("")
    return right


def _guess(case: Case, lines: Iterator[str], say: Callable[[str], None]) -> tuple[int, ...]:
    for line in lines:
        if guess := read_shape(line):
            return guess
        example = shown(tuple(range(2, 2 + len(case.answer))))
        say(f"  expected whole numbers such as {example}, got {line.strip()!r}.")
    raise CannotError(f"expected {CASES} answers, got fewer. Type a shape and Enter for each.")


def read_shape(text: str) -> tuple[int, ...] | None:
    """Return the numbers of a shape, however it is written: (2, 5, 6), 2 5 6, 2x5x6, [2,5,6]; None for other texts."""
    numbers = re.split(r"[\s,x×]+", text.strip().strip("()[]").strip(" ,"))
    if not all(re.fullmatch(r"-?[0-9]{1,9}", number) for number in numbers):
        return None
    return tuple(map(int, numbers))


def shown(shape: tuple[int, ...]) -> str:
    """Write a shape as PyTorch does, and a single number as it is."""
    return str(shape[0]) if len(shape) == 1 else str(shape)
