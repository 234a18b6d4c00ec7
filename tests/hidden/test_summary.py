"""Hidden checks of reading a model: shapes, parameter counts, freezing, the table."""

import contextlib
import re
from dataclasses import asdict, dataclass
from typing import Any, NoReturn

import torch
from torch import Tensor

from grader.checks import CheckFailed, Student, StudentRaised, core, describe, detail, fail_check, number_of
from grader.hidden.inputs import Rng
from lesson.probes.summary import network_for_freezing, stepped

NESTED_SIZE = (2, 1, 11, 13)
TYPES = ("Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d", "Dropout", "Flatten", "Linear")
"""Names of the leaves of the nested model, in order."""

FREEZING_SIZES = {"leaf": ((16, 5), (16, 3)), "flat": ((16, 5), (16, 3)), "deep": ((8, 1, 6, 7), (8, 11))}
"""Of the images that a model learns from, and of its answer."""


@dataclass(frozen=True)
class Nested:
    """The nested model; its sizes are drawn at random, so that no table of answers fits.

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


@dataclass(frozen=True)
class Flat:
    """Two linear layers in a row, of random sizes."""

    inputs: int
    hidden: int
    outputs: int

    @property
    def first(self) -> int:
        return (self.inputs + 1) * self.hidden

    @property
    def second(self) -> int:
        return (self.hidden + 1) * self.outputs

    @property
    def total(self) -> int:
        return self.first + self.second

    @property
    def input_size(self) -> tuple[int, int]:
        return 2, self.inputs


def flat(student: Student, rng: Rng) -> Flat:
    """Return the flat model; all checks share it."""
    if "flat" not in student.kept:
        student.kept["flat"] = Flat(rng.int(4, 9), rng.int(11, 19), rng.int(21, 29))
    model: Flat = student.kept["flat"]
    return model


def nested(rng: Rng) -> Nested:
    """Draw the sizes of a nested model."""
    return Nested(rng.int(4, 7), rng.int(8, 12))


def shapes_of(
    student: Student, name: str, size: tuple[int, ...], model: Nested | Flat | None = None, **options: Any
) -> Any:
    """Return the result of a call of `layer_shapes`."""
    facts = student.probe("layer_shapes", name, size, asdict(model) if model else {}, **options)
    if facts["type"] == "NoneType" and facts["error"] is None:
        fail_check("layer_shapes: expected a dict, got None. Is the `return` missing?", "returns-none")
    if facts["error"] is None and not isinstance(facts["pairs"], list):
        fail_check(f"layer_shapes: expected a dict, got a {facts['type']}. What does the docstring promise?")
    return facts


def plain_call(student: Student, rng: Rng) -> tuple[Any, Nested]:
    """Return the call that most checks use, and its model."""
    if "plain" not in student.kept:
        model = nested(rng)
        student.kept["plain"] = shapes_of(student, "nested", NESTED_SIZE, model), model
    facts, model = student.kept["plain"]
    return facts, model


def named(pairs: list[Any]) -> dict[str, Any]:
    """Return pairs as a dict whose keys can be shown."""
    return {key if isinstance(key, str) else repr(key): value for key, value in pairs}


@core("layer_shapes", "finds the output shapes of the linear layers of a plain network")
def test_linear_layers_have_their_shapes(student: Student, rng: Rng) -> None:
    model = flat(student, rng)
    pairs = shapes_of(student, "flat", model.input_size, model)["pairs"]
    shapes = [tuple(value) for _, value in pairs if isinstance(value, tuple | list)]
    for name, size in ("0", model.hidden), ("2", model.outputs):
        # Other checks test order, names, the batch axis and layers without parameters.
        if not any(shape[-1:] == (size,) for shape in shapes):
            shown = ", ".join(map(str, shapes)) or "no shapes"
            fail_check(f"layer_shapes: expected the output shape of the layer {name!r}, got {shown}. What ran?")


@detail("layer_shapes", "lists every leaf, however deep, by its dotted name", weight=12)
def test_every_leaf_is_listed_by_its_name(student: Student, rng: Rng) -> None:
    facts, model = plain_call(student, rng)
    pairs, wanted = named(facts["pairs"]), model.shapes()
    if {name for name, _ in wanted} <= set(pairs):
        return
    by_type = len(pairs) == len(TYPES) and all(map(str.startswith, pairs, TYPES))
    outermost = {"0": wanted[2], "1": wanted[4], "2": wanted[5], "3": wanted[6]}  # with the leaf that gives its output
    children_only = set(pairs) == set(outermost) and all(
        isinstance(pairs[name], tuple | list) and tuple(pairs[name])[1:] == shape[1:]
        for name, (_, shape) in outermost.items()
    )
    fail_check(
        f"layer_shapes: expected {len(wanted)} leaf modules by their dotted names, got {list(pairs)}. Which ran?",
        "names-by-type" if by_type else "direct-children-only" if children_only else None,
    )


@detail("layer_shapes", "does not list containers", weight=8.5)
def test_containers_are_left_out(student: Student, rng: Rng) -> None:
    facts, model = plain_call(student, rng)
    pairs, shapes = named(facts["pairs"]), dict(map(tuple, model.shapes()))
    holding = [name for name in pairs if any(one.startswith(f"{name}.") for one in shapes) or name == ""]
    if holding:
        fail_check(
            "layer_shapes: modules that contain others are listed too. Which modules compute something themselves?",
            "includes-containers" if "0.0" in pairs and next(iter(pairs)) != "0" else None,
        )


def assert_shapes(facts: Any, expected: list[list[Any]]) -> None:
    """Compare names and shapes, in any order."""
    pairs = named(facts["pairs"])
    if sorted(pairs) != sorted(name for name, _ in expected):
        fail_check(f"layer_shapes: expected {[name for name, _ in expected]}, got {list(pairs)}. Which ran?")
    for name, shape in expected:
        got = pairs[name]
        if not isinstance(got, tuple) or got != shape:
            shown = got if isinstance(got, tuple) else describe(got)
            fail_check(f"layer_shapes: at {name!r}: expected a tuple with another shape than {shown}. Which output?")


@detail("layer_shapes", "returns shapes as tuples, with the batch axis of input_size", weight=6)
def test_batch_axis_comes_from_input_size(student: Student, rng: Rng) -> None:
    facts, model = plain_call(student, rng)
    single = shapes_of(student, "nested", (1, *NESTED_SIZE[1:]), model)
    for one, size in ((facts, NESTED_SIZE[0]), (single, 1)):
        shapes = [value for _, value in one["pairs"]]
        if any(shape not in shapes for _, shape in model.shapes(size)):
            bare = [tuple(axis for axis in shape if axis != 1) for _, shape in model.shapes(size)]
            squeezed = size == 1 and all(shape in shapes for shape in bare)
            fail_check(
                "layer_shapes: expected tuples that begin with the batch axis of input_size, got others. "
                "What happens to a batch of one?",
                "squeeze-eats-axes" if squeezed else name_of_shapes(shapes, model.shapes(size)),
            )


def name_of_shapes(got: list[Any], expected: list[list[Any]]) -> str | None:
    """Return the name of the mistake if all shapes are right except for their first number or their type."""
    wanted = [shape for _, shape in expected]
    for name, others in (
        ("drops-batch-axis", [shape[1:] for shape in wanted]),
        ("batch-axis-minus-one", [(-1, *shape[1:]) for shape in wanted]),
        ("batch-axis-none", [(None, *shape[1:]) for shape in wanted]),
        ("lists-instead-of-tuples", [list(shape) for shape in wanted]),
    ):
        if got == others:
            return name
    return None


@detail("layer_shapes", "follows the order of execution, not of definition", weight=4)
def test_layers_come_in_order_of_execution(student: Student) -> None:
    pairs = named(shapes_of(student, "backwards", (2, 3))["pairs"])
    sizes = [shape[-1] for name, shape in pairs.items() if name and isinstance(shape, tuple | list) and shape]
    if sizes != [5, 7, 2]:  # of body.a, body.b and last
        fail_check(
            f"layer_shapes: expected the order of execution, got {list(pairs)}. When does a layer enter the dict?",
            "order-of-definition" if sizes == [2, 7, 5] else None,
        )


@detail("layer_shapes", "a leaf that runs twice keeps its first place and its last shape")
def test_a_repeated_leaf_keeps_its_last_shape(student: Student) -> None:
    pairs = named(shapes_of(student, "repeating", (2, 3, 11, 13))["pairs"])
    names = [name for name in pairs if name in ("conv", "act", "pool")]
    if names != ["conv", "act", "pool"] or any(tuple(pairs[name])[2:] != (2, 3) for name in ("conv", "act")):
        twice = [tuple(pairs[name])[2:] for name in ("conv", "act") if isinstance(pairs.get(name), tuple)]
        moved = names == ["pool", "conv", "act"] and twice == [(2, 3), (2, 3)]
        first = names == ["conv", "act", "pool"] and twice == [(9, 11), (9, 11)]
        fail_check(
            "layer_shapes: a leaf that runs twice should keep its first place and its last shape. Why does it not?",
            "moves-to-its-last-place" if moved else "keeps-first-shape" if first else None,
        )


@detail("layer_shapes", "a model that is itself a leaf is named ''")
def test_a_leaf_model_has_an_empty_name(student: Student) -> None:
    facts = shapes_of(student, "leaf", (7, 5))
    if not facts["pairs"]:
        fail_check(
            "layer_shapes: a model without children is missing from the dict. What is its own name?",
            "leaves-out-the-model",
        )
    assert_shapes(facts, [["", (7, 3)]])


@detail("layer_shapes", "modules that do not run are left out")
def test_modules_that_do_not_run_are_left_out(student: Student) -> None:
    pairs = named(shapes_of(student, "branching", (2, 5))["pairs"])
    if "wide" not in pairs or {"narrow", "unused"} & set(pairs):
        fail_check(
            f"layer_shapes: expected the layers that ran on zeros, got {list(pairs)}. What ran?",
            "lists-what-never-ran" if {"wide", "narrow", "unused"} <= set(pairs) else None,
        )


@detail("layer_shapes", "outputs other than tensors are left out")
def test_outputs_other_than_tensors_are_left_out(student: Student) -> None:
    pairs = named(shapes_of(student, "recurrent", (2, 11, 5))["pairs"])
    if "head" not in pairs or "rnn" in pairs:
        fail_check(
            f"layer_shapes: expected the layers whose outputs are tensors, got {list(pairs)}. What is a tuple?",
            "takes-first-of-a-tuple" if pairs.get("rnn") == (2, 11, 3) else None,
        )


@detail("layer_shapes", "uses the model's own dtype, or float32 without parameters", weight=2)
def test_input_has_the_models_dtype(student: Student) -> None:
    for name, size in (("double", NESTED_SIZE), ("bare", (2, 1, 4, 6))):
        try:
            facts = shapes_of(student, name, size)
        except StudentRaised as error:
            if name == "double" and shapes_of(student, "nested", size)["pairs"]:
                fail_for_dtype(error)
            if name == "bare" and error.type_names[0] == "StopIteration":
                fail_check(
                    "layer_shapes: a model without parameters raises StopIteration. What does `next` do at the end?",
                    "needs-parameters",
                )
            raise
        if not facts["pairs"]:
            fail_check("layer_shapes: expected the leaves of a float64 model, got none. What did it run on?")


def fail_for_dtype(error: StudentRaised) -> NoReturn:
    """Fail with a name: a float64 model raises an error, the same one in float32 does not."""
    fail_check(
        f"{error.text.rstrip('.')}. The model is float64; in float32 it runs. What input does it get?",
        "ignores-model-dtype",
    )


@detail("layer_shapes", "starts afresh at every call", weight=2)
def test_every_call_starts_afresh(student: Student) -> None:
    got = student.probe("layer_shapes_in_turn", (3, 5), [0, -1, 0])
    ran = [[name for name, shape in pairs or [] if shape and name in ("wide", "narrow")] for pairs in got]
    if ran != [["wide"], ["narrow"], ["wide"]]:
        earlier, later = (named(pairs or []) for pairs in got[:2])
        left = "narrow" in later and later.get("wide") is not None and later["wide"] == earlier.get("wide")
        fail_check(
            "layer_shapes: after a call for one model, a call for another was wrong. What is left over from the first?",
            "remembers-earlier-call" if left else None,
        )


def assert_hooks_off(facts: Any, when: str) -> None:
    before, after = facts["before"], facts["after"]
    if after["hooks"] > before["hooks"] or after["global hooks"] > before["global hooks"]:
        fail_check(f"layer_shapes: {when} hooks are still on the model. Who removes them?", "leaves-hooks")
    if after["own hooks"] != before["own hooks"]:
        fail_check(
            f"layer_shapes: {when} a hook that was on the model before is gone. Whose hooks are removed?",
            "removes-foreign-hooks",
        )


def assert_modes_back(facts: Any, when: str) -> None:
    if facts["after"]["modes"] != facts["before"]["modes"]:
        fail_check(
            f"layer_shapes: {when} some modules are in another mode than before. Which were in eval mode?",
            "changes-mode",
        )


def assert_values_kept(facts: Any, when: str) -> None:
    before, after = facts["before"], facts["after"]
    if len(before["values"]) != len(after["values"]) or not all(map(torch.equal, before["values"], after["values"])):
        fail_check(
            f"layer_shapes: {when} parameters or buffers differ. What does batch norm do in training mode?",
            "runs-in-training-mode" if ran_in_training_mode(before["values"], after["values"]) else None,
        )
    if after["trainable"] != before["trainable"]:
        fail_check(f"layer_shapes: {when} other parameters are trainable than before. Is that needed to read shapes?")
    cleared = not any(isinstance(new, torch.Tensor) and new.any() for new in after["gradients"])
    for old, new in zip(before["gradients"], after["gradients"], strict=True):
        same = torch.equal(old, new) if isinstance(old, torch.Tensor) and isinstance(new, torch.Tensor) else old is new
        if not same:
            fail_check(
                f"layer_shapes: {when} the gradients differ. What clears or adds to them?",
                "clears-gradients" if cleared else None,
            )


def ran_in_training_mode(before: list[Any], after: list[Any]) -> bool:
    """Return whether only the running statistics of batch normalisation differ."""
    if len(before) != len(after) or any(old.shape != new.shape for old, new in zip(before, after, strict=True)):
        return False
    differing = [place for place, pair in enumerate(zip(before, after, strict=True)) if not torch.equal(*pair)]
    counters = [place for place, value in enumerate(before) if value.dtype == torch.int64]
    counted = [place for place in counters if after[place] > before[place]]
    return counted == counters != [] and differing == [place for end in counters for place in (end - 2, end - 1, end)]


@detail("layer_shapes", "removes its own hooks and no others", weight=6)
def test_hooks_are_removed(student: Student, rng: Rng) -> None:
    assert_hooks_off(plain_call(student, rng)[0], "afterwards")


@detail("layer_shapes", "leaves every module in its mode", weight=6)
def test_modes_are_left(student: Student, rng: Rng) -> None:
    for facts in (plain_call(student, rng)[0], shapes_of(student, "nested", NESTED_SIZE, training=False)):
        assert_modes_back(facts, "afterwards")


@detail("layer_shapes", "does not change parameters, running averages or gradients", weight=3)
def test_values_are_left(student: Student, rng: Rng) -> None:
    assert_values_kept(plain_call(student, rng)[0], "afterwards")


@detail("layer_shapes", "restores hooks and modes after an error", weight=1.5)
def test_everything_is_restored_after_an_error(student: Student, rng: Rng) -> None:
    facts = shapes_of(student, "failing", (2, 5))
    if facts["error"] is None:
        fail_check("layer_shapes: expected the model's own error to come through, got none. What hides it?")
    without = plain_call(student, rng)[0]
    for assert_back in (assert_hooks_off, assert_modes_back):
        try:
            assert_back(without, "afterwards")
        except CheckFailed:  # not even without an error, as another check reports
            continue
        assert_back(facts, "after an error")


def counted(student: Student, name: str, model: Nested | Flat | None = None) -> list[tuple[float, float | None]]:
    """Return (total, trainable) of a model as it was, and with its first part frozen; or (total, None)."""
    facts = student.probe("count_parameters", name, asdict(model) if model else {})
    student.kept["left"] = student.kept.get("left", True) and facts["left"]
    return [pair_of(one) for one in facts["counted"]]


def pair_of(got: Any) -> tuple[float, float | None]:
    if got is None:
        fail_check("count_parameters: expected two numbers, got None. Is the `return` missing?", "returns-none")
    alone = number_of(got)
    if alone is not None:
        return alone, None
    numbers = [number_of(one) for one in got] if isinstance(got, tuple | list) else []
    if len(numbers) != 2 or numbers[0] is None:
        fail_check(f"count_parameters: expected (total, trainable), got {describe(got)}. What are the two numbers?")
    return numbers[0], numbers[1]


def assert_total(got: float, total: int, name: str | None = None) -> None:
    if got != total:
        more = "more" if got > total else "fewer"
        fail_check(f"count_parameters: the total has {more} parameters than the model. Which does it count?", name)


@core("count_parameters", "counts the parameters of a model")
def test_parameters_are_counted(student: Student, rng: Rng) -> None:
    model = flat(student, rng)
    total = counted(student, "flat", model)[0][0]
    biases = model.hidden + model.outputs
    without_biases = total == model.total - biases and counted(student, "without norm")[0][0] in (45 + 21, 45 + 21 + 11)
    assert_total(total, model.total, "leaves-biases-out" if without_biases else None)


@detail("count_parameters", "counts parameters at every depth, a module's own ones too, or 0", weight=2)
def test_parameters_of_every_depth_are_counted(student: Student) -> None:
    total = counted(student, "without norm")[0][0]
    assert_total(total, 11 + 24 + 50, "leaves-own-parameters-out" if total == 24 + 50 else None)
    assert_total(counted(student, "bare")[0][0], 0)


@detail("count_parameters", "does not count buffers", weight=3)
def test_buffers_do_not_count(student: Student, rng: Rng) -> None:
    model = nested(rng)
    total, _ = counted(student, "nested", model)[0]
    if total - model.total in (2 * model.width, 2 * model.width + 1):  # mean, variance, and the count of batches
        fail_check(
            "count_parameters: the running statistics of batch norm are counted. Does the optimizer change them?",
            "counts-buffers",
        )
    assert_total(total, model.total)


@detail("count_parameters", "frozen parameters are not trainable", weight=5)
def test_frozen_parameters_are_not_trainable(student: Student, rng: Rng) -> None:
    model = flat(student, rng)
    got, total = counted(student, "flat", model), model.total
    if got == [(total, total)] * 3:
        fail_check(
            "count_parameters: frozen parameters are counted as trainable. What tells them apart?",
            "counts-frozen-as-trainable",
        )
    if any(trainable is None for _, trainable in got):
        alone = all(one == (total, None) for one in got)
        fail_check(
            "count_parameters: expected (total, trainable), got one number. What is the second?",
            "total-alone" if alone else None,
        )
    if got != [(total, total), (total, model.second), (total, total)]:
        fail_check(
            "count_parameters: the number of trainable parameters is wrong. What tells them apart?",
            "total-and-trainable-exchanged" if got == [(total, total), (model.second, total), (total, total)] else None,
        )


@detail("count_parameters", "counts a shared parameter once", weight=2)
def test_shared_parameters_count_once(student: Student) -> None:
    total, _ = counted(student, "shared")[0]
    if total == 112:
        fail_check(
            "count_parameters: a weight that two layers share is counted twice. Is it two weights?",
            "counts-shared-twice",
        )
    assert_total(total, 63)


@detail("count_parameters", "counts parameters with equal values separately")
def test_equal_parameters_count_separately(student: Student) -> None:
    total, _ = counted(student, "twins")[0]
    if total in (49 + 7, 63):
        fail_check(
            "count_parameters: two layers with the same values are counted as one. When is a parameter shared?",
            "takes-equal-for-shared",
        )
    assert_total(total, 112)


@detail("count_parameters", "does not change the model")
def test_counting_changes_nothing(student: Student, rng: Rng) -> None:
    counted(student, "flat", flat(student, rng))
    if not student.kept["left"]:
        fail_check("count_parameters: the call changes which parameters are trainable, or their values. What for?")


def frozen(student: Student, rng: Rng, function: str, name: str) -> Any:
    """Return what a function did to a model, judged by how the model learns afterwards; checks share it.

    Returns:
        Which parameters are trainable after ``once`` and ``twice``, which belong to ``norms``, whether they are the
        ``same`` with the same values, and ``modes`` of the modules before and after.
    """
    asked = f"{function} {name}"
    if asked not in student.kept:
        student.kept[asked] = facts_of_freezing(student, rng, function, name)
    return student.kept[asked]


def facts_of_freezing(student: Student, rng: Rng, function: str, name: str) -> dict[str, Any]:
    network = network_for_freezing(name, [])
    values = [rng.floats(*parameter.shape) for parameter in network.parameters()]
    first = student.probe("freeze", function, name, values)
    once, values = after_a_step(student, rng, name, values)
    again = student.probe("freeze_again", function)
    twice, _ = after_a_step(student, rng, name, values)
    norms = [f"{place}." for place, layer in network[1].named_modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    return {
        "once": once,
        "twice": twice,
        "norms": [key for key in once if key.startswith(tuple(norms))] if norms else [],
        "same": first["same"] and again["same"] and None not in (*once.values(), *twice.values()),
        "modes": first["modes"],
    }


def after_a_step(
    student: Student, rng: Rng, name: str, values: list[Tensor]
) -> tuple[dict[str, bool | None], list[Tensor]]:
    """Let a network take a step on new images, and compare its parameters with those of a network of ours.

    Returns:
        For each parameter whether it is trainable, None if its value is neither the old one nor what a step
        makes of it; and all values after the step.
    """
    images, answer = FREEZING_SIZES[name]
    images, direction = rng.floats(*images), rng.floats(*answer)
    got = student.probe("take_step", images, direction)
    wanted = [stepped(network_for_freezing(name, values).train(mode), images, direction) for mode in (True, False)]
    states = [state_of(*each) for each in zip(values, got, *wanted, strict=False)]
    names = [key for key, _ in network_for_freezing(name, []).named_parameters()]
    if len(got) != len(values) or states[:2] != [True, True]:
        fail_check("freeze, unfreeze: a layer that was not passed does not learn. What happens to its parameters?")
    return {
        key.removeprefix("1."): state for key, state in zip(names, states, strict=True) if key.startswith("1.")
    }, got


def state_of(before: Tensor, got: Any, *stepped: Tensor) -> bool | None:
    if not isinstance(got, Tensor) or got.shape != before.shape:
        return None
    if torch.equal(got, before):
        return False
    near = ((got - one).abs().max() < (one - before).abs().max() / 20 for one in stepped)  # rounding is far smaller
    return True if any(near) else None


def missed_by(states: Any, function: str) -> set[str]:
    """Return the parameters that the function did not leave as it should."""
    return {name for name, trainable in states.items() if trainable is not (function == "unfreeze")}


def assert_reached(student: Student, rng: Rng, function: str) -> None:
    """Check that all parameters have the wanted state; exactly those that do not name the mistake."""
    facts = frozen(student, rng, function, "deep")
    states, missed = facts["once"], missed_by(facts["once"], function)
    if not missed:
        return
    kind = "trainable" if function == "freeze" else "frozen"
    if missed == set(facts["norms"]):
        fail_check(
            f"{function}: the parameters of batch norm are still {kind}. Why are they left out?", "skips-batchnorm"
        )
    own = {name for name in states if "." not in name}
    children = {name for name in states if name.count(".") == 1}
    if missed in (set(states) - own, set(states) - children, set(states) - own - children):
        fail_check(
            f"{function}: some parameters further down are still {kind}. How deep does it reach?", "freezes-one-level"
        )
    shallow = frozen(student, rng, function, "flat")["once"]
    if missed == biases_of(states) or missed_by(shallow, function) == biases_of(shallow):
        name = "leaves-biases-out"
    else:
        name = "changes-nothing" if missed == set(states) and facts["modes"][0] == facts["modes"][1] else None
    fail_check(f"{function}: parameters are still {kind}. Which ones are left out?", name)


def biases_of(states: Any) -> set[str]:
    return {name for name in states if name.rpartition(".")[2] == "bias"}


@core("freeze", "freeze stops the training of most of a layer or flat network")
def test_freeze_stops_a_layer(student: Student, rng: Rng) -> None:
    facts = [frozen(student, rng, "freeze", name) for name in ("leaf", "flat")]
    if all(2 * len(missed_by(one["once"], "freeze")) > len(one["once"]) for one in facts):
        before, after = facts[1]["modes"]
        stopped = any(before) and not any(after)
        missed = [missed_by(one["once"], "freeze") for one in facts]
        name = "changes-nothing" if missed == [set(one["once"]) for one in facts] and before == after else None
        fail_check(
            "freeze: the parameters are still trainable. What decides whether the optimizer changes one?",
            "freezes-by-eval" if stopped else name,
        )


@detail("freeze", "freeze reaches every parameter below", weight=5)
def test_freeze_reaches_every_parameter(student: Student, rng: Rng) -> None:
    assert_reached(student, rng, "freeze")


@detail("freeze", "unfreeze makes every parameter below trainable again", weight=5)
def test_unfreeze_reaches_every_parameter(student: Student, rng: Rng) -> None:
    assert_reached(student, rng, "unfreeze")


def both(student: Student, rng: Rng, name: str) -> list[tuple[str, Any]]:
    """Return what `freeze` did to a model, and `unfreeze` if it can be called; another check tests that it can."""
    found = [("freeze", frozen(student, rng, "freeze", name))]
    with contextlib.suppress(StudentRaised):
        found.append(("unfreeze", frozen(student, rng, "unfreeze", name)))
    return found


@detail("freeze", "calling it twice is the same as once", weight=3)
def test_twice_is_like_once(student: Student, rng: Rng) -> None:
    for function, facts in both(student, rng, "flat"):
        once, twice = facts["once"], facts["twice"]
        if twice != once:
            turned = all(twice[name] is not once[name] for name in once)
            fail_check(
                f"{function}: a second call undoes the first. What if a parameter is already as it should be?",
                "toggles" if turned else None,
            )


@detail("freeze", "does not change values and modes", weight=2)
def test_freezing_leaves_values_and_modes(student: Student, rng: Rng) -> None:
    for function, facts in both(student, rng, "deep"):
        if not facts["same"]:
            fail_check(f"{function}: expected the same parameters with the same values, got others. Is it in place?")
        before, after = facts["modes"]
        if before != after:
            fail_check(
                f"{function}: modules are in another mode than before. What does freezing have to do with eval mode?",
                "freezes-by-eval" if function == "freeze" and not any(after) else "changes-mode",
            )


def table(student: Student, name: str, size: tuple[int, ...], model: Nested | Flat | None = None) -> str:
    """Return the table as text: the answer, or if there is none, what was printed."""
    asked = f"{name} {size} {model}"
    if asked not in student.kept:
        student.kept[asked] = student.probe("summarize", name, size, asdict(model) if model else {})
    facts = student.kept[asked]
    if facts["type"] == "NoneType" and not facts["printed"]:
        fail_check("summarize: expected the table as a str, got None. Is the `return` missing?", "returns-none")
    return str(facts["printed"] if facts["type"] == "NoneType" else facts["text"])


def tables(student: Student, rng: Rng) -> tuple[str, str, Nested]:
    """Return the tables of a model, and of the same with its first part frozen; all checks share them."""
    model = student.kept.setdefault("model", nested(rng))
    return table(student, "nested", NESTED_SIZE, model), table(student, "partly frozen", NESTED_SIZE, model), model


@core("summarize", "is a table of the layers")
def test_summary_is_a_table_of_the_layers(student: Student, rng: Rng) -> None:
    model = flat(student, rng)
    text = table(student, "flat", model.input_size, model)
    shapes = all(re.search(rf"\d, {size}\b", text) for size in (model.hidden, model.outputs))
    numbers = all(str(number) in text for number in (model.first, model.second))
    if not all(word in text for word in ("Linear", "ReLU")) or not (shapes or numbers):
        fail_check(
            "summarize: expected a table with the type, output shape and number of parameters of each layer, got "
            "another text. What does torchinfo return?",
            "text-of-the-model" if text.startswith("Sequential(\n  (0): Linear(") else None,
        )


@detail("summarize", "goes down to the leaves", weight=4)
def test_summary_goes_down_to_the_leaves(student: Student, rng: Rng) -> None:
    text, _, model = tables(student, rng)
    for word in ("Conv2d", "BatchNorm2d", "MaxPool2d", "Linear"):
        if word not in text:
            fail_check(f"summarize: expected the layer type {word} in the table, found none. How deep does it go?")
    for _, shape in model.shapes():
        if ", ".join(map(str, shape[1:])) not in text:
            fail_check("summarize: an output shape is missing. Which columns are shown, for which input?")


@detail("summarize", "returns the table as text and prints nothing", weight=7)
def test_summary_is_returned_not_printed(student: Student, rng: Rng) -> None:
    tables(student, rng)
    (facts,) = [facts for asked, facts in student.kept.items() if asked.startswith("nested (")]
    if facts["type"] == "NoneType":
        fail_check(
            "summarize: the table is printed, and None returned. Who can use it then?", "prints-instead-of-returns"
        )
    if facts["printed"]:
        fail_check("summarize: the table is printed as well. Which option keeps torchinfo quiet?", "prints-as-well")
    if facts["type"] != "str":
        fail_check(
            f"summarize: expected the table as a str, got {facts['type']}. How is one turned into the other?",
            "statistics-instead-of-text" if facts["type"] == "ModelStatistics" else None,
        )


@detail("summarize", "shows the number of parameters, total and trainable", weight=3)
def test_summary_shows_parameters(student: Student, rng: Rng) -> None:
    whole, partly, model = tables(student, rng)
    for text, trainable in ((whole, model.total), (partly, model.linear)):
        for label, number in (("Total params", model.total), ("Trainable params", trainable)):
            found = re.search(rf"(?<![-\w]){label}:\s*([\d,]+)", text)
            if found is None or found[1].replace(",", "") != str(number):
                fail_check(
                    f"summarize: expected '{label}' and their number below the table, got none or another.",
                    "leaves-totals-out" if not re.search("total|trainable", text, re.IGNORECASE) else None,
                )


@detail("summarize", "shows the number of parameters of each layer", weight=5)
def test_summary_shows_parameters_of_each_layer(student: Student, rng: Rng) -> None:
    model = flat(student, rng)
    text = table(student, "flat", model.input_size, model)
    for number in model.first, model.second:
        if not re.search(rf"Linear[^\n]*\b{number}\b", text):
            # Without shapes and positions in the tree, a row has no other numbers.
            rows = [re.sub(r"\[.*?\]|\(.*?\)|\d+-\d+", "", row) for row in text.splitlines() if "Linear" in row]
            fail_check(
                "summarize: expected the number of parameters in the row of each Linear, got none. Which columns?",
                "no-parameter-column" if not any(map(re.compile(r"\d").search, rows)) else None,
            )


@detail("summarize", "takes the batch axis from input_size", weight=2)
def test_summary_takes_the_batch_axis(student: Student, rng: Rng) -> None:
    model = nested(rng)
    text = table(student, "nested", (5, *NESTED_SIZE[1:]), model)
    if f"[5, {model.width}, 9, 11]" not in text:
        fail_check(
            "summarize: expected the batch size of input_size in the table, got another. Which input ran?",
            "batch-of-one" if f"[1, {model.width}, 9, 11]" in text else None,
        )


@detail("summarize", "takes a float64 model, and one without parameters", weight=2)
def test_summary_runs_on_the_models_dtype(student: Student, rng: Rng) -> None:
    model = nested(rng)
    try:
        table(student, "double", NESTED_SIZE, model)
    except StudentRaised as error:
        table(student, "nested", NESTED_SIZE, model)
        fail_for_dtype(error)
    student.probe("summarize", "bare", (2, 1, 4, 6), {})


@detail("summarize", "does not change the model")
def test_summarizing_changes_nothing(student: Student, rng: Rng) -> None:
    tables(student, rng)
    model = flat(student, rng)
    table(student, "flat", model.input_size, model)
    if not all(facts["left"] for facts in student.kept.values() if isinstance(facts, dict)):
        fail_check("summarize: the call changes the model's numbers, their dtype or its mode. What for?")
