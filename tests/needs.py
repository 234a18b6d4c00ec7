"""Programs that some tests need: without them these are skipped, with one line at the end; in CI they fail."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterable
from typing import NoReturn

import pytest

INSTALL = {
    "chromium": "apt-get install chromium",
    "bubblewrap": "apt-get install bubblewrap",
    "setpriv": "apt-get install util-linux",
}
_WITHOUT = "needs "


def need(program: str) -> None:
    """Continue if a program is installed under its own name."""
    if shutil.which(program) is None:
        do_without(program)


def do_without(program: str) -> NoReturn:
    """Skip a test because a program is missing, or fail it where everything should be installed."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"expected {program}, got none: {INSTALL[program]}")
    pytest.skip(f"{_WITHOUT}{program}")


def not_tried(skipped: Iterable[pytest.TestReport]) -> str:
    """Return one line on the tests that were skipped because a program is missing; "" if none were."""
    reasons = [report.longrepr[2] for report in skipped if isinstance(report.longrepr, tuple)]
    counts = Counter(reason.partition(f": {_WITHOUT}")[2] for reason in reasons)
    counts = Counter({program: counts[program] for program in INSTALL if counts[program]})
    told = ", ".join(f"{count} for want of {program} ({INSTALL[program]})" for program, count in counts.items())
    return f"{counts.total()} tests were not tried: {told}." if told else ""
