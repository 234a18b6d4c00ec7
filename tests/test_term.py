"""A term.toml: read strictly, followed by everything that concerns a class, and refused if it cannot be taught."""

from __future__ import annotations

import csv
import json
import os
import shutil
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
import warm
from copies import replace_text
from safetensors.torch import load_file, save_file

from grader import identity, paths
from grader.authoring.building import as_toml
from grader.cli import _options_first
from grader.course import Course
from grader.errors import WrongTerm
from grader.paths import COURSE_VARIABLE, TERM_VARIABLE
from grader.term import Term

WHOLE = Course.read(paths.ROOT)
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in {COURSE_VARIABLE, TERM_VARIABLE}}
TWO = Term(modules=("convolution", "model"), given=("transforms", "data_module"), thresholds={"full": 0.85})


def written(folder: Path, text: str) -> Path:
    path = folder / "term.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_released_term_changes_nothing(tmp_path: Path) -> None:
    term = Term.read(written(tmp_path, as_toml(WHOLE)))
    same = WHOLE.during(term)
    assert (same.tasks, same.title, same.max_score, same.thresholds, same.given) == (
        WHOLE.tasks, WHOLE.title, 100, WHOLE.thresholds, WHOLE.given,
    )  # fmt: skip
    assert same.left_out == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("titel = 'x'", "title, logo"),
        ("title = 7", "title: expected a text, got 7"),
        ("late = '5 points'", 'late: expected "none"'),
        ("deadline = 2027-01-31", "with its zone"),
        ("deadline = 2027-01-31T23:59:00", "with its zone"),
        ("modules = 'model'", "a list of modules"),
        ("[points]\nconv2d = -1", "not negative"),
        ("[points]\nconv2d = true", "not negative"),
        ("logo = 'nowhere.png'", "a file beside it"),
        ("modules = [", "can be read"),
    ],
)
def test_invalid_terms_are_refused(text: str, expected: str, tmp_path: Path) -> None:
    with pytest.raises(WrongTerm, match=r"term\.toml: ") as error:
        Term.read(written(tmp_path, text))
    assert expected in str(error.value)


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        (Term(modules=("convolutions",)), "got convolutions"),
        (Term(given=("maths",)), "got maths"),
        (Term(points={"conv3d": 1}), "got conv3d"),
        (Term(thresholds={"half": 0.5}), "got half"),
        (Term(thresholds={"none": 0.95}), "increasing thresholds"),
        (Term(modules=()), "at least one task"),
        (Term(modules=("data_module", "model", "convolution")), "eval_transform (transforms), which data_splits needs"),
        (Term(points={"convolve": 0}), "convolve (convolution), which conv2d needs"),
    ],
)
def test_a_term_that_cannot_be_taught_is_refused_with_the_reason(term: Term, expected: str) -> None:
    with pytest.raises(WrongTerm) as error:
        WHOLE.during(term)
    assert expected in str(error.value)


def test_two_modules_have_their_points_and_thresholds() -> None:
    taught = WHOLE.during(TWO)
    assert taught.modules == ("convolution", "model")
    assert taught.max_score == sum(task.points for task in WHOLE.tasks if task.module in TWO.modules) == 50
    assert taught.thresholds == {"none": 0.8, "full": 0.85}
    assert {"transforms.py", "data_module.py"} <= set(taught.given)


def test_a_grade_depends_on_what_the_term_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    found = set()
    for term in (Term(), TWO, Term(points={"conv2d": 20}), Term(thresholds={"full": 0.85})):
        monkeypatch.setattr(identity, "course", lambda term=term: WHOLE.during(term))
        found.add(identity.identity.__wrapped__()["term"])
    assert len(found) == 4


@pytest.mark.parametrize(
    ("late", "seconds", "lost"),
    [("none", 9e9, 0), ("all", 1, 1), ("all", 0, 0), ("10 %", -5, 0), ("10 %", 1, 0.1), ("10%", 86_401, 0.2),
     ("40 %", 9e6, 1)],
)  # fmt: skip
def test_late_work_loses_by_the_rule(late: str, seconds: float, lost: float) -> None:
    assert Term(late=late).lost_by(seconds) == pytest.approx(lost)


def test_global_options_may_follow_the_verb() -> None:
    typed = ["grade", "class", "--term", "t.toml", "--out", "out", "--course=c"]
    assert _options_first(typed) == ["--term", "t.toml", "--course=c", "grade", "class", "--out", "out"]


