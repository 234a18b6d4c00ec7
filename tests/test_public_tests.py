"""`pytest exercises/` as a student sees it: on the stubs, on a solved set, and on everything that goes wrong."""

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import warm
from copies import replace_text

from grader import paths
from grader.authoring.release import release_stubs
from grader.course import course
from grader.public import explain
from grader.public.memory import FILE, Memory
from grader.public.progress import Outcome, TaskProgress, next_task, score_line
from grader.stubs import not_written

pytestmark = pytest.mark.slow

ALL = len(course().tasks)


@dataclass(frozen=True)
class Run:
    """The result of `pytest`: its exit status and output."""

    status: int
    output: str

    def state(self, task_id: str) -> str:
        """Return the printed state of a task."""
        found = re.search(rf"^  (\w+(?: \w+)?) +{task_id} +\d+  ", self.output, re.MULTILINE)
        assert found, self.output
        return found[1]

    @property
    def text(self) -> str:
        """Return the output with single spaces, wherever lines were wrapped."""
        return " ".join(self.output.split())


def run(root: Path, *arguments: str, folder: str = ".") -> Run:
    """Run the public checks in a copy of the kit."""
    environment = {**os.environ, "CNN_DATA": str(paths.DATA), "PYTHONPATH": str(paths.ROOT), "COLUMNS": "100"}
    environment.pop("PYTEST_ADDOPTS", None)
    done = warm.run("pytest", "-p", "no:cacheprovider", *arguments, cwd=root / folder, env=environment)
    return Run(done.returncode, done.stdout + done.stderr)


def kit(root: Path, *, solved: bool) -> Path:
    """Make a student's folder, with the repository's own settings for pytest."""
    release_stubs(root)
    shutil.copy(paths.ROOT / "pyproject.toml", root)
    if solved:
        for path in paths.SOLUTIONS.glob("[a-z]*"):
            if path.is_file():
                shutil.copy(path, root / "exercises")
    return root


def edit(root: Path, module: str, old: str, new: str) -> None:
    replace_text(root / "exercises" / f"{module}.py", old, new)


def rewrite(root: Path, module: str, signature: str, body: str) -> None:
    """Replace the body of a function's stub."""
    path = root / "exercises" / f"{module}.py"
    start, stub = path.read_text(encoding="utf-8").split(f"def {signature}", 1)
    stub = re.sub(r"# TODO: your code here\n    raise NotImplementedError\(.*?\)\n", f"{body}\n", stub, count=1)
    path.write_text(f"{start}def {signature}{stub}", encoding="utf-8")


# the stubs


