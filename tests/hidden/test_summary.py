"""Hidden checks of reading a model: shapes, parameter counts, freezing, the table."""

import re
from typing import Any

import pytest
import torch

from grader.checking import core, detail
from grader.checking.assertions import describe, fail_check
from grader.checking.student import Student

NESTED_SHAPES = [
    ["0.0", (2, 3, 9, 11)], ["0.1", (2, 3, 9, 11)], ["0.2", (2, 3, 9, 11)],
    ["1.0", (2, 3, 4, 5)], ["1.1", (2, 3, 4, 5)], ["2", (2, 60)], ["3", (2, 7)],
]  # fmt: skip
NESTED_SIZE = (2, 1, 11, 13)
NESTED_TOTAL = 30 + 6 + 427


def shapes_of(student: Student, name: str, size: tuple[int, ...], **options: Any) -> Any:
    facts = student.probe("layer_shapes", name, size, **options)
    if facts["type"] == "NoneType" and facts["error"] is None:
        fail_check("layer_shapes: expected a dict, got None. Does the function return?", "returns-none")
    if facts["error"] is None and facts["type"] not in ("dict", "OrderedDict"):
        fail_check(f"layer_shapes: expected a dict, got a {facts['type']}.")
    return facts


def assert_shapes(facts: Any, expected: list[list[Any]]) -> None:
    pairs = facts["pairs"]
    names = [pair[0] for pair in pairs]
    wanted = [name for name, _ in expected]
    extra = [name for name in names if name not in wanted]
    if extra and all(any(one.startswith(f"{name}.") for one in wanted) or name == "" for name in extra):
        fail_check(
            "layer_shapes: modules that hold others are listed too. Which modules compute something themselves?",
            "includes-containers",
        )
    if sorted(map(str, names)) != sorted(wanted):
        fail_check(
            f"layer_shapes: expected the names {wanted}, got {names}. Which modules ran, and what are they called?"
        )
    for name, shape in expected:
        got = dict(map(tuple, pairs))[name]
        if not isinstance(got, tuple) or got != shape:
            fail_check(
                f"layer_shapes: at {name!r}: expected {shape}, got {got if isinstance(got, tuple) else describe(got)}."
            )
    assert names == wanted, f"layer_shapes: expected the order of execution {wanted}, got {names}."


@core("layer_shapes", "names every leaf module with its output shape, in order")
def test_leaves_are_listed_with_their_shapes(student: Student) -> None:
    assert_shapes(shapes_of(student, "nested", NESTED_SIZE), NESTED_SHAPES)


@core("layer_shapes", "takes the batch axis from input_size")
def test_batch_axis_comes_from_input_size(student: Student) -> None:
    expected = [[name, (5, *shape[1:])] for name, shape in NESTED_SHAPES]
    assert_shapes(shapes_of(student, "nested", (5, *NESTED_SIZE[1:])), expected)


@detail("layer_shapes", "a leaf that runs twice keeps its first place and its last shape")
def test_a_repeated_leaf_keeps_its_last_shape(student: Student) -> None:
    expected = [["conv", (2, 3, 2, 3)], ["act", (2, 3, 2, 3)], ["pool", (2, 3, 4, 5)]]
    assert_shapes(shapes_of(student, "repeating", (2, 3, 11, 13)), expected)


@detail("layer_shapes", "a model that is itself a leaf is named ''")
def test_a_leaf_model_has_an_empty_name(student: Student) -> None:
    assert_shapes(shapes_of(student, "leaf", (7, 5)), [["", (7, 3)]])


@detail("layer_shapes", "modules that do not run are left out")
def test_modules_that_do_not_run_are_left_out(student: Student) -> None:
    assert_shapes(shapes_of(student, "branching", (2, 5)), [["wide", (2, 7)]])


@detail("layer_shapes", "outputs that are no tensors are left out")
def test_outputs_that_are_no_tensors_are_left_out(student: Student) -> None:
    assert_shapes(shapes_of(student, "recurrent", (2, 11, 5)), [["head", (2, 2)]])


@detail("layer_shapes", "runs on the model's own dtype")
def test_input_has_the_models_dtype(student: Student) -> None:
    assert_shapes(shapes_of(student, "double", NESTED_SIZE), NESTED_SHAPES)


def assert_untouched(facts: Any, when: str) -> None:
    before, after = facts["before"], facts["after"]
    if after["hooks"] > before["hooks"] or after["global hooks"] > before["global hooks"]:
        fail_check(f"layer_shapes: {when} hooks are still on the model. Who takes them off?", "leaves-hooks")
    if after["modes"] != before["modes"]:
        fail_check(
            f"layer_shapes: {when} some modules are in another mode than before. Which were in eval mode?",
            "changes-mode",
        )
    if not all(map(torch.equal, before["values"], after["values"])):
        fail_check(
            f"layer_shapes: {when} parameters or buffers differ. What does batch norm do in training mode?",
            "changes-mode",
        )
    assert after["trainable"] == before["trainable"], f"layer_shapes: {when} requires_grad differs."
    for old, new in zip(before["gradients"], after["gradients"], strict=True):
        if not isinstance(new, torch.Tensor) or not torch.equal(old, new):
            fail_check(f"layer_shapes: {when} the gradients differ. What clears or adds to them?")


