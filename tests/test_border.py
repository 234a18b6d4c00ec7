"""The grader names nothing of a course: tasks, modules, classes, data sets; it knows a course only through `Course`."""

from __future__ import annotations

import ast
import importlib
import re
from collections import defaultdict
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from grader.course import course
from grader.paths import DATA, LESSON, ROOT

GRADER = ROOT / "grader"
KINDS = {".py", ".html", ".css", ".js", ".txt", ".json", ".toml", ".yml"}
TEXTS = sorted(path for path in GRADER.rglob("*") if path.suffix in KINDS)
MODULES = sorted(GRADER.rglob("*.py"))
COMMON = {
    "from",
    "a",
    "an",
    "and",
    "by",
    "to",
    "in",
    "of",
    "the",
    "hand",
    "written",
    "networks",
    "pytorch",
    "lightning",
    "classifier",
    "convolution",
}
"""Words of its title that belong to no course: plain English, and the framework that the grader is for."""

OF_THE_GRADER = {"PIL", "filelock"}
"""Packages that the grader uses itself."""


def names() -> set[str]:
    """Return the course's names of tasks, modules, functions, classes, data sets and files."""
    symbols = {part for task in course().tasks for symbol in task.symbols for part in symbol.split(".")}
    data = {path.name for path in DATA.iterdir() if path.is_dir()}
    files = {course().artefact_file.partition(".")[0], course().data_variable}
    title = {word for word in re.findall(r"\w+", f"{course().title} {course().about}") if word.casefold() not in COMMON}
    needed = {name.partition(".")[0] for name in course().preload} - OF_THE_GRADER
    return {task.id for task in course().tasks} | set(course().modules) | symbols | data | files | title | needed


def is_a_word(name: str) -> bool:
    """Return whether a name may occur in an English sentence, and so does not point to a course by itself."""
    return name.isalpha() and name.islower()


def of_python_or_lightning(name: str) -> bool:
    """Return whether a name is also someone else's: a method that a framework calls."""
    return name in {"__init__", "setup", "forward", "prepare_data"}


def found_in(path: Path, wanted: set[str]) -> Iterator[str]:
    """Return the names of a course that a file mentions, with their lines."""
    text = path.read_text(encoding="utf-8")
    odd = {name for name in wanted if not is_a_word(name)}
    for number, line in enumerate(text.splitlines(), 1):
        yield from (f"{path.relative_to(ROOT)}:{number}: {word}" for word in re.findall(r"\w+", line) if word in odd)
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Constant) and node.value in wanted - odd:
                yield f"{path.relative_to(ROOT)}:{node.lineno}: {node.value!r}"
    for word in wanted - odd:
        mentions = re.findall(rf"exercises[./]{word}\b|\b{word}\.(?:py|ipynb)\b", text)
        yield from (f"{path.relative_to(ROOT)}: {mention}" for mention in mentions)


def test_the_imported_course_is_the_one_beside_the_grader() -> None:
    probes = course().part("probes")
    assert probes is not None
    assert [Path(folder) for folder in probes.__path__] == [LESSON / "probes"]


def test_the_grader_names_nothing_of_the_course() -> None:
    wanted = {name for name in names() if not of_python_or_lightning(name)}
    assert len(wanted) > 30
    assert sorted(one for path in TEXTS for one in found_in(path, wanted)) == []


@pytest.mark.parametrize("text", ["'convolve'", "# conv2d is next", "from exercises.model import x", "FashionMNIST()"])
def test_names_of_the_course_are_found(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("test_border.ROOT", tmp_path)
    (tmp_path / "one.py").write_text(text)
    assert list(found_in(tmp_path / "one.py", names())) != []


def test_the_grader_imports_nothing_of_a_course() -> None:
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            tops = {module.partition(".")[0] for module in modules}
            assert tops.isdisjoint({LESSON.name, "exercises", "solutions", "tests"}), f"{path}: {modules}"


def imported(path: Path) -> set[str]:
    """Return which modules of the grader a module imports anywhere, except only for types."""
    tree, found = ast.parse(path.read_text(encoding="utf-8")), set()
    for_types = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)]
    left_out = {id(node) for block in for_types for node in ast.walk(block)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and id(node) not in left_out:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {name for name in found if name.startswith("grader.")}


def test_imports_go_one_way() -> None:
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in MODULES
    }
    graph = {name: (imported(path) & modules.keys()) - {name} for name, path in modules.items()}
    packages = {name for name in modules if (ROOT / name.replace(".", "/")).is_dir()}
    # A package's own imports come with each of its modules; that alone is not a way back.
    TopologicalSorter({name: needs - packages for name, needs in graph.items()}).prepare()
    folders: dict[str, set[str]] = defaultdict(set)
    for name, needs in graph.items():
        here, *_ = name.split(".")[1:2] or [""]
        folders[here] |= {other for need in needs if (other := need.split(".")[1]) != here}
    TopologicalSorter({name: {one for one in needs if one in folders} for name, needs in folders.items()
                       if (GRADER / name).is_dir()}).prepare()  # fmt: skip


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks").glob("*.py")), ids=lambda path: path.stem)
def test_a_benchmark_imports_what_there_is(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("grader"):
            module = importlib.import_module(str(node.module))
            for alias in node.names:
                if not hasattr(module, alias.name):
                    importlib.import_module(f"{node.module}.{alias.name}")
