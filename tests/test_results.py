"""results.json, points, tables and pages: they say what was found, and are safe to read."""

import csv
import io
import json
import re
from pathlib import Path

import pytest

from grader.checks.marks import shares
from grader.course import course
from grader.files import write_atomically
from grader.gradebook import Gradebook, grading_key
from grader.identity import identity
from grader.paths import ROOT
from grader.reports.grades import grades_csv, harmless_cell
from grader.reports.pages import class_page, feedback_page
from grader.results import CheckResult, Result, TaskResult, result_from_json, share_of_points
from grader.text import clean


def check(*, core: bool, passed: bool) -> CheckResult:
    return CheckResult("a check", core, passed)


def result(student: str = "ada", message: str = "fine") -> Result:
    one = TaskResult("convolve", 8.0, 6.4, "partial", None, message, 0.1, (check(core=True, passed=True),))
    return Result(student, "graded", "namespaces", "0.1.0", "00", "7", ("a note",), (one,))


def test_a_failed_core_check_earns_nothing() -> None:
    assert share_of_points((check(core=True, passed=False), check(core=False, passed=True)), 1.0) == 0


def test_details_earn_their_share() -> None:
    checks = (check(core=True, passed=True), *[check(core=False, passed=n > 0) for n in range(4)])
    assert share_of_points(checks, None) == pytest.approx(0.8)


def test_a_heavier_detail_earns_more() -> None:
    light, heavy = (
        CheckResult(name, core=False, passed=name == "heavy", weight=w) for name, w in (("light", 0.1), ("heavy", 0.9))
    )
    assert share_of_points((light, heavy), None) == pytest.approx(0.9)


def test_refusals_together_weigh_a_tenth() -> None:
    assert shares([("core", 2.0), ("refusal", 1.0), ("detail", 1.0), ("refusal", 1.0)]) == pytest.approx(
        [0.6, 0.05, 0.3, 0.05]
    )
    assert shares([("core", 3.0), ("detail", 1.0)]) == pytest.approx([0.75, 0.25])


@pytest.mark.parametrize(("credit", "share"), [(-1.0, 0.0), (0.35, 0.35), (2.0, 1.0)])
def test_a_measured_credit_is_the_share(credit: float, share: float) -> None:
    assert share_of_points((check(core=True, passed=True), check(core=False, passed=False)), credit) == share


def test_the_course_has_100_points_in_26_tasks() -> None:
    assert (len(course().tasks), sum(task.points for task in course().tasks)) == (26, 100)


def test_results_json_has_the_documented_fields() -> None:
    document = result().to_json()
    assert list(document) == [
        "schema", "student", "status", "score", "max_score", "sandbox", "kit", "submission_sha256", "seed", "notes",
        "tasks",
    ]  # fmt: skip
    assert list(document["tasks"][0]) == [
        "id", "points", "score", "status", "misconception", "message", "seconds", "checks",
    ]  # fmt: skip


def test_a_result_survives_its_file() -> None:
    assert result_from_json(json.loads(json.dumps(result().to_json()))) == result()


def test_a_grader_error_is_not_a_zero() -> None:
    failed = Result("ada", "grader_error", "namespaces", "0.1.0", "00", "7", message="ours")
    assert failed.score is None
    assert grades_csv([failed]).splitlines()[1] == "ada" + "," * 27


def test_a_rejected_submission_says_why() -> None:
    document = Result("ada", "rejected", "namespaces", "0.1.0", "00", "7", message="nothing there").to_json()
    assert (document["score"], document["tasks"], document["message"]) == (0, [], "nothing there")


def test_grades_csv_has_a_column_per_task() -> None:
    header, row = csv.reader(io.StringIO(grades_csv([result()])))
    assert header == ["student", *(task.id for task in course().tasks), "total"]
    assert row[header.index("convolve")] == "6.4"


@pytest.mark.parametrize("name", ["=1+1", "+a", "-a", "@a", "\ta"])
def test_cells_that_a_spreadsheet_would_run_get_an_apostrophe(name: str) -> None:
    assert harmless_cell(name) == "'" + name


def test_pages_escape_what_students_wrote() -> None:
    page = feedback_page(result("<script>alert(1)</script>", "<img src=x onerror=alert(1)>"))
    assert "<script>" not in page
    assert "<img" not in page
    assert "<script>alert" not in class_page([("ada", result("<script>alert(1)</script>"))], ["<script>alert(2)"])


