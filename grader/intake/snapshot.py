"""Picks from a submission's files what counts, and says what does not."""

import difflib
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

from grader.course import course
from grader.intake import code_cells, sizes, sources
from grader.intake.sizes import UnreadableError
from grader.intake.tree import GIVEN, Tree, is_hidden
from grader.stubs import given_text
from grader.text import clean

PACKAGE = "exercises/"
OF_NBGRADER = frozenset({"nbgrader_config.py", "timestamp.txt", "submission_secret.txt"})
CONFIGURATION = frozenset(
    {"conftest.py", "pytest.ini", ".pytest.ini", "pyproject.toml", "setup.cfg", "setup.py", "tox.ini"}
    | {"sitecustomize.py", "usercustomize.py"}
)
COMPILED = (".pyc", ".pyo", ".so", ".pyd", ".dll", ".dylib", ".pth")
SHOWN = 6


@dataclass(frozen=True)
class Snapshot:
    """What counts of one submission: plain sources and weights, nothing of it executed.

    Attributes:
        modules: name of a stub module -> its source in UTF-8.
        weights: the submitted weights file, or None. One that is too large is cut one byte after the limit, so that
            whoever checks weights sees that it is.
        notes: advice for the instructor, safe to print.
        rejected: why nothing can be run, or None.
        broken: name of a stub module -> why it cannot be read.
    """

    modules: dict[str, bytes]
    weights: bytes | None
    notes: tuple[str, ...] = ()
    rejected: str | None = None
    broken: dict[str, str] = field(default_factory=dict)

    @cached_property
    def sha256(self) -> str:
        """Return the hash of everything that counts; the same for a folder and a zip of it."""
        whys = self.broken if self.rejected is None else {"": self.rejected}
        parts = [(f"module {name}", source) for name, source in sorted(self.modules.items())]
        parts += [(f"broken {name}", why.encode("utf-8", "replace")) for name, why in sorted(whys.items())]
        parts += [("weights", self.weights)] if self.weights is not None else []
        digest = hashlib.sha256()
        for label, data in parts:
            digest.update(f"{label} {len(data)}\n".encode() + data)
        return digest.hexdigest()


def from_tree(tree: Tree, *, strip: bool) -> Snapshot:
    """Return the snapshot of a submission's files.

    Args:
        tree: what the folder or zip holds.
        strip: whether outer folders, as a zip has them, are left off.
    """
    notes: list[str] = []
    if strip:
        _strip_outer_folders(tree)
    modules: dict[str, bytes] = {}
    broken: dict[str, str] = {}
    for name in course().modules:
        _pick(name, tree, modules, broken, notes)
    notes += _notes(tree)
    weights = tree.files.get(PACKAGE + course().artefact_file, tree.files.get(course().artefact_file))
    if weights is not None and len(weights) > sizes.MAX_WEIGHTS:
        notes.append(f"{course().artefact_file}: expected at most {sizes.in_words(sizes.MAX_WEIGHTS)}, got more")
    if not modules and not broken:
        return refused(_nothing_found(tree), notes)
    return Snapshot(modules, weights, _cut(notes), None, broken)


def refused(reason: str, notes: Iterable[str] = ()) -> Snapshot:
    """Return the snapshot of a submission of which nothing can be run."""
    return Snapshot({}, None, _cut(notes), clean(reason, sizes.MAX_NOTE))


def _pick(name: str, tree: Tree, modules: dict[str, bytes], broken: dict[str, str], notes: list[str]) -> None:
    """Take one module from the first place that has it: exercises/ before the top, a module before a notebook."""
    places = [f"{folder}{name}{suffix}" for suffix in (".py", ".ipynb") for folder in (PACKAGE, "")]
    present = [place for place in places if place in tree.files or place in tree.unreadable]
    if not present:
        return
    if present[1:]:
        notes.append(f"{', '.join(present[1:])}: not read, because {present[0]} comes first.")
    try:
        modules[name] = _source(name, present[0], tree, notes)
    except UnreadableError as error:
        broken[name] = clean(f"{present[0]} cannot be read: {error}", sizes.MAX_NOTE)
        notes.append(broken[name])


def _source(name: str, path: str, tree: Tree, notes: list[str]) -> bytes:
    if path in tree.unreadable:
        raise UnreadableError(tree.unreadable[path])
    data = tree.files[path]
    if path.endswith(".py"):
        return sources.normalise(data)
    source, remarks = code_cells.module_source(name, data)
    notes += [f"{path}: {remark}" for remark in remarks]
    return sources.normalise(source.encode("utf-8"))


def _strip_outer_folders(tree: Tree) -> None:
    """Leave off the folder that holds all of a zip, as often as nothing that counts would lie above it."""
    for _ in range(sizes.MAX_DEPTH):
        seen = [path for path in tree.paths() if not is_hidden(path.split("/")[0])]
        outer = {path.partition("/")[0] for path in seen}
        if len(outer) != 1 or any("/" not in path for path in seen) or _places() & set(tree.paths()):
            return
        prefix = f"{outer.pop()}/"
        tree.files = {path.removeprefix(prefix): data for path, data in tree.files.items()}
        tree.unreadable = {path.removeprefix(prefix): why for path, why in tree.unreadable.items()}
        tree.others = [path.removeprefix(prefix) for path in tree.others]
        tree.special = [path.removeprefix(prefix) for path in tree.special]


