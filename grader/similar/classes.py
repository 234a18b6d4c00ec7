"""Compares a class, module by module: who handed in the same, who something alike."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from grader import intake
from grader.course import course
from grader.intake.box import read_boxed
from grader.paths import EXERCISES
from grader.similar.winnowing import Source, fingerprint, given_hashes, leave_out, match

MIN_HASHES = 40
"""A module with fewer stretches of its own says nothing: there are only so many ways to write three lines."""

COMMON_AT_LEAST = 10
COMMON_SHARE = 0.1
"""What this share of the different texts, and at least so many, have in common is how one writes it: left out."""

MAX_PAIRS = 40
"""Pairs of a module that are shown."""

CHUNK = 4096


@dataclass(frozen=True)
class Group:
    """Students whose module is the same but for names, comments and strings."""

    students: tuple[str, ...]
    code: str
    to_the_letter: bool


@dataclass(frozen=True)
class Side:
    """One of two students whose modules are alike.

    Attributes:
        student: who it is.
        others: how many others handed in the same.
        code: the module.
        share: of its own code that is in the other one, in [0, 1].
        spans: where that is, as (start, end) in characters.
    """

    student: str
    others: int
    code: str
    share: float
    spans: Sequence[tuple[int, int]]


Pair = tuple[Side, Side]


@dataclass(frozen=True)
class Module:
    """What was found in one module.

    Attributes:
        name: of the module.
        compared: how many submissions have something of their own in it.
        groups: who handed in the same, the largest group first.
        pairs: what is alike, the largest share first.
        more: pairs that are not shown.
    """

    name: str
    compared: int
    groups: tuple[Group, ...]
    pairs: tuple[Pair, ...]
    more: int


@dataclass
class Class:
    """The sources of a class.

    Attributes:
        sources: module -> student -> text.
        weights: hash -> students whose artefact has it.
        skipped: what could not be looked at, and why.
    """

    sources: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    weights: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    skipped: list[str] = field(default_factory=list)
    students: int = 0


def read_class(submissions: Path) -> Class:
    """Read the sources of a class, as the grader would; nothing of them is run.

    Raises:
        ValueError: if there is no such folder.
    """
    entries, skipped = intake.find(submissions)
    found = Class(skipped=skipped, students=len(entries))
    for entry in entries:
        snapshot = read_boxed(entry)
        if snapshot.rejected is not None:
            found.skipped.append(f"{entry.student}: {snapshot.rejected}")
        for module, source in snapshot.modules.items():
            found.sources[module][entry.student] = source.decode("utf-8", "replace")
        if snapshot.weights is not None:
            found.weights[hashlib.sha256(snapshot.weights).hexdigest()].append(entry.student)
    return found


def compare(found: Class, least: float) -> list[Module]:
    """Return what is alike in each module.

    Args:
        found: the class.
        least: the share of a module's own code, in (0, 1], from which a pair is reported.
    """
    return [_compare(module, found.sources[module], least) for module in course().modules if module in found.sources]


def given_code(module: str) -> str:
    """Return what students were given of a module."""
    return (EXERCISES / f"{module}.py").read_text(encoding="utf-8")


def _compare(name: str, texts: dict[str, str], least: float) -> Module:
    given = given_hashes(given_code(name))
    groups: dict[str, list[str]] = defaultdict(list)
    sources: dict[str, Source] = {}
    for student, text in texts.items():
        source = fingerprint(text, given)
        if len(source.hashes) >= MIN_HASHES:
            groups[source.shape].append(student)
            sources.setdefault(groups[source.shape][0], source)
    _drop_common(sources.values())
    pairs = _pairs(sources, {students[0]: len(students) - 1 for students in groups.values()}, least)
    same = [
        Group(tuple(students), texts[students[0]], len({texts[student] for student in students}) == 1)
        for students in groups.values()
        if len(students) > 1
    ]
    same.sort(key=lambda group: -len(group.students))
    compared, more = sum(map(len, groups.values())), max(len(pairs) - MAX_PAIRS, 0)
    return Module(name, compared, tuple(same), tuple(pairs[:MAX_PAIRS]), more)


def _drop_common(sources: Collection[Source]) -> None:
    """Leave out of each source what many others have as well."""
    counts = Counter(key for source in sources for key in source.hashes)
    most = max(COMMON_AT_LEAST, COMMON_SHARE * len(sources))
    common = {key for key, count in counts.items() if count > most}
    for source in sources:
        leave_out(source, common)


def _pairs(sources: dict[str, Source], others: dict[str, int], least: float) -> list[Pair]:
    students = [student for student, source in sources.items() if len(source.hashes) >= MIN_HASHES]
    pairs = []
    for i, j in _candidates([sources[student].hashes for student in students], least / 2):
        names = students[i], students[j]
        matches = match(sources[names[0]], sources[names[1]])
        one, other = (
            Side(name, others[name], sources[name].code, *found) for name, found in zip(names, matches, strict=True)
        )
        if share_of((one, other)) >= least:
            pairs.append((one, other))
    return sorted(pairs, key=lambda pair: (-share_of(pair), pair[0].student, pair[1].student))


def share_of(pair: Pair) -> float:
    """Return the larger of the two shares."""
    return max(side.share for side in pair)


def _candidates(hashes: Sequence[set[int]], least: float) -> Iterable[tuple[int, int]]:
    """Return the pairs of which one has at least this share of its hashes in common with the other.

    Counting common hashes of all pairs is a product of matrices, submissions x hashes, taken in pieces.
    """
    size = len(hashes)
    counts = Counter(key for one in hashes for key in one)
    column = {key: index for index, key in enumerate(key for key, count in counts.items() if count > 1)}
    rows = [np.fromiter((column[key] for key in one if key in column), dtype=int) for one in hashes]
    common = np.zeros((size, size), dtype=np.float32)
    for start in range(0, len(column), CHUNK):
        piece = np.zeros((size, CHUNK), dtype=np.float32)  # (submissions, hashes)
        for row, columns in enumerate(rows):
            piece[row, columns[(columns >= start) & (columns < start + CHUNK)] - start] = 1
        common += piece @ piece.T  # (submissions, submissions)
    smaller = np.minimum.outer(sizes := np.array([len(one) for one in hashes]), sizes)
    return [(int(i), int(j)) for i, j in np.argwhere(np.triu(common >= least * smaller, k=1))]
