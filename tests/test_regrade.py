"""Grading again: changes and their reasons are shown, nothing is published unasked, and scores set by hand stay."""

from __future__ import annotations

import io
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from click.testing import Result as Run
from rich.console import Console

from grader import batch, intake
from grader.cli import cli
from grader.errors import GraderError
from grader.executor import Order, result_of
from grader.figures import keep_figures
from grader.graded.changes import changes, changes_table
from grader.overrides import Override, overridden, read_overrides, unused
from grader.paths import SOLUTIONS
from grader.results import CheckResult, Result, TaskResult

BIAS = "adds the bias"


def graded(student: str, *, bias: bool | None, seed: str = "7", sha: str = "00") -> Result:
    """Return a result whose only task has two checks, or one if there is none for the bias."""
    checks = [CheckResult("has the shape", core=True, passed=True)]
    checks += [] if bias is None else [CheckResult(BIAS, core=False, passed=bias)]
    right = bias is not False
    task = TaskResult(
        "conv2d", 10.0, 10.0 if right else 5.0, "passed" if right else "partial", None, "m", 0.1, tuple(checks)
    )
    return Result(student, "graded", "namespaces", "0.1.0", sha, seed, tasks=(task,))


# --- what changes


def test_a_change_names_the_student_the_points_and_the_check() -> None:
    (change,) = changes({"ada": graded("ada", bias=True)}, {"ada": graded("ada", bias=False)})
    assert (change.student, change.before, change.after) == ("ada", 10, 5)
    assert str(change.tasks[0]) == f"conv2d 10 → 5 (passed → partial): now fails: {BIAS}"


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [(None, True, f"new check passes: {BIAS}"), (True, None, f"no longer checked: {BIAS}")],
)
def test_added_and_removed_checks_are_named_though_no_score_changes(
    before: bool | None, after: bool | None, text: str
) -> None:
    (change,) = changes({"ada": graded("ada", bias=before)}, {"ada": graded("ada", bias=after)})
    assert change.before == change.after
    assert str(change.tasks[0].checks[0]) == text


def test_unchanged_students_are_not_listed_however_long_it_took() -> None:
    slow = graded("ada", bias=True)
    slow = replace(slow, tasks=(replace(slow.tasks[0], seconds=9.0),))
    assert changes({"ada": graded("ada", bias=True)}, {"ada": slow}) == []


def test_other_scores_come_before_other_checks() -> None:
    before = {"ada": graded("ada", bias=None), "ben": graded("ben", bias=False)}
    after = {"ada": graded("ada", bias=True), "ben": graded("ben", bias=True)}
    assert [change.student for change in changes(before, after)] == ["ben", "ada"]


def test_the_largest_loss_comes_first_and_other_files_are_noted() -> None:
    before = {name: graded(name, bias=name != "eve") for name in ("ada", "eve")}
    after = {"eve": graded("eve", bias=True), "ada": graded("ada", bias=False, sha="11"), "new": graded("n", bias=True)}
    found = changes(before, after)
    assert [(one.student, one.submission_changed, one.status_before) for one in found] == [
        ("ada", True, "graded"), ("eve", False, "graded"), ("n", False, None),
    ]  # fmt: skip
    console = Console(width=200, file=io.StringIO())
    console.print(changes_table(found))
    assert "other files were handed in" in console.file.getvalue()


# --- scores set by hand


def test_a_score_set_by_hand_replaces_the_graders_and_is_shown() -> None:
    mine = Override("ada", "conv2d", 8.0, "The bias was not asked for.")
    got = overridden("ada", graded("ada", bias=False), [mine, replace(mine, student="eve", score=1.0)])
    assert got.score == 8
    assert got.tasks[0].message == "Set to 8 by hand: The bias was not asked for. The grader gave 5: m"
    assert got.notes == ("conv2d: set to 8 by hand: The bias was not asked for.",)


def test_a_score_for_a_task_not_graded_is_not_set_and_reported() -> None:
    skipped = graded("ada", bias=False)
    skipped = replace(skipped, tasks=(replace(skipped.tasks[0], score=0.0, status="skipped"),))
    mine = Override("ada", "conv2d", 8.0, "x")
    assert overridden("ada", skipped, [mine]) == skipped
    assert unused([("ada", skipped)], [mine]) == [
        "overrides.csv: no submission of ada was graded on conv2d; it is not set"
    ]