def grader(*arguments: str, cwd: Path, status: int = 0) -> str:
    done = warm.run("grader", *arguments, cwd=cwd, env={**ENVIRONMENT, "PYTHONPATH": str(paths.ROOT)}, timeout=800)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def term(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Release convolution and model, with points from 85 %, and grade a class beside the term."""
    folder = tmp_path_factory.mktemp("term")
    written(folder, """
        title = "Bildverarbeitung"
        logo = "logo.svg"
        deadline = 2027-01-31T23:59:00+01:00
        late = "10 %"
        dates = "%d.%m.%Y, %H:%M Uhr"
        modules = ["convolution", "model"]
        given = ["transforms", "data_module"]
        thresholds.full = 0.85
        points = { conv2d = 20, plot_activations = 0 }
    """)  # fmt: skip
    (folder / "logo.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    grader("release", "--to", str(folder), cwd=folder)
    for student in ("right", "weaker", "untouched"):
        (folder / "class" / student).mkdir(parents=True)
        source = folder / "handout" / "exercises" if student == "untouched" else paths.SOLUTIONS
        for module in ("convolution", "model"):
            shutil.copy(source / f"{module}.py", folder / "class" / student)
    weights = load_file(paths.SOLUTIONS / "fashion_cnn.safetensors")
    save_file(weights, folder / "class" / "right" / "fashion_cnn.safetensors")
    weights["network.19.bias"][0] += 6  # one class is predicted too often: 87 % are right
    save_file(weights, folder / "class" / "weaker" / "fashion_cnn.safetensors")
    grader("grade", str(folder / "class"), "--out", str(folder / "out"), cwd=folder.parent)
    return folder


@pytest.mark.slow
def test_grades_and_exports_follow_the_term(term: Path) -> None:
    results = {name: json.loads((term / "out" / name / "results.json").read_text())
               for name in ("right", "weaker", "untouched")}  # fmt: skip
    assert {result["max_score"] for result in results.values()} == {58}
    assert {name: result["score"] for name, result in results.items()} == {"right": 58, "weaker": 58, "untouched": 0}
    assert "plot_activations" not in {task["id"] for task in results["right"]["tasks"]}
    page = (term / "out" / "right" / "feedback.html").read_text(encoding="utf-8")
    assert "Bildverarbeitung" in page
    assert "of 58 points" in page
    assert "data:image/svg+xml" in page
    with (term / "out" / "grades.csv").open(newline="") as file:
        assert next(csv.reader(file))[-2:] == ["fashion_accuracy", "total"]
    target = str(term / "autograder.json")
    grader("export", str(term / "out"), "--to", "gradescope", "--student", "right", "--file", target, cwd=term.parent)
    assert json.loads(Path(target).read_text(encoding="utf-8"))["score"] == 58
    grader("export", str(term / "out"), "--to", "moodle", "--file", str(term / "moodle.csv"), cwd=term.parent)
    with (term / "moodle.csv").open(newline="") as file:
        assert {"58", "0"} <= {value.removesuffix(".0") for row in csv.reader(file) for value in row}


@pytest.mark.slow
def test_the_hand_out_contains_what_is_taught_and_what_it_needs(term: Path) -> None:
    with zipfile.ZipFile(term / "handout.zip") as archive:
        names = {Path(name).name for name in archive.namelist() if "/exercises/" in f"/{name}"}
    assert {"convolution.py", "model.py", "transforms.py", "data_module.py", "test_model.py"} <= names
    assert names.isdisjoint({"summary.py", "exploration.py", "test_summary.py", "test_transforms.py"})
    exercises = term / "handout" / "exercises"
    assert "is not part of this term" in (exercises / "convolution.py").read_text(encoding="utf-8")
    assert "SOLUTION" not in (exercises / "data_module.py").read_text(encoding="utf-8")
    readme = (term / "handout" / "README.md").read_text(encoding="utf-8")
    for said in ("9 tasks in 2 modules,\n58 points", "31.01.2027, 23:59 Uhr", "10 % of its points", "from 85% on"):
        assert said in readme
    assert "exercises/summary.py" not in readme
    done = warm.run("pytest", "exercises", "-q", "-p", "no:cacheprovider", cwd=term / "handout", env=ENVIRONMENT)
    assert "0 of 9 tasks green, 0 of 58 points in reach" in done.stdout, done.stdout + done.stderr


@pytest.mark.slow
def test_nbgrader_follows_the_term(term: Path) -> None:
    from nbgrader.api import Gradebook  # noqa: PLC0415 - slow

    released = term / "course" / "release" / "cnn"
    assert {path.stem for path in released.glob("*.ipynb")} == {"convolution", "model"}
    assert (released / "exercises" / "data_module.py").is_file()
    with Gradebook(f"sqlite:///{term / 'course' / 'gradebook.db'}") as gradebook:
        assignment = gradebook.find_assignment("cnn")
        assert assignment.duedate.replace(tzinfo=UTC) == datetime(2027, 1, 31, 22, 59, tzinfo=UTC)
        assert {notebook.name: notebook.max_score for notebook in assignment.notebooks}["model"] >= 20


@pytest.mark.slow
def test_a_needed_module_is_not_dropped_silently(term: Path, tmp_path: Path) -> None:
    shutil.copy(term / "term.toml", tmp_path)
    replace_text(tmp_path / "term.toml", 'given = ["transforms", "data_module"]', "given = []")
    replace_text(tmp_path / "term.toml", 'logo = "logo.svg"\n', "")
    file = str(tmp_path / "term.toml")
    said = grader("release", "--to", str(tmp_path / "to"), "--term", file, cwd=tmp_path, status=2)
    assert "expected data_loaders (data_module), which fashion_accuracy needs" in said
    assert not (tmp_path / "to").exists()
