"""Builds the hand-out: exercises, data and the students' part of the grader, as a folder and as a zip."""

from __future__ import annotations

import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.utils import canonicalize_name

from grader.authoring.closure import import_closure, imports_of
from grader.authoring.delivery import Release, deliver
from grader.authoring.release import derive_stubs, given_files
from grader.course import course
from grader.files import write_atomically
from grader.paths import COURSE, COURSE_FILE, DATA, EXERCISES, LESSON, ROOT, SOLUTIONS, in_kit
from grader.stubs import STUBS
from grader.zips import zipped

TEMPLATES = Path(__file__).parent / "templates" / "handout"
SEEDS = ("grader.__main__", "grader.student", "grader.public")
"""What students call; the rest of the hand-out's grader is what these modules import."""

SECRET = ("authoring", "hidden", "classroom", "reports", "sandbox")
"""Parts of the grader that students never get; of the course's own package they get ``Course.student_parts``."""

AS_THEY_ARE = ("constraints.txt", "LICENSE")
FOLDER = f"{course().name}-exercises"


def build_handout(to: Path, archive: Path, record: Path) -> Release:
    """Write the hand-out as a folder and as a zip.

    Args:
        to: the folder.
        archive: the zip.
        record: where it is kept what was written.

    Raises:
        ValueError: if students would get a part of the grader that is not for them.
        OSError: if a file cannot be read or written.
    """
    done = deliver(to, record, handout_files())
    paths = [*done.written, *done.unchanged, *done.kept]
    data = zipped({f"{FOLDER}/{path.relative_to(to).as_posix()}": path.read_bytes() for path in paths})
    if not archive.is_file() or archive.read_bytes() != data:
        write_atomically(archive, data)
        done.written.append(archive)
    return done


def handout_files() -> Iterator[tuple[str, bytes]]:
    """Give each file of the hand-out, by its path in it.

    Raises:
        ValueError: if students would get a part of the grader that is not for them.
    """
    for module, stub in derive_stubs().items():
        yield f"exercises/{module}.py", stub.encode()
        yield f"exercises/{STUBS}/{module}.py", stub.encode()
    modules = student_modules()
    for name, data in given_files().items():
        yield f"exercises/{name}", data
    yield from course().term.files().items()
    for path in [*data_files(), *modules, COURSE / COURSE_FILE, *(ROOT / name for name in AS_THEY_ARE)]:
        yield in_kit(path).as_posix(), path.read_bytes()
    yield "README.md", _readme((COURSE / "README.md").read_text(encoding="utf-8")).encode()
    yield "pyproject.toml", _pyproject(modules).encode()
    for name in (".github/workflows/classroom.yml", ".devcontainer/devcontainer.json", ".gitignore"):
        yield name, (TEMPLATES / Path(name).name.lstrip(".")).read_bytes()


def data_files() -> list[Path]:
    """Return the data sets as they are kept, packed, without what was unpacked beside them."""
    return [*DATA.glob("README.md"), *sorted(DATA.glob("*/raw/*.gz"))]


def student_modules() -> list[Path]:
    """Return the modules of the grader, and of the course's own package, that students get.

    Raises:
        ValueError: if one of them belongs to a part that is not for them.
    """
    folders = {seed: ROOT / seed.replace(".", "/") for seed in SEEDS}
    seeds = [f"{seed}.{path.stem}" for seed, folder in folders.items() for path in folder.glob("[a-z]*.py")]
    own = {LESSON.name, *(f"{LESSON.name}.{name}" for name in course().student_parts)}
    closure = import_closure([ROOT, COURSE], [*SEEDS, *seeds, *own])
    for name, path in closure.items():
        package, _, rest = name.partition(".")
        if name not in own if package == LESSON.name else rest.partition(".")[0] in SECRET:
            needed = [other for other, text in closure.items() if name in imports_of(text)]
            raise ValueError(f"{path}: expected nothing that students need, got imports of it in {', '.join(needed)}.")
    return sorted(closure.values())


def _readme(kit: str) -> str:
    """Return the students' README: how to set up, and the part of the kit's own that is for them."""
    lesson = kit.partition("## For students\n")[2].partition("\n## ")[0]
    lesson = re.sub(r"\[[^\]]*\]\(docs/[^)]*\)[^.]*\.\s", "", lesson)  # what is not in the hand-out
    for module in {task.module for task in course().left_out} - {*course().modules}:
        lesson = re.sub(rf"^\| `exercises/{module}\.py` \|.*\n", "", lesson, flags=re.MULTILINE)
    template = (TEMPLATES / "README.md").read_text(encoding="utf-8")
    tasks, modules = len(course().tasks), len(course().modules)
    todo = f"## What to do\n{lesson}".rstrip()
    return template.format(course=course(), tasks=tasks, modules=modules, rules=_rules(), lesson=todo)


def _rules() -> str:
    """Return what this term says of deadline and thresholds, a paragraph each."""
    this, said = course(), []
    if this.term.deadline:
        lost = {"none": "", "all": " Late work earns nothing."}
        rule = lost.get(this.term.late, f" Late work loses {this.term.late} of its points for each day begun.")
        said.append(f"Hand in by {this.term.deadline.strftime(this.term.dates)}.{rule}")
    if this.artefact and len(this.thresholds) == 2 and this.judged in {task.id for task in this.tasks}:
        none, full = this.thresholds.values()
        said.append(f"`{this.judged}` earns points above {none:.0%}, and all of them from {full:.0%} on.")
    return "".join(f"\n{one}\n" for one in said)


def _pyproject(modules: list[Path]) -> str:
    """Return the students' pyproject.toml: of the kit's dependencies those that their part imports."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    given = [EXERCISES / name for name in given_files()]
    files = [*modules, *given, *(SOLUTIONS / f"{module}.py" for module in (*course().modules, *course().solved))]
    imported = {name.partition(".")[0] for path in files for name in imports_of(path)} - set(sys.stdlib_module_names)
    packages = importlib.metadata.packages_distributions()
    needed = {canonicalize_name(one) for name in imported for one in packages.get(name, [])}
    needed.add(canonicalize_name("pytest-timeout"))  # pytest loads it without an import
    block = text.partition("dependencies = [\n")[2].partition("\n]")[0].split("\n")
    lines = [line for line in block if canonicalize_name(re.split(r"[><=~! ]", line.strip(' "'))[0]) in needed]
    template = (TEMPLATES / "pyproject.txt").read_text(encoding="utf-8")
    return template.format(name=course().name, project=project, dependencies="\n".join(lines))
