"""Hidden checks of the networks: their layers, their answers, their training steps, their accuracy."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from grader.checking import core, detail, oracle
from grader.checking.assertions import assert_close, describe, fail_check
from grader.checking.inputs import Rng
from grader.checking.student import Student, StudentFailure
from grader.checking.weights import WeightsProblem, inspect_weights

MEAN, STD = 0.2860, 0.3530
TYPES = ["Conv2d", "ReLU", "MaxPool2d", "Conv2d", "ReLU", "MaxPool2d", "Flatten", "Linear", "ReLU", "Linear"]
PARAMETERS = [320, 0, 0, 18_496, 0, 0, 0, 401_536, 0]
MAX_PARAMETERS = 500_000
FULL, NONE, HONOUR = 0.90, 0.80, 0.93
CHUNK = 1000


def baseline(student: Student, rng: Rng, num_classes: int = 10) -> Any:
    facts = student.probe("baseline", num_classes, rng.floats(2, 1, 28, 28))
    if facts.get("type") == "NoneType":
        fail_check("build_baseline: expected an nn.Sequential, got None. Does the function return?", "returns-none")
    if not facts["is_sequential"]:
        fail_check(f"build_baseline: expected an nn.Sequential, got {facts['type']}.")
    return facts


@core("build_baseline", "is a flat Sequential of the ten layers in order")
def test_baseline_has_the_ten_layers(student: Student, rng: Rng) -> None:
    types = baseline(student, rng)["types"]
    assert types == TYPES, f"build_baseline: expected {', '.join(TYPES)}, got {', '.join(map(str, types))}."


@core("build_baseline", "its convolutions keep height and width")
def test_baseline_pads_its_convolutions(student: Student, rng: Rng) -> None:
    facts = baseline(student, rng)
    for index in (0, 3):
        padding = facts["settings"][index].get("padding")
        if padding not in ((1, 1), "same"):
            fail_check(
                "build_baseline: a 3 x 3 convolution shrinks its maps here. How could it keep their size?",
                "missing-padding",
            )


@core("build_baseline", "every layer has its output shape")
def test_baseline_layers_have_their_shapes(student: Student, rng: Rng) -> None:
    expected = [
        (2, 32, 28, 28), (2, 32, 28, 28), (2, 32, 14, 14), (2, 64, 14, 14), (2, 64, 14, 14),
        (2, 64, 7, 7), (2, 3136), (2, 128), (2, 128), (2, 10),
    ]  # fmt: skip
    for index, (got, wanted) in enumerate(zip(baseline(student, rng)["shapes"], expected, strict=False)):
        if got != wanted:
            fail_check(
                f"build_baseline: layer {index}: expected output shape {wanted}, got {got}. How many maps, how large?",
                "wrong-parameter-count" if len(got) == len(wanted) else None,
            )


@core("build_baseline", "every layer has its number of parameters, 421,642 in all")
def test_baseline_has_its_parameters(student: Student, rng: Rng) -> None:
    facts = baseline(student, rng)
    if facts["parameters"] != [*PARAMETERS, 1290] or facts["total"] != 421_642:
        fail_check(
            f"build_baseline: expected 421,642 parameters, got {facts['total']}. Which layer has too many or too few?",
            "wrong-parameter-count",
        )


@core("build_baseline", "its convolutions are plain: 3 x 3, one step, one group")
def test_baseline_convolutions_are_plain(student: Student, rng: Rng) -> None:
    settings = baseline(student, rng)["settings"]
    for index in (0, 3):
        got = settings[index]
        plain = got["kernel_size"] == (3, 3) and got["stride"] == (1, 1) and got["dilation"] == (1, 1)
        assert plain and got["groups"] == 1, "build_baseline: expected 3 x 3 convolutions with stride 1, got others."


@detail("build_baseline", "takes another number of classes")
def test_baseline_takes_num_classes(student: Student, rng: Rng) -> None:
    facts = baseline(student, rng, 7)
    assert facts["shapes"][-1] == (2, 7), f"build_baseline(7): expected 7 logits, got shape {facts['shapes'][-1]}."
    assert facts["total"] == 421_642 - 3 * 129, f"build_baseline(7): got {facts['total']} parameters."


@detail("build_baseline", "all parameters are trainable, and every call builds a new network")
def test_baseline_is_new_and_trainable(student: Student, rng: Rng) -> None:
    facts = baseline(student, rng)
    assert facts["trainable"], "build_baseline: expected every parameter trainable, got frozen ones."
    assert facts["is_new"], "build_baseline: expected a new network from every call, got the same parameters again."


@core("build_baseline", "computes what its layers say")
def test_baseline_computes_its_layers(student: Student, rng: Rng) -> None:
    images = rng.floats(2, 1, 28, 28)
    facts = student.probe("baseline", 10, images)
    state, answer = facts["state"], facts["answer"]
    shapes = [(32, 1, 3, 3), (32,), (64, 32, 3, 3), (64,), (128, 3136), (128,), (10, 128), (10,)]
    if [tuple(value.shape) for value in state] != shapes:
        fail_check(
            "build_baseline: expected weights and biases of two convolutions and two linear layers, got others.",
            "wrong-parameter-count",
        )
    w1, b1, w2, b2, w3, b3, w4, b4 = state
    x = F.max_pool2d(F.conv2d(images, w1, b1, padding=1).relu(), 2)
    x = F.max_pool2d(F.conv2d(x, w2, b2, padding=1).relu(), 2).flatten(1)
    assert_close(answer, F.linear(F.linear(x, w3, b3).relu(), w4, b4), "build_baseline", atol=1e-3)


def answers(student: Student, batches: list[Tensor], **options: Any) -> list[Any]:
    got = student.probe("logits", batches, options)
    for batch, answer in zip(batches, got, strict=False):
        if answer is None:
            fail_check("FashionCNN: expected logits, got None. Does `forward` return?", "returns-none")
        if not isinstance(answer, Tensor):
            fail_check(f"FashionCNN: expected a tensor of logits, got {describe(answer)}.")
        wanted = (len(batch), options.get("num_classes", 10))
        if tuple(answer.shape) != wanted:
            fail_check(f"FashionCNN: expected logits of shape {wanted}, got {tuple(answer.shape)}.")
        if not answer.is_floating_point() or not answer.isfinite().all():
            fail_check(f"FashionCNN: expected finite floating-point logits, got {describe(answer)}.")
    return got


@core("fashion_cnn", "answers a batch with one logit per class")
def test_network_gives_logits(student: Student, rng: Rng) -> None:
    answers(student, [rng.floats(7, 1, 28, 28)])


@core("fashion_cnn", "answers with logits, not with probabilities")
def test_network_gives_no_probabilities(student: Student, rng: Rng) -> None:
    answer = answers(student, [rng.floats(64, 1, 28, 28) * 3])[0]
    if answer.min() >= 0 and (answer.sum(1) - 1).abs().max() < 1e-3:
        fail_check(
            "FashionCNN: every row of the answer is positive and sums to 1. What does cross_entropy do to its input?",
            "softmax-in-forward",
        )
    if answer.min() >= 0 and answer.max() <= 1:
        fail_check("FashionCNN: every answer lies between 0 and 1. Are these logits?")


@core("fashion_cnn", "answers do not depend on the other images of a batch")
def test_answers_do_not_depend_on_the_batch(student: Student, rng: Rng) -> None:
    images = rng.floats(6, 1, 28, 28)
    mixed = torch.cat([images.flip(0), 5 * rng.floats(5, 1, 28, 28)])
    got = answers(student, [images, images[:2], mixed])
    margin = 1e-3 * max(1.0, float(got[0].abs().max()))
    if (got[0][:2] - got[1]).abs().max() > margin or (got[0].flip(0) - got[2][:6]).abs().max() > margin:
        fail_check(
            "FashionCNN: in eval mode an answer changes with the images beside it. Which layer looks at them?",
            "depends-on-batch",
        )
    if (got[0] - got[3]).abs().max() > margin:
        fail_check("FashionCNN: in eval mode the same images got two different answers. What is drawn by chance?")


@core("fashion_cnn", "is a LightningModule whose first convolution gives 32 maps of 28 x 28")
def test_first_convolution_gives_32_maps(student: Student, rng: Rng) -> None:
    facts = student.probe("describe", rng.floats(2, 1, 28, 28))
    assert facts["is_lightning"], "FashionCNN: expected a pytorch_lightning.LightningModule, got another class."
    got = facts["first"]
    wanted = (2, 32, 28, 28)
    if got != wanted:
        name = "missing-padding" if isinstance(got, tuple) and len(got) == 4 and got[1] == 32 and got[2] < 28 else None
        fail_check(f"FashionCNN: expected the first Conv2d to give {wanted}, got {got}.", name)


@core("fashion_cnn", "keeps at most 500,000 numbers")
def test_network_is_small_enough(student: Student, rng: Rng) -> None:
    assert_small(student.probe("describe", rng.floats(2, 1, 28, 28))["kept"])


def assert_small(kept: Any) -> None:
    if not isinstance(kept, int) or kept > MAX_PARAMETERS:
        fail_check(
            f"FashionCNN: expected at most 500,000 numbers, got {kept if isinstance(kept, int) else describe(kept)}.",
            "too-many-parameters",
        )


@detail("fashion_cnn", "answers a single image")
def test_network_answers_one_image(student: Student, rng: Rng) -> None:
    answers(student, [rng.floats(1, 1, 28, 28)])


@detail("fashion_cnn", "takes another number of classes and a learning rate")
def test_network_takes_its_arguments(student: Student, rng: Rng) -> None:
    answers(student, [rng.floats(2, 1, 28, 28)], num_classes=7, learning_rate=0.01)


def fitted(student: Student, rng: Rng, steps: int, **options: Any) -> tuple[Any, Tensor]:
    images, labels = rng.floats(48, 1, 28, 28), rng.labels(48, 10)
    facts = student.probe("fit", images, labels, steps=steps, options=options)
    first = facts["returned"][0]
    if first["type"] == "NoneType":
        fail_check("training_step: expected the loss, got None. What does Lightning minimise?", "returns-no-loss")
    if not first["graph"]:
        kind = "a plain number" if not isinstance(first["loss"], Tensor) else "a tensor without a graph"
        fail_check(
            f"training_step: expected the loss with its graph, got {kind}. How would gradients flow?",
            "loss-without-graph",
        )
    if facts["error"]:
        raise StudentFailure("crashed", f"training: {facts['error']}")
    return facts, labels


@core("lightning_steps", "training_step returns the mean cross-entropy of the batch")
def test_training_step_returns_the_loss(student: Student, rng: Rng) -> None:
    facts, labels = fitted(student, rng, 1)
    loss, logits = facts["returned"][0]["loss"], facts["before"]
    if loss.numel() != 1:
        fail_check(f"training_step: expected one number, got shape {tuple(loss.shape)}. Over what is the mean?")
    expected = F.cross_entropy(logits.double(), labels)
    if abs(float(loss) - float(expected)) < 1e-3 * max(1.0, float(expected)):
        return
    twice = F.cross_entropy(logits.double().softmax(1), labels)
    if abs(float(loss) - float(twice)) < 1e-3:
        fail_check(
            "training_step: the loss is that of probabilities. What does cross_entropy expect?", "loss-on-probabilities"
        )
    fail_check("training_step: expected the mean cross-entropy of logits and labels, got another number.")


@core("lightning_steps", "the optimizer covers every trainable parameter")
def test_optimizer_covers_every_parameter(student: Student, rng: Rng) -> None:
    facts, _ = fitted(student, rng, 1)
    if facts["missed"]:
        fail_check(
            f"configure_optimizers: {len(facts['missed'])} trainable parameters are in no optimizer. Which ones learn?",
            "optimizer-misses-parameters",
        )


@core("lightning_steps", "a few steps on one batch lower its loss")
def test_training_lowers_the_loss(student: Student, rng: Rng) -> None:
    facts, _ = fitted(student, rng, 25)
    losses = [float(step["loss"]) for step in facts["returned"] if isinstance(step["loss"], Tensor)]
    if len(losses) < 10 or not sum(losses[-3:]) / 3 < sum(losses[1:4]) / 3 - 0.02:
        fail_check("training: the loss of one batch does not fall in 25 steps. Does each step change the parameters?")


@detail("lightning_steps", "the optimizer starts from learning_rate")
def test_optimizer_starts_from_learning_rate(student: Student, rng: Rng) -> None:
    facts, _ = fitted(student, rng, 1, learning_rate=0.00375)
    rates = facts["rates"]
    assert rates and all(abs(rate - 0.00375) < 1e-9 for rate in rates), (
        "configure_optimizers: expected the optimizer to start from `learning_rate`, got another rate."
    )


@detail("lightning_steps", "{which} logs loss and accuracy")
@pytest.mark.parametrize(("which", "prefix"), [("validate", "val"), ("test", "test")])
def test_evaluation_logs_loss_and_accuracy(student: Student, rng: Rng, which: str, prefix: str) -> None:
    shifts = (rng.labels(64, 4) == 0) * rng.int(1, 9)
    facts = student.probe("evaluate", rng.floats(64, 1, 28, 28), shifts, which=which, batch_size=32)
    logged, logits, labels = facts["logged"], facts["logits"], facts["labels"]
    for name in (f"{prefix}_loss", f"{prefix}_acc"):
        assert name in logged, (
            f"{prefix}: expected {name} to be logged, got {', '.join(map(str, logged)) or 'nothing'}."
        )
    accuracy = float((logits.argmax(1) == labels).double().mean())
    assert abs(logged[f"{prefix}_acc"] - accuracy) < 1e-3, (
        f"{prefix}_acc: expected the share of right answers, from 0 to 1, got another number. Is it a share?"
    )
    loss = float(F.cross_entropy(logits.double(), labels))
    if abs(logged[f"{prefix}_loss"] - loss) > 1e-3 * max(1.0, loss):
        twice = float(F.cross_entropy(logits.double().softmax(1), labels))
        name = "loss-on-probabilities" if abs(logged[f"{prefix}_loss"] - twice) < 1e-3 else None
        fail_check(f"{prefix}_loss: expected the mean cross-entropy, got another number.", name)


@detail("lightning_steps", "leaves optimisation to Lightning")
def test_optimisation_is_automatic(student: Student, rng: Rng) -> None:
    facts = student.probe("describe", rng.floats(2, 1, 28, 28))
    assert facts["automatic"], "FashionCNN: expected automatic optimisation, got `automatic_optimization = False`."


@core("fashion_accuracy", "the weights file fits FashionCNN")
def test_weights_fit(student: Student) -> None:
    loaded(student)


def loaded(student: Student) -> None:
    """Load the submitted weights in the worker, after a look at them from outside."""
    if student.weights is None:
        raise StudentFailure(
            "missing",
            "fashion_accuracy: expected fashion_cnn.safetensors, got no such file. Run `python -m exercises.train`.",
        )
    try:
        inspect_weights(student.weights)
    except WeightsProblem as problem:
        fail_check(f"fashion_cnn.safetensors: {problem}")
    fit = student.probe("load_weights", torch.frombuffer(bytearray(student.weights), dtype=torch.uint8))
    for kind in ("missing", "unknown", "wrong"):
        if fit[kind]:
            shown = ", ".join(map(str, fit[kind][:3]))
            fail_check(
                f"fashion_cnn.safetensors: expected the state of FashionCNN(), got {kind} tensors: {shown}. "
                "Was the model changed after training?"
            )
    assert_small(fit["kept"])


def predicted(student: Student, images: Tensor) -> Tensor:
    """Return the network's classes, int64 (N,); the images go out in chunks, each with its own deadline."""
    parts = []
    for chunk in images.split(CHUNK):
        answer = student.probe("predict", chunk, MEAN, STD)
        if not isinstance(answer, Tensor) or tuple(answer.shape) != (len(chunk), 10) or not answer.is_floating_point():
            fail_check(f"FashionCNN: expected logits of shape ({len(chunk)}, 10), got {describe(answer)}.")
        if not answer.isfinite().all():
            fail_check("FashionCNN: expected finite logits for every test image, got NaN or infinity.")
        parts.append(answer.argmax(1))
    return torch.cat(parts)


