"""Fingerprints of sources, by copydetect: hashed stretches of tokens, without names, comments, strings and given code.

copydetect (MIT, Python 3.7 to 3.12) is imported as a library; its own detector reads folders and writes pages, which
do not fit here: sources come from the intake, and what students wrote must be escaped. MOSS sends students'
work to a server; compare50 asks for attrs < 21, which nbgrader's packages do not bear.

Source: Schleimer, Wilkerson and Aiken, "Winnowing: Local Algorithms for Document Fingerprinting", SIGMOD 2003.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from copydetect import CodeFingerprint, compare_files
from copydetect.utils import filter_code, get_token_coverage, hashed_kgrams

NOISE = 25
"""Characters that have to match at least, after names have become one letter each; copydetect's own default."""

WINDOW = 1
"""Every stretch counts. copydetect's default, 6, keeps the smallest hash of each six, and Python's hashes of texts
differ from run to run: so would the shares. For sources as short as these it is not slower."""

MAX_SOURCE = 100_000
"""Characters of a source that are looked at; the reference's longest module has a tenth of that."""


@dataclass(frozen=True)
class Source:
    """One module of one submission, ready to be compared.

    Attributes:
        code: the text.
        shape: a hash of its tokens, the same for texts that differ in names, comments and strings alone.
        fingerprint: copydetect's, without what was given.
    """

    code: str
    shape: str
    fingerprint: CodeFingerprint

    @property
    def hashes(self) -> set[int]:
        """The fingerprint's hashes."""
        return set(self.fingerprint.hashes)


def given_hashes(code: str) -> set[int]:
    """Return the hashes of every stretch of the code that students were given."""
    tokens, _ = filter_code(code, "module.py", "python")
    return set(hashed_kgrams(str(tokens), NOISE).tolist())


def fingerprint(code: str, given: Collection[int]) -> Source:
    """Return what is compared of a source; what was given does not count.

    copydetect could leave given code out itself, but in 0.5 that also drops what a student wrote twice.
    """
    code = code[:MAX_SOURCE]
    found = CodeFingerprint("module.py", NOISE, WINDOW, fp=io.StringIO(code), language="python")
    # At the name of a class, 0.5 notes the name's length where the characters left out so far belong.
    if len(found.offsets):
        found.offsets[:, 1] = np.maximum.accumulate(found.offsets[:, 1])
    source = Source(code, hashlib.sha256(found.filtered_code.encode("utf-8", "replace")).hexdigest(), found)
    leave_out(source, given)
    return source


def leave_out(source: Source, hashes: Collection[int]) -> None:
    """Let these hashes of a source no longer count."""
    one = source.fingerprint
    one.hash_idx = {key: places for key, places in one.hash_idx.items() if int(key) not in hashes}
    one.hashes = set(one.hash_idx)
    one.token_coverage = get_token_coverage(one.hash_idx, one.k, len(one.filtered_code))


def match(first: Source, second: Source) -> list[tuple[float, list[tuple[int, int]]]]:
    """Return of each of two sources how much of its own code is in the other, in [0, 1], and where, in characters."""
    _, shares, slices = compare_files(first.fingerprint, second.fingerprint)
    return [
        (min(float(share), 1.0), _spans(found, len(source.code)))
        for share, found, source in zip(shares, slices, (first, second), strict=True)
    ]


def _spans(slices: np.ndarray, length: int) -> list[tuple[int, int]]:
    """Return stretches in order that do not overlap, within the text."""
    spans: list[tuple[int, int]] = []
    for start, end in np.asarray(slices, dtype=int).reshape(2, -1).T.tolist():
        span = max(start, spans[-1][1] if spans else 0), min(end, length)
        if span[0] < span[1]:
            spans.append(span)
    return spans