def _places() -> set[str]:
    names = {f"{name}{suffix}" for name in course().modules for suffix in (".py", ".ipynb")}
    return {folder + name for name in names | {course().artefact_file} for folder in (PACKAGE, "")}


def _nothing_found(tree: Tree) -> str:
    expected = ", ".join(f"{name}.py" for name in course().modules)
    found = [path for path in tree.paths() if not is_hidden(path.split("/")[0])]
    hints = [hint for path in found if (hint := _near_miss(path))]
    question = f" {hints[0]}" if hints else " Is it the right folder?"
    where = "at the submission's top or in exercises/"
    return f"submission: expected at least one of {expected} {where}, got {_listed(found) or 'nothing'}.{question}"


def _notes(tree: Tree) -> list[str]:
    unknown, notes = _unknown(tree), []
    if tree.special:
        notes.append(f"links and special files are ignored and count as missing: {_listed(tree.special)}")
    dropped = [path for path in tree.paths() if _is_dropped(path) and not _is_as_given(path, tree)]
    if dropped:
        notes.append(f"byte code, libraries and configuration are dropped: {_listed(dropped)}")
    if given := [path for path in tree.files if _is_replaced(path) and not _is_as_given(path, tree)]:
        notes.append(f"the kit's own file is used in place of {_listed(given)}")
    notes += [f"{path}: cannot be read: {why}" for path, why in tree.unreadable.items() if path not in _places()]
    hints = {path: hint for path in unknown if (hint := _near_miss(path))}
    notes += [f"{path}: not read. {hint}" for path, hint in list(hints.items())[:SHOWN]]
    if rest := [path for path in unknown if path not in hints]:
        notes.append(f"not read, because the kit does not know them: {_listed(rest)}")
    return notes


def _unknown(tree: Tree) -> list[str]:
    known = _places() | {folder + name for name in GIVEN for folder in (PACKAGE, "")}
    others = [path for path in sorted([*tree.files, *tree.others]) if path not in known and not _is_dropped(path)]
    return [path for path in others if not _is_expected(path) and not any(map(is_hidden, path.split("/")))]


def _is_expected(path: str) -> bool:
    """Return whether the file is part of what students get: no note is needed when it comes back."""
    name = PurePosixPath(path).name
    return name == "__init__.py" or name in OF_NBGRADER or (name.startswith("test_") and name.endswith(".py"))


def _is_dropped(path: str) -> bool:
    name = PurePosixPath(path).name
    return name in CONFIGURATION or name.endswith(COMPILED) or ".so." in name or name == "__pycache__"


def _is_replaced(path: str) -> bool:
    name = PurePosixPath(path).name
    return name in GIVEN and path in (name, PACKAGE + name) and not _is_dropped(path)


def _is_as_given(path: str, tree: Tree) -> bool:
    """Return whether a file is the kit's own, as students get it."""
    name = PurePosixPath(path).name
    if name not in GIVEN or path not in tree.files:
        return False
    try:
        return sources.decode(given_text(name)) == sources.decode(tree.files[path])
    except (OSError, UnreadableError):
        return False


def _near_miss(path: str) -> str | None:
    """Return which name the student may have meant."""
    name = PurePosixPath(path).name
    stem, _, suffix = name.casefold().partition(".")
    if name in {PurePosixPath(place).name for place in _places()}:
        return f"Expected it at the submission's top or in {PACKAGE}, got {PurePosixPath(path).parent}/."
    kind = PurePosixPath(course().artefact_file).suffix.removeprefix(".")
    if kind and kind in suffix:
        return f"Expected {course().artefact_file}. Is it the weights?"
    if suffix.split(".")[0] not in ("py", "ipynb", "txt"):
        return None
    close = _closest(stem)
    return f"Expected {close}.py. Is it that module?" if close else None


def _closest(stem: str) -> str | None:
    words = stem.replace("-", "_").replace(" ", "_")
    for name in course().modules:
        if words.startswith(name) or (len(words) >= 3 and name.startswith(words)):
            return name
    close = difflib.get_close_matches(words[:60], course().modules, n=1, cutoff=0.75)
    return close[0] if close else None


def _listed(paths: Iterable[str]) -> str:
    every = list(paths)
    shown = ", ".join(clean(path, 60) for path in every[:SHOWN])
    return shown + (f" and {len(every) - SHOWN} more" if len(every) > SHOWN else "")


def _cut(notes: Iterable[str]) -> tuple[str, ...]:
    every = [clean(note, sizes.MAX_NOTE) for note in notes]
    more = [f"and {len(every) - sizes.MAX_NOTES} more notes"] if len(every) > sizes.MAX_NOTES else []
    return tuple(every[: sizes.MAX_NOTES] + more)