@core("fashion_accuracy", "at least 80 % of the 10,000 test images are right")
def test_accuracy_is_measured(
    student: Student,
    rng: Rng,
    credit: Callable[[float], None],
    note: Callable[[str], None],
    measured: Callable[[str, float], None],
) -> None:
    loaded(student)
    images, labels = oracle.fashion_mnist("t10k")
    order = torch.randperm(len(images), generator=rng.generator)
    answer = torch.empty(len(images), dtype=torch.int64)
    answer[order] = predicted(student, images[order])
    accuracy = float((answer == labels).double().mean())
    measured("accuracy", accuracy)
    credit((accuracy - NONE) / (FULL - NONE))
    if accuracy <= NONE:
        fail_check(
            f"fashion_accuracy: your network gets {accuracy:.2%} of the 10,000 test images right; points begin at 80 %."
        )
    for suspicion in suspicions(student, rng, images, labels, answer):
        note(f"fashion_accuracy: {suspicion}")


def suspicions(student: Student, rng: Rng, images: Tensor, labels: Tensor, answer: Tensor) -> list[str]:
    """Look for signs of a network that remembers rather than sees: advice for the instructor, never a zero."""
    found = []
    some = torch.randperm(len(images), generator=rng.generator)[:1000]
    again = predicted(student, images[some.flip(0)]).flip(0)
    if (again != answer[some]).double().mean() > 0.005:
        found.append("answers depend on the order or on the other images of a batch.")
    accuracy = float((answer == labels).double().mean())
    train_images, train_labels = oracle.fashion_mnist("train")
    sample = torch.randperm(len(train_images), generator=rng.generator)[:2000]
    on_train = float((predicted(student, train_images[sample]) == train_labels[sample]).double().mean())
    if accuracy > on_train + 0.01 + 0.012:
        found.append(f"accuracy on test images ({accuracy:.1%}) is above that on training images ({on_train:.1%}).")
    noise = torch.randint(0, 3, images[some].shape, generator=rng.generator) - 1
    noisy = (images[some].int() + noise).clamp(0, 255).to(torch.uint8)
    on_noisy = float((predicted(student, noisy) == labels[some]).double().mean())
    if on_noisy < accuracy - 0.15:
        found.append(
            f"accuracy falls to {on_noisy:.1%} when every pixel changes by at most one grey level: a memorised set?"
        )
    return found


@detail("fashion_accuracy", "at least 90 % of the 10,000 test images are right")
def test_accuracy_earns_all_points(measured: Callable[..., float | None], praise: Callable[[str], None]) -> None:
    accuracy = measured("accuracy")
    if accuracy is None or accuracy < FULL:
        shown = "fewer than 90 %" if accuracy is None else f"{accuracy:.2%}"
        fail_check(
            f"fashion_accuracy: your network gets {shown} of the 10,000 test images right; 90 % earn all points."
        )
    praise(f"Your network gets {accuracy:.2%} of the 10,000 test images right.")
    if accuracy >= HONOUR:
        praise("That is above 93 %, what the tutorial reaches: a mark of honour.")
