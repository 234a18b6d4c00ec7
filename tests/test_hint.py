"""`grader hint`: one more each time, remembered, and a notice at the last one."""

import json
from pathlib import Path

import pytest
from handout import grader, hand_out

from grader.course import course
from grader.public.memory import FILE, Memory
from grader.student.hints import next_hint

TASK = course().task("convolve")


def test_each_call_shows_one_more_hint_and_says_which_is_the_last(tmp_path: Path) -> None:
    shown = ["\n".join(next_hint(Memory.load(tmp_path), TASK)) for _ in TASK.hints]
    for number, (text, hint) in enumerate(zip(shown, TASK.hints, strict=True), 1):
        assert hint in text
        assert f"hint {number} of 3" in text
        assert [other for other in TASK.hints if other in text] == [hint]
    assert ["last" in text for text in shown] == [False, False, True]


def test_after_the_last_hint_all_are_shown_again(tmp_path: Path) -> None:
    Memory(tmp_path, hints={TASK.id: len(TASK.hints)}).save()
    text = "\n".join(next_hint(Memory.load(tmp_path), TASK))
    assert "no more hints" in text
    assert all(hint in text for hint in TASK.hints)


def test_hints_are_counted_per_task(tmp_path: Path) -> None:
    next_hint(Memory.load(tmp_path), TASK)
    assert course().task("conv2d").hints[0] in next_hint(Memory.load(tmp_path), course().task("conv2d"))[0]


def test_the_verb_remembers_between_two_calls(tmp_path: Path) -> None:
    folder = hand_out(tmp_path)
    first, second = grader(tmp_path, "hint", "conv2d"), grader(folder, "hint", "conv2d")
    assert (first.returncode, second.returncode) == (0, 0)
    assert "hint 1 of 3" in first.stdout
    assert "hint 2 of 3" in second.stdout
    assert json.loads((folder / FILE).read_text())["hints"] == {"conv2d": 2}


@pytest.mark.parametrize(("arguments", "word"), [(["hint", "convolv"], "convolv"), (["hint"], "TASK")])
def test_a_wrong_task_is_wrong_usage(tmp_path: Path, arguments: list[str], word: str) -> None:
    hand_out(tmp_path)
    done = grader(tmp_path, *arguments)
    assert (done.returncode, len(done.stderr.splitlines()), done.stdout) == (2, 1, "")
    assert word in done.stderr


@pytest.mark.parametrize("arguments", [["hint", "conv2d"], ["reset", "conv2d"], ["submit"], ["predict", "conv2d"]])
def test_a_folder_without_exercises_is_wrong_usage(tmp_path: Path, arguments: list[str]) -> None:
    done = grader(tmp_path, *arguments)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "expected a folder exercises/" in done.stderr


# what is remembered


def test_memory_comes_back_as_it_was_written(tmp_path: Path) -> None:
    memory = Memory(
        tmp_path, {"convolve": 2}, {"conv2d": {"right": 1, "asked": 3}}, {"output_size": "2026-01-02T03:04:05"}
    )
    memory.save()
    assert Memory.load(tmp_path) == memory


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"schema": 2}',
        "\x00",
        '{"schema": 1, "hints": [], "predictions": {}, "passed": {}}',
        '{"schema": 1, "hints": {"convolve": -1}, "predictions": {}, "passed": {}}',
        "[" * 100_000,
    ],
    ids=["empty", "cut", "list", "null", "another schema", "zero byte", "no object", "negative", "deep"],
)
def test_a_damaged_memory_is_set_aside_with_a_message(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    memory = Memory.load(tmp_path)
    assert (memory.hints, memory.predictions, memory.passed) == ({}, {}, {})
    assert f"{FILE}.damaged" in memory.remark
    assert (tmp_path / f"{FILE}.damaged").read_text() == text
    assert Memory.load(tmp_path).remark == ""


def test_the_verb_reports_a_damaged_memory(tmp_path: Path) -> None:
    (hand_out(tmp_path) / FILE).write_text("{")
    done = grader(tmp_path, "hint", "convolve")
    assert done.returncode == 0
    assert "hint 1 of 3" in done.stdout
    assert "could not be read" in done.stderr


def test_a_task_keeps_the_time_at_which_it_was_first_green(tmp_path: Path) -> None:
    memory = Memory(tmp_path, passed={"convolve": "2026-01-02T03:04:05"})
    memory.note(dict.fromkeys(("convolve", "conv2d"), ("green", "convolution")))
    assert memory.passed["convolve"] == "2026-01-02T03:04:05"
    assert set(Memory.load(tmp_path).passed) == {"convolve", "conv2d"}