@pytest.fixture(scope="module")
def stubs(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(kit(tmp_path_factory.mktemp("stubs"), solved=False), "exercises/")


def test_on_the_stubs_every_task_is_not_started_in_teaching_order(stubs: Run) -> None:
    printed = re.findall(r"^  not started +(\w+) ", stubs.output, re.MULTILINE)
    assert printed == [task.id for task in course().tasks]


def test_on_the_stubs_the_exit_status_is_not_0(stubs: Run) -> None:
    assert stubs.status == 1


def test_on_the_stubs_there_is_a_progress_line_and_one_next_thing(stubs: Run) -> None:
    assert f"0 of {ALL} tasks green, 0 of 100 points in reach of the public checks; {ALL} not started." in stubs.text
    assert re.search(r"Next: output_size, 3 points: exercises/convolution.py, line \d+", stubs.output)
    assert "pytest exercises -k output_size" in stubs.output


def test_code_above_the_line_of_the_stub_is_not_called_unwritten() -> None:
    task = course().task("conv2d")
    reached = [Outcome("unwritten", not_written("conv2d", "convolution"))]
    left = TaskProgress(task, 3, frozenset(), reached)
    assert (left.state, left.message) == (
        "unfinished", "conv2d: there is code, and still the stub's `raise NotImplementedError`. Delete that line.",
    )  # fmt: skip
    assert TaskProgress(task, 3, frozenset({"conv2d"}), reached).state == "not started"


def test_a_measure_below_its_goal_is_partial() -> None:
    task = course().task("fashion_accuracy")
    measured = Outcome("green", note="88.20 % of the images: 8.2 of 10 points; 0.80 % more earn 9.", share=0.82)
    below = TaskProgress(task, 1, frozenset(), [measured])
    assert (below.state, below.message) == ("partial", measured.note)
    assert score_line([below], 1).startswith("0 of 1 tasks green, 8.2 of 10 points in reach")
    failed = TaskProgress(course().task("conv2d"), 1, frozenset(), [Outcome("failed", "wrong")])
    assert next_task([below, failed]) is failed
    assert next_task([below]) is below


def test_on_the_stubs_there_is_no_noise(stubs: Run) -> None:
    for noise in (
        "Traceback",
        "NotImplementedError",
        "SKIPPED",
        "FAILED",
        "skipped",
        "failed",
        "Error",
        "arning",
        "xfail",
    ):
        assert noise not in stubs.output
    assert stubs.output.count("\n") < 55


def test_hidden_checks_are_announced(stubs: Run) -> None:
    assert "Your points come from hidden checks. They test more" in stubs.text


# a solved set


@pytest.fixture(scope="module")
def solved_kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return kit(tmp_path_factory.mktemp("solved"), solved=True)


@pytest.fixture(scope="module")
def solved(solved_kit: Path) -> Run:
    if not (paths.SOLUTIONS / "fashion_cnn.safetensors").is_file():
        pytest.skip("the reference's weights are not there")
    return run(solved_kit, "exercises/")


def test_on_a_solved_set_every_task_is_green(solved: Run) -> None:
    assert re.findall(r"^  green +(\w+) ", solved.output, re.MULTILINE) == [task.id for task in course().tasks]
    assert solved.status == 0
    assert f"{ALL} of {ALL} tasks green, 100 of 100 points in reach of the public checks." in solved.text


def test_a_solved_set_is_not_said_to_be_all_right(solved: Run) -> None:
    assert "hidden checks" in solved.text
    assert not re.search(
        r"correct|perfect|well done|congrat|all (is )?right|finished|complete", solved.text, re.IGNORECASE
    )


def test_the_accuracy_is_shown(solved: Run) -> None:
    assert re.search(r"\d\d\.\d\d % of the 10,000 test images", solved.text)


@pytest.mark.slow
def test_between_the_thresholds_the_accuracy_is_partial(solved_kit: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    term = solved_kit / "term.toml"
    term.write_text("[thresholds]\nnone = 0.8\nfull = 0.98\n")
    monkeypatch.setenv("GRADER_TERM", str(term))
    got = run(solved_kit, "exercises/test_model.py", "-k", "fashion_accuracy")
    assert got.status == 1
    assert got.state("fashion_accuracy") == "partial"
    assert re.search(
        r"9\d\.\d\d % of the 10,000 test images: [67]\.\d of 10 points; \d\.\d\d % more earn [78]\.", got.text
    )
    assert re.search(r"0 of 1 tasks green, [67]\.\d of 10 points in reach of the public checks; 1 partial\.", got.text)


# between


@pytest.fixture(scope="module")
def half_done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = kit(tmp_path_factory.mktemp("between"), solved=False)
    for name in ("convolution.py", "model.py", "data_module.py", "summary.py"):
        shutil.copy(paths.SOLUTIONS / name, root / "exercises")
    edit(root, "convolution", "result += kernel[a, b]", "result += kernel.flip(0, 1)[a, b]")
    edit(root, "convolution", "return F.conv2d(image[None", "return [][3]\n    return F.conv2d(image[None")
    edit(root, "convolution", 'check_tensor("conv2d: input"', 'return\n    check_tensor("conv2d: input"')
    edit(root, "convolution", "side = math.ceil(", 'print("x" * 9999)\n    while True: pass\n    side = math.ceil(')
    edit(root, "summary", "def unfreeze(", "def thaw(")
    edit(root, "model", "images, labels = batch", "while True: pass")
    rewrite(root, "transforms", "tensor_to_image(", "import warnings\n    warnings.warn('noise')\n    return tensor")
    with (root / "exercises" / "exploration.py").open("a", encoding="utf-8") as file:
        file.write("\nx = (1,\n")
    return root


@pytest.fixture(scope="module")
def between(half_done: Path) -> Run:
    return run(half_done, "exercises", "--timeout=4", "--all")


def test_a_wrong_answer_is_shown_with_a_question(between: Run) -> None:
    assert between.state("convolve") == "failed"
    assert "at [0, 0]: expected -1, got 5 (6 of 6 values differ)." in between.text
    assert between.status == 1


def test_a_known_mistake_is_named(between: Run) -> None:
    assert "Which of its corners meets the image's first pixel? (flipped-kernel)" in between.text
    assert between.text.count("(flipped-kernel)") == 1


def test_both_answers_are_drawn_below_the_message(between: Run) -> None:
    assert re.search(r"\(flipped-kernel\)\n +│ expected +got +difference\n +│ .*\n +│ ", between.output)


def test_a_missing_return_is_named(between: Run) -> None:
    assert "expected an answer, got None. Is the `return` missing?" in between.text


def test_an_error_comes_with_its_line(between: Run) -> None:
    words = r"convolve_torch: expected an answer, got IndexError: list index out of range \(exercises/convolution.py, "
    assert re.search(words, between.text)


def test_a_hang_is_ended_and_reported(between: Run) -> None:
    assert between.state("plot_activations") == "failed"
    assert "expected an answer within 4 seconds, got none, so this check was stopped." in between.text


def test_a_hang_in_a_training_step_costs_its_own_task_only(between: Run) -> None:
    assert between.state("lightning_steps") == "failed"
    assert between.text.count("got none, so this check was stopped") == 2
    assert "++" not in between.output  # no stacks of threads


def test_a_module_that_cannot_be_read_costs_its_own_tasks_only(between: Run) -> None:
    states = {between.state(task.id) for task in course().tasks if task.module == "exploration"}
    assert states == {"failed"}
    assert between.output.count("exercises/exploration.py cannot be read") == 1
    assert re.search(r"line \d+: '\(' was never closed \(SyntaxError\)", between.text)
    assert between.state("build_baseline") == "green"


def test_a_missing_function_is_named(between: Run) -> None:
    assert between.state("freeze") == "failed"
    assert "exercises/summary.py: expected unfreeze, got nothing of that name." in between.text


def test_a_task_that_needs_a_stub_waits(between: Run) -> None:
    assert between.state("data_splits") == "waiting"
    assert (
        "eval_transform is not written yet: exercises/transforms.py" in between.text
        or "train_transform is" in between.text
    )


def test_the_accuracy_waits_for_steps_that_do_not_end(between: Run) -> None:
    assert between.state("fashion_accuracy") == "waiting"


@pytest.mark.slow
def test_missing_weights_are_not_wrong(tmp_path: Path) -> None:
    root = kit(tmp_path, solved=True)
    (root / "exercises" / "fashion_cnn.safetensors").unlink()
    got = run(root, "exercises/test_model.py", "-k", "fashion_accuracy")
    assert got.state("fashion_accuracy") == "not started"
    assert "python -m exercises.train writes it" in got.text


def test_prints_and_warnings_stay_out(between: Run) -> None:
    assert "xxxx" not in between.output
    assert "noise" not in between.output
    assert "Traceback" not in between.output


def test_a_started_task_comes_next(between: Run) -> None:
    assert "Next: convolve, 8 points" in between.output


# one thing at a time

THREE_MODULES = ("exercises/test_convolution.py", "exercises/test_exploration.py", "exercises/test_summary.py")


@pytest.fixture(scope="module")
def one(half_done: Path) -> Run:
    return run(half_done, *THREE_MODULES, "--timeout=4")


def test_only_the_first_failure_in_teaching_order_is_shown(one: Run) -> None:
    assert one.state("convolve") == "failed"
    assert "at [0, 0]: expected -1, got 5 (6 of 6 values differ)." in one.text
    for other in ("got None", "IndexError", "cannot be read", "of that name", "was stopped"):
        assert other not in one.text


def test_the_message_is_below_the_headline_of_the_next_task(one: Run) -> None:
    below = one.output.split("\nNext: convolve, 8 points")[1].splitlines()[1]
    assert below.startswith("      convolve of a 3 x 4 image")


def test_the_number_of_other_failures_is_shown_with_how_to_see_them(one: Run) -> None:
    states = re.findall(r"^  (failed|unfinished) +\w+ +\d+ ", one.output, re.MULTILINE)
    assert f"({len(states) - 1} more of those tasks are not right yet: add --all" in one.text


def test_a_traceback_is_shown_on_request_and_only_for_one_failure(half_done: Path) -> None:
    got = run(half_done, "exercises/test_convolution.py", "--timeout=4", "--traceback")
    assert got.output.count("CheckFailed: ") == 1
    assert "test_convolve_gives_the_numbers_worked_by_hand" in got.output
    everything = run(half_done, "exercises/test_convolution.py", "--timeout=4", "--traceback", "--all")
    assert "IndexError" in everything.output
    assert everything.output.count("test_c") > got.output.count("test_c")


def test_a_students_own_failing_test_shows_its_traceback(half_done: Path) -> None:
    own = half_done / "exercises" / "test_mine.py"
    own.write_text("def test_mine():\n    assert 1 == 2\n")
    try:
        got = run(half_done, "exercises/test_convolution.py", str(own), "-k", "convolve or mine", "--traceback")
    finally:
        own.unlink()
    assert "INTERNALERROR" not in got.output
    assert "assert 1 == 2" in got.output
    assert got.output.count("CheckFailed: ") == 1


def test_without_the_request_there_is_no_traceback(one: Run) -> None:
    assert "CheckFailed" not in one.output
    assert "test_convolve_gives" not in one.output


# what is remembered


def test_green_tasks_are_remembered_and_others_are_not(half_done: Path, one: Run) -> None:
    assert one.state("output_size") == "green"
    passed = Memory.load(half_done / "exercises").passed
    assert "output_size" in passed
    assert not {"convolve", "conv2d", "freeze"} & set(passed)


def test_some_of_its_checks_do_not_make_a_task_green(half_done: Path) -> None:
    got = run(half_done, "exercises/test_convolution.py", "-k", "sums_over_each_window")
    assert got.state("convolve") == "green"
    assert "convolve" not in Memory.load(half_done / "exercises").passed


def test_a_damaged_memory_is_set_aside_with_a_message(half_done: Path) -> None:
    path = half_done / "exercises" / FILE
    path.write_text("{")
    got = run(half_done, "exercises/test_convolution.py", "-k", "output_size")
    assert f"{FILE} could not be read" in got.text
    assert set(Memory.load(half_done / "exercises").passed) == {"output_size"}


# ways to call it


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = kit(tmp_path_factory.mktemp("begun"), solved=False)
    rewrite(
        root, "convolution", "output_size(", "return (size + 2 * padding - dilation * (kernel_size - 1) - 1) // stride"
    )
    rewrite(root, "convolution", "convolve_torch(", "while True: pass")
    return root


def test_one_file_from_within_the_folder(begun: Path) -> None:
    got = run(begun, "test_convolution.py", "-k", "output_size", folder="exercises")
    assert got.state("output_size") == "failed"
    assert "Of what you asked for: 0 of 1 tasks green, 0 of 3 points" in got.text
    assert "\n      pytest -k output_size\n" in got.output


def test_a_traceback_is_shown_where_requested(begun: Path) -> None:
    got = run(begun, "exercises", "-x", "--tb=short", "-k", "output_size or convolve")
    assert "= FAILURES =" in got.output
    assert "stopping after 1 failures" in got.output
    assert "not run" in got.text


def test_verbose_lists_each_check(begun: Path) -> None:
    got = run(begun, "exercises/test_summary.py", "-v")
    assert re.search(r"test_summary.py::test_freeze_reaches_every_depth NOT STARTED", got.output)
    assert got.state("freeze") == "not started"


def test_quiet_says_only_how_far_it_is(begun: Path) -> None:
    got = run(begun, "exercises/test_summary.py", "-q")
    assert "0 of 4 tasks green" in got.text
    assert "Freeze and unfreeze" not in got.output


def test_if_no_signal_can_stop_a_hang_the_run_ends_and_says_so(begun: Path) -> None:
    got = run(begun, "exercises", "-k", "convolve_torch or summarize", "--timeout=4", "--timeout-method=thread")
    assert got.state("convolve_torch") == "failed"
    assert "On this computer that ends the whole run: later tasks were not checked." in got.text
    assert "1 not run" in got.text
    assert got.status == 1


def test_an_endless_import_is_waited_for_once(begun: Path, tmp_path: Path) -> None:
    shutil.copytree(begun, tmp_path / "kit")
    with (tmp_path / "kit" / "exercises" / "summary.py").open("a", encoding="utf-8") as file:
        file.write("\nwhile True:\n    pass\n")
    got = run(tmp_path / "kit", "exercises/test_summary.py", "--timeout=4")
    assert got.text.count("within 4 seconds") == 1
    assert {"failed", "not started"} == {got.state(task.id) for task in course().tasks if task.module == "summary"}


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("    x = [1, 2\n", ["│ x = [1, 2", "│     ^"]),
        ("  if x = 3:\n", ["│ if x = 3:", "│    ^"]),
    ],
)
def test_a_line_that_cannot_be_read_is_pointed_at(line: str, shown: list[str]) -> None:
    with pytest.raises(SyntaxError) as caught:
        compile(f"def f():\n{line}", "convolution.py", "exec")
    assert explain._pointed_at(caught.value).strip().splitlines() == shown