@pytest.mark.parametrize(
    ("lines", "word"),
    [
        ("student,task,score,reason\nada,conv2d,8,Tr\xe8s bien.\n", "UTF-8"),
        ("student,task,score,reason\nada,conv2d,8," + "x" * 200_000, "limit"),
        ("student,task,score,reason\nada,conv2d,8,Nice, but late.\n", "quotes"),
        ("who,task\n", "columns"),
        ("student,task,score,reason\nada,fly,1,x\n", "line 2"),
        ("student,task,score,reason\nada,conv2d,eleven,x\n", "line 2"),
        ("student,task,score,reason\nada,conv2d,11,x\n", "from 0 to 10"),
        ("student,task,score,reason\nada,conv2d,nan,x\n", "from 0 to 10"),
        ("student,task,score,reason\nada,conv2d,1,x\nada,conv2d,2,x\n", "got several"),
    ],
)
def test_impossible_overrides_are_refused(lines: str, word: str, tmp_path: Path) -> None:
    (tmp_path / "overrides.csv").write_bytes(lines.encode("cp1252"))
    with pytest.raises(GraderError, match=word):
        read_overrides(tmp_path)


# --- the verb, with suites whose answers are given


class Fake:
    """Stands for the grader: a verdict per student, and the seeds it was given."""

    def __init__(self) -> None:
        self.bias = {"ada": True, "eve": False}
        self.seeds: dict[str, int] = {}
        self.stops_after = 99

    def grade(self, orders: Any, on_result: Any, *, tick: Any) -> None:
        for index, order in enumerate(orders):
            if index == self.stops_after:
                raise KeyboardInterrupt
            on_result(index, self.result(order))

    def result(self, order: Order) -> Result:
        self.seeds[order.student] = order.seed
        facts = result_of(order, "namespaces", None)
        return graded(order.student, bias=self.bias[order.student], seed=facts.seed, sha=facts.submission_sha256)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Fake:
    fake = Fake()

    class Ready:
        def __enter__(self) -> Fake:
            return fake

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(batch, "_ready", lambda *_: Ready())
    for name in fake.bias:
        (tmp_path / "class" / name).mkdir(parents=True)
        (tmp_path / "class" / name / "convolution.py").write_bytes((SOLUTIONS / "convolution.py").read_bytes())
    monkeypatch.chdir(tmp_path)
    assert run("grade").exit_code == 0
    return fake


def run(verb: str, *arguments: str) -> Run:
    return CliRunner().invoke(cli, [verb, "class", "--out", "out", *arguments], env={"COLUMNS": "200"})


