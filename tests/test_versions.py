"""The versions that the kit was tested with: all are pinned, and others are reported."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from grader import versions
from grader.authoring.handout import handout_files
from grader.canaries import reference_order
from grader.course import course
from grader.executor import result_of
from grader.hidden.plugin import CheckReport
from grader.paths import ROOT
from grader.reports.pages.class_report import concerns
from grader.results import Result
from grader.versions import installed_version, other_version, tried_versions, version_notes

CHECKED = CheckReport((), ("a note",), {}, frozenset())


def graded() -> Result:
    """Return a result with only a check's note, and versions."""
    order = reference_order(1, frozenset())
    return result_of(replace(order, snapshot=replace(order.snapshot, notes=())), "namespaces", CHECKED)


@pytest.fixture
def tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A list of versions instead of the kit's."""
    path = tmp_path / "constraints.txt"
    monkeypatch.setattr(versions, "TRIED", path)
    tried_versions.cache_clear()
    yield path
    tried_versions.cache_clear()


def test_every_dependency_of_the_kit_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    named = {canonicalize_name(Requirement(one).name) for some in lists for one in some} - {project["name"]}
    assert named - tried_versions().keys() == set()


def test_packages_that_grade_are_pinned() -> None:
    assert set(course().packages) <= tried_versions().keys()


def test_a_pin_is_read_if_it_applies_to_this_system(tried: Path) -> None:
    tried.write_text("# of the tests\none==1.0\ntwo==2 ; sys_platform == 'nowhere'\nthree==3 ; python_version >= '3'\n")
    assert tried_versions() == {"one": "1.0", "three": "3"}


def test_without_a_list_nothing_differs(tried: Path) -> None:
    assert not tried.exists()
    assert version_notes() == ()


@pytest.mark.parametrize(("suffix", "differs"), [("", False), ("+cpu", False), (".post9", True)])
def test_the_build_of_a_version_does_not_matter(suffix: str, differs: bool, tried: Path) -> None:
    installed = installed_version("numpy")
    tried.write_text(f"numpy=={installed}{suffix}\n")
    assert other_version("numpy") == (f"{installed}{suffix}" if differs else "")


def test_other_versions_leave_a_note_on_what_they_graded(tried: Path) -> None:
    tried.write_text(f"torch==0.4.1\nnumpy=={installed_version('numpy')}\nruff==0.0.1\n")
    (own, note) = graded().notes
    assert own == "a note"
    assert note.startswith("versions: expected those of constraints.txt, torch 0.4.1, got ")
    assert "numpy" not in note
    assert "ruff" not in note


def test_tested_versions_leave_no_note() -> None:
    assert graded().notes == ("a note",)


def test_a_note_on_versions_is_not_shown_to_students(tried: Path) -> None:
    tried.write_text("torch==0.4.1\n")
    assert [entries for _, _, entries in concerns([("ada", graded())])] == [[("ada", "reference", "a note")]]


@pytest.mark.parametrize("place", ["README.md", "docs/index.md", "docs/students.md", ".ci/run"])
def test_instructions_install_these_versions(place: str) -> None:
    text = (ROOT / place).read_text(encoding="utf-8")
    commands = re.findall(r"pip install [^&\n]*-e [^&\n]*", text)
    assert commands
    assert [one for one in commands if "constraints.txt" not in one and "NEWEST" not in text] == []


def test_students_get_the_same_list() -> None:
    files = dict(handout_files())
    assert files["constraints.txt"] == (ROOT / "constraints.txt").read_bytes()
    assert b"-c constraints.txt" in files["README.md"]
