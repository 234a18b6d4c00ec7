"""Says what is wrong with trained weights, before they are handed in: `python -m lesson.artefact PATH`."""

from __future__ import annotations

import contextlib
import importlib
import sys
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file


def problem_of(path: Path) -> str:
    """Return why the weights would earn nothing, in one sentence; empty if they fit the student's network.

    Args:
        path: of the weights; the network is `exercises.model.FashionCNN`, without arguments.
    """
    try:
        state = load_file(path)
    except (OSError, SafetensorError) as error:
        return f"they cannot be read: {_first_line(error)}"
    if broken := [name for name, value in state.items() if not value.isfinite().all()]:
        return f"expected finite numbers, got NaN or infinity in {', '.join(broken[:3])}; train again"
    try:
        network = importlib.import_module("exercises.model").FashionCNN()
        network.load_state_dict(state)
    except Exception as error:  # noqa: BLE001 - whatever the student's module does, it is a sentence
        return f"they do not fit FashionCNN(): {_first_line(error)}; was it changed after the training?"
    return ""


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return " ".join(lines[:2])[:200].rstrip(".")


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):  # what the student's module prints is not the answer
        problem = problem_of(Path(sys.argv[1]))
    print(problem)  # noqa: T201 - its answer
