"""Hidden checks of the data module, judged through its loaders alone, on images that carry their own index."""

from typing import Any

import pytest
import torch

from grader.checking import core, detail, synthetic
from grader.checking.assertions import assert_raises_in_probe, describe, fail_check
from grader.checking.student import Student

MEAN, STD = 0.2860, 0.3530
EVERYTHING = 100_000
SMALL_VAL = 1003
SMALL_TRAIN = 512


def take(student: Student, splits: dict[str, int], *, stages: tuple[str, ...] = ("fit",), **options: Any) -> Any:
    """Return what ``probes.data_module.take`` gives, each epoch checked to hold images and labels."""
    keywords = {name: options.pop(name) for name in ("epochs", "global_seed") if name in options}
    taken = student.probe("take", student.data_root, splits, options=options, stages=list(stages), **keywords)
    for split in splits:
        for epoch in taken[split]:
            if not isinstance(epoch.get("images"), torch.Tensor) or not isinstance(epoch.get("labels"), torch.Tensor):
                kinds = "; ".join(map(str, epoch.get("kinds") or ["no batches"]))
                fail_check(f"{split}_dataloader: expected batches of images and labels, got {kinds}.")
    return taken


def ids(epoch: Any) -> torch.Tensor:
    images = epoch["images"]
    return (
        synthetic.decode(images.reshape(len(images), 28, 28))
        if images[0].numel() == 784
        else torch.full((len(images),), -1)
    )


def assert_count(split: str, epoch: Any, expected: int, name: str | None = None) -> None:
    got = len(epoch["labels"])
    if got != expected or not epoch["complete"]:
        more = "" if epoch["complete"] else " or more"
        fail_check(
            f"{split}_dataloader: expected {expected} images in all, got {got}{more}. Which images belong to it?", name
        )


def assert_not_test_images(split: str, found: torch.Tensor) -> None:
    if (found >= synthetic.TRAIN_SIZE).float().mean() > 0.02:
        name = "validates-on-test" if split == "val" else None
        fail_check(f"{split}_dataloader: expected images of the training set, got images of the test set.", name)


def assert_apart(train: torch.Tensor, val: torch.Tensor) -> None:
    train = train[train >= 0]
    shared = torch.isin(train, val[val >= 0]).float().mean() if len(train) else torch.tensor(0.0)
    if shared > 0.01:
        fail_check(
            "setup: some images are in the training set and in the validation set. What does validation then measure?",
            "splits-overlap",
        )


