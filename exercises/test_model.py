"""Public checks of lesson 5. Run them with `pytest exercises/test_model.py`.

The last one tests the weights that `python -m exercises.train` writes.
"""

import math
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset
from torchvision.datasets import FashionMNIST

from exercises import datasets
from grader.checks import NotStarted, assert_equal, assert_true, check, refused
from grader.course import course

WEIGHTS = Path(__file__).parent / "fashion_cnn.safetensors"
BASELINE = ["Conv2d", "ReLU", "MaxPool2d", "Conv2d", "ReLU", "MaxPool2d", "Flatten", "Linear", "ReLU", "Linear"]


def some_images(count: int) -> Tensor:
    """Return the same made-up images each time, shape (count, 1, 28, 28)."""
    return torch.randn(count, 1, 28, 28, generator=torch.Generator().manual_seed(5))


def parameters_of(network: nn.Module) -> int:
    """Return a network's number of parameters."""
    return sum(p.numel() for p in network.parameters())


def trainer(*callbacks: pl.Callback, **more: Any) -> pl.Trainer:
    """Return a silent Trainer that writes nothing."""
    quiet = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    return pl.Trainer(accelerator="cpu", callbacks=list(callbacks), **quiet, **more)


@check("build_baseline")
def test_build_baseline_has_ten_layers_in_order(student: ModuleType) -> None:
    """The types of its modules, as listed in the docstring."""
    got = [type(layer).__name__ for layer in student.build_baseline()]
    assert_equal(got, BASELINE, "build_baseline, its modules")


@check("build_baseline")
def test_build_baseline_has_421642_parameters(student: ModuleType) -> None:
    """320 + 18,496 + 401,536 + 1,290."""
    hint = "Which row of the lesson's table differs?"
    assert_equal(parameters_of(student.build_baseline()), 421_642, "build_baseline, its parameters", hint)


@check("build_baseline")
def test_the_first_layer_gives_32_maps(student: ModuleType) -> None:
    """Padding keeps 28 x 28 as it is."""
    got = tuple(student.build_baseline()[0](some_images(2)).shape)
    assert_equal(
        got, (2, 32, 28, 28), "build_baseline, shape after the first layer", "What does padding do to the size?"
    )


@check("build_baseline")
def test_build_baseline_gives_as_many_logits_as_classes(student: ModuleType) -> None:
    """Seven classes, seven numbers per image."""
    got = tuple(student.build_baseline(num_classes=7)(some_images(3)).shape)
    assert_equal(got, (3, 7), "build_baseline(num_classes=7) of three images, shape")


@check("build_baseline")
def test_build_baseline_refuses_no_classes(student: ModuleType) -> None:
    """There must be at least one class."""
    with refused("build_baseline(num_classes=0)"):
        student.build_baseline(num_classes=0)


@check("fashion_cnn")
@pytest.mark.parametrize("count", [1, 4])
def test_fashion_cnn_gives_logits_for_any_batch(student: ModuleType, count: int) -> None:
    """One row per image, one number per class."""
    with torch.no_grad():
        got = tuple(student.FashionCNN().eval()(some_images(count)).shape)
    assert_equal(got, (count, 10), f"FashionCNN of a batch of {count}, shape")


@check("fashion_cnn")
def test_fashion_cnn_gives_no_probabilities(student: ModuleType) -> None:
    """The loss applies the softmax: numbers that are positive and add up to 1 already went through one."""
    with torch.no_grad():
        got = student.FashionCNN().eval()(some_images(4))
    through_softmax = bool((got >= 0).all()) and torch.allclose(got.sum(dim=1), torch.ones(4), atol=1e-4)
    question = "Who applies the softmax if cross_entropy does, too?"
    assert_true(not through_softmax, f"FashionCNN: expected logits, got rows that add up to 1. {question}")


@check("fashion_cnn")
def test_fashion_cnn_is_small(student: ModuleType) -> None:
    """At most 500,000 parameters."""
    got = parameters_of(student.FashionCNN())
    assert_true(
        0 < got <= 500_000, f"FashionCNN: expected at most 500,000 parameters, got {got:,}. Which layer has the most?"
    )


@check("fashion_cnn")
def test_the_first_convolution_gives_32_maps(student: ModuleType) -> None:
    """The lesson's own example: 32 maps of 28 x 28."""
    network = student.FashionCNN().eval()
    shapes: list[tuple[int, ...]] = []
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(lambda _layer, _inputs, maps: shapes.append(tuple(maps.shape)))
    with torch.no_grad():
        network(some_images(2))
    assert_true(shapes, "FashionCNN: expected a Conv2d that runs, found none.")
    assert_equal(shapes[0], (2, 32, 28, 28), "FashionCNN, shape after the first Conv2d")


class Spy(pl.Callback):
    """Records the first training step: the expected loss, the returned one, and the initial learning rates."""

    expected = returned = float("nan")
    rates: list[float]

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note the optimizer's learning rates and parameters."""
        groups = [group for optimizer in trainer.optimizers for group in optimizer.param_groups]
        self.rates = [float(group["lr"]) for group in groups]
        looked_after = {id(parameter) for group in groups for parameter in group["params"]}
        self.forgotten = [name for name, p in pl_module.named_parameters() if id(p) not in looked_after]

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Compute the mean cross-entropy, with dropout off."""
        del trainer
        if batch_idx == 0:
            pl_module.eval()
            with torch.no_grad():
                self.expected = F.cross_entropy(pl_module(batch[0]), batch[1]).item()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Note what the step returned."""
        del trainer, pl_module, batch
        if batch_idx == 0:
            self.returned = float(outputs["loss"]) if isinstance(outputs, dict) else float("nan")


