"""How checks become results, and how strictly values are compared."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from grader.checks import StudentFailure, StudentRaised
from grader.checks.assertions import (
    CheckFailed,
    assert_close,
    assert_number,
    assert_refused,
    assert_same_again,
    assert_values,
)
from grader.checks.student import Observation, Student
from grader.checks.values import describe
from grader.course import course
from grader.foreign import ForeignArray, Opaque
from grader.hidden import suites
from grader.hidden.helpers import reported_once
from grader.hidden.inputs import Rng
from grader.hidden.plugin import CheckPlugin, CheckReport, Job
from grader.hidden.session import Code, TaskSession
from grader.results import TaskResult
from grader.sandbox.client import WorkerEnded, WorkerTimedOut
from grader.sandbox.limits import Limits, Pace

HEAD = """
import pytest
from grader.checks import StudentFailure, core, detail, fail_check, refusal
"""


@dataclass
class FakeSession:
    """Answers every call by a function, and knows whether it was closed."""

    answer: Callable[..., Any] = lambda *_args: None
    started: bool = True
    trouble: StudentFailure | None = None
    closed: list[bool] = field(default_factory=list)
    data_root: Path = Path("/data")
    pace: Pace = field(default_factory=Pace)
    disturbed: bool = False
    uses: frozenset[str] = frozenset()

    def is_started(self) -> bool:
        if self.trouble is not None:
            raise self.trouble
        return self.started

    def call(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Observation:
        return Observation(self.answer(*args, **kwargs), args, ())

    def probe(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return self.answer(*args, **kwargs)

    def close(self) -> None:
        self.closed.append(True)


Check = Callable[..., tuple[TaskResult, tuple[str, ...]]]


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    """Return a function that runs a small suite for `convolve` and returns its result and the notes."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)

    def run(source: str, *sessions: FakeSession) -> tuple[TaskResult, tuple[str, ...]]:
        """Grade one submission after another, and return the report of the last."""
        sessions = sessions or (FakeSession(),)
        # A unique name, since modules are kept by name; without "test", since our own pytest would rewrite it.
        path = tmp_path / f"suite_{tmp_path.name}.py"
        path.write_text(HEAD + source, encoding="utf-8")
        answers: list[CheckReport] = []

        def job(session: FakeSession) -> Job:
            return Job("ada", 7, frozenset(["convolve"]), lambda _task: session, None)

        jobs = map(job, sessions)
        plugin = CheckPlugin(jobs, lambda _job, checked: answers.append(checked))
        arguments = [*suites.ARGUMENTS[:-1], "--rootdir", str(tmp_path), str(path)]
        assert pytest.main(arguments, plugins=[plugin]) == pytest.ExitCode.OK
        assert [session.closed for session in sessions] == [[True]] * len(sessions)
        answer = answers[-1]
        assert {task.status for task in answer.tasks if task.id != "convolve"} == {"skipped"}
        return next(task for task in answer.tasks if task.id == "convolve"), answer.notes

    return run


def suite(*checks: str) -> str:
    """Return a suite of checks, each given as "core: statement" or "detail: statement"."""
    return "".join(
        f'@{kind}("convolve", "check {number}")\ndef test_{number}(student, rng, credit, note, praise):\n    {body}\n'
        for number, (kind, body) in enumerate(one.split(": ", 1) for one in checks)
    )


def test_a_task_whose_checks_all_hold_passes_with_praise(check: Check) -> None:
    result, _ = check(suite("core: pass", "detail: praise('Well seen.')"))
    assert (result.status, result.score, result.message) == ("passed", 8, "All checks passed. Well seen.")


