"""Hidden checks of the networks: their layers, their answers, their training steps."""

import itertools
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from grader.checks import (
    CheckFailed,
    Student,
    StudentFailure,
    assert_values,
    core,
    describe,
    detail,
    fail_check,
    refusal,
    refused,
    same_values,
)
from grader.hidden.inputs import Rng
from lesson.probes.keeping import MAX_STATISTICS
from lesson.weights import MAX_PARAMETERS, assert_small_network, weights_of_network

LEAVES = ["Conv2d", "ReLU", "MaxPool2d", "Conv2d", "ReLU", "MaxPool2d", "Flatten", "Linear", "ReLU", "Linear"]
OTHER_CLASSES = (7, 1)
WEIGHTS = ((32, 1, 3, 3), (64, 32, 3, 3), (128, -1), (10, 128))
"""Shapes of the baseline's weights; the inputs of the first linear layer follow from the convolutions."""

PLAIN = ("constant", "constant")
"""How the two convolutions are padded."""

LEARNING_RATE = 0.00125
BATCH = 8
EVALUATED = 20
EVALUATIONS = [("validate", "val"), ("test", "test")]


def baseline(student: Student, rng: Rng) -> Any:
    """Return what is known about the baseline; all checks share it, and the images used to test it."""
    if "baseline" not in student.kept:
        student.kept["images"] = rng.floats(2, 1, 28, 28)
        student.kept["baseline"] = student.probe("baseline", student.kept["images"])
    facts = student.kept["baseline"]
    if facts["type"] == "NoneType":
        fail_check("build_baseline: expected an nn.Sequential, got None. Is the `return` missing?", "returns-none")
    if not facts["is_module"]:
        fail_check(
            f"build_baseline: expected an nn.Sequential, got {facts['type']}. What holds layers in a row?",
            "returns-a-list" if facts["type"] == "list" else None,
        )
    return facts


def shrinks(facts: Any) -> bool:
    """Return whether a convolution has no padding."""
    return any(padding in ((0, 0), "valid") for padding in facts["padding"])


@core("build_baseline", "takes images through convolutions to ten logits")
def test_baseline_takes_images_to_logits(student: Student, rng: Rng) -> None:
    facts = baseline(student, rng)
    if facts["error"]:
        fail_check(
            f"build_baseline: the layers do not fit together: {facts['error']} How large are the maps of each?",
            "missing-padding" if shrinks(facts) else None,
        )
    if "Conv2d" not in facts["leaves"]:
        fail_check(
            "build_baseline: expected convolutions, got none. What does the table of layers begin with?",
            None if facts["padding"] else "no-convolutions",
        )
    if not isinstance(facts["answer"], Tensor) or tuple(facts["answer"].shape) != (2, 10):
        fail_check(f"build_baseline: expected logits of shape (2, 10), got {describe(facts['answer'])}. Which layer?")


@detail("build_baseline", "holds the ten layers in their order", weight=3)
def test_baseline_has_the_ten_layers(student: Student, rng: Rng) -> None:
    leaves = list(map(str, baseline(student, rng)["leaves"]))
    if leaves == [*LEAVES, "Softmax"]:
        fail_check(
            "build_baseline: a Softmax follows the ten layers. What does cross_entropy do to its input?",
            "softmax-in-forward",
        )
    if leaves != LEAVES:
        fail_check(f"build_baseline: expected {', '.join(LEAVES)}, got {', '.join(leaves)}. Which one differs?")


@detail("build_baseline", "is a flat Sequential", weight=3)
def test_baseline_is_flat(student: Student, rng: Rng) -> None:
    facts = baseline(student, rng)
    if not facts["is_flat"]:
        nested = facts["type"] == "Sequential" and list(map(str, facts["leaves"])) == LEAVES
        fail_check(
            f"build_baseline: expected one flat nn.Sequential of layers, got {facts['type']} with others inside. "
            "Which brackets are too many?",
            "nested-sequential" if nested else None,
        )


@detail("build_baseline", "its convolutions keep height and width", weight=6)
def test_baseline_pads_its_convolutions(student: Student, rng: Rng) -> None:
    facts = baseline(student, rng)
    if any(before != after for before, after in facts["sizes"]):
        fail_check(
            "build_baseline: a convolution does not keep the size of its input. What could keep it?",
            "missing-padding" if shrinks(facts) else None,
        )


@detail("build_baseline", "each layer has its number of parameters", weight=6)
def test_baseline_has_its_parameters(student: Student, rng: Rng) -> None:
    layers = baseline(student, rng)["layers"]
    got = [tuple(weight.shape) for weight, _ in layers]
    fits = len(got) == len(WEIGHTS) and all(map(same_shape, got, WEIGHTS))
    if not fits or any(bias is None for _, bias in layers):
        fail_check(
            "build_baseline: a layer has the wrong number of parameters; in all there should be 421,642. Which one?",
            "wrong-parameter-count",
        )


