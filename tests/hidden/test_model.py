"""Hidden checks of the networks: their layers, their answers, their training steps, their accuracy."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from grader.checking import core, detail
from grader.checking.assertions import assert_close, assert_small_network, describe, fail_check
from grader.checking.inputs import Rng
from grader.checking.student import Student, StudentFailure
from grader.checking.weights import weights_of_network

TYPES = ["Conv2d", "ReLU", "MaxPool2d", "Conv2d", "ReLU", "MaxPool2d", "Flatten", "Linear", "ReLU", "Linear"]
PARAMETERS = [320, 1_290, 18_496, 401_536]
PLAIN = {"kernel_size": (3, 3), "stride": (1, 1), "dilation": (1, 1), "groups": 1, "padding_mode": "zeros"}
BATCH = 24
EVALUATIONS = [("validate", "val"), ("test", "test")]


def baseline(student: Student, images: Tensor, **options: int) -> Any:
    facts = student.probe("baseline", options, images)
    if facts.get("type") == "NoneType":
        fail_check("build_baseline: expected an nn.Sequential, got None. Does the function return?", "returns-none")
    if not facts["is_sequential"]:
        fail_check(f"build_baseline: expected an nn.Sequential, got {facts['type']}. What holds layers in a row?")
    return facts


@core("build_baseline", "its convolutions keep height and width")
def test_baseline_pads_its_convolutions(student: Student, rng: Rng) -> None:
    for layer in baseline(student, rng.floats(2, 1, 28, 28))["settings"]:
        if "kernel_size" in layer and "in_channels" in layer and layer.get("padding") in ((0, 0), "valid"):
            fail_check(
                "build_baseline: a convolution gives smaller maps than it gets. How could it keep their size?",
                "missing-padding",
            )


@core("build_baseline", "has 421,642 parameters")
def test_baseline_has_its_parameters(student: Student, rng: Rng) -> None:
    facts = baseline(student, rng.floats(2, 1, 28, 28))
    if facts["total"] != 421_642 or sorted(filter(None, facts["parameters"])) != PARAMETERS:
        fail_check(
            f"build_baseline: expected 421,642 parameters, got {facts['total']}. Which layer has too many or too few?",
            "wrong-parameter-count",
        )


@core("build_baseline", "is a flat Sequential of the ten layers in order")
def test_baseline_has_the_ten_layers(student: Student, rng: Rng) -> None:
    types = list(map(str, baseline(student, rng.floats(2, 1, 28, 28))["types"]))
    if types != TYPES:
        fail_check(f"build_baseline: expected {', '.join(TYPES)}, got {', '.join(types)}. Which one differs?")


@core("build_baseline", "every layer has its output shape")
def test_baseline_layers_have_their_shapes(student: Student, rng: Rng) -> None:
    expected = [
        (2, 32, 28, 28), (2, 32, 28, 28), (2, 32, 14, 14), (2, 64, 14, 14), (2, 64, 14, 14),
        (2, 64, 7, 7), (2, 3136), (2, 128), (2, 128), (2, 10),
    ]  # fmt: skip
    facts = baseline(student, rng.floats(2, 1, 28, 28))
    for index, (got, wanted) in enumerate(zip(facts["shapes"], expected, strict=False)):
        if got != wanted:
            fail_check(
                f"build_baseline: layer {index}: expected output shape {wanted}, got {got}. How many, how large?"
            )
    if len(facts["shapes"]) != len(expected):
        fail_check(f"build_baseline: layer {len(facts['shapes'])} cannot take what comes before it: {facts['error']}")


@core("build_baseline", "its convolutions are plain: 3 x 3, one step, one group")
def test_baseline_convolutions_are_plain(student: Student, rng: Rng) -> None:
    settings = baseline(student, rng.floats(2, 1, 28, 28))["settings"]
    for index in (0, 3):
        got = settings[index] if index < len(settings) else {}
        if any(got.get(name) != value for name, value in PLAIN.items()):
            fail_check(f"build_baseline: layer {index}: expected a plain 3 x 3 convolution, got other settings. Which?")


@core("build_baseline", "computes what its layers say")
def test_baseline_computes_its_layers(student: Student, rng: Rng) -> None:
    images = rng.floats(2, 1, 28, 28)
    facts = baseline(student, images)
    state, answer = facts["state"], facts["answer"]
    if facts["error"]:
        fail_check(f"build_baseline: the layers do not fit together: {facts['error']}")
    shapes = [(32, 1, 3, 3), (32,), (64, 32, 3, 3), (64,), (128, 3136), (128,), (10, 128), (10,)]
    if [tuple(value.shape) for value in state if isinstance(value, Tensor)] != shapes:
        fail_check("build_baseline: expected weights and biases of two convolutions and two linear layers, got others.")
    w1, b1, w2, b2, w3, b3, w4, b4 = state
    x = F.max_pool2d(F.conv2d(images, w1, b1, padding=1).relu(), 2)
    x = F.max_pool2d(F.conv2d(x, w2, b2, padding=1).relu(), 2).flatten(1)
    assert_close(answer, F.linear(F.linear(x, w3, b3).relu(), w4, b4), "build_baseline", atol=1e-4)


@detail("build_baseline", "takes another number of classes")
def test_baseline_takes_num_classes(student: Student, rng: Rng) -> None:
    facts = baseline(student, rng.floats(2, 1, 28, 28), num_classes=7)
    if facts["shapes"][-1:] != [(2, 7)] or facts["total"] != 421_642 - 3 * 129:
        fail_check(
            "build_baseline(7): expected one logit for each of 7 classes, got others. Where does 10 still stand?"
        )


@detail("build_baseline", "has ten classes by default, all parameters trainable, and is new at every call")
def test_baseline_is_new_and_trainable(student: Student, rng: Rng) -> None:
    facts = baseline(student, rng.floats(2, 1, 28, 28))
    if facts["shapes"][-1:] != [(2, 10)]:
        fail_check("build_baseline(): expected ten logits by default, got another number.")
    if not facts["trainable"]:
        fail_check("build_baseline: expected every parameter trainable, got frozen ones.")
    if not facts["is_new"]:
        fail_check("build_baseline: expected a new network from every call, got the same parameters again.")


def answers(student: Student, batches: list[Tensor], *, training: bool = False, **options: Any) -> list[Any]:
    """Return the logits for each batch, and once more for the first, each checked to be logits in form."""
    got: list[Any] = student.probe("logits", batches, options, training=training)
    for batch, answer in zip([*batches, batches[0]], got, strict=True):
        assert_logits(answer, len(batch), options.get("num_classes", 10))
    return got


def assert_logits(answer: Any, images: int, num_classes: int = 10) -> None:
    if answer is None:
        fail_check("FashionCNN: expected logits, got None. Does `forward` return?", "returns-none")
    if not isinstance(answer, Tensor) or not answer.is_floating_point():
        fail_check(f"FashionCNN: expected a floating-point tensor of logits, got {describe(answer)}. What is returned?")
    if tuple(answer.shape) != (images, num_classes):
        wanted, got = (images, num_classes), tuple(answer.shape)
        fail_check(f"FashionCNN: expected logits of shape {wanted}, got {got}. What does each axis count?")
    if not answer.isfinite().all():
        fail_check("FashionCNN: expected finite logits, got NaN or infinity. Where do the numbers overflow?")


@core("fashion_cnn", "answers a batch of {size} with one logit per class")
@pytest.mark.parametrize("size", [2, 7])
def test_network_gives_logits(student: Student, rng: Rng, size: int) -> None:
    answers(student, [rng.floats(size, 1, 28, 28)])


@core("fashion_cnn", "answers with logits, not with probabilities (training mode: {training})")
@pytest.mark.parametrize("training", [False, True], ids=["eval", "training"])
def test_network_gives_no_probabilities(student: Student, rng: Rng, training: bool) -> None:
    answer = answers(student, [rng.floats(64, 1, 28, 28) * 3], training=training)[0]
    if are_probabilities(answer):
        fail_check(
            "FashionCNN: every row of the answer is positive and sums to 1. What does cross_entropy do to its input?",
            "softmax-in-forward",
        )
    if answer.min() > 0 and answer.max() < 1:
        fail_check("FashionCNN: every answer lies between 0 and 1. Are these logits?")


def are_probabilities(answer: Tensor) -> bool:
    return bool(answer.min() >= 0 and (answer.sum(1) - 1).abs().max() < 1e-3)


@core("fashion_cnn", "gives the same answer to the same images")
def test_answers_are_not_drawn_by_chance(student: Student, rng: Rng) -> None:
    first, again = answers(student, [rng.floats(6, 1, 28, 28)])
    if (first - again).abs().max() > margin(first):
        fail_check("FashionCNN: in eval mode the same images got two different answers. What is drawn by chance?")


@core("fashion_cnn", "answers do not depend on the other images of a batch")
def test_answers_do_not_depend_on_the_batch(student: Student, rng: Rng) -> None:
    images = rng.floats(6, 1, 28, 28)
    mixed = torch.cat([images.flip(0), 5 * rng.floats(5, 1, 28, 28) + 3])
    whole, part, among, again = answers(student, [images, images[:2], mixed])
    apart, mingled = (whole[:2] - part).abs().max(), (whole.flip(0) - among[:6]).abs().max()
    by_chance = (whole - again).abs().max() > margin(whole)
    if max(apart, mingled) > margin(whole) and not by_chance:
        fail_check(
            "FashionCNN: in eval mode an answer changes with the images beside it. Which layer looks at them?",
            "depends-on-batch",
        )


def margin(answer: Tensor) -> float:
    """Return by how much answers may differ: sums over other batch sizes are rounded in another order."""
    return 1e-3 * float(answer.abs().max()) + 1e-6


@core("fashion_cnn", "is a LightningModule whose first convolution gives 32 maps of 28 x 28")
def test_first_convolution_gives_32_maps(student: Student, rng: Rng) -> None:
    facts = student.probe("describe", rng.floats(2, 1, 28, 28))
    if not facts["is_lightning"]:
        fail_check("FashionCNN: expected a pytorch_lightning.LightningModule, got another class.")
    got = facts["first"]
    wanted = (2, 32, 28, 28)
    if got != wanted:
        name = "missing-padding" if isinstance(got, tuple) and got[:2] == (2, 32) and got[2:] == (26, 26) else None
        shown = got if isinstance(got, tuple) else "no Conv2d that runs"
        fail_check(
            f"FashionCNN: expected the first Conv2d to give {wanted}, got {shown}. How large are its maps?", name
        )
    if (5, *wanted[1:]) not in explained(student, rng)["convolutions"]:
        fail_check("FashionCNN: expected a convolution that gives 32 maps of 28 x 28, but none of PyTorch's runs.")


@core("fashion_cnn", "keeps at most 500,000 numbers")
def test_network_is_small_enough(student: Student, rng: Rng) -> None:
    assert_small_network(student.probe("describe", rng.floats(2, 1, 28, 28))["kept"])
    header = weights_of_network(student)
    if header is not None:
        assert_small_network(header.kept)


def explained(student: Student, rng: Rng) -> Any:
    """Return what PyTorch's own operations, on the numbers that the network names, give in a worker of ours.

    Returns:
        Its ``answer`` to images that came after the operations were written down, what the ``network`` itself answers
        to them, the shapes of what ``convolutions`` gave, and how many numbers are ``kept``.
    """
    if "explained" not in student.kept:
        program = student.probe("program.record", rng.floats(5, 1, 28, 28))
        images = rng.floats(5, 1, 28, 28)
        network = student.probe("program.answer", images)
        assert_logits(network, 5)
        facts = student.apart("program.run", program, images)
        student.kept["explained"] = {**facts, "network": network, "kept": numbers_of(program)}
    return student.kept["explained"]


def numbers_of(program: Any) -> int:
    """Count the numbers of a program, but for the running statistics of batch normalisation."""
    norms = [args for operation, args, _, _ in program["steps"] if "batch_norm" in operation]
    statistics = {value["register"] for args in norms for value in args[3:5] if value is not None}
    return sum(value.numel() for register, value in program["constants"].items() if register not in statistics)


@core("fashion_cnn", "its answers follow from at most 500,000 numbers")
def test_answers_follow_from_few_numbers(student: Student, rng: Rng) -> None:
    facts = explained(student, rng)
    assert_small_network(facts["kept"])
    answer, network = facts["answer"], facts["network"]
    assert_logits(answer, len(network))
    if (answer - network).abs().max() > margin(network):
        fail_check(
            "FashionCNN: expected answers that PyTorch's operations give from what the network keeps, got others. "
            "What is computed outside of PyTorch?"
        )


@detail("fashion_cnn", "answers a single image")
def test_network_answers_one_image(student: Student, rng: Rng) -> None:
    answers(student, [rng.floats(1, 1, 28, 28)])


@detail("fashion_cnn", "takes another number of classes and a learning rate")
def test_network_takes_its_arguments(student: Student, rng: Rng) -> None:
    answers(student, [rng.floats(2, 1, 28, 28)], num_classes=7, learning_rate=0.01)


def fitted(student: Student, rng: Rng, **options: Any) -> tuple[Any, Tensor]:
    """Return what one training step gave, its loss checked in form, and the labels; checks share it by its options."""
    asked = f"fitted {options}"
    if asked not in student.kept:
        images, labels = rng.floats(13, 1, 28, 28), rng.labels(13, 10)
        student.kept[asked] = student.probe("fit_once", images, labels, options), labels
    facts, labels = student.kept[asked]
    if not facts["returned"]:
        raise StudentFailure("crashed", f"training: {facts['error'] or 'training_step never ran'}")
    first = facts["returned"][0]
    if first["type"] == "NoneType":
        fail_check("training_step: expected the loss, got None. What does Lightning minimise?", "returns-no-loss")
    if not first["graph"]:
        kind = "a tensor without a graph" if isinstance(first["loss"], Tensor) else "a plain number"
        fail_check(
            f"training_step: expected the loss with its graph, got {kind}. How would gradients flow?",
            "loss-without-graph",
        )
    return facts, labels


def plain_loss(logits: Tensor, labels: Tensor) -> float:
    """Return the mean cross-entropy; of probabilities, where the network gives those, by their logarithm."""
    scores = logits.double().clamp(min=1e-30).log() if are_probabilities(logits) else logits.double()
    return float(F.cross_entropy(scores, labels))


def from_probabilities(loss: float, logits: Tensor, labels: Tensor) -> bool:
    """Tell whether a loss is what comes out when probabilities are taken for logits."""
    shares = logits.double() if are_probabilities(logits) else logits.double().softmax(1)
    known = (F.cross_entropy(shares, labels), F.nll_loss(shares, labels))
    return any(abs(loss - float(wrong)) < 1e-4 for wrong in known)


@core("lightning_steps", "training_step returns the mean cross-entropy of the batch")
def test_training_step_returns_the_loss(student: Student, rng: Rng) -> None:
    facts, labels = fitted(student, rng)
    loss, logits = facts["returned"][0]["loss"], facts["before"]
    assert_logits(logits, len(labels))
    if loss.numel() != 1:
        fail_check(f"training_step: expected one number, got shape {tuple(loss.shape)}. Over what is the mean?")
    wanted = plain_loss(logits, labels)
    if abs(float(loss) - wanted) < 1e-4 * max(1.0, wanted):
        return
    if from_probabilities(float(loss), logits, labels):
        fail_check(
            "training_step: the loss is that of probabilities. What does cross_entropy expect?", "loss-on-probabilities"
        )
    fail_check(
        "training_step: expected the mean cross-entropy of logits and labels, got another number. What is left out?"
    )


@core("lightning_steps", "the optimizer covers every trainable parameter")
def test_optimizer_covers_every_parameter(student: Student, rng: Rng) -> None:
    facts, _ = fitted(student, rng)
    if not facts["rates"]:
        if facts["error"]:
            raise StudentFailure("crashed", f"training: {facts['error']}")
        fail_check("configure_optimizers: expected an optimizer, got none. Does it return?", "returns-none")
    if facts["missed"]:
        fail_check(
            f"configure_optimizers: {len(facts['missed'])} trainable parameters are in no optimizer. Which ones learn?",
            "optimizer-misses-parameters",
        )


@core("lightning_steps", "a few steps on one batch lower its loss")
def test_training_lowers_the_loss(student: Student, rng: Rng) -> None:
    images, labels = rng.floats(12, 1, 28, 28), rng.labels(12, 10)
    facts = student.probe("fit_long", images, labels, epochs=5)
    if facts["error"]:
        raise StudentFailure("crashed", f"training: {facts['error']}")
    for answer in (*facts["before"], *facts["after"]):
        assert_logits(answer, len(labels))
    pairs = zip(facts["before"], facts["after"], strict=True)
    changes = [plain_loss(after, labels) - plain_loss(before, labels) for before, after in pairs]
    if not min(changes) < -1e-5:
        fail_check("training: the loss of one batch does not fall in 25 steps. Does each step change the parameters?")


@detail("lightning_steps", "the optimizer starts from learning_rate")
def test_optimizer_starts_from_learning_rate(student: Student, rng: Rng) -> None:
    facts, _ = fitted(student, rng, learning_rate=0.00375)
    # A schedule may have changed the rate already; then the optimizer's own one, or the schedule's peak, is meant.
    if not any(abs(rate - 0.00375) < 1e-9 for rates in facts["rates"] for rate in rates):
        fail_check("configure_optimizers: expected an optimizer that starts from `learning_rate`, got another rate.")


def evaluated(student: Student, rng: Rng, which: str, name: str) -> tuple[float, Tensor, Tensor]:
    """Return what was logged under a name in validation or test, and logits and labels; the last batch is smaller."""
    if which not in student.kept:
        shifts = (rng.labels(64, 4) == 0) * rng.int(1, 9)
        images = rng.floats(64, 1, 28, 28)
        student.kept[which] = student.probe("evaluate", images, shifts, which=which, batch_size=BATCH)
    facts = student.kept[which]
    logged = facts["logged"]
    if name not in logged:
        fail_check(f"{which}: expected {name} to be logged, got {', '.join(map(str, logged)) or 'nothing'}.")
    return float(logged[name]), facts["logits"], facts["labels"]


def batches(values: Tensor) -> tuple[Tensor, ...]:
    return values.split(BATCH)


def by_class(right: Tensor, labels: Tensor, classes: Tensor) -> Tensor:
    """Return the mean over classes of the share of right answers, 0 for a class without images."""
    return torch.stack(
        [right[labels == label].sum() / max(int((labels == label).sum()), 1) for label in classes]
    ).mean()


@detail("lightning_steps", "{which} logs the share of right answers")
@pytest.mark.parametrize(("which", "prefix"), EVALUATIONS)
def test_evaluation_logs_accuracy(student: Student, rng: Rng, which: str, prefix: str) -> None:
    got, logits, labels = evaluated(student, rng, which, f"{prefix}_acc")
    chosen = logits.argmax(1)
    right = (chosen == labels).double()
    # The mean over images, over batches, or over classes: on FashionMNIST's balanced test set they are the same.
    means = [right.mean(), torch.stack([part.mean() for part in batches(right)]).mean()]
    means += [by_class(right, labels, labels.unique()), by_class(right, labels, torch.cat([labels, chosen]).unique())]
    if any(abs(got - float(mean)) < 1e-4 for mean in means):
        return
    remedy = "Is it a share, from 0 to 1?" if got > 1 else "Which class does a network choose?"
    fail_check(f"{prefix}_acc: expected the share of right answers, got another number. {remedy}")


@detail("lightning_steps", "{which} logs the mean cross-entropy")
@pytest.mark.parametrize(("which", "prefix"), EVALUATIONS)
def test_evaluation_logs_loss(student: Student, rng: Rng, which: str, prefix: str) -> None:
    got, logits, labels = evaluated(student, rng, which, f"{prefix}_loss")
    parts = [plain_loss(*pair) for pair in zip(batches(logits), batches(labels), strict=True)]
    wanted = (plain_loss(logits, labels), sum(parts) / len(parts))
    if any(abs(got - loss) < 1e-4 * max(1.0, loss) for loss in wanted):
        return
    name = "loss-on-probabilities" if from_probabilities(got, logits, labels) else None
    fail_check(f"{prefix}_loss: expected the mean cross-entropy of logits and labels, got another number.", name)


@detail("lightning_steps", "leaves optimisation to Lightning")
def test_optimisation_is_automatic(student: Student, rng: Rng) -> None:
    if not student.probe("describe", rng.floats(2, 1, 28, 28))["automatic"]:
        fail_check("FashionCNN: expected automatic optimisation, got `automatic_optimization = False`.")