def test_text_keeps_no_control_or_bidi_characters_and_is_cut() -> None:
    assert clean("a\x1b[2Jb\u202ec\nd") == "a\\x1b[2Jb\\u202ec d"
    assert len(clean("x" * 10_000)) == 500


def test_a_gradebook_keeps_finished_results_and_forgets_changed_submissions(tmp_path: Path) -> None:
    book = Gradebook(tmp_path)
    book.record("ada", "key", result(), 1)
    assert book.finished("ada", "key") == result()
    assert book.finished("ada", "another key") is None
    book.close()


def test_a_grader_error_is_graded_again(tmp_path: Path) -> None:
    book = Gradebook(tmp_path)
    book.record("ada", "key", Result("ada", "grader_error", "namespaces", "0.1.0", "00", "7", message="ours"), 1)
    assert book.finished("ada", "key") is None
    book.close()


def test_a_new_result_replaces_the_old_one(tmp_path: Path) -> None:
    book = Gradebook(tmp_path)
    book.record("ada", "old", result(message="before"), 1)
    book.record("ada", "new", result(message="after"), 1)
    book.close()
    again = Gradebook(tmp_path)
    assert again.finished("ada", "old") is None
    assert again.finished("ada", "new") == result(message="after")
    again.close()


def test_results_of_another_schema_are_refused() -> None:
    with pytest.raises(ValueError, match="expected schema 1, got 2"):
        result_from_json({**result().to_json(), "schema": 2})


def test_scores_are_rounded_to_a_hundredth() -> None:
    thirds = tuple(TaskResult(f"t{n}", 1.0, 0.1, "partial", None, "", 0.1) for n in range(3))
    assert Result("ada", "graded", "namespaces", "0.1.0", "00", "7", tasks=thirds).score == 0.3


def test_a_page_says_that_a_grader_error_is_no_score() -> None:
    page = feedback_page(Result("ada", "grader_error", "namespaces", "0.1.0", "00", "7", message="ours"))
    assert "not a score" in page
    assert "of 100 points" not in page


def test_pages_of_a_run_without_sandbox_say_so() -> None:
    unsafe = Result("ada", "graded", "none", "0.1.0", "00", "7")
    assert "without a sandbox" in feedback_page(unsafe)
    assert "without a sandbox" in class_page([("ada", unsafe)], [])
    assert "without a sandbox" not in feedback_page(result())


def test_the_class_report_counts_named_mistakes_and_lists_skipped_files() -> None:
    wrong = TaskResult("convolve", 8.0, 0.0, "failed", "flipped-kernel", "turned?", 0.1)
    class_ = [
        (name, Result(name, "graded", "namespaces", "0.1.0", "00", "7", tasks=(wrong,))) for name in ("ada", "bob")
    ]
    page = class_page(class_, ["notes.txt: no submission"])
    assert re.search(r"flipped-kernel</th>\s*<td><code>convolve</code></td>\s*<td class=\"number\">2</td>", page)
    assert "notes.txt: no submission" in page


def test_the_grading_key_depends_on_everything_a_result_depends_on() -> None:
    keys = {
        grading_key(sha, selected, level, accuracy)
        for sha in ("a", "b")
        for selected in (["convolve"], ["conv2d"])
        for level in ("namespaces", "none")
        for accuracy in ("weights", "skip")
    }
    assert len(keys) == 16


def test_the_grading_key_is_the_same_behind_all_walls() -> None:
    keys = {grading_key("a", ["convolve"], level, "weights") for level in ("namespaces", "landlock", "none")}
    assert len(keys) == 2


@pytest.mark.parametrize(
    "path",
    ["course.toml", "lesson/oracle.py", "lesson/probes/model.py", "grader/results.py", "lesson/by_hand.py"],
)
def test_the_key_of_a_result_depends_on_points_and_on_what_answers_a_check(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, changed = Path.read_bytes, ROOT / path
    before = identity.__wrapped__()
    monkeypatch.setattr(Path, "read_bytes", lambda self: read(self) + b"#" * (self == changed))
    assert identity.__wrapped__() != before


def test_a_file_that_cannot_be_written_whole_is_not_written(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a.txt", "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(tmp_path / "a.txt", "\ud800")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"
