"""Hidden checks of the data module, judged through its loaders alone, on images that carry their own index."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from grader.checking import core, detail, synthetic
from grader.checking.assertions import assert_refused_in_probe, describe, fail_check
from grader.checking.student import Student

MEAN, STD = 0.2860, 0.3530
EVERYTHING = 100_000
LABELS = synthetic.labels(0)
# The worker keeps the data module built last: checks of the same options stand side by side.
# Batches divide these, so that a dropped last batch is not taken for a mistake of the split.
SMALL_VAL = {"val_size": 300, "batch_size": 100}
SMALL_TRAIN = {"val_size": 59_400, "batch_size": 100}
FEW_VAL = {"val_size": 100, "batch_size": 100}
# Here they do not.
ODD_TRAIN = {"val_size": 60_000 - 207, "batch_size": 100}
ODD_VAL = {"val_size": 207, "batch_size": 97}
SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Epoch:
    """What one pass over a loader gave.

    Attributes:
        split: "train", "val" or "test".
        images: float32 (N, ...), or uint8 (N, 98) with a bit per pixel.
        labels: (N, ...).
        ids: int64 (N,), the index that each image carries, -1 where it cannot be read.
        complete: whether the loader ended by itself.
        length: how many batches the loader says it has, if it says.
        sizes: of the batches.
        kinds: what the batches are made of, each kind once.
    """

    split: str
    images: Tensor
    labels: Tensor
    ids: Tensor
    complete: bool
    length: int | None
    sizes: list[Any]
    kinds: list[str]

    @property
    def known(self) -> Tensor:
        """Return the indices that can be read."""
        return self.ids[self.ids >= 0]

    @property
    def readable(self) -> bool:
        """Tell whether most images can be told apart."""
        return len(self.known) > 0.5 * len(self.ids)

    def pixels(self) -> Tensor:
        """Return float32 (N, 28, 28)."""
        if self.images[0].numel() != 28 * 28:
            kinds = "; ".join(self.kinds)
            fail_check(f"{self.split}_dataloader: expected images of 28 x 28, got {kinds}. Which axes has a batch?")
        return self.images.reshape(-1, 28, 28)


def take(student: Student, splits: dict[str, int], *, stages: tuple[str, ...] = ("fit", "test"), **given: Any) -> Any:
    """Return epochs by split, checked to hold images and labels; ``given`` is for the data module or the probe.

    What was taken once is kept: checks that ask for the same look at the same batches.
    """
    asked = {split: repr((split, limit, stages, sorted(given.items()))) for split, limit in splits.items()}
    if missing := {split: limit for split, limit in splits.items() if asked[split] not in student.kept}:
        keywords = {name: given.pop(name) for name in ("epochs", "global_seed", "packed") if name in given}
        root = given.pop("root", student.data_root)
        taken = student.probe("take", root, missing, options=given, stages=list(stages), **keywords)
        student.kept.update({asked[split]: [_epoch(split, found) for found in taken[split]] for split in missing})
    return {split: student.kept[asked[split]] for split in splits}


def take_one(student: Student, split: str, limit: int, **given: Any) -> Epoch:
    epoch: Epoch = take(student, {split: limit}, **given)[split][0]
    return epoch


def _epoch(split: str, found: Any) -> Epoch:
    images, labels = found.get("images"), found.get("labels")
    kinds = [str(kind) for kind in found.get("kinds") or ["no batches"]]
    both = isinstance(images, Tensor) and isinstance(labels, Tensor)
    if not both or not 0 < len(images) == len(labels) <= labels.numel():
        fail_check(
            f"{split}_dataloader: expected batches of images and labels, got {'; '.join(kinds)}. What is a batch?"
        )
    ids = torch.full((len(images),), -1)
    if images.dtype == torch.uint8 and images[0].numel() == 98:
        ids = synthetic.decode(torch.from_numpy(np.unpackbits(images.numpy(), axis=1)).reshape(-1, 28, 28).float())
    elif images[0].numel() == 28 * 28:
        ids = synthetic.decode(images.reshape(-1, 28, 28))
    return Epoch(split, images, labels.reshape(len(labels), -1)[:, 0].long(), ids, **_ending(found), kinds=kinds)


def _ending(found: Any) -> dict[str, Any]:
    length = found.get("length")
    return {
        "complete": found.get("complete") is True,
        "length": length if isinstance(length, int) else None,
        "sizes": list(found.get("sizes") or []),
    }


def assert_count(epoch: Epoch, expected: int, why: str) -> None:
    if len(epoch.labels) != expected or not epoch.complete:
        got = "more" if len(epoch.labels) > expected or not epoch.complete else "fewer"
        fail_check(f"{epoch.split}_dataloader: expected {why}, got {got}. Which images belong to it?")


def assert_each_once(epoch: Epoch) -> None:
    if len(epoch.known.unique()) < len(epoch.known):
        fail_check(f"{epoch.split}_dataloader: expected every image once, got some of them again. How are they drawn?")


def assert_not_test_images(epoch: Epoch) -> None:
    if (epoch.known >= synthetic.TRAIN_SIZE).any():
        fail_check(
            f"{epoch.split}_dataloader: expected images of the training set, got images of the test set. "
            "What is left to test on?",
            "validates-on-test" if epoch.split == "val" else None,
        )


def assert_apart(train: Epoch, val: Epoch) -> None:
    if torch.isin(train.known, val.known).any():
        fail_overlap()


def fail_overlap() -> None:
    fail_check(
        "setup: some images are in the training set and in the validation set. What does validation measure then?",
        "splits-overlap",
    )


@core("data_splits", "validation images are none of the test set's")
def test_validation_is_not_taken_from_the_test_set(student: Student) -> None:
    assert_not_test_images(take_one(student, "val", 1000, **SMALL_VAL))


@core("data_splits", "training and validation share no image when validation is small")
def test_splits_are_disjoint_with_a_small_validation_set(student: Student) -> None:
    taken = take(student, {"val": 1000, "train": 500}, **SMALL_VAL)
    assert_apart(taken["train"][0], taken["val"][0])


@core("data_splits", "validation has val_size images, each once")
def test_validation_has_val_size_images(student: Student) -> None:
    epoch = take_one(student, "val", 1000, **SMALL_VAL)
    assert_count(epoch, 300, "val_size images")
    assert_each_once(epoch)


@core("data_splits", "test is the official 10,000 test images")
def test_test_set_is_the_official_one(student: Student) -> None:
    epoch = take_one(student, "test", 200, **SMALL_VAL)
    if (epoch.known < synthetic.TRAIN_SIZE).any():
        fail_check("test_dataloader: expected the official test images, got training images. Which set is it made of?")
    assert_each_once(epoch)
    if epoch.length is None:  # it has to be counted
        assert_count(take_one(student, "test", EVERYTHING, packed=("test",), **SMALL_VAL), 10_000, "all test images")
    elif epoch.length != 100 or epoch.complete:
        fail_check("test_dataloader: expected all test images, got another number. Which of them are left out?")


def same_split(first: Epoch, second: Epoch) -> bool:
    """Compare by index; by the number of labels of each class where images cannot be told apart."""
    if first.readable and second.readable:
        return torch.equal(first.known.sort().values, second.known.sort().values)
    return torch.equal(first.labels.sort().values, second.labels.sort().values)


@core("data_splits", "the split does not depend on the global random state")
def test_split_ignores_the_global_state(student: Student) -> None:
    first = take_one(student, "val", 1000, **FEW_VAL)
    second = take_one(student, "val", 1000, global_seed=1, **FEW_VAL)
    if not same_split(first, second):
        fail_check(
            "setup: the same seed gave two different splits. What else does the draw depend on?", "unseeded-split"
        )


@detail("data_splits", "setup may be called again and gives the same split")
def test_setup_may_be_called_again(student: Student) -> None:
    twice = take_one(student, "val", 1000, global_seed=1, **FEW_VAL)  # for "fit", then for "test"
    once = take_one(student, "val", 1000, global_seed=1, stages=("fit",), **FEW_VAL)
    if not same_split(once, twice):
        fail_check("setup: a second call gave another split. What do both calls share?", "unseeded-split")


@detail("data_splits", "setup for {stage} alone prepares its {split} images")
@pytest.mark.parametrize(("stage", "split"), [("fit", "train"), ("fit", "val"), ("validate", "val"), ("test", "test")],
                         ids=["fit-train", "fit-val", "validate", "test"])  # fmt: skip
def test_setup_prepares_any_stage(student: Student, stage: str, split: str) -> None:
    epoch = take_one(student, split, 100, stages=(stage,), global_seed=1, **FEW_VAL)
    if len(epoch.labels) < 100:
        fail_check(f"setup: expected {split} images after setup({stage!r}), got too few. What does each stage need?")


@detail("data_splits", "another seed gives another split")
def test_split_depends_on_the_seed(student: Student) -> None:
    first, second = (
        take_one(student, "val", 1000, stages=("fit",), global_seed=1, **options, **FEW_VAL)
        for options in ({}, {"seed": 4})
    )
    if first.readable and second.readable and same_split(first, second):
        fail_check("setup: two seeds gave the same split. Where does the seed come in?", "ignores-seed")


@core("data_splits", "training and validation share no image when validation is large")
def test_splits_are_disjoint_with_a_large_validation_set(student: Student) -> None:
    taken = take(student, {"train": 1000, "val": 800}, **SMALL_TRAIN)
    train, val = taken["train"][0], taken["val"][0]
    assert_apart(train, val)
    if len(train.labels) > 600 and (val.length or 594) >= 594:
        fail_overlap()  # more than the rest of the 60,000 can only be images that validate, too


@core("data_splits", "training has all of the 60,000 that are not in validation")
def test_training_has_the_rest(student: Student) -> None:
    taken = take(student, {"train": 1000, "val": 800}, **SMALL_TRAIN)
    train, val = taken["train"][0], taken["val"][0]
    assert_not_test_images(train)
    assert_count(train, 600, "all images that do not validate")
    assert_each_once(train)
    if val.length not in (None, 594):
        fail_check("val_dataloader: expected val_size images, got another number. Where does val_size come in?")


@detail("data_splits", "refuses {val_size} images for validation")
@pytest.mark.parametrize("val_size", [0, 60_000, 60_001, -5])
def test_impossible_val_size_is_refused(student: Student, val_size: int) -> None:
    options: dict[str, Any] = {"options": {"val_size": val_size}, "stages": ["fit"]}
    where = f"val_size={val_size}"
    assert_refused_in_probe(student, "take", student.data_root, {"val": 10}, where=where, **options)


@detail("data_splits", "by default 5,000 images validate, in batches of 64; the folder may be a str")
def test_defaults_are_as_documented(student: Student) -> None:
    epoch = take_one(student, "val", 64, root=str(student.data_root))
    if epoch.sizes != [64]:
        fail_check(f"val_dataloader: expected batches of 64 by default, got {describe(epoch.sizes)}.")
    if epoch.length not in (None, 78, 79):
        fail_check("val_dataloader: expected 5,000 images by default, got another number.")


@detail("data_splits", "is a LightningDataModule")
def test_it_is_a_lightning_data_module(student: Student) -> None:
    names = student.probe("bases", student.data_root)
    if not isinstance(names, list) or "LightningDataModule" not in names[1:]:
        fail_check("FashionMNISTDataModule: expected a subclass of LightningDataModule, got another class.")


def look(student: Student, split: str) -> list[Epoch]:
    """Return the beginning of two passes over a loader."""
    epochs: list[Epoch] = take(student, {split: 200}, epochs=2, **SMALL_VAL)[split]
    return epochs


def whole(student: Student, split: str) -> list[Epoch]:
    """Return two passes over a loader whose last batch is smaller."""
    epochs: list[Epoch] = take(student, {split: 500}, epochs=2, **(ODD_TRAIN if split == "train" else ODD_VAL))[split]
    return epochs


@core("data_loaders", "batches are float32 images (B, 1, 28, 28) and int64 labels (B,)")
def test_batches_have_dtype_and_shape(student: Student) -> None:
    wanted = "images float32 (B, 1, 28, 28), labels int64 (B,)"
    for split in SPLITS:
        kinds = look(student, split)[0].kinds
        if kinds != [wanted]:
            fail_check(f"{split}_dataloader: expected {wanted}, got {'; '.join(kinds)}. Which step gives that form?")


@core("data_loaders", "images come with their own labels")
def test_labels_belong_to_their_images(student: Student) -> None:
    for split in SPLITS:
        epoch = look(student, split)[0]
        read = epoch.ids >= 0
        if not torch.equal(LABELS[epoch.ids[read]], epoch.labels[read]):
            fail_check(
                f"{split}_dataloader: expected each image with its own label, got others. "
                "Are both taken by the same index?"
            )


def unaltered(epoch: Epoch) -> Tensor:
    """Tell which images are exact copies of the image whose index they carry, but for brightness and contrast."""
    images = epoch.pixels()
    pattern = synthetic.images(epoch.ids.clamp(min=0)).float() / synthetic.BRIGHT
    low, high = images.flatten(1).amin(1)[:, None, None], images.flatten(1).amax(1)[:, None, None]
    scaled = (images - low) / (high - low).clamp(min=1e-6)
    return (epoch.ids >= 0) & ((scaled - pattern).abs().flatten(1).amax(1) < 1e-3)


def brightness(epoch: Epoch) -> Tensor:
    """Return the darkest and the brightest pixel of each image, sorted by index."""
    images = epoch.pixels().flatten(1)
    return torch.stack([images.amin(1), images.amax(1)], 1)[epoch.ids.argsort(stable=True)]


@core("data_loaders", "validation and test images are not augmented")
def test_evaluation_images_are_not_augmented(student: Student) -> None:
    for split in ("val", "test"):
        first, second = look(student, split)
        changed = not bool(unaltered(first).all())
        if not changed and torch.equal(first.ids.sort().values, second.ids.sort().values):
            changed = not torch.allclose(brightness(first), brightness(second), atol=1e-3)
        if changed:
            fail_check(
                f"{split}_dataloader: images are altered. Would you measure a network on images that change by chance?",
                "augments-evaluation",
            )


@core("data_loaders", "every {split} image appears once in an epoch")
@pytest.mark.parametrize(("split", "expected"), [("train", 207), ("val", 207)], ids=SPLITS[:2])
def test_every_image_once(student: Student, split: str, expected: int) -> None:
    first, second = whole(student, split)
    for epoch in (first, second):
        assert_count(epoch, expected, "every image of an epoch, the last ones too")
        assert_each_once(epoch)
    if not torch.equal(first.labels.sort().values, second.labels.sort().values):
        fail_check(f"{split}_dataloader: two epochs hold different images. How are they drawn?")


@core("data_loaders", "no test image is left out")
def test_no_test_image_is_left_out(student: Student) -> None:
    epoch = take_one(student, "test", 200, **ODD_VAL)
    if epoch.length is None:  # it has to be counted
        assert_count(take_one(student, "test", EVERYTHING, packed=("test",), **ODD_VAL), 10_000, "every test image")
    elif epoch.length != 104:  # of 97 images, the last one of 9
        fail_check(
            "test_dataloader: expected every test image, got fewer or more. What becomes of the last, smaller batch?"
        )


@core("data_loaders", "training images come in a new order each epoch")
def test_training_is_shuffled_anew(student: Student) -> None:
    first, second = whole(student, "train")
    if torch.equal(first.labels, second.labels):
        fail_check(
            "train_dataloader: two epochs came in the same order. What does a network learn from the order?",
            "never-shuffles-training",
        )


@detail("data_loaders", "images are normalised")
def test_images_are_normalised(student: Student) -> None:
    for split in SPLITS:
        assert_normalised(look(student, split)[0])


def assert_normalised(epoch: Epoch) -> None:
    images, where = epoch.pixels(), f"{epoch.split}_dataloader"
    if images.min() >= 0:
        fail_check(f"{where}: the pixels are not normalised. Which transform do they go through?", "not-normalised")
    if epoch.split == "train":
        off = not 0.5 < float(images.std()) < 1.7 or abs(float(images.mean())) > 0.6
    else:
        wanted = (synthetic.images(epoch.ids.clamp(min=0)).float() / 255 - MEAN) / STD
        off = bool(((images - wanted)[epoch.ids >= 0].abs() > 0.05).any())
    if off:
        fail_check(
            f"{where}: the pixels are normalised, but not by the training set's mean and deviation. "
            "Where do yours come from?",
            "wrong-statistics",
        )


@detail("data_loaders", "validation and test images come in a fixed order")
def test_evaluation_comes_in_fixed_order(student: Student) -> None:
    for split in ("val", "test"):
        first, second = look(student, split)
        if not torch.equal(first.labels, second.labels):
            fail_check(
                f"{split}_dataloader: two passes came in different orders. Whose is the third prediction?",
                "shuffles-evaluation",
            )


@detail("data_loaders", "training images are augmented")
def test_training_is_augmented(student: Student) -> None:
    epochs = whole(student, "train")
    plain = torch.cat([unaltered(epoch) for epoch in epochs])
    levels = torch.cat([brightness(epoch) for epoch in epochs])
    if plain.all() and (levels - levels[0]).abs().max() < 1e-3:
        fail_check(
            "train_dataloader: every image is as it was. Which transform do training images go through?",
            "never-augments",
        )


@detail("data_loaders", "every {split} batch but the last has batch_size images")
@pytest.mark.parametrize(("split", "wanted"), [("train", [100, 100, 7]), ("val", [97, 97, 13])], ids=SPLITS[:2])
def test_batches_have_batch_size(student: Student, split: str, wanted: list[int]) -> None:
    sizes = whole(student, split)[0].sizes
    if sizes != wanted:
        got = sizes if len(sizes) <= 10 else describe(sizes)
        fail_check(f"{split}_dataloader: expected batches of {wanted}, got {got}. Does batch_size reach the loader?")
