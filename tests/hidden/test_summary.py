"""Hidden checks of reading a model: shapes, parameter counts, freezing, the table."""

import re
from dataclasses import asdict, dataclass
from typing import Any

import pytest
import torch

from grader.checking import core, detail
from grader.checking.assertions import describe, fail_check
from grader.checking.inputs import Rng
from grader.checking.student import Student

NESTED_SIZE = (2, 1, 11, 13)


@dataclass(frozen=True)
class Nested:
    """The nested model; its sizes are drawn, so that no table of answers fits.

    Attributes:
        width: channels of its convolution.
        classes: outputs of its linear layer.
    """

    width: int
    classes: int

    @property
    def conv(self) -> int:
        return 10 * self.width

    @property
    def linear(self) -> int:
        return (20 * self.width + 1) * self.classes

    @property
    def total(self) -> int:
        return self.conv + 2 * self.width + self.linear

    def shapes(self, batch: int = 2) -> list[list[Any]]:
        whole, half = (batch, self.width, 9, 11), (batch, self.width, 4, 5)
        names = [("0.0", whole), ("0.1", whole), ("0.2", whole), ("1.0", half), ("1.1", half)]
        return [*map(list, names), ["2", (batch, 20 * self.width)], ["3", (batch, self.classes)]]


def nested(rng: Rng) -> Nested:
    return Nested(rng.int(4, 7), rng.int(8, 12))


def shapes_of(student: Student, name: str, size: tuple[int, ...], model: Nested | None = None, **options: Any) -> Any:
    facts = student.probe("layer_shapes", name, size, asdict(model) if model else {}, **options)
    if facts["type"] == "NoneType" and facts["error"] is None:
        fail_check("layer_shapes: expected a dict, got None. Does the function return?", "returns-none")
    if facts["error"] is None and not isinstance(facts["pairs"], list):
        fail_check(f"layer_shapes: expected a dict, got a {facts['type']}. What does the docstring promise?")
    return facts


def assert_shapes(facts: Any, expected: list[list[Any]]) -> None:
    pairs = {key if isinstance(key, str) else repr(key): value for key, value in facts["pairs"]}
    names, wanted = list(pairs), [name for name, _ in expected]
    extra = [name for name in names if name not in wanted]
    if extra and all(name == "" or any(one.startswith(f"{name}.") for one in wanted) for name in extra):
        fail_check(
            "layer_shapes: modules that hold others are listed too. Which modules compute something themselves?",
            "includes-containers",
        )
    if sorted(names) != sorted(wanted):
        fail_check(
            f"layer_shapes: expected {len(wanted)} leaf modules by their dotted names, got {names}. Which of them ran?"
        )
    for name, shape in expected:
        got = pairs[name]
        if not isinstance(got, tuple) or got != shape:
            shown = got if isinstance(got, tuple) else describe(got)
            fail_check(f"layer_shapes: at {name!r}: expected {shape}, got {shown}. Which output is that?")
    if names != wanted:
        fail_check(f"layer_shapes: expected the order of execution, got {names}. When does a layer enter the dict?")


@core("layer_shapes", "names every leaf module with its output shape, in order")
def test_leaves_are_listed_with_their_shapes(student: Student, rng: Rng) -> None:
    model = nested(rng)
    assert_shapes(shapes_of(student, "nested", NESTED_SIZE, model), model.shapes())


@core("layer_shapes", "takes the batch axis from input_size")
def test_batch_axis_comes_from_input_size(student: Student, rng: Rng) -> None:
    model = nested(rng)
    assert_shapes(shapes_of(student, "nested", (5, *NESTED_SIZE[1:]), model), model.shapes(5))


@detail("layer_shapes", "goes by the order of execution, not of definition")
def test_layers_come_in_order_of_execution(student: Student) -> None:
    expected = [["body.a", (2, 5)], ["body.b", (2, 7)], ["last", (2, 2)]]
    assert_shapes(shapes_of(student, "backwards", (2, 3)), expected)


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
def test_input_has_the_models_dtype(student: Student, rng: Rng) -> None:
    model = nested(rng)
    assert_shapes(shapes_of(student, "double", NESTED_SIZE, model), model.shapes())