def run_alone(path: Path, plugin: CheckPlugin) -> None:
    pytest.main([*suites.ARGUMENTS[:-1], "--rootdir", str(path.parent), str(path)], plugins=[plugin])


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import nowhere_to_be_found", "to be imported, got .*nowhere_to_be_found"),
        ("", "expected checks of convolve, got none"),
    ],
)
def test_missing_checks_grade_nobody(source: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / f"suite_{tmp_path.name}.py"
    path.write_text(HEAD + source, encoding="utf-8")
    answers: list[object] = []
    jobs = [Job("ada", 7, frozenset(["convolve"]), lambda _task: FakeSession(), None)]  # type: ignore[arg-type,return-value]
    plugin = CheckPlugin(iter(jobs), lambda _job, checked: answers.append(checked))
    run_alone(path, plugin)
    assert answers == []
    assert re.search(why, str(plugin.grader_trouble))


def test_a_failed_detail_costs_its_share(check: Check) -> None:
    result, _ = check(suite("core: pass", "detail: assert False, 'too small'", "detail: pass"))
    assert (result.status, result.score, result.message) == ("partial", 5.33, "too small")
    assert [one.passed for one in result.checks] == [True, False, True]


def test_the_first_failed_core_check_decides(check: Check) -> None:
    result, _ = check(suite("detail: assert False, 'a detail'", "core: assert False, 'the core'", "core: assert False"))
    assert (result.status, result.score, result.message) == ("failed", 0, "the core")


def test_a_named_detail_never_outranks_a_core_check_without_a_name(check: Check) -> None:
    result, _ = check(suite("core: assert False, 'unknown'", "detail: fail_check('turned?', 'flipped-kernel')"))
    assert (result.misconception, result.message) == (None, "unknown")


def test_the_heaviest_named_detail_is_the_message(check: Check) -> None:
    named = ["fail_check('turned?', 'flipped-kernel')", "fail_check('forgotten?', 'ignores-bias')"]
    source = suite("core: pass", "detail: assert False, 'unknown'", *(f"detail: {one}" for one in named))
    result, _ = check(source.replace('"check 3"', '"check 3", weight=2').replace('"check 1"', '"check 1", weight=3'))
    assert (result.misconception, result.message, result.status) == ("ignores-bias", "forgotten?", "partial")
    assert result.score == pytest.approx(8 / 7, abs=0.01)


def test_refusals_together_cost_a_tenth(check: Check) -> None:
    source = suite("core: pass", "detail: pass", "refusal: assert False, 'taken'", "refusal: assert False, 'taken'")
    result, _ = check(source)
    assert (result.score, result.checks[-1].name) == (7.2, "refuses check 3")
    assert [round(one.weight, 3) for one in result.checks] == [0.45, 0.45, 0.05, 0.05]


def test_a_hanging_neighbour_affects_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that ends early leaves the rest of its file; the next file's checks must still run."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    slow = (
        "raise StudentFailure('timed_out', 'slow') if student.call('convolve') == 'slow' else AssertionError('wrong')"
    )
    for task_id, body in {"convolve": slow, "conv2d": "assert False, 'wrong'"}.items():
        checks = suite(*[f"core: {body}"] * 3).replace('"convolve", "check', f'"{task_id}", "check')
        (tmp_path / f"suite_{tmp_path.name}_{task_id}.py").write_text(HEAD + checks, encoding="utf-8")
    answers: list[CheckReport] = []
    jobs = [
        Job("ada", 7, frozenset(["convolve", "conv2d"]), lambda _, word=word: FakeSession(lambda *_: word), None)  # type: ignore[misc]
        for word in ("slow", "wrong", "slow")
    ]
    plugin = CheckPlugin(iter(jobs), lambda _job, checked: answers.append(checked))
    files = sorted(map(str, tmp_path.glob("suite_*.py")))
    assert pytest.main([*suites.ARGUMENTS[:-1], "--rootdir", str(tmp_path), *files], plugins=[plugin]) == 0
    said = [[(task.status, task.score) for task in one.tasks if task.id in ("convolve", "conv2d")] for one in answers]
    assert said == [
        [("timed_out", 0), ("failed", 0)],
        [("failed", 0), ("failed", 0)],
        [("timed_out", 0), ("failed", 0)],
    ]
    assert not any(check.passed for one in answers for task in one.tasks for check in task.checks)