def test_a_name_that_is_nearly_there_is_asked_about(tmp_path: Path) -> None:
    code = "def convolve(image, kernel):\n    return image * kernal\n"
    names: dict[str, Any] = {}
    exec(compile(code, str(tmp_path / "convolution.py"), "exec"), names)
    with pytest.raises(NameError) as caught:
        names["convolve"](1, 2)
    got = explain.outcome_of(caught.value, course().task("convolve"), tmp_path, 30)
    assert got.message == (
        "convolve: expected an answer, got NameError: name 'kernal' is not defined "
        "(exercises/convolution.py, line 2). Did you mean kernel?"
    )


@pytest.mark.slow
def test_tasks_that_build_on_an_endless_one_wait(tmp_path: Path) -> None:
    root = kit(tmp_path, solved=True)
    edit(root, "convolution", "    if size < 1 or", "    while True:\n        pass\n    if size < 1 or")
    got = run(root, "exercises/test_convolution.py", "--timeout=4", "--all")
    assert got.state("output_size") == "failed"
    assert {got.state(task) for task in ("convolve", "conv2d", "convolve_torch", "activation_maps")} == {"waiting"}
    assert "this builds on output_size, which does not end. Mend that first." in got.text
    assert got.text.count("was stopped") == 1


@pytest.mark.slow
def test_an_error_in_a_helper_is_reported_at_its_own_task(tmp_path: Path) -> None:
    root = kit(tmp_path, solved=True)
    edit(root, "convolution", "padded - covered", "padded - coverd")
    got = run(root, "exercises/test_convolution.py", "--all")
    assert got.text.count("name 'coverd' is not defined") == 1
    assert got.state("output_size") == "failed"
    assert got.state("conv2d") == "waiting"
    assert "conv2d: this builds on your output_size, and that is not right yet." in got.text


# verdicts depend on nothing but the code


def verdicts(root: Path, *arguments: str) -> dict[str, str]:
    """Return the outcome of each check of one file, by its name."""
    got = run(root, "exercises/test_transforms.py", "-v", "--tb=no", *arguments)
    return dict(re.findall(r"^\S*::(test_\S+(?: \S+)*?) (GREEN|FAILED|NOT STARTED)", got.output, re.MULTILINE))


@pytest.fixture(scope="module")
def seeding(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = kit(tmp_path_factory.mktemp("seeding"), solved=False)
    body = "digits = MNIST5k(root)\n    if seed is not None:\n        torch.manual_seed(seed)\n"
    rewrite(root, "transforms", "load_random_digit(", f"{body}    return digits[int(torch.randint(len(digits), ()))]")
    return root


@pytest.mark.slow
def test_a_check_gives_the_same_verdict_alone_and_after_the_others(seeding: Path) -> None:
    name = "test_load_random_digit_leaves_the_global_random_state_alone"
    together = verdicts(seeding)
    assert together["test_load_random_digit_depends_on_the_seed_alone"] == "GREEN"
    assert together[name] == "FAILED"
    assert verdicts(seeding, "-k", name) == {name: "FAILED"}
