"""Hidden checks of the encoder block, against PyTorch's own attention with the same parameters."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from grader.checks import Student, assert_values, core, detail, fail_check, same_values
from grader.hidden.inputs import Rng

SIZE, HEADS, HIDDEN = 12, 3, 20
SHAPES = {
    "contract": (SIZE, HIDDEN),
    "expand": (HIDDEN, SIZE),
    "norm1": (SIZE,),
    "norm2": (SIZE,),
    "project_in": (3 * SIZE, SIZE),
    "project_out": (SIZE, SIZE),
}


def asked(student: Student, rng: Rng) -> tuple[Any, list[Tensor], dict[str, Tensor]]:
    """Return what is known of the block, the batches that it answered, and the values of its parameters."""
    if "block" not in student.kept:
        values = {
            f"{name}.{kind}": rng.floats(*(shape if kind == "weight" else shape[:1]))
            for name, shape in SHAPES.items()
            for kind in ("bias", "weight")
        }
        batches = [rng.floats(2, 5, SIZE), rng.floats(2, 5, SIZE), rng.floats(1, 1, SIZE)]
        facts = student.probe("block", (SIZE, HEADS, HIDDEN), list(values.values()), batches)
        student.kept["block"] = facts, batches, values
    found: tuple[Any, list[Tensor], dict[str, Tensor]] = student.kept["block"]
    return found


def answer(x: Tensor, values: dict[str, Tensor], *, first: bool = False, residual: bool = True) -> Tensor:
    """Return what the block gives; with the norms before what they should follow, or without the sums, if asked."""

    def linear(name: str, inputs: Tensor) -> Tensor:
        return F.linear(inputs, values[f"{name}.weight"], values[f"{name}.bias"])

    def norm(name: str, inputs: Tensor) -> Tensor:
        return F.layer_norm(inputs, (SIZE,), values[f"{name}.weight"], values[f"{name}.bias"])

    def attend(inputs: Tensor) -> Tensor:
        ours = ("project_in.weight", "project_in.bias", "project_out.weight", "project_out.bias")
        theirs = ("in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias")
        state = {name: values[our] for name, our in zip(theirs, ours, strict=True)}
        attention = nn.MultiheadAttention(SIZE, HEADS, batch_first=True)
        called: Tensor = functional_call(attention, state, (inputs,) * 3, {"need_weights": False})[0]
        return called

    def wide(inputs: Tensor) -> Tensor:
        return linear("contract", linear("expand", inputs).relu())

    kept = float(residual)
    if first:
        x = kept * x + attend(norm("norm1", x))
        return kept * x + wide(norm("norm2", x))
    x = norm("norm1", kept * x + attend(x))
    return norm("norm2", kept * x + wide(x))


@core("encoder_block", "answers each position with as many features")
def test_block_keeps_the_shape(student: Student, rng: Rng) -> None:
    facts, batches, _ = asked(student, rng)
    for got, batch in zip(facts["answers"], batches, strict=True):
        if not isinstance(got, Tensor) or got.shape != batch.shape:
            fail_check("EncoderBlock: expected an answer of its input's shape, got another. What does forward return?")


@detail("encoder_block", "has the layers that its docstring names", weight=2)
def test_block_has_its_layers(student: Student, rng: Rng) -> None:
    facts, _, values = asked(student, rng)
    if dict(zip(facts["names"], facts["shapes"], strict=True)) != {
        name: tuple(one.shape) for name, one in values.items()
    }:
        fail_check(
            f"EncoderBlock: expected the parameters {', '.join(values)}, got {', '.join(map(str, facts['names']))}, or "
            "others of their sizes. Which layer is missing, or has no bias?"
        )


@detail("encoder_block", "attends with all heads, adds, and normalises", weight=4)
def test_block_attends(student: Student, rng: Rng) -> None:
    facts, batches, values = asked(student, rng)
    for got, batch in zip(facts["answers"], batches, strict=True):
        if same_values(got, answer(batch, values, first=True)):
            fail_check(
                "EncoderBlock: the norms come before the layers. Of what are they in the docstring?", "norm-first"
            )
        if same_values(got, answer(batch, values, residual=False)):
            fail_check("EncoderBlock: nothing is added to what was there before. What keeps the input?", "no-residual")
        assert_values(got, answer(batch, values), "EncoderBlock", atol=1e-3)


@detail("encoder_block", "can be trained: all of its parameters have their gradients", weight=2)
def test_block_can_be_trained(student: Student, rng: Rng) -> None:
    facts, batches, values = asked(student, rng)
    leaves = {name: value.requires_grad_() for name, value in values.items()}
    wanted = torch.autograd.grad(answer(batches[0], leaves).square().sum(), list(leaves.values()))
    for got, gradient, name in zip(facts["gradients"], wanted, leaves, strict=False):
        if got is None:
            fail_check(f"EncoderBlock: expected a gradient of {name}, got none. Where does the graph end?")
        assert_values(got, gradient, f"EncoderBlock: gradient of {name}")
