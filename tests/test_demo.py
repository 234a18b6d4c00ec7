"""The sample class, graded once through the command line: every sample gets what its manifest says."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from browser import DESKTOP, PHONE, open_page

from grader.authoring.samples import Sample, samples
from grader.figures import kept_figures
from grader.paths import ROOT

SAMPLES = samples()


@pytest.fixture(scope="module")
def out(demo_out: Path) -> Path:
    return demo_out


def test_an_unknown_key_of_a_sample_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "class.toml").write_text('[[sample]]\nname = "one"\nabout = "a typo"\nstauts = "rejected"\n')
    with pytest.raises(TypeError, match="stauts"):
        samples(tmp_path / "class.toml")


def results(out: Path, name: str) -> dict[str, Any]:
    return json.loads((out / name / "results.json").read_text())


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_sample_gets_what_its_manifest_says(sample: Sample, out: Path) -> None:
    got = results(out, sample.name.removesuffix(".zip"))
    assert got["status"] == sample.status, got
    if sample.score is not None:
        assert got["score"] == sample.score, [task for task in got["tasks"] if task["score"] < task["points"]]
    by_id = {task["id"]: task for task in got["tasks"]}
    for task_id, expected in sample.tasks.items():
        assert expected in (by_id[task_id]["status"], by_id[task_id]["misconception"]), by_id[task_id]


def test_mistakes_of_the_samples_earn_nothing(out: Path) -> None:
    for name, task_id in [
        ("zeros", "convolve"), ("zeros", "conv2d"), ("flipped-kernel", "convolve"),
        ("one-channel-only", "conv2d"), ("overlapping-splits", "data_splits"),
    ]:  # fmt: skip
        assert {task["id"]: task["score"] for task in results(out, name)["tasks"]}[task_id] == 0, (name, task_id)


def test_no_right_answer_is_named_as_a_mistake(out: Path) -> None:
    for name in ("reference", "other-styles"):
        assert [task for task in results(out, name)["tasks"] if task["misconception"]] == []


def test_rejected_samples_have_a_message_and_no_tasks(out: Path) -> None:
    for name in ("nothing-at-all", "wrong-file-names", "unreadable"):
        got = results(out, name)
        assert (got["status"], got["score"], got["tasks"]) == ("rejected", 0, [])
        assert "expected" in got["message"]


def test_the_tables_list_the_class(out: Path) -> None:
    with (out / "grades.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(SAMPLES)
    totals = {row["student"]: float(row["total"]) for row in rows}
    assert totals["reference"] == 100
    assert totals["untouched"] == 0
    assert "flipped-kernel" in (out / "report.html").read_text()


def test_files_for_students_name_no_path_of_this_machine(out: Path) -> None:
    for path in out.glob("*/*.*"):
        text = path.read_text(encoding="utf-8")
        assert str(ROOT) not in text, path
        assert "site-packages" not in text, path
        assert "\x1b" not in text, path


def test_the_network_of_a_student_is_drawn(out: Path) -> None:
    found = kept_figures(out / "reference", results(out, "reference")["submission_sha256"])
    network = found["fashion_accuracy"]
    assert sum(map(sum, network["confusion"])) == 10_000
    assert (len(network["filters"]), len(network["activations"])) == (32, 32)
    assert "Conv2d" in found["summarize"]
    assert found.keys() == {"fashion_accuracy", "summarize"}


def test_a_wrong_answer_on_a_public_example_is_drawn(out: Path) -> None:
    found = kept_figures(out / "flipped-kernel", results(out, "flipped-kernel")["submission_sha256"])
    assert found.keys() & {"convolve", "conv2d", "convolve_torch"} == {"convolve"}
    assert "data:image/png" in (out / "flipped-kernel" / "feedback.html").read_text()


@pytest.mark.parametrize("page", ["report.html", "zeros/feedback.html", "untouched/feedback.html"])
def test_pages_of_the_class_open_well(page: str, out: Path) -> None:
    open_page(out / page, PHONE).assert_sound()
    open_page(out / page, DESKTOP, dark=True).assert_sound()