@pytest.fixture
def first_step(student: ModuleType) -> Spy:
    """What a spy saw in the first step of a network with learning rate 0.0125."""
    spy, batch = Spy(), TensorDataset(some_images(12), torch.arange(12) % 10)
    network = student.FashionCNN(learning_rate=0.0125)
    trainer(spy, max_steps=1).fit(network, DataLoader(batch, batch_size=12))
    return spy


@check("lightning_steps")
def test_training_step_returns_the_mean_cross_entropy(first_step: Spy) -> None:
    """Of the logits and the labels of the batch."""
    close = abs(first_step.returned - first_step.expected) < 1e-4
    came_back = not math.isnan(first_step.returned)
    got = f"got {first_step.returned:.4f}" if came_back else "got none"
    question = "What does training_step return?"
    assert_true(close, f"training_step: expected the loss {first_step.expected:.4f}, {got}. {question}")


@check("lightning_steps")
def test_the_optimizer_starts_from_learning_rate(first_step: Spy) -> None:
    """And has every parameter."""
    rates = first_step.rates
    close = rates and all(abs(rate - 0.0125) < 1e-8 for rate in rates)
    assert_true(close, f"configure_optimizers with learning_rate=0.0125: expected it to start from that, got {rates}.")
    forgotten = first_step.forgotten
    assert_true(not forgotten, f"configure_optimizers: expected all parameters, got none of: {', '.join(forgotten)}.")


@check("lightning_steps")
@pytest.mark.parametrize(("stage", "verb"), [("val", "validate"), ("test", "test")])
def test_the_accuracy_is_a_share(student: ModuleType, stage: str, verb: str) -> None:
    """The network is right on 9 of 12 labels: that is 0.75."""
    network = student.FashionCNN().eval()
    with torch.no_grad():
        answers = network(some_images(12)).argmax(dim=1)
    labels = torch.where(torch.arange(12) < 9, answers, (answers + 1) % 10)
    loader = DataLoader(TensorDataset(some_images(12), labels), batch_size=12)
    run: Callable[..., list[dict[str, float]]] = getattr(trainer(), verb)
    logged = run(network, loader, verbose=False)[0]
    names = f"{stage}_loss", f"{stage}_acc"
    missing = [name for name in names if name not in logged]
    assert_true(not missing, f"{verb}: expected {' and '.join(names)} logged, got no {' and no '.join(missing)}.")
    got = logged[names[1]]
    assert_true(abs(got - 0.75) < 1e-5, f"{names[1]} with 9 right answers of 12: expected 0.75, got {got:.4g}.")


@check("lightning_steps")
def test_training_lowers_the_loss(student: ModuleType) -> None:
    """Ten steps on one batch: a network that learns begins to memorise it."""
    torch.manual_seed(0)
    images, labels = some_images(16), torch.arange(16) % 10
    network = student.FashionCNN()
    losses = []
    for steps in (0, 10):
        trainer(max_steps=steps).fit(network, DataLoader(TensorDataset(images, labels), batch_size=16))
        with torch.no_grad():
            losses.append(F.cross_entropy(network.train()(images), labels).item())
    fell = losses[1] < losses[0]
    message = f"expected a lower loss than {losses[0]:.3f} after ten steps on one batch, got {losses[1]:.3f}."
    assert_true(fell, f"training: {message} Does the loss keep its graph?")


@check("fashion_accuracy")
@pytest.mark.timeout(300)
def test_the_trained_network_knows_the_test_images(
    student: ModuleType, record_property: Callable[[str, object], None]
) -> None:
    """From one share of the 10,000 on all points are earned, below another none; in between it is linear."""
    if not WEIGHTS.is_file():
        raise NotStarted(f"There is no {WEIGHTS.name} yet: python -m exercises.train writes it.")
    network = student.FashionCNN().eval()
    try:
        network.load_state_dict(load_file(WEIGHTS))
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        question = "Was the network changed after the training?"
        raise AssertionError(
            f"{WEIGHTS.name}: expected the weights of FashionCNN, got: {reason}. {question}"
        ) from error
    datasets.prepare_fashion_mnist(datasets.DATA_DIR)
    test = FashionMNIST(datasets.DATA_DIR, train=False)
    with torch.no_grad():
        logits = torch.cat([network((part[:, None] / 255 - 0.2860) / 0.3530) for part in test.data.split(500)])
    accuracy = (logits.argmax(dim=1) == test.targets).double().mean().item()
    none, full = course().thresholds.values()
    share = min(max((accuracy - none) / (full - none), 0.0), 1.0)
    said = f"{100 * accuracy:.2f} % of the 10,000 test images"
    assert_true(
        share > 0, f"fashion_accuracy: expected more than {100 * none:g} % of the 10,000 test images, got {said}."
    )
    points = course().task("fashion_accuracy").points
    if share < 1:
        following = min(math.floor(share * points) + 1, points)
        missing = none + following / points * (full - none) - accuracy
        said = f"{said}: {share * points:.1f} of {points:g} points; {100 * missing:.2f} % more earn {following:g}"
    record_property("share", share)
    record_property("note", f"{said}.")
