"""Public checks of lesson 6. Run them with `pytest exercises/test_summary.py`."""

from types import ModuleType

import pytest
import torch
from torch import nn

from grader.checks import assert_equal, assert_true, check


def small_network() -> nn.Sequential:
    """A network in a network; all sizes differ."""
    return nn.Sequential(nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)), nn.Flatten(), nn.Linear(60, 7))


@check("layer_shapes")
def test_layer_shapes_names_each_leaf_in_order(student: ModuleType) -> None:
    """A 5 x 7 image through a 3 x 3 kernel is 3 x 5; containers are not listed."""
    got = student.layer_shapes(small_network(), (2, 1, 5, 7))
    expected = {"0.0": (2, 4, 3, 5), "0.1": (2, 4, 3, 5), "1": (2, 60), "2": (2, 7)}
    assert_true(isinstance(got, dict), f"layer_shapes: expected a dict, got {type(got).__name__}.")
    plain = {name: tuple(shape) for name, shape in got.items()}
    assert_equal(list(plain.items()), list(expected.items()), "layer_shapes of input (2, 1, 5, 7)")


@check("layer_shapes")
def test_layer_shapes_leaves_the_model_as_it_was(student: ModuleType) -> None:
    """A function that only inspects changes neither mode nor averages, and leaves no hooks."""
    network = small_network().train()
    student.layer_shapes(network, (2, 1, 5, 7))
    assert_true(network.training, "layer_shapes: expected the model in training mode as before, got it in eval mode.")
    hooks = sum(len(layer._forward_hooks) for layer in network.modules())  # noqa: SLF001 - there is no public way to count
    assert_equal(hooks, 0, "layer_shapes, hooks that are left behind")
    averages = network[0][1].running_var
    unchanged = torch.equal(averages, torch.ones(4))
    assert_true(
        unchanged, "layer_shapes: expected the averages of BatchNorm2d unchanged, got others. In which mode did it run?"
    )


@check("count_parameters")
@pytest.mark.parametrize(
    ("layer", "expected"),
    [(nn.Linear(3, 5), 20), (nn.Conv2d(2, 4, 3), 76), (nn.BatchNorm2d(4), 8)],
    ids=["Linear", "Conv2d", "BatchNorm2d"],
)
def test_count_parameters_counts_weights_and_biases(student: ModuleType, layer: nn.Module, expected: int) -> None:
    """3 * 5 + 5; 4 * 2 * 3 * 3 + 4; a scale and a shift for each of four maps, but not the averages."""
    where = f"count_parameters({type(layer).__name__})"
    assert_equal(student.count_parameters(layer), (expected, expected), where, "Which tensors does it learn?")


@check("count_parameters")
def test_count_parameters_knows_what_is_frozen(student: ModuleType) -> None:
    """With its bias frozen, a layer of 20 has 15 left to train."""
    layer = nn.Linear(3, 5)
    layer.bias.requires_grad = False
    assert_equal(student.count_parameters(layer), (20, 15), "count_parameters of a Linear whose bias is frozen")


@check("freeze")
def test_freeze_reaches_every_depth(student: ModuleType) -> None:
    """Nothing below it is trained any more."""
    network = small_network()
    student.freeze(network)
    left = [name for name, parameter in network.named_parameters() if parameter.requires_grad]
    assert_true(not left, f"freeze: expected no trainable parameter, got {', '.join(left)}.")


@check("freeze")
def test_unfreeze_undoes_it_for_a_part(student: ModuleType) -> None:
    """Only the last layer learns: that is how a trained network is used for something new."""
    network = small_network()
    student.freeze(network)
    student.unfreeze(network[2])
    left = [name for name, parameter in network.named_parameters() if parameter.requires_grad]
    assert_equal(left, ["2.weight", "2.bias"], "unfreeze of the last layer, trainable parameters")


@check("summarize")
def test_summarize_shows_types_shapes_and_counts(student: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """A table as text, and nothing is printed."""
    got = student.summarize(nn.Sequential(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU()), (1, 1, 28, 28))
    assert_true(isinstance(got, str), f"summarize: expected a str, got {type(got).__name__}.")
    missing = [word for word in ("Conv2d", "ReLU", "[1, 32, 28, 28]", "320", "rainable") if word not in got]
    assert_true(not missing, f"summarize: expected a table from torchinfo, got one without:  {', '.join(missing)}.")
    printed = capsys.readouterr().out
    assert_equal(printed, "", "summarize, its printed output")