@detail("layer_shapes", "leaves a model in {mode} mode as it was")
@pytest.mark.parametrize("mode", ["training", "eval"])
def test_the_model_is_left_as_it_was(student: Student, mode: str) -> None:
    assert_untouched(shapes_of(student, "nested", NESTED_SIZE, training=mode == "training"), "afterwards")


@detail("layer_shapes", "puts everything back after an error")
def test_everything_is_put_back_after_an_error(student: Student) -> None:
    facts = student.probe("layer_shapes", "failing", (2, 5))
    assert facts["error"] is not None, "layer_shapes: expected the model's own error to come through, got none."
    assert_untouched(facts, "after an error")


def counted(student: Student, name: str) -> tuple[int, int]:
    got = student.probe("count_parameters", name)
    if got is None:
        fail_check("count_parameters: expected two numbers, got None. Does the function return?", "returns-none")
    if not isinstance(got, tuple | list) or len(got) != 2 or not all(type(number) is int for number in got):
        fail_check(f"count_parameters: expected (total, trainable) as two ints, got {describe(got)}.")
    return got[0], got[1]


@core("count_parameters", "counts the parameters of a nested model, buffers aside")
def test_parameters_are_counted(student: Student) -> None:
    got = counted(student, "nested")
    if got[0] == NESTED_TOTAL + 7:
        fail_check(
            "count_parameters: the running statistics of batch norm are counted. Does the optimizer change them?",
            "counts-buffers",
        )
    assert got == (NESTED_TOTAL, NESTED_TOTAL), (
        f"count_parameters: expected {NESTED_TOTAL} and {NESTED_TOTAL}, got {got}."
    )


@detail("count_parameters", "tells trainable from frozen parameters")
def test_frozen_parameters_are_not_trainable(student: Student) -> None:
    got = counted(student, "partly frozen")
    if got[1] >= NESTED_TOTAL:
        fail_check(
            "count_parameters: frozen parameters are counted as trainable. What tells them apart?",
            "counts-frozen-as-trainable",
        )
    assert got == (NESTED_TOTAL, 427), f"count_parameters: expected {NESTED_TOTAL} in all, 427 trainable, got {got}."


@detail("count_parameters", "counts a shared parameter once")
def test_shared_parameters_count_once(student: Student) -> None:
    got = counted(student, "shared")
    if got[0] == 112:
        fail_check(
            "count_parameters: a weight that two layers share is counted twice. Is it two weights?",
            "counts-shared-twice",
        )
    assert got == (63, 63), f"count_parameters: expected 63 and 63, got {got}."


@core("freeze", "freeze reaches every parameter below")
def test_freeze_reaches_every_parameter(student: Student) -> None:
    frozen = student.probe("freeze", "nested")["frozen"]
    if any(frozen) and not all(frozen):
        fail_check(
            "freeze: some parameters further down are still trainable. How deep does it reach?", "freezes-one-level"
        )
    if all(frozen):
        fail_check(
            "freeze: every parameter is still trainable. What decides whether the optimizer changes one?",
            "freezes-one-level",
        )


@core("freeze", "unfreeze makes every parameter trainable again")
def test_unfreeze_reaches_every_parameter(student: Student) -> None:
    facts = student.probe("freeze", "nested")
    if not all(facts["unfrozen"]):
        fail_check("unfreeze: some parameters are still frozen. How deep does it reach?", "freezes-one-level")
    assert facts["same"], "freeze: expected the parameters' values to stay, got others."


@detail("freeze", "freezes a part and leaves the rest")
def test_freezing_a_part_leaves_the_rest(student: Student) -> None:
    got = student.probe("freeze_part")
    assert got == [False] * 4 + [True] * 2, "freeze: expected only the given module's parameters frozen, got others."


def table(student: Student, name: str, size: tuple[int, ...]) -> str:
    got = student.probe("summarize", name, size)
    if got is None:
        fail_check("summarize: expected the table as a str, got None. Does the function return?", "returns-none")
    if not isinstance(got, str):
        fail_check(f"summarize: expected the table as a str, got {describe(got)}.")
    return got


@core("summarize", "shows layer types and output shapes")
def test_summary_shows_types_and_shapes(student: Student) -> None:
    text = table(student, "nested", NESTED_SIZE)
    for word in ("Conv2d", "BatchNorm2d", "MaxPool2d", "Linear"):
        assert word in text, f"summarize: expected the layer type {word} in the table, got none."
    for shape in ("[2, 3, 9, 11]", "[2, 3, 4, 5]", "[2, 60]", "[2, 7]"):
        assert shape in text, (
            f"summarize: expected the output shape {shape} in the table, got none. Which batch size ran?"
        )


@core("summarize", "shows the number of parameters, total and trainable")
def test_summary_shows_parameters(student: Student) -> None:
    text = table(student, "partly frozen", NESTED_SIZE)
    for label, number in (("Total params", "463"), ("Trainable params", "427")):
        found = re.search(rf"{label}:\s*([\d,]+)", text)
        assert found and found[1].replace(",", "") == number, (
            f"summarize: expected {label}: {number} in the table, got none."
        )
    assert re.search(r"Linear[^\n]*427", text), "summarize: expected the parameters of each layer, got none at Linear."


@detail("summarize", "takes the batch axis from input_size")
def test_summary_takes_the_batch_axis(student: Student) -> None:
    assert "[5, 3, 9, 11]" in table(student, "nested", (5, *NESTED_SIZE[1:])), (
        "summarize: expected batch size 5, got another."
    )
