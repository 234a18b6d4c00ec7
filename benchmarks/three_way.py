"""The same submissions with the same checks, graded three ways.

    python benchmarks/three_way.py OTTER [rounds] [TASK,..]

OTTER is the command of otter-grader in a separate environment that sees this kit's packages:

    python3 -m venv /tmp/otter && /tmp/otter/bin/pip install otter-grader
    echo "$(.venv/bin/python -c 'import torch, pathlib; print(pathlib.Path(torch.__path__[0]).parent)')" \
        > "$(/tmp/otter/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/kit.pth"
    python benchmarks/three_way.py /tmp/otter/bin/otter

- **this kit**: `grader grade`, the given tasks, or every task but the trained network's.
- **nbgrader**: `nbgrader autograde` with its own Execute, all modules in *one* notebook, so that a submission starts
  one kernel and imports torch once; its test cells run the same hidden checks in the kernel (`benchmarks/beside.py`).
- **otter**: `otter run` on the same notebook with the same test cells as test files.

The other two have no border: they pay for a kernel and its imports. A run over one submission and one over all separate
what is paid once (imports, fork server, canaries) from what each submission costs; this kit gets many
copies of them, since that is little compared with its one-time cost, which varies. CPU seconds are those of all child
processes, peak memory is that of the largest single one. The three take turns, round by round.
"""

from __future__ import annotations

import itertools
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from rich.console import Console
from rich.table import Table

from grader.authoring.samples import samples, write_sample
from grader.course import Task, course
from grader.paths import ROOT, SAMPLE_CLASS

sys.path.insert(0, str(ROOT))
from benchmarks.beside import checked_in_place

SUBMISSIONS = ("reference", "flipped-kernel", "one-channel-only", "other-styles")
"""From the sample class: solved, with a mistake or two, and solved in another way; hopeless ones cost nothing."""

COPIES = 10
"""How many of each this kit gets; they differ by a comment, so that no result is reused for another."""

RELATIVE = re.compile(r"^\s*from \.\w+ import .*$", re.MULTILINE)
TEST = """import sys
sys.path.insert(0, {root!r})
from benchmarks.beside import score
assert score({task!r}, globals(), {every}) == {points}"""
OTTER_TEST = """from otter.test_files import test_case

OK_FORMAT = False
name = "{task}"
points = {points}


@test_case(points={points})
def test_{task}(env):
    import sys
    sys.path.insert(0, {root!r})
    from benchmarks.beside import score
    assert score({task!r}, env, {every}) == {points}
"""


@dataclass(frozen=True)
class Cost:
    """The cost of one command: seconds of wall and CPU time, and the largest process in MiB."""

    wall: float
    cpu: float
    memory: float


def main(otter: str, rounds: int, tasks: list[Task]) -> None:
    """Measure, and print the table."""
    with tempfile.TemporaryDirectory(prefix="cnn-kit-three-ways-") as name:
        folder = Path(name)
        write_submissions(folder / "class")
        notebooks = write_notebooks(folder / "class", folder / "notebooks", tasks)
        ways: dict[str, Callable[[list[str]], None]] = {
            "this kit": lambda chosen: grade(folder, chosen, tasks),
            "nbgrader": lambda chosen: autograde(folder, notebooks, chosen, tasks),
            "otter": lambda chosen: otter_run(otter, folder, notebooks, chosen, tasks),
        }
        rows: dict[str, list[tuple[Cost, Cost]]] = {way: [] for way in ways}
        for number in range(rounds):
            for way, run in ways.items():
                print(f"round {number + 1} of {rounds}: {way}", file=sys.stderr, flush=True)
                one, every = (measured(run, list(SUBMISSIONS[:count])) for count in (1, len(SUBMISSIONS)))
                rows[way].append((one, every))
        print_table(rows, len(tasks))


