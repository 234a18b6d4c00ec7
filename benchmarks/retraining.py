"""How well the reference learns when it is retrained, over seeds: `python benchmarks/retraining.py [seeds]`.

`--accuracy retrain` trains a submitted network under a fixed budget; its bar is 4 points below the mean that this
script prints. Each seed draws images, mirroring, permutation of the labels and first weights, as grading does.
"""

from __future__ import annotations

import re
import statistics
import sys
import time
from dataclasses import replace

from rich.console import Console
from rich.table import Table

from grader.canaries import PATIENCE, reference_order
from grader.grading import Grader
from grader.sandbox.levels import candidates


def main(seeds: int) -> None:
    """Retrain the reference once per seed, and print accuracy and seconds."""
    accuracies, seconds = [], []
    with Grader(1, candidates(unsafe=False)) as grader:
        for seed in range(seeds):
            order = reference_order(seed, frozenset({"fashion_accuracy"}), "retrain")
            started = time.perf_counter()
            ((_, _, checked),) = grader.check([replace(order, patience=PATIENCE)], tick=lambda: None)
            seconds.append(time.perf_counter() - started)
            assert checked is not None, "the grader itself failed"
            (task,) = [task for task in checked.tasks if task.id == "fashion_accuracy"]
            share = re.search(r"gets ([0-9.]+)%", task.message)
            assert share is not None, task.message
            accuracies.append(float(share[1]))
            print(f"seed {seed}: {accuracies[-1]:.2f} % after {seconds[-1]:.1f} s", file=sys.stderr)
    table = Table(title=f"The reference retrained, {seeds} seeds")
    for column in ("what", "mean", "least", "most"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for what, values in (("test accuracy, %", accuracies), ("seconds", seconds)):
        table.add_row(what, *(f"{value:.2f}" for value in (statistics.mean(values), min(values), max(values))))
    Console(width=80).print(table)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8)
