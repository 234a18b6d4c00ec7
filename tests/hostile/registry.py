"""What every builder starts from.

A builder gets the path of the submission, where its base and its own files lie already, and changes it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

MODULE: Final = "exploration.py"
BODY: Final = (
    "def class_counts(labels, num_classes):\n"
    "    return torch.zeros(num_classes, dtype=torch.int64).index_add_(0, labels, torch.ones_like(labels))\n"
)
RIGHT: Final = f"import torch\n\n\n{BODY}"
MIB: Final = 1 << 20

BUILDERS: Final[dict[str, Callable[[Path], None]]] = {}


def builder(build: Callable[[Path], None]) -> Callable[[Path], None]:
    """Register a builder under its name, with hyphens for underscores."""
    BUILDERS[build.__name__.replace("_", "-")] = build
    return build
