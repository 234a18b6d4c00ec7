"""`grader submit`: the zip that the grader takes, and what is in it."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from grader import __version__, intake
from grader.course import Artefact, Task, course
from grader.files import write_atomically
from grader.intake.sizes import MAX_WEIGHTS, in_words
from grader.paths import LESSON
from grader.public.memory import Memory, code_of
from grader.stubs import holds_work, stub_text, unwritten
from grader.student import CannotError
from grader.student.workspace import Workspace
from grader.versions import installed_version
from grader.zips import zipped

VERSIONS = ".versions.json"
SECONDS = 120
"""For the import of the student's module."""


@dataclass(frozen=True)
class Row:
    """What the student reads about one file.

    Attributes:
        name: the file's.
        said: what is in it.
        good: nothing is missing.
    """

    name: str
    said: str
    good: bool


def write_submission(workspace: Workspace, to: Path, agree: Callable[[list[Row]], object] = len) -> list[Row]:
    """Write the zip, and return what is in it and what is missing.

    Args:
        workspace: where the student's files lie.
        to: the zip; an older one is replaced.
        agree: called with what would be in it; an exception of it keeps the zip from being written.

    Raises:
        CannotError: if the grader would refuse it.
        OSError: if a file cannot be read or written.
    """
    files = dict(_files(workspace))
    if not files:
        raise CannotError(f"expected at least one module in {workspace.folder}, got none. Is it the right folder?")
    with tempfile.TemporaryDirectory(prefix="cnn-kit-submit-") as folder:
        draft = Path(folder) / "submission.zip"
        held = {**files, VERSIONS: json.dumps(_versions(), indent=1).encode()}
        draft.write_bytes(zipped({f"exercises/{name}": data for name, data in held.items()}))
        snapshot = intake.read(intake.Entry("submission", "submission", draft))
        if snapshot.rejected:
            raise CannotError(f"the grader would refuse this: {snapshot.rejected}")
        data = draft.read_bytes()
    rows = [_module_row(workspace.folder, name, files, snapshot) for name in course().modules]
    if artefact := course().artefact:
        rows.append(_artefact_row(artefact, snapshot.weights, workspace.folder))
    agree(rows)
    write_atomically(to, data)
    return rows


def _files(workspace: Workspace) -> Iterator[tuple[str, bytes]]:
    """Give what is handed in: of a module and a notebook of its name, the one in which something is written."""
    for name in course().modules:
        module, notebook = workspace.module(name), workspace.folder / f"{name}.ipynb"
        is_written = holds_work(module, stub_text(workspace.folder, name))
        chosen = notebook if notebook.is_file() and not is_written else module
        if chosen.is_file():
            yield chosen.name, chosen.read_bytes()
    if (workspace.folder / course().artefact_file).is_file():
        yield course().artefact_file, (workspace.folder / course().artefact_file).read_bytes()


def _versions() -> dict[str, str]:
    packages = {package: installed_version(package) or "not installed" for package in course().packages}
    return {"kit": __version__, "python": platform.python_version(), "system": platform.system(), **packages}


def _module_row(folder: Path, name: str, files: dict[str, bytes], snapshot: intake.Snapshot) -> Row:
    file = next((file for file in files if file in (f"{name}.py", f"{name}.ipynb")), "")
    if not file:
        return Row(f"{name}.py", "missing", good=False)
    if name in snapshot.broken:
        return Row(file, snapshot.broken[name], good=False)
    tasks = [task for task in course().tasks if task.module == name and task.id != course().judged]
    stub = stub_text(folder, name)
    try:
        left = [task.id for task in tasks if unwritten(snapshot.modules[name], stub, task.symbols)]
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        why = f"line {error.lineno}: {error.msg}" if isinstance(error, SyntaxError) else str(error)
        return Row(file, f"cannot be read: {why}; it would earn nothing", good=False)
    red, unknown = _last_checks(folder, [task for task in tasks if task.id not in left], file)
    said = [f"{len(tasks) - len(left)} of {len(tasks)} tasks written"]
    lists = {"not written": left, "public checks red": red, "not checked as they are now": unknown}
    said += [f"{what}: {', '.join(ids)}" for what, ids in lists.items() if ids]
    return Row(file, "; ".join(said), good=not left and not red)


def _last_checks(folder: Path, tasks: list[Task], file: str) -> tuple[list[str], list[str]]:
    """Return which tasks were red when their public checks ran last, and which have not been checked since a change."""
    states, code = Memory.load(folder).states, code_of(folder / file)
    known = {task.id: states[task.id]["state"] for task in tasks if states.get(task.id, {}).get("code") == code}
    red = [task_id for task_id, state in known.items() if state not in ("green", "partial")]
    return red, [task.id for task in tasks if task.id not in known]


def _artefact_row(artefact: Artefact, weights: bytes | None, folder: Path) -> Row:
    if weights is None:
        said = f"missing: {artefact.made_by} writes it; {artefact.task} would earn nothing"
        return Row(artefact.file, said, good=False)
    if len(weights) > MAX_WEIGHTS:
        return Row(artefact.file, f"expected at most {in_words(MAX_WEIGHTS)}, got more", good=False)
    if problem := _problem_of(folder / artefact.file):
        return Row(artefact.file, f"{artefact.about}, but {problem}", good=False)
    return Row(artefact.file, f"{artefact.about}, {in_words(len(weights))}", good=True)


def _problem_of(path: Path) -> str:
    """Ask the course's own program what is wrong with an artefact, beside the student's modules; or nothing."""
    if "artefact" not in course().student_parts:
        return ""
    where = {**os.environ, "PYTHONPATH": os.pathsep.join([str(path.parent.parent), str(course().root)])}
    command = [sys.executable, "-m", f"{LESSON.name}.artefact", str(path.resolve())]
    try:
        done = subprocess.run(
            command, cwd=path.parent.parent, env=where, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"the module takes more than {SECONDS} seconds to import"
    if done.returncode == 0:
        return done.stdout.strip()
    last = done.stderr.strip().splitlines() or [f"it ended with status {done.returncode}"]
    return f"it could not be tried: {last[-1]}"
