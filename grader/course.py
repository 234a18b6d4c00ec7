"""A course: what is taught and tested, read from its `course.toml`; all that the grader knows about a lesson."""

from __future__ import annotations

import functools
import importlib
import pkgutil
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from grader.errors import WrongTerm
from grader.paths import COURSE, LESSON, term_file
from grader.term import Term


@dataclass(frozen=True)
class Task:
    """One thing that a student writes and is graded on.

    Attributes:
        id: the name used in results, tests and notebooks.
        module: the stub module it lives in, without ``.py``.
        title: what it is about, for people.
        points: at most this many; all tasks together are ``Course.max_score``.
        symbols: functions or ``Class.method`` that the student writes for it.
        needs: ids of the tasks on which it builds.
        hints: from a nudge to a plan.
        watched: whether checks see which PyTorch operations ran.
        by_hand: whether ready-made operations for its purpose are out of reach.
        predicted: whether ``grader predict`` asks about it.
    """

    id: str
    module: str
    title: str
    points: float
    symbols: tuple[str, ...]
    needs: tuple[str, ...]
    hints: tuple[str, ...]
    watched: bool = False
    by_hand: bool = False
    predicted: bool = False


@dataclass(frozen=True)
class Artefact:
    """A file that students submit besides their modules, such as a trained network.

    Attributes:
        file: its name.
        task: id of its task.
        about: what it is, in words.
        made_by: the command that writes it.
        option: name of the option with which an instructor chooses how it is judged.
        ways: the option's values; the first is the default.
        help: of the option.
        thresholds: numbers by which it is judged, by name; a term may change them.
    """

    file: str
    task: str
    about: str
    made_by: str
    option: str
    ways: tuple[str, ...]
    help: str
    thresholds: Mapping[str, float]


