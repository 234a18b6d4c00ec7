"""The pages: what is drawn, what is escaped, how large they get, and how they open in a browser."""

import importlib
import io
import json
import random
import re
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from browser import DESKTOP, PHONE, open_page
from rich.console import Console

from grader.figures import Figures, keep_figures, kept_figures
from grader.graded.changes import changes, changes_table
from grader.paths import ROOT
from grader.reports.pages import class_page, feedback_page, pages_beside
from grader.reports.pages.class_report import concerns, mistakes, summary_of
from grader.reports.pages.environment import environment
from grader.results import SUSPICION, CheckResult, Result, TaskResult
from grader.terminal import class_table
from lesson.figures import Network, Raster

HOSTILE = "<script>alert(1)</script><b onclick='x'>\u202e" + "m" * 300

sys.path.append(str(ROOT / "benchmarks"))  # whose scripts find each other there
MADE_UP = importlib.import_module("pages")


def graded(*tasks: TaskResult, student: str = "ada", notes: tuple[str, ...] = ()) -> Result:
    return Result(student, "graded", "namespaces", "0.1.0", "00", "7", notes, tasks)


def task(task_id: str, status: str, misconception: str | None = None) -> TaskResult:
    return TaskResult(task_id, 8.0, 0.0, status, misconception, "what?", 0.1)  # type: ignore[arg-type]


def every_figure() -> Figures:
    return {**MADE_UP.made_up_figures(), "summarize": "Layer\n" + HOSTILE}


def test_the_page_shows_the_weight_of_each_check() -> None:
    checks = [CheckResult("is right", True, True, 0.5), CheckResult("adds the bias", False, False, 0.3),
              CheckResult("is quick", False, False, 0.125), CheckResult("is measured", False, True, 0.0)]  # fmt: skip
    page = feedback_page(graded(replace(task("convolve", "partial"), checks=tuple(checks))))
    beside = dict(re.findall(r'</span> ([\w ]+) <span class="muted">(.*?)</span></li>', page))
    assert beside == {"is right": "(core)", "adds the bias": "(2.4 points)", "is quick": "(1 point)", "is measured": ""}


def test_a_raster_keeps_its_range_and_a_constant_picture_its_value() -> None:
    raster = Raster.of(torch.tensor([[-1.0, 0.0], [1.0, 3.0]]))
    assert (raster.height, raster.width, raster.low, raster.high) == (2, 2, -1.0, 3.0)
    assert Raster.of(torch.full((2, 2), 7.0)).low == 7.0


def test_figures_survive_their_file(tmp_path: Path) -> None:
    keep_figures(tmp_path, "00", every_figure())
    assert kept_figures(tmp_path, "00") == json.loads(json.dumps(every_figure()))


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"submission_sha256": "00"}', "another's"])
def test_damaged_or_foreign_figures_are_ignored(tmp_path: Path, text: str | None) -> None:
    if text == "another's":
        keep_figures(tmp_path, "01", every_figure())
    elif text is not None:
        (tmp_path / "figures.json").write_text(text)
    assert kept_figures(tmp_path, "00") == {}


def test_figures_of_an_earlier_submission_are_removed_with_it(tmp_path: Path) -> None:
    keep_figures(tmp_path, "00", every_figure())
    keep_figures(tmp_path, "01", {})
    assert list(tmp_path.iterdir()) == []


def test_feedback_draws_all_figures_and_escapes_a_students_text() -> None:
    page = feedback_page(graded(task("convolve", "failed", "flipped-kernel")), every_figure())
    for part in ("What it takes for what", "How it learned", "What its first layer sees", "Your network as a table"):
        assert part in page
    assert page.count("data:image/png") == 5  # expected, yours, difference, filters, activations
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_feedback_without_figures_has_no_empty_parts() -> None:
    page = feedback_page(graded(task("convolve", "passed")))
    assert "Your network" not in page
    assert "<figure" not in page


