"""How long the pages of a class take, and how large they are: `python benchmarks/pages.py [students] [runs]`.

The class is made up from a seed, with every task, status, named mistake and note, and a picture of everything
that can be drawn. Prints seconds as median and p95 over the runs, and bytes; `--out FOLDER` keeps the pages to look at.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from tables import p95

from grader.course import course
from grader.hidden.mistakes import bank
from grader.reports.pages import class_page, feedback_page
from grader.results import SUSPICION, CheckResult, Result, TaskResult, TaskStatus
from lesson.figures import Comparison, Network, Raster

NOTES = (
    f"{SUSPICION}answers depend on the order or on the other images of a batch.",
    "not read, because the kit does not know them: notes.txt, old/convolution.py",
    "byte code, libraries and configuration are dropped: exercises/__pycache__/convolution.cpython-311.pyc",
)
FAILING: tuple[TaskStatus, ...] = ("failed", "failed", "failed", "partial", "partial", "not_started", "crashed")
RARE: tuple[TaskStatus, ...] = ("missing", "timed_out", "out_of_memory", "protocol")


def made_up_class(students: int, seed: int = 0) -> list[tuple[str, Result]]:
    """Return results of this many students, from hopeless to perfect; the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - the same class each time
    return [(f"student-{n:04d}", made_up_result(f"student-{n:04d}", chance)) for n in range(students)]


def made_up_result(name: str, chance: random.Random) -> Result:
    """Return one result; one in fifty is rejected."""
    facts = (name, "namespaces", "0.1.0", f"{chance.getrandbits(256):064x}", "7")
    student, sandbox, kit, sha, seed = facts
    notes = tuple(note for note in NOTES if chance.random() < 0.05)
    if chance.random() < 0.02:
        message = "expected one of the six modules, got none. Is there a folder too many?"
        return Result(student, "rejected", sandbox, kit, sha, seed, notes, message=message)
    skill = chance.betavariate(4, 2)
    every = tuple(made_up_task(task.id, task.points, skill, chance) for task in course().tasks)
    return Result(student, "graded", sandbox, kit, sha, seed, notes, every)


def made_up_task(task_id: str, points: float, skill: float, chance: random.Random) -> TaskResult:
    """Return one task's result, passed with the probability ``skill``."""
    count = chance.randint(3, 9)
    seconds = round(chance.expovariate(4), 3)
    if chance.random() < skill:
        every = tuple(CheckResult(f"check number {n} of {task_id}", n < 2, passed=True) for n in range(count))
        return TaskResult(task_id, points, points, "passed", None, "All checks passed.", seconds, every)
    status = chance.choice(RARE if chance.random() < 0.1 else FAILING)
    names = [entry for entry in bank() if task_id in entry.tasks]
    named = chance.choice(names) if names and status == "failed" and chance.random() < 0.6 else None
    message = named.says if named else f"{task_id}: expected shape (5, 7), got (7, 5). Which axis comes first?"
    every = tuple(CheckResult(f"check number {n} of {task_id}", n < 2, passed=n % 2 == 0) for n in range(count))
    score = round(points * 0.6, 2) if status == "partial" else 0.0
    return TaskResult(task_id, points, score, status, named.name if named else None, message, seconds, every)


def made_up_figures(seed: int = 0) -> dict[str, Any]:
    """Return something for everything that a feedback page can draw."""
    torch.manual_seed(seed)
    edges = Raster.of(torch.randn(24, 20))
    network = Network(
        filters=tuple(Raster.of(torch.randn(3, 3)) for _ in range(32)),
        activations=tuple(Raster.of(torch.rand(28, 28)) for _ in range(32)),
        confusion=tuple(tuple(900 if a == b else (a * b) % 13 for a in range(10)) for b in range(10)),
        curves={"train_loss": (0.9, None, 0.4), "val_loss": (0.7, 0.5, 0.45), "val_acc": (0.75, 0.8, 0.85)},
    )
    table = "\n".join(f"├─Conv2d: 1-{n:<40} [1, 32, 28, 28]          320" for n in range(25))
    compared = {task: asdict(Comparison(f"{task}(digit)", edges, edges, edges)) for task in ("convolve", "conv2d")}
    return {**compared, "fashion_accuracy": asdict(network), "summarize": table}


def main(students: int, runs: int, out: Path | None) -> None:
    """Measure, print, and write the pages on request."""
    class_, figures = made_up_class(students), made_up_figures()
    rows: dict[str, tuple[list[float], list[float], int]] = {}
    for name, render in {
        f"report.html of {students}": lambda: [class_page(class_, ["notes.txt: no submission"])],
        f"feedback.html of {students}, all of them": lambda: [feedback_page(result, figures) for _, result in class_],
    }.items():
        times, processor = [], []
        for _ in range(runs):
            started = time.perf_counter(), time.process_time()
            pages = render()
            times.append(time.perf_counter() - started[0])
            processor.append(time.process_time() - started[1])
        rows[name] = times, processor, max(len(page.encode()) for page in pages)
    table = Table(title="Rendering a class that is made up")
    for column in ("what", "runs", "median s", "p95 s", "median CPU s", "largest page, MB"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for name, (times, processor, size) in rows.items():
        figures_of_row = (statistics.median(times), p95(times), statistics.median(processor), size / 1e6)
        table.add_row(name, str(len(times)), *(f"{figure:.2f}" for figure in figures_of_row))
    Console(width=110).print(table)
    if out is not None:
        write(class_, out)


def write(class_: list[tuple[str, Result]], out: Path) -> None:
    """Write the pages of a class."""
    for folder, result in class_:
        (out / folder).mkdir(parents=True, exist_ok=True)
        (out / folder / "feedback.html").write_text(feedback_page(result, made_up_figures()), encoding="utf-8")
    (out / "report.html").write_text(class_page(class_, ["notes.txt: no submission"]), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("students", type=int, nargs="?", default=1000)
    parser.add_argument("runs", type=int, nargs="?", default=5)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    main(options.students, options.runs, options.out)