@dataclass(frozen=True)
class Course:
    """One course.

    Attributes:
        root: the folder of its ``course.toml``.
        title: for people.
        name: a short one for the assignment and for file names.
        data_variable: environment variable in which student code finds the data folder; empty without data.
        about: one sentence on where it leads.
        unseen: what hidden checks test beyond the public ones, in words.
        packages: those that compute grades.
        max_score: the intended total of all tasks.
        tasks: in teaching order.
        given: files of ``exercises/`` that students get complete, besides the modules and their checks.
        preload: modules that the fork server imports.
        artefact: what is submitted besides the modules, if anything.
        solved: modules that students get solved, because others need them.
        left_out: tasks that this term does not teach.
        term: what this term changes.
    """

    root: Path
    title: str
    name: str
    data_variable: str
    about: str
    unseen: str
    packages: tuple[str, ...]
    max_score: float
    tasks: tuple[Task, ...]
    given: tuple[str, ...] = ()
    preload: tuple[str, ...] = ()
    artefact: Artefact | None = None
    solved: tuple[str, ...] = ()
    left_out: tuple[Task, ...] = ()
    term: Term = field(default_factory=Term)

    @classmethod
    def read(cls, root: Path) -> Course:
        """Read the course in a folder."""
        document = tomllib.loads((root / "course.toml").read_text(encoding="utf-8"))
        artefact = document.get("artefact")
        return cls(
            root,
            document["title"],
            document["name"],
            document.get("data_variable", ""),
            document["about"],
            document["unseen"],
            tuple(document["packages"]),
            float(document["max_score"]),
            tuple(map(_task, document["task"])),
            tuple(document.get("given", ())),
            tuple(document.get("preload", ())),
            Artefact(**{"thresholds": {}, **artefact, "ways": tuple(artefact["ways"])}) if artefact else None,
        )

    def during(self, term: Term) -> Course:
        """Return the course as taught in a term.

        Raises:
            WrongTerm: if the term names something unknown, or leaves out something needed.
        """
        modules = self.modules if term.modules is None else term.modules
        for names, known in ((modules, self.modules), (term.given, self.modules),
                             (term.points, [task.id for task in self.tasks]),
                             (term.thresholds, self.thresholds)):  # fmt: skip
            if unknown := [name for name in names if name not in known]:
                raise WrongTerm(f"term.toml: expected {', '.join(known) or 'none'}, got {', '.join(unknown)}.")
        thresholds = {**self.thresholds, **term.thresholds}
        if (rising := list(thresholds.values())) != sorted(set(rising)):
            raise WrongTerm(f"term.toml: expected increasing thresholds, got {thresholds}.")
        priced = [replace(task, points=term.points.get(task.id, task.points)) for task in self.tasks]
        tasks = tuple(task for task in priced if task.module in modules and task.points)
        solved = tuple(name for name in self.modules if name in term.given and name not in modules)
        self._assert_complete(tasks, solved)
        return replace(
            self,
            title=term.title or self.title,
            max_score=sum(task.points for task in tasks),
            tasks=tasks,
            given=(*self.given, *(f"{name}.py" for name in solved)),
            artefact=self.artefact and replace(self.artefact, thresholds=thresholds),
            solved=solved,
            left_out=tuple(task for task in self.tasks if task.id not in {one.id for one in tasks}),
            term=term,
        )

    def _assert_complete(self, tasks: tuple[Task, ...], solved: tuple[str, ...]) -> None:
        taught = {task.id for task in tasks}
        if not taught:
            raise WrongTerm("term.toml: expected at least one task with points, got none.")
        for task in tasks:
            for need in map(self.task, task.needs):
                if need.id not in taught and need.module not in solved:
                    remedy = f'Teach it, or put "{need.module}" into `given`, or set {task.id} to 0.'
                    raise WrongTerm(f"term.toml: expected {need.id} ({need.module}), which {task.id} needs. {remedy}")

    @functools.cached_property
    def modules(self) -> tuple[str, ...]:
        """The names of the stub modules in teaching order."""
        return tuple(dict.fromkeys(task.module for task in self.tasks))

    @property
    def judged(self) -> str:
        """Id of the artefact's task; empty if there is none."""
        return self.artefact.task if self.artefact else ""

    @property
    def ways(self) -> tuple[str, ...]:
        """How the artefact can be judged, the usual way first; a single empty one if there is no artefact."""
        return self.artefact.ways if self.artefact else ("",)

    @property
    def thresholds(self) -> Mapping[str, float]:
        """The artefact's thresholds, by name."""
        return self.artefact.thresholds if self.artefact else {}

    @property
    def artefact_file(self) -> str:
        """Name of the artefact's file; empty if there is none."""
        return self.artefact.file if self.artefact else ""

    @property
    def student_parts(self) -> tuple[str, ...]:
        """Modules of ``lesson`` that students get."""
        return tuple(
            name
            for name in ("archives", "artefact", "predictions")
            if (self.root / LESSON.name / f"{name}.py").is_file()
        )

    def load(self, name: str) -> ModuleType:
        """Import a module from the course's folder, such as ``solutions.MODULE``."""
        self.make_importable()
        return importlib.import_module(name)

    def make_importable(self) -> None:
        """Put the course's folder on the import path, since its hidden suites import from there."""
        if str(self.root) not in sys.path:
            sys.path.insert(0, str(self.root))

    def part(self, name: str) -> ModuleType | None:
        """Import a module of the course's own package ``lesson``; None if there is none of that name.

        The modules that the grader looks for, and what it calls in them:

        - ``probes.MODULE``: functions for ``Student.probe``, beside the student's code of that module;
        - ``by_hand``: ``prepare()`` in the fork server, ``Watch(block=...)`` in the worker of a ``watched`` task, with
          ``install()``, and ``seen``: names of the operations that ran;
        - ``mistakes.*``: wrong answers with names, see ``grader.hidden.mistakes``;
        - ``answers``: right, wrong and partial answers that test the checks, see ``grader.authoring.answers``;
        - ``data``: ``lay_out(folder)`` writes the data folder of student code;
        - ``archives``: ``archives()`` returns name, path and MD5 of each for ``grader doctor``; students get it;
        - ``warming``: ``warm_up()`` does in the fork server what every worker would otherwise do for the first time;
        - ``pictures``: ``draw(task_id, student, all_passed=...)`` returns what can be drawn, as plain values;
        - ``pages``: ``pictures(figures, environment)`` returns the markup of all drawings;
        - ``artefact``: a program that is given the path of a student's artefact and prints what is wrong with it, or an
          empty line; students get it;
        - ``predictions``: ``DRAW`` has the cases of ``grader predict`` by task; students get it.
        """
        try:
            return self.load(f"{LESSON.name}.{name}")
        except ModuleNotFoundError as error:
            if error.name is None or not f"{LESSON.name}.{name}".startswith(error.name):
                raise
            return None

    def parts(self, name: str) -> list[ModuleType]:
        """Import every module of one of the folders of ``lesson``."""
        folder = self.part(name)
        found = pkgutil.iter_modules(folder.__path__) if folder else []
        return [module for one in found if (module := self.part(f"{name}.{one.name}")) is not None]

    def task(self, task_id: str) -> Task:
        """Return one task by its id.

        Raises:
            ValueError: if there is no such task.
        """
        for candidate in self.tasks:
            if candidate.id == task_id:
                return candidate
        raise ValueError(f"task: expected one of {', '.join(one.id for one in self.tasks)}, got {task_id!r}")

    def select(self, task_ids: Sequence[str]) -> tuple[Task, ...]:
        """Return the named tasks in teaching order, or all of them if none is named."""
        wanted = {self.task(task_id).id for task_id in task_ids} or {one.id for one in self.tasks}
        return tuple(one for one in self.tasks if one.id in wanted)


def _task(entry: dict[str, Any]) -> Task:
    return Task(
        id=entry["id"],
        module=entry["module"],
        title=entry["title"],
        points=float(entry["points"]),
        symbols=tuple(entry["symbols"]),
        needs=tuple(entry["needs"]),
        hints=tuple(entry["hints"]),
        watched=entry.get("watched", False),
        by_hand=entry.get("by_hand", False),
        predicted=entry.get("predicted", False),
    )


@functools.cache
def course() -> Course:
    """Return this process's course as taught in its term; see `paths.COURSE`."""
    whole, term = Course.read(COURSE), term_file()
    return whole.during(Term.read(term)) if term else whole
