"""`grader watch`: at each save, the checks of what the save touches."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import click
import watchfiles

from grader.course import Task, course
from grader.errors import GraderError
from grader.public.memory import Memory
from grader.public.progress import line_of
from grader.student import CannotError
from grader.student.hints import next_hint
from grader.student.keys import has_keys, listening
from grader.student.reset import reset_task
from grader.student.runner import Runner, Said, Warm
from grader.student.touched import touched_modules
from grader.student.workspace import Workspace

KEYS = "h hint   l list   n next   r reset   q quit"
GROUP_MS = 30
"""Changes that come this close together are one save."""

Event = Callable[[], object]


class Watch:
    """One session of `grader watch`.

    Everything happens in the thread that calls `run`; other threads put events into its queue.

    Args:
        workspace: where the student's files lie.
        limit: seconds for one check.
    """

    def __init__(self, workspace: Workspace, limit: float) -> None:
        self.workspace = workspace
        self.limit = limit
        self._events: queue.Queue[Event] = queue.Queue()
        self._states: dict[str, str] = {}
        self._current = course().tasks[0]
        self._on_key: Callable[[str], None] = self._command
        self._began = self._alive = 0.0
        self._users: list[str] = []
        self._stop = threading.Event()
        self._runner = Runner(workspace.folder.parent, lambda *said: self._events.put(lambda: self._handle(*said)))

    def run(self) -> None:
        """Watch until the student quits.

        Raises:
            GraderError: if the libraries cannot be imported, or saves not be seen.
        """
        click.echo(f"Watching {self.workspace.folder.name}/. Importing what they need, once ...")
        threading.Thread(target=self._look, daemon=True).start()
        self._go_to(self._next_undone() or self._current)
        try:
            with listening(lambda key: self._events.put(lambda: self._on_key(key))):
                while True:
                    self._step()
        except KeyboardInterrupt:
            click.echo("Stopped watching.")
        finally:
            self._stop.set()
            self._runner.close()

    def _step(self) -> None:
        try:
            self._events.get(timeout=0.2)()
        except queue.Empty:
            silent = time.monotonic() - self._alive
            if self._runner.busy and silent > 2 * self.limit + 5:
                self._runner.stop()
                self._alive = time.monotonic()
                click.echo(f"No check has ended for {silent:.0f} seconds, so they were stopped.")
                click.echo("Is there a loop that never ends?")

    # what was saved

    def _look(self) -> None:
        folder = self.workspace.folder
        try:
            for changes in watchfiles.watch(
                folder, watch_filter=_counts, debounce=400, step=GROUP_MS, stop_event=self._stop, recursive=False
            ):
                names = sorted({Path(path).name for _, path in changes})
                self._events.put(partial(self._saved, names))
        except Exception as error:  # noqa: BLE001 - this thread would end in silence, and no save be seen any more
            self._events.put(partial(self._is_deaf, error))

    def _is_deaf(self, error: Exception) -> None:
        raise GraderError(
            f"watch: expected to see saves in {self.workspace.folder}, got {error}. "
            "Is the system's limit on watches reached?"
        )

    def _saved(self, names: list[str]) -> None:
        stems = {Path(name).stem.removeprefix("test_") for name in names if name.endswith(".py")}
        touched = touched_modules(self.workspace.folder, stems)
        first = [module for module in touched if module in stems]
        users = [module for module in touched if module not in stems and self._is_begun(module)]
        if first or users:
            self._check(", ".join(names), first or users)
            self._users = users if first else []
        elif course().artefact_file in names:
            judged = course().task(course().judged)
            self._check(course().artefact_file, [judged.module], keyword=judged.id)

    def _is_begun(self, module: str) -> bool:
        return any(task.module == module and not self.workspace.is_untouched(task) for task in course().tasks)

    def _check(self, why: str, modules: Iterable[str], keyword: str = "") -> None:
        self._began = self._alive = time.monotonic()
        self._on_key = self._command
        self._users = []
        click.echo(f"\n{time.strftime('%H:%M:%S')} {why}: checking ...")
        files = [f"{self.workspace.folder.name}/test_{module}.py" for module in modules]
        others = f"not {course().judged}" if course().judged else ""
        self._runner.check([f"--timeout={self.limit:g}", "-k", keyword or others, *files])

    # what came out

    def _handle(self, process: Warm, said: Said) -> None:
        self._alive = time.monotonic()
        states = self._runner.handle(process, said)
        if states is None:
            return
        self._states |= states
        if "failed" in states.values():
            self._users = []  # one thing at a time
        undone = [task_id for task_id, state in states.items() if state != "green"]
        begun = [task_id for task_id in undone if states[task_id] in ("failed", "unfinished")]
        if undone:
            self._current = course().task((begun or undone)[0])
        elif states and not self._users:
            self._point_to_next()
        click.echo(f"({time.monotonic() - self._began:.2f} s)")
        if self._users:
            self._check(f"what uses it ({', '.join(f'{user}.py' for user in self._users)})", self._users)
        elif has_keys():
            click.echo(KEYS)

    def _point_to_next(self) -> None:
        if task := self._next_undone():
            self._current = task
            click.echo(f"\nNext: {task.id}, {task.points:g} points: {self._place(task)}")
        else:
            click.echo("\nEvery task is green here. Now read the docstrings once more: do they promise anything else?")

    # keys

    def _command(self, key: str) -> None:
        actions = {"h": self._hint, "l": self._list, "n": self._next, "r": self._ask_reset, "q": self._quit}
        if action := actions.get(key.lower()):
            action()
        elif key.isprintable():
            click.echo(KEYS)

    def _hint(self) -> None:
        memory = Memory.load(self.workspace.folder)
        for line in filter(None, [memory.remark, *next_hint(memory, self._current)]):
            click.echo(line)

    def _list(self) -> None:
        for task in course().tasks:
            mark = ">" if task == self._current else " "
            click.echo(f"{mark} {self._state(task):<14}{task.id:<18}{task.points:>3g}  {task.title}")

    def _next(self) -> None:
        if task := self._next_undone(after=self._current):
            self._go_to(task)
        else:
            click.echo("There is no other task that is not green.")

    def _ask_reset(self) -> None:
        click.echo(f"Put {self._current.id} back to its stub? Your text is kept. y/n")
        self._on_key = self._reset

    def _reset(self, key: str) -> None:
        self._on_key = self._command
        if key.lower() != "y":
            click.echo("Nothing was changed.")
            return
        try:
            backup = reset_task(self.workspace, self._current)
        except (CannotError, GraderError) as error:
            click.echo(str(error))
            return
        kept = f" Your text is kept: {self.workspace.shown(backup)}" if backup else ""
        click.echo(f"{self._current.id} is as it was handed out.{kept}")

    def _quit(self) -> None:
        raise KeyboardInterrupt

    # where the student is

    def _go_to(self, task: Task) -> None:
        self._current = task
        click.echo(f"\n{task.id}, {task.points:g} points: {task.title}. {self._place(task)}")
        if task.predicted and self._state(task) == "not started":
            click.echo(f"Before you write it, guess: grader predict {task.id}")
        keyword = task.id if task.id == course().judged else ""
        self._check(f"exercises/{task.module}.py", [task.module], keyword)

    def _next_undone(self, after: Task | None = None) -> Task | None:
        """Return the first task that is not green, looking from behind another one, and around."""
        tasks = course().tasks
        start = tasks.index(after) + 1 if after else 0
        around = [*tasks[start:], *tasks[: max(0, start - 1)]]
        return next((task for task in around if self._state(task) not in ("green", "green before")), None)

    def _state(self, task: Task) -> str:
        if task.id in self._states:
            return self._states[task.id]
        if self.workspace.is_untouched(task):
            return "not started"
        return "green before" if task.id in Memory.load(self.workspace.folder).passed else "not looked at"

    def _place(self, task: Task) -> str:
        line = line_of(self.workspace.module(task.module), task.symbols)
        return f"exercises/{task.module}.py" + (f", line {line}" if line else "")


def _counts(_change: watchfiles.Change, path: str) -> bool:
    """Return whether a change of a file can change the outcome of a check."""
    name = Path(path).name
    return not name.startswith(".") and (name.endswith(".py") or name == course().artefact_file)