def change_the_tests(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make ada lose the bias, and results have another key."""
    fake.bias["ada"] = False
    monkeypatch.setattr(batch, "grading_key", lambda sha, *_: f"new {sha}")


def published(name: str) -> float:
    return json.loads(Path("out", name, "results.json").read_text())["score"]


def everything() -> dict[str, bytes]:
    files = {path: path.read_bytes() for path in Path("out").rglob("*") if path.is_file()}
    return {
        str(path): data for path, data in files.items() if ".regrade" not in path.parts and path.name != "regrade.json"
    }


def test_regrade_without_a_yes_shows_changes_and_publishes_nothing(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    seeds, before = dict(fake.seeds), everything()
    change_the_tests(fake, monkeypatch)
    done = run("regrade")
    assert done.exit_code == 1, done.output
    assert f"now fails: {BIAS}" in done.output
    assert "1 of 2 students change." in done.output
    assert everything() == before
    assert fake.seeds == seeds, "the same inputs as before"
    document = json.loads(Path("out/regrade.json").read_text())
    assert (document["published"], [one["student"] for one in document["changes"]]) == (False, ["ada"])


def test_changed_files_get_other_inputs(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    seeds = dict(fake.seeds)
    assert seeds["ada"] == seeds["eve"], "the same files, the same run"
    with Path("class/ada/convolution.py").open("a") as module:
        module.write("# once more\n")
    change_the_tests(fake, monkeypatch)
    run("regrade")
    assert fake.seeds["eve"] == seeds["eve"]
    assert fake.seeds["ada"] != seeds["ada"]


def test_files_for_students_contain_no_seed(fake: Fake) -> None:
    for form, name in (("junit", "grades.xml"), ("gradescope", "grades.json")):
        options = ["--to", form, "--student", "ada", "--file", f"out/{name}"]
        assert CliRunner().invoke(cli, ["export", "out", *options]).exit_code == 0
    files = [path for path in Path("out").rglob("*") if path.is_file() and path.name != "gradebook.sqlite"]
    assert len(files) > 6
    for seed in fake.seeds.values():
        for path in files:
            text = path.read_text(encoding="utf-8")
            assert str(seed) not in text
            assert f"{seed:x}" not in text


def test_regrade_with_a_yes_publishes_what_it_has_already_graded(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    change_the_tests(fake, monkeypatch)
    run("regrade")
    fake.seeds.clear()
    done = run("regrade", "--yes")
    assert done.exit_code == 0, done.output
    assert fake.seeds == {}, "nothing is graded twice"
    assert published("ada") == 5
    assert [line.rpartition(",")[2] for line in Path("out/grades.csv").read_text().split()] == ["total", "5.0", "5.0"]
    assert json.loads(Path("out/regrade.json").read_text())["published"]
    assert not Path("out/.regrade").exists()
    again = run("regrade")
    assert (again.exit_code, "0 of 2 students change." in again.output) == (0, True)


def test_an_interrupted_regrade_leaves_published_results_and_goes_on(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything()
    change_the_tests(fake, monkeypatch)
    fake.stops_after = 1
    assert run("regrade", "--yes").exit_code != 0
    assert everything() == before
    fake.stops_after = 99
    fake.seeds.clear()
    assert run("regrade", "--yes").exit_code == 0
    assert list(fake.seeds) == ["eve"], "ada's new result was kept"
    assert published("ada") == 5


def test_scores_set_by_hand_survive_grading_and_regrading(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("out/overrides.csv").write_text("student,task,score,reason\nada,conv2d,9,Nice try.\nbob,conv2d,1,x\n")
    assert run("grade").exit_code == 0
    assert published("ada") == 9
    assert "by hand: Nice try." in Path("out/ada/feedback.html").read_text()
    assert "no submission of bob was graded" in Path("out/report.html").read_text()
    change_the_tests(fake, monkeypatch)
    done = run("regrade", "--yes")
    assert done.exit_code == 0, done.output
    assert published("ada") == 9
    Path("out/overrides.csv").unlink()
    assert run("grade").exit_code == 0
    assert published("ada") == 5


def test_regrade_that_finds_nothing_new_leaves_nothing_waiting(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    change_the_tests(fake, monkeypatch)
    assert run("regrade").exit_code == 1
    fake.bias["ada"] = True
    monkeypatch.setattr(batch, "grading_key", lambda sha, *_: f"newer {sha}")
    assert run("regrade").exit_code == 0
    assert not Path("out/.regrade").exists()
    assert not Path("out/regrade.json").exists()


def test_regrade_settles_though_somebody_has_left_the_class(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    change_the_tests(fake, monkeypatch)
    shutil.rmtree("class/eve")
    assert run("regrade", "--yes").exit_code == 0
    again = run("regrade")
    assert again.exit_code == 0, again.output
    assert json.loads(Path("out/regrade.json").read_text())["published"], "of the last publication"


def test_a_picture_missing_from_the_new_result_is_removed_with_the_old(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_figures(Path("out/ada"), intake.read(intake.find(Path("class"))[0][0]).sha256, {"summarize": "of before"})
    change_the_tests(fake, monkeypatch)
    assert run("regrade", "--yes").exit_code == 0
    assert not Path("out/ada/figures.json").exists()
    assert "of before" not in Path("out/ada/feedback.html").read_text()


def test_regrade_of_a_class_without_graded_tasks_is_wrong_usage(fake: Fake) -> None:
    for name in fake.bias:
        rejected = Result(name, "rejected", "namespaces", "0.1.0", "00", "7", message="nothing there")
        Path("out", name, "results.json").write_text(json.dumps(rejected.to_json()))
    before = everything()
    done = run("regrade", "--yes")
    assert (done.exit_code, "grader grade" in done.output) == (2, True)
    assert everything() == before


def test_regrade_of_a_folder_never_graded_is_wrong_usage(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["regrade", str(tmp_path), "--out", str(tmp_path)])
    assert done.exit_code == 2
    assert "grader grade" in done.output
