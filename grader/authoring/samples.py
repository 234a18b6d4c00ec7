"""The sample class: each sample is the solutions or the stubs, with a few functions or files replaced."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from grader.course import course
from grader.paths import EXERCISES, SAMPLE_CLASS, SOLUTIONS
from grader.splice import splice

Builder = Callable[[Path], None]
"""Makes of a submission's path what cannot lie in a repository."""


@dataclass(frozen=True)
class Sample:
    """One sample submission.

    Attributes:
        name: of its folder, or of its zip with the ending.
        about: what it shows.
        base: "solutions", "stubs", "nothing", or "touched": the stubs of the modules that it changes, and no others.
        status: what grading must answer for the submission.
        score: what it must score, if known exactly.
        tasks: what grading must answer for some tasks: status, or the misconception's name.
        says: what the notes or messages must contain.
        build: name of the builder that completes it, if any.
        wall: whether a wall is what stops it.
        solved: modules that are the solutions', where the others are still stubs and no network is trained; all and one
            if there is no list.
        landlock: what grading must answer at that level instead, for tasks where it differs.
    """

    name: str
    about: str
    base: str = "solutions"
    status: str = "graded"
    score: float | None = None
    tasks: dict[str, str] = field(default_factory=dict)
    says: str = ""
    build: str = ""
    wall: bool = False
    solved: list[str] | None = None
    landlock: dict[str, str] = field(default_factory=dict)


def samples(manifest: Path = SAMPLE_CLASS / "class.toml") -> list[Sample]:
    """Read the list of samples: each entry's keys are the fields of a ``Sample``.

    Raises:
        TypeError: if an entry has another key, or none of a field that must be there.
    """
    entries = tomllib.loads(manifest.read_text(encoding="utf-8"))["sample"]
    return [Sample(**entry) for entry in entries]


def write_class(to: Path) -> None:
    """Write every sample as a submission below a folder.

    A sample's own files lie beside the manifest: those in ``NAME/splice/`` replace functions of the base's modules,
    those in ``NAME/files/`` are copied as they are.
    """
    for sample in samples():
        write_sample(sample, SAMPLE_CLASS / "class" / sample.name, to)


def write_sample(sample: Sample, own: Path, to: Path, builders: Mapping[str, Builder] | None = None) -> None:
    """Write one sample as ``to/NAME/``, or as the file ``to/NAME`` if its name is that of a zip.

    Args:
        sample: what to write.
        own: folder of its own files; need not exist.
        to: folder of the submissions.
        builders: by name; the sample's own one is called last. It makes the whole of a zip.
    """
    path = to / sample.name
    if (own / "submission.zip").is_file():
        shutil.copyfile(own / "submission.zip", path)
    elif path.suffix != ".zip":
        _write_folder(sample, own, path)
    if sample.build:
        (builders or {})[sample.build](path)


def _write_folder(sample: Sample, own: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    pieces = sorted((own / "splice").glob("*.py"))
    bases = {"nothing": [], "touched": [piece.stem for piece in pieces]}
    for module in bases.get(sample.base, course().modules):
        solved = sample.base == "solutions" and (sample.solved is None or module in sample.solved)
        shutil.copyfile((SOLUTIONS if solved else EXERCISES) / f"{module}.py", folder / f"{module}.py")
    if sample.base == "solutions" and sample.solved is None:
        shutil.copyfile(SOLUTIONS / course().artefact_file, folder / course().artefact_file)
    for piece in pieces:
        target = folder / piece.name
        target.write_text(splice(target.read_text("utf-8"), piece.read_text("utf-8")), encoding="utf-8")
    if (own / "files").is_dir():
        shutil.copytree(own / "files", folder, dirs_exist_ok=True)