def assert_untouched(facts: Any, when: str) -> None:
    before, after = facts["before"], facts["after"]
    if after["hooks"] > before["hooks"] or after["global hooks"] > before["global hooks"]:
        fail_check(f"layer_shapes: {when} hooks are still on the model. Who takes them off?", "leaves-hooks")
    if after["own hooks"] != before["own hooks"]:
        fail_check(f"layer_shapes: {when} a hook is gone that was on the model before. Whose hooks are taken off?")
    if after["modes"] != before["modes"]:
        fail_check(
            f"layer_shapes: {when} some modules are in another mode than before. Which were in eval mode?",
            "changes-mode",
        )
    if len(before["values"]) != len(after["values"]) or not all(map(torch.equal, before["values"], after["values"])):
        fail_check(f"layer_shapes: {when} parameters or buffers differ. What does batch norm do in training mode?")
    if after["trainable"] != before["trainable"]:
        fail_check(f"layer_shapes: {when} other parameters are trainable than before. Is that needed to read shapes?")
    for old, new in zip(before["gradients"], after["gradients"], strict=True):
        same = torch.equal(old, new) if isinstance(old, torch.Tensor) and isinstance(new, torch.Tensor) else old is new
        if not same:
            fail_check(f"layer_shapes: {when} the gradients differ. What clears or adds to them?")


@detail("layer_shapes", "leaves a model in {mode} mode as it was")
@pytest.mark.parametrize("mode", ["training", "eval"])
def test_the_model_is_left_as_it_was(student: Student, mode: str) -> None:
    assert_untouched(shapes_of(student, "nested", NESTED_SIZE, training=mode == "training"), "afterwards")


@detail("layer_shapes", "puts everything back after an error")
def test_everything_is_put_back_after_an_error(student: Student) -> None:
    facts = student.probe("layer_shapes", "failing", (2, 5), {})
    if facts["error"] is None:
        fail_check("layer_shapes: expected the model's own error to come through, got none. What hides it?")
    assert_untouched(facts, "after an error")


def counted(student: Student, name: str, model: Nested | None = None) -> tuple[int, int]:
    got = student.probe("count_parameters", name, asdict(model) if model else {})
    if got is None:
        fail_check("count_parameters: expected two numbers, got None. Does the function return?", "returns-none")
    if not isinstance(got, tuple | list) or len(got) != 2 or not all(type(number) is int for number in got):
        fail_check(f"count_parameters: expected (total, trainable) as two ints, got {describe(got)}.")
    return got[0], got[1]


def assert_counted(got: tuple[int, int], total: int, trainable: int) -> None:
    if got[0] != total:
        more = "more" if got[0] > total else "fewer"
        fail_check(f"count_parameters: the total has {more} parameters than the model. Which does it count?")
    if got[1] != trainable:
        more = "more" if got[1] > trainable else "fewer"
        fail_check(f"count_parameters: {more} parameters are counted as trainable than are. What tells them apart?")


@core("count_parameters", "counts the parameters of a nested model, buffers aside")
def test_parameters_are_counted(student: Student, rng: Rng) -> None:
    model = nested(rng)
    got = counted(student, "nested", model)
    if got[0] - model.total in (2 * model.width, 2 * model.width + 1):  # mean, variance, and the count of batches
        fail_check(
            "count_parameters: the running statistics of batch norm are counted. Does the optimizer change them?",
            "counts-buffers",
        )
    assert_counted(got, model.total, model.total)


@core("count_parameters", "tells trainable from frozen parameters")
def test_frozen_parameters_are_not_trainable(student: Student, rng: Rng) -> None:
    model = nested(rng)
    got = counted(student, "partly frozen", model)
    if got == (model.total, model.total):
        fail_check(
            "count_parameters: frozen parameters are counted as trainable. What tells them apart?",
            "counts-frozen-as-trainable",
        )
    assert_counted(got, model.total, model.linear)


@detail("count_parameters", "counts a shared parameter once")
def test_shared_parameters_count_once(student: Student) -> None:
    got = counted(student, "shared")
    if got[0] == 112:
        fail_check(
            "count_parameters: a weight that two layers share is counted twice. Is it two weights?",
            "counts-shared-twice",
        )
    assert_counted(got, 63, 63)


@detail("count_parameters", "counts parameters at every depth, a module's own ones too")
def test_parameters_of_every_depth_are_counted(student: Student) -> None:
    assert_counted(counted(student, "deep"), 11 + 24 + 50 + 10, 11 + 24 + 50 + 10)


@detail("count_parameters", "counts nothing where there is nothing")
def test_a_model_without_parameters_counts_nothing(student: Student) -> None:
    assert_counted(counted(student, "bare"), 0, 0)