def test_feedback_says_what_is_next() -> None:
    page = feedback_page(graded(task("output_size", "passed"), task("convolve", "not_started")))
    assert '<a href="#convolve">' in page.partition("What to do next")[2].partition("</section>")[0]
    assert "Nothing is left to do" in feedback_page(graded(task("output_size", "passed")))


def test_tasks_not_graded_are_counted_but_not_listed() -> None:
    page = feedback_page(graded(task("output_size", "passed"), task("conv2d", "skipped")))
    assert "1 were not asked for" in page
    assert 'id="conv2d"' not in page


def test_the_confusion_matrix_names_the_most_frequent_confusions() -> None:
    counts = [[100 if a == b else 0 for a in range(10)] for b in range(10)]
    counts[6][0], counts[6][6] = 40, 60
    page = feedback_page(
        graded(task("convolve", "passed")),
        {"fashion_accuracy": asdict(Network(confusion=tuple(map(tuple, counts))))},
    )
    assert "96.00 % of the 1,000 test images" in page
    assert "Shirt taken for T-shirt/top (40)." in page


def test_an_empty_class_has_a_report() -> None:
    page = class_page([], [])
    assert "No submission has a score" in page
    assert "Nothing." in page


def test_quantiles_of_one_score_are_that_score() -> None:
    assert set(summary_of([42.0]).values()) == {42.0}
    assert summary_of([]) == {}


def test_the_95th_percentile_of_twenty_is_not_the_highest() -> None:
    found = summary_of([float(score) for score in range(0, 100, 5)])
    assert (found["95th percentile"], found["highest"]) == (pytest.approx(90.25), 95)
    assert (found["lower quartile"], found["median"], found["upper quartile"]) == (23.75, 47.5, 71.25)


@pytest.mark.parametrize(("split", "word"), [("train", "training"), ("val", "validation")])
def test_the_legend_of_a_chart_names_only_its_curves(split: str, word: str) -> None:
    curves = {f"{split}_acc": (0.5, 0.9)}
    page = feedback_page(graded(task("convolve", "passed")), {"fashion_accuracy": asdict(Network(curves=curves))})
    assert re.findall(r'class="key (?:val|train)">(\w+)<', page) == [word]