@core("data_splits", "validation is val_size images of the training set, each once")
def test_validation_has_val_size_images_of_the_training_set(student: Student) -> None:
    epoch = take(student, {"val": EVERYTHING // 10}, val_size=SMALL_VAL, batch_size=100)["val"][0]
    found = ids(epoch)
    assert_not_test_images("val", found)
    assert_count("val", epoch, SMALL_VAL)
    known = found[found >= 0]
    if len(known.unique()) < len(known) - 0.02 * SMALL_VAL:
        fail_check("val_dataloader: expected every image once, got some of them again. How are the indices drawn?")


@core("data_splits", "training and validation share no image when validation is small")
def test_splits_are_disjoint_with_a_small_validation_set(student: Student) -> None:
    taken = take(student, {"val": 10_000, "train": 1500}, val_size=5003, batch_size=250)
    assert_apart(ids(taken["train"][0]), ids(taken["val"][0]))


@core("data_splits", "training has all that is not in validation")
def test_training_has_the_rest(student: Student) -> None:
    taken = take(student, {"train": 5000, "val": 3000}, val_size=60_000 - 1007, batch_size=100)
    train = taken["train"][0]
    found = ids(train)
    assert_not_test_images("train", found)
    assert_apart(found, ids(taken["val"][0]))
    assert_count("train", train, 1007)
    known = found[found >= 0]
    if len(known.unique()) < len(known) - 0.03 * len(found):
        fail_check("train_dataloader: expected every image once, got some of them again. How are the indices drawn?")


@core("data_splits", "test is the official 10,000 test images")
def test_test_set_is_the_official_one(student: Student) -> None:
    epoch = take(student, {"test": EVERYTHING}, stages=("test",), batch_size=500)["test"][0]
    assert_count("test", epoch, synthetic.TEST_SIZE)
    found = ids(epoch)
    if (found >= synthetic.TRAIN_SIZE).float().mean() < 0.95 or len(found[found >= 0].unique()) < 9500:
        fail_check(
            "test_dataloader: expected the images of the official test set, got others. Which set is it made of?"
        )


@core("data_splits", "every image keeps its own label")
def test_labels_belong_to_their_images(student: Student) -> None:
    epoch = take(student, {"val": 2000}, val_size=SMALL_VAL, batch_size=100)["val"][0]
    found, labels = ids(epoch), epoch["labels"].reshape(-1)
    read = found >= 0
    if len(labels) != len(found) or not torch.equal(synthetic.labels(0)[found[read]], labels[read].long()):
        fail_check(
            "val_dataloader: expected each image with its own label, got others. Are both taken by the same index?"
        )


@detail("data_splits", "the split does not depend on the global random state")
def test_split_ignores_the_global_state(student: Student) -> None:
    first, second = (
        ids(take(student, {"val": 1000}, val_size=307, batch_size=100, seed=3, global_seed=seed)["val"][0])
        for seed in (1, 2)
    )
    if not torch.equal(first.sort().values, second.sort().values):
        fail_check(
            "setup: the same seed gave two different splits. What else does the draw depend on?", "unseeded-split"
        )


@detail("data_splits", "another seed gives another split")
def test_split_depends_on_the_seed(student: Student) -> None:
    first, second = (
        ids(take(student, {"val": 1000}, val_size=307, batch_size=100, seed=seed)["val"][0]) for seed in (3, 4)
    )
    if torch.equal(first.sort().values, second.sort().values):
        fail_check("setup: two seeds gave the same split. Where does the seed come in?", "ignores-seed")


@detail("data_splits", "setup may be called again")
def test_setup_may_be_called_again(student: Student) -> None:
    once = ids(take(student, {"val": 1000}, val_size=307, batch_size=100)["val"][0])
    again = ids(take(student, {"val": 1000}, stages=("fit", "fit"), val_size=307, batch_size=100)["val"][0])
    if not torch.equal(once.sort().values, again.sort().values):
        fail_check("setup: a second call gave another split. What do both calls share?", "unseeded-split")


@detail("data_splits", "setup for {stage} prepares its loader")
@pytest.mark.parametrize(("stage", "split"), [("validate", "val"), ("test", "test"), ("fit", "train")])
def test_setup_prepares_any_stage(student: Student, stage: str, split: str) -> None:
    epoch = take(student, {split: 100}, stages=(stage,), batch_size=50, val_size=500)[split][0]
    assert len(epoch["labels"]) == 100, f"setup: expected images after setup({stage!r}), got {len(epoch['labels'])}."


@detail("data_splits", "refuses {val_size} images for validation")
@pytest.mark.parametrize("val_size", [0, 60_000, -5])
def test_impossible_val_size_is_refused(student: Student, val_size: int) -> None:
    arguments = {"options": {"val_size": val_size}, "stages": ["fit"]}
    assert_raises_in_probe(
        student, ("ValueError",), "take", student.data_root, {"val": 10}, where="val_size", **arguments
    )


@core("data_loaders", "batches are float32 images (B, 1, 28, 28) and int64 labels (B,)")
def test_batches_have_dtype_and_shape(student: Student) -> None:
    taken = take(student, {"train": 100, "val": 100, "test": 100}, stages=("fit", "test"), batch_size=32, val_size=500)
    for split, epochs in taken.items():
        kinds = list(epochs[0]["kinds"])
        wanted = "images float32 (B, 1, 28, 28), labels int64 (B,)"
        assert kinds == [wanted], f"{split}_dataloader: expected {wanted}, got {'; '.join(map(str, kinds))}."


def normalised(found: torch.Tensor) -> torch.Tensor:
    return (synthetic.images(found.clamp(min=0)).float() / 255 - MEAN) / STD


def assert_evaluation_images(split: str, epoch: Any) -> None:
    images, found = epoch["images"].reshape(-1, 28, 28), ids(epoch)
    if images.min() >= 0 and images.max() > 0:
        fail_check(
            f"{split}_dataloader: the pixels are not normalised. Which transform do they go through?", "not-normalised"
        )
    plain = unaltered(images, found)
    if not plain.all():
        fail_check(
            f"{split}_dataloader: {int((~plain).sum())} of {len(plain)} images are altered. "
            "Would you measure a network on images that change by chance?",
            "augments-evaluation",
        )
    if (images - normalised(found)).abs().max() > 0.02:
        fail_check(
            f"{split}_dataloader: expected pixels with mean {MEAN} and deviation {STD} normalised, got others.",
            "not-normalised",
        )


def unaltered(images: torch.Tensor, found: torch.Tensor) -> torch.Tensor:
    """Tell which images are exact copies of the image whose index they carry, but for brightness and contrast."""
    pattern = synthetic.images(found.clamp(min=0)).float() / synthetic.BRIGHT
    low, high = images.flatten(1).amin(1)[:, None, None], images.flatten(1).amax(1)[:, None, None]
    return (found >= 0) & (((images - low) / (high - low).clamp(min=1e-6) - pattern).abs().flatten(1).amax(1) < 1e-3)


@core("data_loaders", "validation images are normalised, not augmented")
def test_validation_images_are_as_they_are(student: Student) -> None:
    assert_evaluation_images("val", take(student, {"val": 256}, val_size=500, batch_size=64)["val"][0])


@detail("data_loaders", "test images are normalised, not augmented")
def test_test_images_are_as_they_are(student: Student) -> None:
    assert_evaluation_images("test", take(student, {"test": 256}, stages=("test",), batch_size=64)["test"][0])


@core("data_loaders", "every training image appears once in an epoch")
def test_every_training_image_once(student: Student) -> None:
    epoch = take(student, {"train": 3000}, val_size=60_000 - SMALL_TRAIN, batch_size=100)["train"][0]
    assert_count("train", epoch, SMALL_TRAIN)
    known = ids(epoch)
    known = known[known >= 0]
    if len(known.unique()) < len(known) - 0.03 * SMALL_TRAIN:
        fail_check("train_dataloader: expected every image once per epoch, got some of them again. How are they drawn?")


@detail("data_loaders", "training images come in a new order each epoch")
def test_training_is_shuffled_anew(student: Student) -> None:
    first, second = take(student, {"train": 3000}, val_size=60_000 - SMALL_TRAIN, batch_size=100, epochs=2)["train"]
    if torch.equal(first["labels"], second["labels"]):
        fail_check(
            "train_dataloader: two epochs came in the same order. What does a network learn from the order?",
            "never-shuffles-training",
        )


@detail("data_loaders", "training images are augmented")
def test_training_is_augmented(student: Student) -> None:
    epochs = take(student, {"train": 3000}, val_size=60_000 - SMALL_TRAIN, batch_size=100, epochs=2)["train"]
    images = torch.cat([epoch["images"] for epoch in epochs]).reshape(-1, 28, 28)
    found = torch.cat([ids(epoch) for epoch in epochs])
    if unaltered(images, found).float().mean() > 0.98:
        fail_check(
            "train_dataloader: every image is as it was. Which transform do training images go through?",
            "never-augments",
        )


@detail("data_loaders", "training images are normalised")
def test_training_images_are_normalised(student: Student) -> None:
    images = take(student, {"train": 600}, val_size=500, batch_size=100)["train"][0]["images"]
    if images.min() >= 0 or not 0.6 < images.std() < 1.6 or images.mean().abs() > 0.5:
        fail_check(
            "train_dataloader: the pixels are not normalised. Which transform do they go through?", "not-normalised"
        )


@detail("data_loaders", "{split} images come in a fixed order")
@pytest.mark.parametrize("split", ["val", "test"])
def test_evaluation_comes_in_fixed_order(student: Student, split: str) -> None:
    first, second = take(student, {split: 512}, stages=("fit", "test"), val_size=2000, batch_size=64, epochs=2)[split]
    if not torch.equal(first["labels"], second["labels"]) or not torch.equal(ids(first), ids(second)):
        fail_check(
            f"{split}_dataloader: two passes came in different orders. Does evaluation gain by chance?",
            "shuffles-evaluation",
        )


@detail("data_loaders", "every batch but the last has batch_size images")
def test_batches_have_batch_size(student: Student) -> None:
    sizes = take(student, {"val": 3000}, val_size=307, batch_size=97)["val"][0]["sizes"]
    assert sizes == [97, 97, 97, 16], (
        f"val_dataloader: expected batches of batch_size, the last one smaller, got {describe(sizes)}."
    )