def assert_reached(states: Any, wanted: bool, function: str) -> None:
    """Check that all parameters have the wanted state; tell by depth which have not."""
    missed = [name for name, trainable in states.items() if trainable is not wanted]
    if not missed:
        return
    kind = "trainable" if function == "freeze" else "frozen"
    if len(missed) == len(states):
        fail_check(f"{function}: every parameter is still {kind}. What decides whether the optimizer changes one?")
    deeper = max(name.count(".") for name in missed) > max(name.count(".") for name in states if name not in missed)
    fail_check(
        f"{function}: some parameters further down are still {kind}. How deep does it reach?"
        if deeper
        else f"{function}: some parameters are still {kind}. Which ones are left out?",
        "freezes-one-level" if deeper else None,
    )


@core("freeze", "freeze reaches every parameter below")
def test_freeze_reaches_every_parameter(student: Student) -> None:
    assert_reached(student.probe("freeze", "deep")["frozen"], False, "freeze")


@core("freeze", "unfreeze makes every parameter trainable again")
def test_unfreeze_reaches_every_parameter(student: Student) -> None:
    assert_reached(student.probe("freeze", "deep")["unfrozen"], True, "unfreeze")


@detail("freeze", "parameters stay the same objects with the same values")
def test_freezing_leaves_the_values(student: Student) -> None:
    if not student.probe("freeze", "nested")["same"]:
        fail_check("freeze: expected the same parameters with the same values, got others. Is it done in place?")


@detail("freeze", "{function} changes one part and leaves the rest")
@pytest.mark.parametrize("function", ["freeze", "unfreeze"])
def test_a_part_is_changed_and_the_rest_left(student: Student, function: str) -> None:
    states = student.probe("freeze_part", function)
    inside = {name: trainable for name, trainable in states.items() if name.startswith("body.")}
    assert_reached(inside, function == "unfreeze", function)
    if any(trainable is not (function == "freeze") for name, trainable in states.items() if name not in inside):
        fail_check(f"{function}: parameters outside of the given module have changed. Which module was asked for?")


def table(student: Student, name: str, size: tuple[int, ...], model: Nested) -> str:
    got = student.probe("summarize", name, size, asdict(model))
    if got is None:
        fail_check("summarize: expected the table as a str, got None. Does the function return?", "returns-none")
    if not isinstance(got, str):
        fail_check(f"summarize: expected the table as a str, got {describe(got)}.")
    return got


@core("summarize", "shows layer types and output shapes")
def test_summary_shows_types_and_shapes(student: Student, rng: Rng) -> None:
    model = nested(rng)
    text = table(student, "nested", NESTED_SIZE, model)
    for word in ("Conv2d", "BatchNorm2d", "MaxPool2d", "Linear"):
        if word not in text:
            fail_check(f"summarize: expected the layer type {word} in the table, got none. How deep does it go?")
    for _, shape in model.shapes():
        if str(list(shape)) not in text:
            fail_check(f"summarize: expected the output shape {list(shape)} in the table, got none. Which input ran?")


@core("summarize", "shows the number of parameters, total and trainable")
def test_summary_shows_parameters(student: Student, rng: Rng) -> None:
    model = nested(rng)
    text = table(student, "partly frozen", NESTED_SIZE, model)
    for label, number in (("Total params", model.total), ("Trainable params", model.linear)):
        found = re.search(rf"(?<![-\w]){label}:\s*([\d,]+)", text)
        if found is None or found[1].replace(",", "") != str(number):
            fail_check(f"summarize: expected '{label}' and their number below the table, got none or another number.")


@core("summarize", "shows the number of parameters of each layer")
def test_summary_shows_parameters_of_each_layer(student: Student, rng: Rng) -> None:
    model = nested(rng)
    text = table(student, "nested", NESTED_SIZE, model)
    for layer, number in (("Conv2d", model.conv), ("Linear", model.linear)):
        if not re.search(rf"{layer}[^\n]*\b{number:,}\b", text):
            fail_check(f"summarize: expected the number of parameters in the row of {layer}, got none. Which columns?")


@detail("summarize", "takes the batch axis from input_size")
def test_summary_takes_the_batch_axis(student: Student, rng: Rng) -> None:
    model = nested(rng)
    if f"[5, {model.width}, 9, 11]" not in table(student, "nested", (5, *NESTED_SIZE[1:]), model):
        fail_check("summarize: expected the batch size of input_size in the table, got another.")
