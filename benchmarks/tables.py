"""What several benchmarks share: what they grade, compare with, and print."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from grader.course import course

EVERYTHING = frozenset(task.id for task in course().tasks)
BASELINE = "bare import of torch, torchvision, Lightning"
SETTLE_SECONDS = 1.5
"""How long the fork server may take to count the processor time of ended workers."""


def import_libraries() -> None:
    """Import every submission's libraries in a new process."""
    subprocess.run([sys.executable, "-c", "import torch, torchvision, pytorch_lightning"], check=True)


def p95(values: Sequence[float]) -> float:
    """Return the value that 95 of 100 do not exceed; if there are few, the largest."""
    return sorted(values)[min(len(values) - 1, int(0.95 * len(values)))]