def test_a_check_that_does_not_finish_is_a_grader_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    source = "@pytest.fixture\ndef broken():\n    raise RuntimeError\n\n" + suite("core: pass", "core: pass")
    path = tmp_path / f"suite_{tmp_path.name}.py"
    path.write_text(HEAD + source.replace("test_1(student", "test_1(broken, student"), encoding="utf-8")
    emitted: list[CheckReport] = []
    job = Job("ada", 7, frozenset(["convolve"]), lambda _task: FakeSession(), None)
    plugin = CheckPlugin(iter([job]), lambda _job, checked: emitted.append(checked))
    pytest.main([*suites.ARGUMENTS[:-1], "--rootdir", str(tmp_path), str(path)], plugins=[plugin])
    assert "'check 1' did not run to its end" in str(plugin.grader_trouble)
    assert emitted == []


CATCHES = "for _ in range(999):\n        with contextlib.suppress(Exception): sum(range(10**6))"


@pytest.mark.parametrize("busy", ["sum(range(10**8))", CATCHES])
def test_a_check_that_computes_too_long_is_stopped(check: Check, busy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.hidden.plugin.CHECK_SECONDS", 0.3)
    result, _ = check("import contextlib\n" + suite("core: pass", f"detail: {busy}", "detail: pass"))
    assert (result.status, [one.passed for one in result.checks]) == ("partial", [True, False, True])
    assert "too long to check" in result.message


def test_what_a_check_keeps_reaches_the_next_check_of_the_task(check: Check) -> None:
    keeps, looks = "student.kept['seen'] = 3", "assert student.kept == {'seen': 3}, 'forgot'"
    result, _ = check(suite("core: assert not student.kept", f"core: {keeps}", f"core: {looks}"))
    assert (result.status, result.message) == ("passed", "All checks passed.")


def test_credit_is_the_share_of_points_even_if_a_detail_fails(check: Check) -> None:
    result, _ = check(suite("core: credit(0.25)", "detail: assert False, 'below 90 %'"))
    assert (result.status, result.score) == ("partial", 2)


def test_credit_is_lost_with_a_core_check(check: Check) -> None:
    result, _ = check(suite("core: credit(1.0)", "core: assert False, 'no'"))
    assert (result.status, result.score) == ("failed", 0)


@pytest.mark.parametrize("status", ["crashed", "timed_out", "out_of_memory", "protocol"])
def test_a_death_in_a_core_check_is_the_status(check: Check, status: str) -> None:
    result, _ = check(suite("detail: pass", f"core: raise StudentFailure({status!r}, 'it ended')"))
    assert (result.status, result.score, result.message) == (status, 0, "it ended")


def test_a_death_in_a_detail_makes_the_task_partial(check: Check) -> None:
    result, _ = check(suite("core: pass", "detail: raise StudentFailure('timed_out', 'too slow')"))
    assert (result.status, result.score, result.message) == ("partial", 4, "too slow")


def test_after_a_core_check_times_out_no_other_runs(check: Check) -> None:
    result, notes = check(suite("core: raise StudentFailure('timed_out', 'slow')", "core: note('it was run')"))
    assert [one.passed for one in result.checks] == [False, False]
    assert notes == ()


def test_an_unexpected_exception_fails_only_that_check_and_leaves_a_note(check: Check) -> None:
    result, notes = check(suite("core: pass", "detail: {}['no such key']", "detail: pass"))
    assert [one.passed for one in result.checks] == [True, False, True]
    assert "cannot be checked" in result.message
    assert notes == ("convolve: a check stopped with KeyError: 'no such key'",)


def test_a_stub_is_not_started_and_no_check_runs(check: Check) -> None:
    result, notes = check(suite("core: note('it was run')"), FakeSession(started=False))
    assert (result.status, result.score, result.checks, notes) == ("not_started", 0, (), ())


def test_a_module_that_cannot_run_gives_its_status(check: Check) -> None:
    result, _ = check(suite("core: pass"), FakeSession(trouble=StudentFailure("missing", "no such file")))
    assert (result.status, result.score, result.message) == ("missing", 0, "no such file")


def test_names_of_checks_are_filled_in(check: Check) -> None:
    source = """
@core("convolve", "takes {size} pixels")
@pytest.mark.parametrize("size", [5, 7])
def test_size(student, size):
    assert student.call("convolve", size) == size
"""
    result, _ = check(source, FakeSession(answer=lambda size: size))
    assert [one.name for one in result.checks] == ["takes 5 pixels", "takes 7 pixels"]
    assert result.status == "passed"


def test_messages_are_cut_and_escaped(check: Check) -> None:
    result, _ = check(suite("core: assert False, chr(27) + 'x' * 10_000"))
    assert result.message.startswith("\\x1bxxx")
    assert len(result.message) == 500


class Failing:
    """A worker that does not answer."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def ask(self, *_: Any) -> None:
        raise self.error


def test_a_failing_separate_worker_ends_alone_and_disturbances_are_kept() -> None:
    own, apart, retired = Failing(WorkerEnded("ended")), Failing(WorkerTimedOut(starved=True)), []
    pool = SimpleNamespace(place=SimpleNamespace(data_inside=None), take=lambda _: apart, retire=retired.append)
    session = TaskSession(pool, Limits(), Code({}, {}, {}), course().task("convolve"))  # type: ignore[arg-type]
    session._worker = own  # type: ignore[assignment]
    with pytest.raises(StudentFailure, match="expected an answer within"):
        session.in_clean_worker("keeping.kept", (), {})
    assert retired == [apart]
    with pytest.raises(StudentFailure, match="the process ended"):
        session.call("convolve", (), {})
    assert retired == [apart, own]
    assert session.disturbed


def test_inputs_depend_on_the_seed_and_on_the_check() -> None:
    first, again, other, elsewhere = Rng(1, "a"), Rng(1, "a"), Rng(2, "a"), Rng(1, "b")
    drawn = first.floats(3, 5)
    assert torch.equal(drawn, again.floats(3, 5))
    assert not torch.equal(drawn, other.floats(3, 5))
    assert not torch.equal(drawn, elsewhere.floats(3, 5))


RIGHT = torch.tensor([[1.5, -2.0, 3.0], [0.0, 7.0, 0.25]])


@pytest.mark.parametrize(
    "got",
    [RIGHT, RIGHT + 3e-5 * torch.tensor([[1.0, -1.0, 1.0]] * 2), RIGHT.clone().requires_grad_().detach()],
    ids=["equal", "rounded", "copied"],
)
def test_equal_values_are_close(got: Tensor) -> None:
    assert_close(got, RIGHT, "f")


@pytest.mark.parametrize(
    ("got", "words"),
    [
        (None, "None"),
        (RIGHT.tolist(), "list"),
        (ForeignArray("ndarray", "float32", (2, 3)), "ndarray"),
        (Opaque("Tensor"), "Tensor"),
        (2.0, "float"),
        (RIGHT[:1], "shape (2, 3), got (1, 3)"),
        (RIGHT[None], "got (1, 2, 3)"),
        (torch.tensor(1.5), "got ()"),
        (torch.empty(0), "got (0,)"),
        (RIGHT.double(), "dtype torch.float32, got torch.float64"),
        (RIGHT.long(), "values are not"),
        (RIGHT.bool(), "values are not"),
        (ForeignArray("numpy.ndarray", "float32", (2, 3), RIGHT), "got a numpy.ndarray"),
        (torch.where(RIGHT == 7, torch.nan, RIGHT), "NaN or infinity, first at index [1, 1]"),
        (torch.where(RIGHT == 7, torch.inf, RIGHT), "NaN or infinity"),
        (RIGHT + torch.tensor([[0, 0, 0], [0, 0, 1e-2]]), "1 of 6 values are not, first at index [1, 2]"),
        (torch.zeros(2, 3), "5 of 6 values"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_differences_are_reported_without_the_expected_values(got: object, words: str) -> None:
    with pytest.raises(CheckFailed) as caught:
        assert_close(got, RIGHT, "f")
    assert words in caught.value.message
    assert caught.value.message.startswith("f: ")
    assert "1.5" not in caught.value.message


def test_float64_is_compared_more_strictly() -> None:
    with pytest.raises(CheckFailed):
        assert_close(RIGHT.double() * (1 + 1e-7), RIGHT.double(), "f")


def test_an_answer_of_zeros_is_never_close_to_small_numbers() -> None:
    with pytest.raises(CheckFailed):
        assert_close(torch.zeros(5), torch.full((5,), 1e-4), "f")


@pytest.mark.parametrize("got", [1, 1.0, torch.tensor(1), torch.tensor([1.0])])
def test_an_integer_counts_whatever_holds_it(got: object) -> None:
    assert_number(got, 1, "f")


@pytest.mark.parametrize("got", [True, 1.5, "1", None, 2, torch.ones(2)])
def test_anything_else_is_a_different_number(got: object) -> None:
    with pytest.raises(CheckFailed):
        assert_number(got, 1, "f")


@pytest.mark.parametrize("got", [RIGHT.double(), ForeignArray("numpy.ndarray", "float32", (2, 3), RIGHT)])
def test_numbers_count_whatever_holds_them(got: object) -> None:
    assert_values(got, RIGHT, "f")
    with pytest.raises(CheckFailed):
        assert_values(got, RIGHT + 1, "f")


@pytest.mark.parametrize(
    ("got", "wanted", "name"),
    [
        (RIGHT.double(), RIGHT, "promotes-to-float64"),
        (RIGHT, RIGHT.double(), "loses-float64"),
        (RIGHT.double() * (1 + 1e-7), RIGHT.double(), "loses-float64"),
        (ForeignArray("numpy.ndarray", "float32", (2, 3), RIGHT), RIGHT, "numpy-array"),
        (RIGHT.double() + 1, RIGHT, None),
    ],
)
def test_what_holds_right_numbers_is_named(got: object, wanted: Tensor, name: str | None) -> None:
    with pytest.raises(CheckFailed) as caught:
        assert_close(got, wanted, "f")
    assert caught.value.misconception == name


def counting_on() -> Callable[[Tensor], Tensor]:
    total = torch.zeros(2)

    def answer(values: Tensor) -> Tensor:
        return total.add_(values.double()).float() if len(values) == 2 else values

    return answer


def test_a_function_that_remembers_is_noticed() -> None:
    calls = [(torch.ones(2),), (torch.full((2,), 3.0),), (torch.ones(3),)]
    assert_same_again(Student(FakeSession(answer=lambda values: values), None), "f", calls, lambda values: values)
    with pytest.raises(CheckFailed, match="remember"):
        assert_same_again(Student(FakeSession(answer=counting_on()), None), "f", calls, lambda values: values)


def raising(*type_names: str, after: tuple[Any, ...] = ()) -> Student:
    def answer(*_args: object) -> None:
        raise StudentRaised("crashed", "f: it raised", type_names, args_after=after)

    return Student(FakeSession(answer=answer), None)


def test_a_refusal_counts_by_any_of_its_base_classes() -> None:
    assert_refused(raising("TooLarge", "ValueError", "Exception"), "f", 3)


@pytest.mark.parametrize("name", ["ValueError", "TypeError", "RuntimeError", "IndexError"])
def test_errors_that_python_and_pytorch_raise_are_refusals(name: str) -> None:
    assert_refused(raising(name, "Exception"), "f", RIGHT)


def test_an_unsupported_dtype_in_pytorch_is_a_refusal() -> None:
    def answer(*_: object) -> None:
        text = "f: NotImplementedError: \"bincount_cpu\" not implemented for 'Float'"
        raise StudentRaised("crashed", text, ("NotImplementedError", "RuntimeError"))

    assert_refused(Student(FakeSession(answer=answer), None), "f", 3)


def test_a_refusal_does_not_change_its_arguments() -> None:
    assert_refused(raising("ValueError", after=(RIGHT.clone(),)), "f", RIGHT)
    with pytest.raises(CheckFailed) as caught:
        assert_refused(raising("ValueError", after=(RIGHT + 1,)), "f", RIGHT)
    assert caught.value.misconception == "modifies-input"


@pytest.mark.parametrize(
    ("student", "words"),
    [(raising("KeyError", "LookupError", "Exception"), "got KeyError"),
     (raising("NotImplementedError", "RuntimeError", "Exception"), "got NotImplementedError"),
     (Student(FakeSession(answer=lambda *_: 3), None), "got an answer")],
    ids=["another exception", "not written", "an answer"],
)  # fmt: skip
def test_a_missing_refusal_is_reported(student: Student, words: str) -> None:
    with pytest.raises(CheckFailed, match=words):
        assert_refused(student, "f", 3)


def test_a_dead_process_is_not_a_refusal() -> None:
    def answer(*_args: object) -> None:
        raise StudentFailure("timed_out", "too slow")

    with pytest.raises(StudentFailure):
        assert_refused(Student(FakeSession(answer=answer), None), "f", 3)


@pytest.mark.parametrize("value", [None, 1, "a", RIGHT, np.zeros(3), ForeignArray("ndarray", "int64", (3,))])
def test_any_value_has_a_description(value: object) -> None:
    assert describe(value)


def wrong(task_id: str, score: float = 0.0, name: str | None = "flipped-kernel", status: str = "failed") -> TaskResult:
    return TaskResult(task_id, 8.0, score, status, name, f"{task_id}: wrong", 0.1)  # type: ignore[arg-type]


def told(helper: TaskResult, result: TaskResult, *used: str) -> TaskResult:
    tasks = [course().task(helper.id), course().task(result.id)]
    uses = dict(zip(tasks, (frozenset[str](), frozenset(used)), strict=True))
    return reported_once(dict(zip(tasks, (helper, result), strict=True)), uses)[tasks[1]]


def test_a_wrong_helper_is_reported_once() -> None:
    got = told(wrong("convolve"), wrong("conv2d", name="ignores-bias"), "convolve", "torch")
    assert (got.misconception, got.score) == (None, 0)
    assert "your convolve" in got.message
    assert told(wrong("data_splits"), wrong("data_loaders")).misconception is None  # one class
    assert told(wrong("convolve", 7, "loses-float64", "partial"), wrong("conv2d", 9, "loses-float64", "partial"),
                "convolve").misconception is None  # fmt: skip


@pytest.mark.parametrize(
    ("helper", "result", "used"),
    [
        (wrong("convolve"), wrong("conv2d"), "torch"),
        (wrong("convolve", 8, None, "passed"), wrong("conv2d"), "convolve"),
        (wrong("convolve", 7, None, "partial"), wrong("conv2d"), "convolve"),
        (wrong("convolve"), wrong("conv2d", 5, "ignores-bias", "partial"), "convolve"),
        (wrong("eval_transform", 0, "not-normalised"), wrong("data_loaders", 0, "not-normalised"), "eval_transform"),
        (wrong("fashion_cnn", 0, "too-many-parameters"), wrong("fashion_accuracy", 0, "too-many-parameters"), "torch"),
    ],
    ids=["not used", "helper right", "helper right in part", "right in part", "another module", "the same functions"],
)
def test_a_tasks_own_mistake_is_reported(helper: TaskResult, result: TaskResult, used: str) -> None:
    assert told(helper, result, used) == result