def same_shape(got: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return len(got) == len(wanted) and all(size in (one, -1) for one, size in zip(got, wanted, strict=True))


@detail("build_baseline", "computes what its layers say", weight=2)
def test_baseline_computes_its_layers(student: Student, rng: Rng) -> None:
    facts = baseline(student, rng)
    layers = facts["layers"]
    if [weight.ndim for weight, _ in layers] != [4, 4, 2, 2]:
        fail_check("build_baseline: expected two convolutions, then two linear layers, got others.")
    images, sizes = student.kept["images"], facts["sizes"]
    try:
        assert_values(facts["answer"], by_hand(images, layers, sizes), "build_baseline", atol=1e-4)
    except CheckFailed:
        others = itertools.product(("constant", "circular", "reflect", "replicate"), repeat=2)
        if any(same_values(facts["answer"], by_hand(images, layers, sizes, modes)) for modes in others):
            fail_check(
                "build_baseline: the image is padded with other numbers than zeros. How is it padded?",
                "pads-with-others",
            )
        raise


def by_hand(images: Tensor, layers: list[list[Any]], sizes: list[Any], modes: tuple[str, str] = PLAIN) -> Tensor:
    """Return the output of plain layers, padded if the baseline's own convolutions keep the size."""
    (first, b1), (second, b2), (third, b3), (fourth, b4) = layers
    x = images
    for weight, bias, (before, after), mode in zip((first, second), (b1, b2), sizes, modes, strict=True):
        high, wide = (weight.shape[2] // 2, weight.shape[3] // 2) if before == after else (0, 0)
        padded = F.pad(x, (wide, wide, high, high), mode)
        x = F.max_pool2d(F.conv2d(padded, weight, bias).relu(), 2)
    x = x.flatten(1)
    if x.shape[1] != third.shape[1]:
        fail_check("build_baseline: expected plain convolutions and poolings, got other settings. Which?")
    return F.linear(F.linear(x, third, b3).relu(), fourth, b4)


@detail("build_baseline", "takes another number of classes", weight=2)
def test_baseline_takes_num_classes(student: Student, rng: Rng) -> None:
    answers = student.probe("baselines", rng.floats(2, 1, 28, 28))
    always_ten = all(isinstance(answer, Tensor) and tuple(answer.shape) == (2, 10) for answer in answers)
    for classes, answer in zip(OTHER_CLASSES, answers, strict=True):
        if not isinstance(answer, Tensor) or tuple(answer.shape) != (2, classes):
            fail_check(
                f"build_baseline({classes}): expected one logit for each class, got {describe(answer)}. "
                "Where is 10 still hard-coded?",
                "ignores-num-classes" if always_ten and baseline(student, rng)["is_new"] else None,
            )


@detail("build_baseline", "is new at every call, with all parameters trainable")
def test_baseline_is_new_and_trainable(student: Student, rng: Rng) -> None:
    facts = baseline(student, rng)
    if not facts["trainable"]:
        fail_check(
            "build_baseline: expected every parameter to be trainable, got frozen ones. What freezes them?",
            "freezes-parameters",
        )
    if not facts["is_new"]:
        fail_check("build_baseline: expected a new network from every call, got the same parameters again. Why?")


@refusal("build_baseline", "fewer than one class")
def test_baseline_refuses_no_classes(student: Student) -> None:
    for classes in (0, -1):
        with refused(f"build_baseline({classes})"):
            student.probe("no_baseline", classes)


def answers(student: Student, batches: list[Tensor], **options: Any) -> list[Any]:
    """Return the logits for each batch, and again for the first, each checked to have the form of logits."""
    training, shaken = options.pop("training", False), options.pop("shaken", False)
    got: list[Any] = student.probe("logits", batches, options, training=training, shaken=shaken)
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


@core("fashion_cnn", "returns one logit per class for each image")
def test_network_gives_logits(student: Student, rng: Rng) -> None:
    batches = [rng.floats(size, 1, 28, 28) for size in (7, 7, 2)]
    first, other, _, _ = answers(student, batches)
    if are_same(first[1:], first[:-1]):  # the last layer may start with zeros
        first, other, _, _ = answers(student, batches, shaken=True)
    if are_same(first[1:], first[:-1]):
        whole, alone, _ = answers(student, [batches[0], batches[0][:1]], shaken=True)
        by_the_first = "first-image-only" if are_same(whole[:1], alone) and not are_same(first, other) else None
        fail_check(
            "FashionCNN: every image got the same answer. Where does `forward` use its input?",
            "ignores-input" if are_same(first, other) else by_the_first,
        )
    if are_same(first, other):
        fail_check(
            "FashionCNN: other images got the answers of the first ones. What does it remember?",
            "remembers-earlier-call",
        )


def are_same(one: Tensor, other: Tensor) -> bool:
    return bool((one - other).abs().max() <= 1e-6 * one.abs().max())


@core("fashion_cnn", "its answers follow from the numbers that it keeps")
def test_answers_follow_from_what_is_kept(student: Student, rng: Rng) -> None:
    program = explained(student, rng)
    assert_logits(program["answer"], len(program["network"]))
    if (program["answer"] - program["network"]).abs().max() > margin(program["network"]):
        fail_check(
            "FashionCNN: expected answers that PyTorch's operations give from what the network keeps, got others. "
            "What is computed outside PyTorch?",
            "computes-outside-torch" if program["constant"] else None,
        )
    kept = described(student, rng)["kept"]
    if isinstance(kept, int) and kept <= MAX_PARAMETERS:  # an open mistake costs only a part
        assert_small_network(program["kept"])


def described(student: Student, rng: Rng) -> Any:
    if "described" not in student.kept:
        student.kept["described"] = student.probe("describe", rng.floats(2, 1, 28, 28))
    return student.kept["described"]


def explained(student: Student, rng: Rng) -> Any:
    """Return what PyTorch's own operations give in a worker of ours, on the numbers that the network names.

    Returns:
        Its ``answer`` to images that came after the operations were written down, what the ``network`` itself answers
        to them, the output shapes of its ``convolutions``, their ``paddings``, how many numbers are ``kept``, the
        ``last`` operation,
        whether ``coins`` were thrown, and whether the answer is ``constant``: not computed by PyTorch.
    """
    if "explained" not in student.kept:
        program = student.probe("program.record", rng.floats(5, 1, 28, 28))
        images = rng.floats(5, 1, 28, 28)
        network = student.probe("program.answer", images)
        assert_logits(network, 5)
        facts = student.in_clean_worker("program.run", program, images)
        operations = [step[0] for step in program["steps"]]
        student.kept["explained"] = {
            **facts,
            "network": network,
            "kept": numbers_of(program),
            "paddings": [step[1][4] for step in program["steps"] if step[0] == "aten.convolution.default"],
            "last": operations[-1] if operations else "",
            "coins": program.get("coins") is True,
            "constant": program["answer"] not in reached_by_images(program),
        }
    return student.kept["explained"]


def reached_by_images(program: Any) -> set[int]:
    """Return the registers of a program that follow from the images."""
    reached = {0}
    for _, args, kwargs, results in program["steps"]:
        if not reached.isdisjoint(registers_in([args, kwargs])):
            reached.update(results)
    return reached


def registers_in(written: Any) -> list[int]:
    if isinstance(written, dict):
        return [written["register"]] if "register" in written else registers_in(list(written.values()))
    return [one for part in written for one in registers_in(part)] if isinstance(written, list | tuple) else []


def numbers_of(program: Any) -> int:
    """Count the numbers of a program, except those that only batch normalisation uses, such as running statistics."""
    norms = [args for operation, args, _, _ in program["steps"] if "batch_norm" in operation]
    statistics = registers_in([args[3:5] for args in norms])
    others = [
        [args[:3] + args[5:] if "batch_norm" in operation else args, kwargs]
        for operation, args, kwargs, _ in program["steps"]
    ]
    exempt = set(statistics) - set(registers_in(others)) - {program["answer"]}
    return sum(
        value.numel()
        for register, value in program["constants"].items()
        if register not in exempt or value.numel() > MAX_STATISTICS
    )


@detail("fashion_cnn", "keeps at most 500,000 numbers", weight=5)
def test_network_is_small_enough(student: Student, rng: Rng) -> None:
    assert_small_network(described(student, rng)["kept"])
    assert_small_network(explained(student, rng)["kept"])
    header = weights_of_network(student)
    if header is not None:
        assert_small_network(header.kept)


@detail("fashion_cnn", "returns logits, not probabilities", weight=5)
def test_network_gives_no_probabilities(student: Student, rng: Rng, praise: Callable[[str], None]) -> None:
    images = [rng.floats(64, 1, 28, 28) * 3]
    for training in (False, True):
        answer = answers(student, images, training=training)[0]
        if are_probabilities(answer):
            fail_check(
                "FashionCNN: every row of the answer is positive and sums to 1. What does cross_entropy do to its "
                "input?",
                "softmax-in-forward",
            )
        if answer.min() == 0 < answer.max() and int((answer == 0).sum()) > answer.numel() // 20:
            fail_check(
                "FashionCNN: no answer is below 0, and many are exactly 0. Can logits be negative?",
                "relu-on-logits" if "relu" in explained(student, rng)["last"] else None,
            )
        if answer.min() > 0 and answer.max() < 1:
            fail_check(
                "FashionCNN: every answer is between 0 and 1. Are these logits?",
                "sigmoid-in-forward" if "sigmoid" in explained(student, rng)["last"] else None,
            )
    if are_probabilities(answer.exp()):
        praise("FashionCNN returns log-probabilities; cross_entropy takes plain logits as well.")


def are_probabilities(answer: Tensor) -> bool:
    return bool(answer.min() >= 0 and (answer.sum(1) - 1).abs().max() < 1e-3)


@detail("fashion_cnn", "answers do not depend on chance or on the other images of a batch", weight=4)
def test_answers_do_not_depend_on_the_batch(student: Student, rng: Rng) -> None:
    images = rng.floats(6, 1, 28, 28)
    mixed = torch.cat([images.flip(0), 5 * rng.floats(5, 1, 28, 28) + 3])
    whole, part, among, again = answers(student, [images, images[:2], mixed])
    if (whole - again).abs().max() > margin(whole):
        fail_check(
            "FashionCNN: in eval mode the same images got two different answers. What is random?",
            "dropout-in-evaluation" if explained(student, rng)["coins"] else None,
        )
    apart, mingled = (whole[:2] - part).abs().max(), (whole.flip(0) - among[:6]).abs().max()
    if max(apart, mingled) > margin(whole):
        fail_check(
            "FashionCNN: in eval mode an answer depends on the other images of its batch. Which layer sees them?",
            "depends-on-batch",
        )


def margin(answer: Tensor) -> float:
    """Return by how much answers may differ: other batch sizes add up, and so round, in another order."""
    return 1e-3 * float(answer.abs().max()) + 1e-6


@detail("fashion_cnn", "its first convolution returns 32 maps of 28 x 28", weight=6)
def test_first_convolution_gives_32_maps(student: Student, rng: Rng) -> None:
    got = described(student, rng)["first"]
    wanted = (2, 32, 28, 28)
    if got != wanted:
        other = isinstance(got, tuple) and len(got) == 4 and got[1] != 32 and got[2:] == wanted[2:]
        unpadded = got == (2, 32, 26, 26) and explained(student, rng)["paddings"][:1] == [[0, 0]]
        name = "missing-padding" if unpadded else "wrong-number-of-maps" if other else None
        shown = got if isinstance(got, tuple) else "no Conv2d that runs"
        fail_check(
            f"FashionCNN: expected the first Conv2d to give {wanted}, got {shown}. How large are its maps?", name
        )
    if (5, *wanted[1:]) not in explained(student, rng)["convolutions"]:
        fail_check("FashionCNN: expected a convolution that gives 32 maps of 28 x 28, but none of PyTorch's runs.")


@detail("fashion_cnn", "is a LightningModule whose layers can learn", weight=5)
def test_network_can_learn(student: Student, rng: Rng) -> None:
    facts = described(student, rng)
    if not facts["is_lightning"]:
        fail_check(
            "FashionCNN: expected a pytorch_lightning.LightningModule, got another class. What does it derive from?",
            "not-a-lightning-class",
        )
    if facts["hidden"]:
        fail_check(
            f"FashionCNN: the layers in `{facts['hidden'][0]}` are in a plain list, so no optimizer finds "
            "them. Which class of torch.nn holds a list of layers?",
            "hidden-in-a-list",
        )
    if not facts["reached"]:
        fail_check(
            "FashionCNN: no gradient gets from the answer back to the first convolution. Where does it end?",
            "layers-without-gradient",
        )


@detail("fashion_cnn", "handles a single image")
def test_network_answers_one_image(student: Student, rng: Rng) -> None:
    image = rng.floats(1, 1, 28, 28)
    try:
        answers(student, [image])
    except CheckFailed:
        (got, _) = student.probe("logits", [image], {})
        if isinstance(got, Tensor) and got.shape == (10,):
            fail_check(
                "FashionCNN: the answer to a single image has no axis for the batch. Which axes does `squeeze` take "
                "away?",
                "squeeze-eats-axes",
            )
        raise


@detail("fashion_cnn", "takes another number of classes and a learning rate", weight=2)
def test_network_takes_its_arguments(student: Student, rng: Rng) -> None:
    options = {"num_classes": 7, "learning_rate": 0.01}
    images = [rng.floats(2, 1, 28, 28)]
    try:
        answers(student, images, **options)
    except CheckFailed:
        (got, _) = student.probe("logits", images, options)
        if isinstance(got, Tensor) and got.shape == (2, 10):
            fail_check("FashionCNN(7): expected 7 logits, got 10. Where is 10 still hard-coded?", "ignores-num-classes")
        raise


def trained(student: Student, rng: Rng) -> Any:
    """Return the result of training on one batch; all checks share it."""
    if "trained" not in student.kept:
        images, labels = rng.floats(BATCH, 1, 28, 28), rng.labels(BATCH, 10)
        options = {"learning_rate": LEARNING_RATE}
        facts = student.probe("training.train", images, labels, options, epochs=2, steps=5)
        student.kept["trained"] = {**facts, **computed_again(student, facts, images, rng.floats(BATCH, 1, 28, 28))}
        student.kept["labels"] = labels
    facts = student.kept["trained"]
    if not facts["parameters"]:
        fail_check("training: FashionCNN has no parameters that can be trained. Where does it keep its layers?")
    return facts


def computed_again(student: Student, facts: Any, images: Tensor, later: Tensor) -> dict[str, Any]:
    """Return a network's answers before and after training, computed from its operations in a worker of ours.

    Args:
        student: the submission.
        facts: of the training.
        images: what it was trained on.
        later: as many images, which came after the operations were written down.

    Returns:
        The answers ``before`` and ``after``, of which those in evaluation mode come first and are computed again, and
        whether the trained network itself answers as its operations do (``follows``).
    """
    itself = student.probe("training.trained_answer", later)
    programs = facts["programs"]
    (before, _), (after, again) = student.in_clean_worker("program.answers", programs, [images, later])
    if again is None:  # missing logits are reported elsewhere
        return {"follows": not isinstance(itself, Tensor)}
    assert_logits(itself, len(later))
    return {
        "before": [before, *facts["before"][1:]],
        "after": [after, *facts["after"][1:]],
        "follows": same_answers(again, itself) and programs[1]["answer"] in reached_by_images(programs[1]),
    }


def same_answers(one: Any, other: Tensor) -> bool:
    """Return whether a tensor holds the same logits as another, up to rounding."""
    alike = isinstance(one, Tensor) and one.shape == other.shape and one.is_floating_point()
    return alike and bool((one - other).abs().max() <= margin(other))


def crashed(facts: Any) -> NoReturn:
    raise StudentFailure("crashed", f"training: {facts['error']}")


def logits_of(answer: Any, labels: Tensor) -> Tensor:
    """Return a network's answer; if there is none, another task is to blame."""
    try:
        assert_logits(answer, len(labels))
    except CheckFailed as failed:
        fail_check(f"{failed.message} The steps can only be as right as `forward` is.")
    return answer  # type: ignore[no-any-return]


def plain_loss(logits: Tensor, labels: Tensor) -> float:
    """Return the mean cross-entropy; if the network returns probabilities, by their logarithm."""
    scores = logits.double().clamp(min=1e-30).log() if are_probabilities(logits) else logits.double()
    return float(F.cross_entropy(scores, labels))


def is_loss(got: float, logits: Tensor, labels: Tensor) -> bool:
    """Return whether a number is the loss; if `forward` returns probabilities, that is not a step's mistake."""
    known = (plain_loss(logits, labels), float(F.cross_entropy(logits.double(), labels)))
    return any(abs(got - loss) < 1e-4 * max(1.0, loss) for loss in known)


def from_probabilities(loss: float, logits: Tensor, labels: Tensor) -> bool:
    """Return whether a loss is what results when probabilities are taken for logits."""
    shares = logits.double().softmax(1)
    known = (F.cross_entropy(shares, labels), F.nll_loss(shares, labels))
    return any(abs(loss - float(wrong)) < 1e-4 for wrong in known)


@core("lightning_steps", "a Trainer runs training_step")
def test_training_step_runs(student: Student, rng: Rng) -> None:
    facts = trained(student, rng)
    if not facts["returned"]:
        if facts["error"]:
            crashed(facts)
        fail_check("training: training_step never ran. What does configure_optimizers return?")
    if not facts["follows"]:
        fail_check(
            "training: expected answers computed by PyTorch's operations on the numbers that the network keeps. "
            "What does `forward` compute outside PyTorch?"
        )


@detail("lightning_steps", "training_step returns the mean cross-entropy of the batch, with its graph", weight=9)
def test_training_step_returns_the_loss(student: Student, rng: Rng) -> None:
    facts, labels = trained(student, rng), student.kept["labels"]
    loss, logits = first_loss(facts), logits_of(facts["before"][0], labels)
    if is_loss(loss, logits, labels):
        assert_graph(facts)
        return
    if from_probabilities(loss, logits, labels):
        fail_check(
            "training_step: the loss is that of probabilities. What does cross_entropy expect?", "loss-on-probabilities"
        )
    fail_check(
        "training_step: expected the mean cross-entropy of logits and labels, got another number. What is left out?",
        name_of_loss(loss, logits, labels),
    )


def name_of_loss(loss: float, logits: Tensor, labels: Tensor) -> str | None:
    """Return the name of the mistake that gives this loss of one batch."""
    if is_loss(loss / len(labels), logits, labels):
        return "sums-instead-of-means"
    smoothed = [float(F.cross_entropy(logits.double(), labels, label_smoothing=share)) for share in (0.05, 0.1, 0.2)]
    return "smooths-labels" if any(abs(loss - one) < 1e-4 for one in smoothed) else None


def first_loss(facts: Any) -> float:
    """Return the loss of the first step as a number, whatever holds it."""
    for first in facts["returned"]:
        loss = first["loss"]
        if first["type"] == "NoneType":
            fail_check("training_step: expected the loss, got None. What does Lightning minimise?", "returns-no-loss")
        if isinstance(loss, Tensor) and loss.numel() != 1:
            fail_check(f"training_step: expected one number, got shape {tuple(loss.shape)}. Over what is the mean?")
        if not isinstance(loss, Tensor | float | int):
            fail_check(f"training_step: expected the loss as a tensor, got {describe(loss)}. What is returned?")
        return float(loss)
    crashed(facts)


def assert_graph(facts: Any) -> None:
    if facts["connected"] and not facts["returned"][0]["graph"]:
        kind = "a tensor without a graph" if isinstance(facts["returned"][0]["loss"], Tensor) else "a plain number"
        fail_check(
            f"training_step: expected the loss with its graph, got {kind}. How would gradients flow?",
            "loss-without-graph",
        )


@detail("lightning_steps", "a few steps on one batch lower its loss", weight=16)
def test_training_lowers_the_loss(student: Student, rng: Rng) -> None:
    facts, labels = trained(student, rng), student.kept["labels"]
    first_loss(facts)
    if not facts["connected"]:
        fail_check("training: the answer of FashionCNN has no graph to go back through. Is `forward` right?")
    assert_graph(facts)
    if facts["error"]:
        crashed(facts)
    pairs = [
        (logits_of(before, labels), logits_of(after, labels))
        for before, after in zip(facts["before"], facts["after"], strict=True)
    ]
    if not min(plain_loss(after, labels) - plain_loss(before, labels) for before, after in pairs) < -1e-5:
        fail_check("training: the loss of one batch does not fall in ten steps. Does each step change the parameters?")


@detail("lightning_steps", "the optimizer covers every trainable parameter", weight=6)
def test_optimizer_covers_every_parameter(student: Student, rng: Rng) -> None:
    facts = trained(student, rng)
    if not facts["rates"]:
        fail_check("configure_optimizers: expected an optimizer, got None. Does it return?", "returns-none")
    if facts["missed"]:
        fail_check(
            f"configure_optimizers: {len(facts['missed'])} trainable parameters are in no optimizer. Which ones learn?",
            "optimizer-misses-parameters",
        )


@detail("lightning_steps", "the optimizer starts from learning_rate", weight=2)
def test_optimizer_starts_from_learning_rate(student: Student, rng: Rng) -> None:
    facts = trained(student, rng)
    if any(is_rate(rate) for rate in facts["rates"]):
        return
    if any(is_rate(rate) for rate in facts["made_for"]):
        fail_check(
            "configure_optimizers: the schedule changes the rate before the first step. Where should it start?",
            "schedule-starts-elsewhere",
        )
    fail_check(
        "configure_optimizers: the first step does not use the network's `learning_rate`. "
        "Where does the optimizer's rate come from?",
        "ignores-learning-rate",
    )


def is_rate(rate: float) -> bool:
    return abs(rate - LEARNING_RATE) < 1e-9


@detail("lightning_steps", "leaves optimisation to Lightning")
def test_optimisation_is_automatic(student: Student, rng: Rng) -> None:
    if not trained(student, rng)["automatic"]:
        fail_check(
            "FashionCNN: expected automatic optimisation, got `automatic_optimization = False`. Who steps?",
            "manual-optimisation",
        )


def evaluated(student: Student, rng: Rng, which: str) -> list[Any]:
    """Return two runs of validation or test; the last batch is smaller than the others, and has worse answers.

    Returns:
        For each run the logits as the network's operations give them in a worker of ours, labels, and what was logged.
    """
    if which not in student.kept:
        images, logits = to_be_evaluated(student, rng)
        wrong = torch.tensor([0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0])
        labels = (logits.argmax(1) + wrong * rng.int(1, 9)) % 10
        parts = [EVALUATED, EVALUATED - 7]
        logged = student.probe("training.evaluate", images, labels, which=which, batch_size=BATCH, parts=parts)
        student.kept[which] = [
            {"logits": logits[:part], "labels": labels[:part], "logged": numbers}
            for part, numbers in zip(parts, logged, strict=True)
        ]
    runs: list[Any] = student.kept[which]
    return runs


def to_be_evaluated(student: Student, rng: Rng) -> tuple[Tensor, Tensor]:
    """Create a new network; return images, and its logits as its operations give them in a worker of ours."""
    program = student.probe("training.to_be_evaluated", rng.floats(EVALUATED, 1, 28, 28))
    images = rng.floats(EVALUATED, 1, 28, 28)
    ((logits,),) = student.in_clean_worker("program.answers", [program], [images])
    return images, logits_of(logits, images)


def logged_in(run: Any, which: str, name: str) -> float:
    logged = run["logged"]
    if name not in logged:
        prefix, kind = name.split("_")
        elsewhere = f"{'val' if prefix == 'test' else 'test'}_{kind}"
        alone = set(logged) == {f"{prefix}_{'acc' if kind == 'loss' else 'loss'}"}
        fail_check(
            f"{which}: expected {name} to be logged, got {', '.join(map(str, logged)) or 'nothing'}.",
            "logs-under-other-prefix" if elsewhere in logged else "forgets-to-log" if alone else None,
        )
    return float(logged[name])


def by_class(right: Tensor, labels: Tensor, classes: Tensor) -> Tensor:
    """Return the mean over classes of the share of right answers, 0 for a class without images."""
    return torch.stack(
        [right[labels == label].sum() / max(int((labels == label).sum()), 1) for label in classes]
    ).mean()


def right_accuracies(logits: Tensor, labels: Tensor) -> list[float]:
    """Return the share of right answers over images, and over classes: the same if all classes are equally large."""
    chosen = logits.argmax(1)
    right = (chosen == labels).double()
    means = [right.mean(), *(by_class(right, labels, seen.unique()) for seen in (labels, torch.cat([labels, chosen])))]
    return list(map(float, means))


def mean_over_batches(logits: Tensor, labels: Tensor, kind: str) -> float:
    """Return the mean of the batches' losses or accuracies, all weighted equally."""
    parts = list(zip(logits.split(BATCH), labels.split(BATCH), strict=True))
    if kind == "loss":
        return sum(plain_loss(*part) for part in parts) / len(parts)
    return sum(float((part.argmax(1) == wanted).double().mean()) for part, wanted in parts) / len(parts)


def running_mean(logits: Tensor, labels: Tensor) -> float:
    """Return the result if the accuracy up to each batch is averaged over all batches, by their sizes."""
    right = (logits.argmax(1) == labels).double()
    ends = [min(start + BATCH, len(right)) for start in range(0, len(right), BATCH)]
    return sum(float(right[:end].mean()) * (end - (end - 1) // BATCH * BATCH) for end in ends) / len(right)


def is_right(got: float, run: Any, kind: str) -> bool:
    """Return whether a number is a run's mean over images."""
    if kind == "loss":
        return is_loss(got, run["logits"], run["labels"])
    return any(abs(got - mean) < 1e-4 for mean in right_accuracies(run["logits"], run["labels"]))


def is_unweighted(got: float, run: Any, kind: str) -> bool:
    """Return whether a number is a run's mean over batches, and not over images."""
    wanted = mean_over_batches(run["logits"], run["labels"], kind)
    return not is_right(got, run, kind) and abs(got - wanted) < 1e-4 * max(1.0, wanted)


@detail("lightning_steps", "{which} logs the share of right answers", weight=4)
@pytest.mark.parametrize(("which", "prefix"), EVALUATIONS)
def test_evaluation_logs_accuracy(student: Student, rng: Rng, which: str, prefix: str) -> None:
    run = evaluated(student, rng, which)[0]
    got = logged_in(run, which, f"{prefix}_acc")
    if is_right(got, run, "acc") or is_unweighted(got, run, "acc"):
        return
    if any(abs(got + mean - 1) < 1e-4 for mean in right_accuracies(run["logits"], run["labels"])):
        fail_check(
            f"{prefix}_acc: this is the share of wrong answers. Which ones are counted?",
            "error-rate-instead-of-accuracy",
        )
    if any(abs(got - 100 * mean) < 1e-2 for mean in right_accuracies(run["logits"], run["labels"])):
        fail_check(f"{prefix}_acc: expected a share from 0 to 1, got a percentage.", "percent-instead-of-share")
    if abs(got - running_mean(run["logits"], run["labels"])) < 1e-4:
        fail_check(
            f"{prefix}_acc: the accuracy up to each batch is averaged over the batches. Which batches count twice?",
            "running-metric-averaged",
        )
    if chooses_the_least(student, rng, which, f"{prefix}_acc"):
        fail_check(
            f"{prefix}_acc: expected the share of right answers, got another share. Which class does it choose?",
            "argmin-instead-of-argmax",
        )
    fail_check(
        f"{prefix}_acc: expected the share of right answers, from 0 to 1, got another number. Over which images is it?"
    )


def chooses_the_least(student: Student, rng: Rng, which: str, name: str) -> bool:
    """Return whether labels count as right if their logit is the smallest, and as wrong if it is the largest."""
    images, logits = to_be_evaluated(student, rng)

    def share(labels: Tensor) -> float:
        (logged,) = student.probe("training.evaluate", images, labels, which=which, batch_size=BATCH, parts=[EVALUATED])
        return float(logged.get(name, -1))

    shares = [share(labels) for labels in (logits.argmax(1), logits.argmin(1))]
    return abs(shares[0]) < 1e-4 and abs(shares[1] - 1) < 1e-4


@detail("lightning_steps", "{which} logs the mean cross-entropy", weight=2.5)
@pytest.mark.parametrize(("which", "prefix"), EVALUATIONS)
def test_evaluation_logs_loss(student: Student, rng: Rng, which: str, prefix: str) -> None:
    run = evaluated(student, rng, which)[0]
    got = logged_in(run, which, f"{prefix}_loss")
    if is_right(got, run, "loss") or is_unweighted(got, run, "loss"):
        return
    name = "loss-on-probabilities" if from_probabilities(got, run["logits"], run["labels"]) else None
    if any(abs(got - total) < 1e-4 * total for total in sums_of_losses(run["logits"], run["labels"])):
        name = "sums-instead-of-means"
    fail_check(f"{prefix}_loss: expected the mean cross-entropy of logits and labels, got another number.", name)


def sums_of_losses(logits: Tensor, labels: Tensor) -> list[float]:
    """Return the result if the loss of a batch is a sum: averaged over images, over batches, and not at all."""
    parts = list(zip(logits.split(BATCH), labels.split(BATCH), strict=True))
    sizes, totals = [len(part) for _, part in parts], [plain_loss(*part) * len(part[1]) for part in parts]
    by_images = sum(size * total for size, total in zip(sizes, totals, strict=True)) / len(labels)
    return [by_images, sum(totals) / len(parts), sum(totals)]


def logged(student: Student, rng: Rng, index: int) -> list[tuple[str, float, Any, str]]:
    """Return name, number, run and kind of everything logged in one of the runs."""
    found = [
        (f"{prefix}_{kind}", evaluated(student, rng, which)[index], kind)
        for which, prefix in EVALUATIONS
        for kind in ("acc", "loss")
    ]
    return [(name, float(run["logged"][name]), run, kind) for name, run, kind in found if name in run["logged"]]


@detail("lightning_steps", "a smaller batch counts less in the logged numbers")
def test_batches_count_by_their_size(student: Student, rng: Rng) -> None:
    for name, got, run, kind in logged(student, rng, 0):
        if is_unweighted(got, run, kind):
            fail_check(
                f"{name}: the batches are averaged as if all had the same size. What if the last one is smaller?",
                "averages-batch-statistics",
            )


@detail("lightning_steps", "each epoch of validation and test starts afresh")
def test_every_epoch_starts_afresh(student: Student, rng: Rng) -> None:
    later = {name: (got, run) for name, got, run, _ in logged(student, rng, 1)}
    for name, first, run, kind in logged(student, rng, 0):
        if not is_right(first, run, kind) and not is_unweighted(first, run, kind):
            continue
        got, again = later.get(name, (float("nan"), run))
        if not is_right(got, again, kind) and not is_unweighted(got, again, kind):
            parts = [(one["logits"], one["labels"]) for one in (run, again)]
            logits, labels = (torch.cat(values) for values in zip(*parts, strict=True))
            both = plain_loss(logits, labels) if kind == "loss" else float((logits.argmax(1) == labels).double().mean())
            fail_check(
                f"{name}: right in the first epoch, wrong in the second. What is left over from the first?",
                "never-resets" if abs(got - both) < 1e-4 else None,
            )