def write_submissions(to: Path) -> None:
    """Write the chosen samples, without weights."""
    for sample in samples():
        if sample.name in SUBMISSIONS:
            write_sample(sample, SAMPLE_CLASS / "class" / sample.name, to)
            (to / sample.name / course().artefact_file).unlink(missing_ok=True)


def write_notebooks(submissions: Path, to: Path, tasks: list[Task]) -> dict[str, Path]:
    """Write each submission as one notebook with all modules up to the last that a task needs."""
    to.mkdir()
    paths = {}
    modules = list(course().modules)
    modules = modules[: 1 + max(modules.index(task.module) for task in tasks)]
    for name in SUBMISSIONS:
        cells = [
            new_code_cell(RELATIVE.sub("", cell.source.replace('if __name__ == "__main__":', "if False:")))
            for module in modules
            for cell in jupytext.reads((submissions / name / f"{module}.py").read_text("utf-8"), fmt="py:percent").cells
            if cell.cell_type == "code"
        ]
        cells = [cell for cell in cells if not cell.source.startswith("if False:")]
        for cell in cells:  # nbgrader would mistake the markers for its own solution cells
            cell.source = re.sub(r"^\s*### (BEGIN|END) SOLUTION\n?", "", cell.source, flags=re.MULTILINE)
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        paths[name] = to / f"{name}.ipynb"
        nbformat.write(new_notebook(cells=cells, metadata=kernel), paths[name])
    return paths


def measured(run: Callable[[list[str]], None], chosen: list[str]) -> Cost:
    """Run one way in a separate process, and return the cost of it and its children."""
    ours, theirs = os.pipe()
    started = time.perf_counter()
    child = os.fork()
    if not child:
        code = 1
        try:
            run(chosen)
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            os.write(theirs, f"{used.ru_utime + used.ru_stime} {used.ru_maxrss / 1024}".encode())
            code = 0
        finally:
            os._exit(code)
    os.close(theirs)
    _, status = os.waitpid(child, 0)
    cpu, memory = os.read(ours, 100).decode().split() or ("nan", "nan")
    os.close(ours)
    if status:
        raise SystemExit(f"three ways: expected every command to end with status 0, got {status}: see above")
    return Cost(time.perf_counter() - started, float(cpu), float(memory))


def grade(folder: Path, chosen: list[str], tasks: list[Task]) -> None:
    """Grade with this kit."""
    shutil.rmtree(folder / "ours", ignore_errors=True)
    copies = COPIES if len(chosen) > 1 else 1
    for name, number in itertools.product(chosen, range(copies)):
        to = folder / "ours" / "class" / f"{name}-{number}"
        shutil.copytree(folder / "class" / name, to)
        for module in to.glob("*.py"):
            module.write_text(f"{module.read_text('utf-8')}\n# {number}\n", encoding="utf-8")
    arguments = ["--out", "graded", "--only", ",".join(task.id for task in tasks), "--seed", "7"]
    command([sys.executable, "-m", "grader", "grade", "class", *arguments], folder / "ours", ROOT)


def autograde(folder: Path, notebooks: dict[str, Path], chosen: list[str], tasks: list[Task]) -> None:
    """Grade with nbgrader's own Execute."""
    course = folder / "stock"
    shutil.rmtree(course, ignore_errors=True)
    (course / "source" / "all").mkdir(parents=True)
    (course / "nbgrader_config.py").write_text("c = get_config()\nc.Execute.timeout = 600\n", encoding="utf-8")
    tests = [test_cell(task, tasks) for task in tasks]
    nbformat.write(with_cells(notebooks[SUBMISSIONS[0]], tests), course / "source" / "all" / "all.ipynb")
    nbgrader = [sys.executable, "-m", "nbgrader"]
    command([*nbgrader, "generate_assignment", "all", "--create"], course)
    for name in chosen:
        to = course / "submitted" / name / "all"
        to.mkdir(parents=True)
        nbformat.write(with_cells(notebooks[name], tests), to / "all.ipynb")
    command([*nbgrader, "autograde", "all", "--create"], course)