def test_the_meter_is_full_at_the_highest_score(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(environment().globals, "max_score", 8.0)
    assert '<div style="width: 100%">' in feedback_page(graded(TaskResult("convolve", 8.0, 8.0, "passed", None, "", 0)))


def test_terminal_tables_show_names_and_messages_verbatim() -> None:
    name, message = "a\\[red]b :heart:", "[/] :x:"
    one = Result(name, "rejected", "namespaces", "0.1.0", "00", "7", message=message)
    for table, texts in (
        (class_table([("a", one)]), (name, message)),
        (changes_table(changes({}, {"a": one})), (name,)),
    ):
        console = Console(width=200, file=io.StringIO())
        console.print(table)
        assert all(text in console.file.getvalue() for text in texts)


def test_the_histogram_counts_a_full_score_in_the_last_bin() -> None:
    assert "90 to 100 points: 1" in class_page(
        [("ada", graded(TaskResult("convolve", 100, 100, "passed", None, "", 0)))], []
    )


def test_concerns_name_who_and_what() -> None:
    class_ = [
        ("ada", graded(task("convolve", "protocol"), task("conv2d", "timed_out"))),
        ("bob", graded(student="bob", notes=(SUSPICION + "a memorised set?", "fashion_accuracy: set to 8 by hand: x"))),
        ("eve", Result("eve", "rejected", "namespaces", "0.1.0", "00", "7", message="nothing there")),
        ("kim", Result("kim", "grader_error", "namespaces", "0.1.0", "00", "7", message="ours")),
    ]
    found = {title: entries for title, _, entries in concerns(class_)}
    assert found == {
        "The grader failed": [("kim", "kim", "ours")],
        "Unreadable answers": [("ada", "ada", "gave no readable answer: convolve")],
        "Suspected memorising": [("bob", "bob", "fashion_accuracy: suspicion: a memorised set?")],
        "Nothing could be graded": [("eve", "eve", "nothing there")],
        "Stopped, too slow, or out of memory": [("ada", "ada", "took too long: conv2d")],
        "Other notes": [("bob", "bob", "fashion_accuracy: set to 8 by hand: x")],
    }


def test_mistakes_are_sorted_by_count_with_who_made_them() -> None:
    flipped, late = task("convolve", "failed", "flipped-kernel"), task("conv2d", "failed", "ignores-bias")
    class_ = [(name, graded(flipped, *more, student=name)) for name, more in [("bob", ()), ("eve", (late,))]]
    assert mistakes(class_[::-1]) == [
        (("flipped-kernel", "convolve"), [("eve", "eve"), ("bob", "bob")]),
        (("ignores-bias", "conv2d"), [("eve", "eve")]),
    ]


def test_files_of_other_verbs_are_linked(tmp_path: Path) -> None:
    assert pages_beside(tmp_path) == []
    (tmp_path / "similar.html").touch()
    (tmp_path / "regrade.json").write_text(json.dumps({"published": False, "students": 20, "changes": [{}, {}]}))
    links = pages_beside(tmp_path)
    assert links == [
        ("similar.html", "Similar submissions"),
        ("regrade.json", "Regraded: 2 of 20 students change (waiting)"),
    ]
    assert '<a href="similar.html">Similar submissions</a>' in class_page([], [], links)


def test_a_class_of_a_thousand_fits_into_5_mb() -> None:
    page = class_page(MADE_UP.made_up_class(1000), [])
    assert page.count("<tr>") > 1000
    assert len(page.encode()) < 5_000_000


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a class of forty, and feedback with every figure, for a hostile and a rejected submission."""
    out = tmp_path_factory.mktemp("pages")
    class_ = MADE_UP.made_up_class(40)
    hostile = TaskResult("convolve", 8.0, 0.0, "crashed", None, HOSTILE, 0.1)
    class_.append(("hostile", graded(hostile, student=HOSTILE, notes=(HOSTILE,))))
    (out / "report.html").write_text(class_page(class_, [HOSTILE]), encoding="utf-8")
    full = MADE_UP.made_up_result("ada", random.Random(3))
    rejected = Result(HOSTILE, "rejected", "none", "0.1.0", "00", "7", message=HOSTILE)
    for name, result in {"feedback": full, "hostile": class_[-1][1], "rejected": rejected}.items():
        (out / f"{name}.html").write_text(feedback_page(result, every_figure()), encoding="utf-8")
    return out


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
@pytest.mark.parametrize("name", ["report", "feedback", "hostile", "rejected"])
def test_a_page_opens_well(pages: Path, name: str, width: int, *, dark: bool) -> None:
    open_page(pages / f"{name}.html", width, dark=dark).assert_sound()


ROWS = "[...document.querySelectorAll('.searchable tbody tr')].filter(row => !row.hidden)"


def test_the_submissions_can_be_sorted_by_score(pages: Path) -> None:
    page = open_page(pages / "report.html")
    scores = f"return {ROWS}.map(row => parseFloat(row.cells[2].textContent))"
    before = page.run(scores)
    page.run("document.querySelectorAll('.searchable th button')[2].click()")
    assert page.run(scores) == sorted(before) != before
    page.run("document.querySelectorAll('.searchable th button')[2].click()")
    assert page.run(scores) == sorted(before, reverse=True)
    assert page.run("return document.querySelector('.searchable [aria-sort]').textContent") == "Score"


def test_the_submissions_can_be_searched(pages: Path) -> None:
    page = open_page(pages / "report.html")
    script = "const f = document.querySelector('.search input'); f.value = '{}'; f.dispatchEvent(new Event('input'))"
    page.run(script.format("STUDENT-0007"))
    assert page.run(f"return {ROWS}.map(row => row.cells[0].textContent.trim())") == ["student-0007"]
    assert page.run("return document.querySelector('.search output').value") == "1 of 41"
    page.run(script.format("0007 graded"))
    assert page.run(f"return {ROWS}.length") == 1
    page.run(script.format(""))
    assert page.run(f"return {ROWS}.length") == 41