def test_cell(task: Task, tasks: list[Task]) -> nbformat.NotebookNode:
    """Return an autograder cell that expects full points for one of the tasks."""
    cell = new_code_cell(in_place(TEST, task, tasks))
    cell.metadata.nbgrader = {
        "grade": True, "solution": False, "locked": True, "task": False, "points": task.points, "grade_id": task.id,
        "schema_version": 3, "cell_type": "code",
    }  # fmt: skip
    return cell


def in_place(template: str, task: Task, tasks: list[Task]) -> str:
    """Return the source of a test that expects full points for one of the tasks."""
    every = [one.id for one in tasks]
    return template.format(root=str(ROOT), task=task.id, points=task.points, every=every)


def with_cells(notebook: Path, cells: list[nbformat.NotebookNode]) -> nbformat.NotebookNode:
    """Return a notebook with more cells at its end."""
    nb = nbformat.read(notebook, as_version=4)
    nb.cells += cells
    return nb


def otter_run(otter: str, folder: Path, notebooks: dict[str, Path], chosen: list[str], tasks: list[Task]) -> None:
    """Grade with otter, one command per submission as it works."""
    home = folder / "otter"
    shutil.rmtree(home, ignore_errors=True)
    (home / "tests").mkdir(parents=True)
    for task in tasks:
        (home / "tests" / f"{task.id}.py").write_text(in_place(OTTER_TEST, task, tasks), encoding="utf-8")
    command([otter, "generate", "-t", "tests", "-o", "autograder.zip"], home)
    for name in chosen:
        shutil.copy(notebooks[name], home / f"{name}.ipynb")
        (home / name).mkdir()
        command([otter, "run", "-a", "autograder.zip", "-o", name, "--no-logo", f"{name}.ipynb"], home)
        if not (home / name / "results.json").is_file():
            raise SystemExit(f"otter: expected {name}/results.json, got none")


def command(arguments: list[str], where: Path, path: Path | None = None) -> None:
    """Run one command quietly; what it printed is shown if it fails."""
    environment = {**os.environ, "PATH": f"{Path(arguments[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    done = subprocess.run(
        arguments, cwd=where, env=environment, capture_output=True, text=True, timeout=3000, check=False
    )
    if done.returncode:
        print(done.stdout[-2000:], done.stderr[-4000:], file=sys.stderr)
        raise SystemExit(f"{arguments}: exit status {done.returncode}")


def print_table(rows: dict[str, list[tuple[Cost, Cost]]], tasks: int) -> None:
    """Print medians over the rounds: once, per submission, and the ratio to this kit."""
    table = Table(title=f"{len(SUBMISSIONS)} submissions, {tasks} tasks, medians over rounds")
    for column in ("", "once: wall s", "CPU s", "each: wall s", "CPU s", "largest process MiB", "CPU / this kit"):
        table.add_column(column, justify="right" if column else "left")
    further = {way: len(SUBMISSIONS) * (COPIES if way == "this kit" else 1) - 1 for way in rows}
    each_cpu = {way: statistics.median((e.cpu - o.cpu) / further[way] for o, e in runs) for way, runs in rows.items()}
    for way, runs in rows.items():
        more = further[way]
        each = statistics.median((e.wall - o.wall) / more for o, e in runs)
        once = statistics.median(o.wall - (e.wall - o.wall) / more for o, e in runs)
        once_cpu = statistics.median(o.cpu - (e.cpu - o.cpu) / more for o, e in runs)
        memory = statistics.median(e.memory for _, e in runs)
        ratio = each_cpu[way] / each_cpu["this kit"]
        figures = (once, once_cpu, each, each_cpu[way])
        table.add_row(way, *(f"{figure:.2f}" for figure in figures), f"{memory:.0f}", f"{ratio:.1f}")
    Console(width=120).print(table)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    selected = [course().task(task) for task in sys.argv[3].split(",")] if len(sys.argv) > 3 else checked_in_place()
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3, selected)
