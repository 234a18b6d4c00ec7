"""Hidden checks of the data module, judged only through its loaders, on images that carry their own index.

The weights of a task are points: what a mistake costs adds up from the checks that notice it.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from grader.checks import (
    CheckFailed,
    Student,
    StudentFailure,
    StudentRaised,
    core,
    detail,
    fail_check,
    refusal,
    refused,
)
from lesson import synthetic

MEAN, STD = 0.2860, 0.3530
EVERYTHING = 100_000
ALL, TEST = synthetic.TRAIN_SIZE, synthetic.TEST_SIZE
LABELS = synthetic.labels(0)
DEFAULT_VAL, DEFAULT_BATCH = 5000, 64
# Parts this large of two orders of 60,000 have some images in common.
SOME = 12 * DEFAULT_BATCH
FEW_VAL = {"val_size": 300, "batch_size": 100}
FEW_TRAIN = {"val_size": ALL - 600, "batch_size": 100}
OTHER_SEED = {"val_size": 301, "batch_size": 100, "seed": 4}
# These leave a smaller batch at the end.
ODD_TRAIN = {"val_size": ALL - 207, "batch_size": 100}
ODD_VAL = {"val_size": 207, "batch_size": 97}
SPLITS = ("train", "val", "test")
EVALUATION = ("val", "test")
HELPED = 7
"""The index of the image used to inspect a student's transforms."""


@dataclass(frozen=True)
class Epoch:
    """The result of one pass over a loader.

    Attributes:
        split: "train", "val" or "test".
        images: float32 (N, ...), or uint8 (N, 98) with a bit per pixel.
        labels: (N, ...).
        ids: int64 (N,), the index that each image carries, -1 if it cannot be read.
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
        """Return whether most images can be told apart."""
        return len(self.known) > 0.5 * len(self.ids)

    def pixels(self) -> Tensor:
        """Return float32 (N, 28, 28)."""
        if self.images[0].numel() != 28 * 28:
            kinds = "; ".join(self.kinds)
            fail_check(f"{self.split}_dataloader: expected images of 28 x 28, got {kinds}. Which axes has a batch?")
        return self.images.reshape(-1, 28, 28)


def take(
    student: Student, splits: dict[str, int], *, stages: tuple[str | None, ...] = ("fit",), time: int = 1, **given: Any
) -> Any:
    """Return epochs by split, checked to hold images and labels; ``given`` is for the data module or the probe.

    Epochs are kept: checks that ask for the same, at the same ``time``, share the batches.
    """
    asked = {split: repr((split, limit, stages, time, sorted(given.items()))) for split, limit in splits.items()}
    if missing := {split: limit for split, limit in splits.items() if asked[split] not in student.kept}:
        keywords = {name: given.pop(name) for name in ("epochs", "global_seed", "packed") if name in given}
        try:
            taken = student.probe("take", student.data_root, missing, options=given, stages=list(stages), **keywords)
        except StudentFailure as error:
            if error.status != "timed_out":
                raise
            raise StudentFailure(
                error.status,
                f"{' and '.join(missing)}: the images did not come in time; all that is known is that it is slow. "
                "Is every image prepared before the first one is requested?",
            ) from None
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
    length = found.get("length")
    return Epoch(
        split,
        images,
        labels.reshape(len(labels), -1)[:, 0].long(),
        ids,
        complete=found.get("complete") is True,
        length=length if isinstance(length, int) else None,
        sizes=list(found.get("sizes") or []),
        kinds=kinds,
    )


def assert_count(epoch: Epoch, expected: int, why: str, name: str | None = None) -> None:
    if len(epoch.labels) != expected or not epoch.complete:
        got = "more" if len(epoch.labels) > expected or not epoch.complete else "fewer"
        fail_check(f"{epoch.split}_dataloader: expected {why}, got {got}. Which images belong to it?", name)


def assert_each_once(epoch: Epoch) -> None:
    if len(epoch.known.unique()) < len(epoch.known):
        fail_check(
            f"{epoch.split}_dataloader: expected every image once, got some of them twice. How are they drawn?",
            "repeats-images",
        )


def batches(images: int, size: int) -> int:
    return -(-images // size)


@core("data_splits", "no image is in two of the three sets", weight=0.05)
def test_sets_are_disjoint(student: Student) -> None:
    taken = take(student, {"train": SOME, "val": SOME})
    train, val = taken["train"][0], taken["val"][0]
    for epoch in (val, train):
        if (epoch.known >= ALL).any():
            fail_check(
                f"{epoch.split}_dataloader: expected images of the training set, got images of the test set. "
                "What is left to test on?",
                "validates-on-test" if epoch is val else None,
            )
    if torch.isin(train.known, val.known).any():
        fail_check(
            "setup: some images are in the training set and in the validation set. What does validation measure then?",
            "splits-overlap",
        )


@detail("data_splits", "by default 5,000 images are for validation, in batches of 64", weight=0.05)
def test_defaults_are_as_documented(student: Student) -> None:
    val = take_one(student, "val", SOME)
    if set(val.sizes) != {DEFAULT_BATCH}:
        fail_check("val_dataloader: expected batches of 64 by default, got other sizes.", name_of_defaults(student))
    if val.length not in (None, batches(DEFAULT_VAL, DEFAULT_BATCH), DEFAULT_VAL // DEFAULT_BATCH):
        fail_check("val_dataloader: expected 5,000 images by default, got another number.", name_of_defaults(student))


def name_of_defaults(student: Student) -> str | None:
    """Return the name of the mistake if only the defaults are wrong: explicit values are used."""
    try:
        asked = take_one(student, "val", 1000, **FEW_VAL)
    except (CheckFailed, StudentFailure):
        return None
    return "other-defaults" if asked.complete and asked.sizes == [100, 100, 100] else None


@detail("data_splits", "validation has val_size images, each once", weight=0.15)
def test_validation_has_val_size_images(student: Student) -> None:
    epoch = take_one(student, "val", 1000, **FEW_VAL)
    default = batches(DEFAULT_VAL, FEW_VAL["batch_size"])
    ignored = epoch.length == default == take_one(student, "val", 100, **FEW_TRAIN).length
    assert_count(epoch, 300, "val_size images", "ignores-val-size" if ignored else None)
    assert_each_once(epoch)


@detail("data_splits", "training has all of the 60,000 that are not for validation", weight=1.2)
def test_training_has_the_rest(student: Student) -> None:
    most = take_one(student, "train", 100, **FEW_VAL)
    if most.length not in (None, 597):
        val = take_one(student, "val", 1000, **FEW_VAL)
        asked = val.complete and len(val.labels) == 300 and most.sizes[0] == 100
        fewer = asked and most.length is not None and most.length < 597
        fail_check(
            "train_dataloader: expected all images that are not for validation, got another number. Which are they?",
            "leaves-images-out" if fewer else None,
        )
    taken = take(student, {"val": 100, "train": 700}, **FEW_TRAIN)
    train, val = taken["train"][0], taken["val"][0]
    assert_count(train, 600, "all images that are not for validation")
    assert_each_once(train)
    if val.length not in (None, 594):
        fail_check("val_dataloader: expected val_size images, got another number. Where is val_size used?")


@detail("data_splits", "test is the official 10,000 test images", weight=1.5)
def test_test_set_is_the_official_one(student: Student) -> None:
    stages = ("fit", "test")
    epoch = take_one(student, "test", 200, stages=stages, **FEW_VAL)
    if (epoch.known < ALL).any():
        fail_check(
            "test_dataloader: expected the official test images, got training images. Which set is it made of?",
            "tests-on-training-images",
        )
    assert_each_once(epoch)
    if epoch.length is None:  # its batches have to be counted
        packed = take_one(student, "test", EVERYTHING, stages=stages, packed=("test",), **FEW_VAL)
        assert_count(packed, TEST, "all test images")
    elif epoch.length != 100 or epoch.complete:
        fewer = epoch.length < 100 and epoch.sizes[0] == 100
        fail_check(
            "test_dataloader: expected all test images, got another number. Which of them are left out?",
            "leaves-images-out" if fewer else None,
        )


def same_split(first: Epoch, second: Epoch) -> bool:
    """Compare by index, or by the labels if images cannot be told apart."""
    if first.readable and second.readable:
        return torch.equal(first.known.sort().values, second.known.sort().values)
    return torch.equal(first.labels.sort().values, second.labels.sort().values)


@detail("data_splits", "setup may be called again and keeps the split", weight=0.55)
def test_setup_may_be_called_again(student: Student) -> None:
    once = take_one(student, "val", 1000, **FEW_VAL)
    again = take_one(student, "val", 1000, stages=("fit", "test", "fit"), **FEW_VAL)
    if not same_split(once, again):
        fresh = take_one(student, "val", 1000, global_seed=20201, **FEW_VAL)
        fail_check(
            "setup: a second call gave another split. What do both calls share?",
            "resplits-at-setup" if same_split(once, fresh) else "unseeded-split",
        )


@detail("data_splits", "the split depends on the seed, not on the global random state or batch_size", weight=0.6)
def test_split_ignores_everything_else(student: Student) -> None:
    first = take_one(student, "val", 1000, **FEW_VAL)
    smaller = take_one(student, "val", 1000, **{**FEW_VAL, "batch_size": 60})
    if first.complete and smaller.complete and len(first.ids) == len(smaller.ids) and not same_split(first, smaller):
        fresh = take_one(student, "val", 1000, time=3, **FEW_VAL)
        if same_split(first, fresh):
            fail_check("setup: another batch_size gives another split. What has it to do with the split?")
    second = take_one(student, "val", 1000, global_seed=20201, **FEW_VAL)
    if not same_split(first, second):
        by_index = first.readable and second.readable and len(first.ids) == len(second.ids)
        fail_check(
            "setup: the same seed gave two different splits. What else does the draw depend on?",
            "unseeded-split" if by_index else None,
        )


@detail("data_splits", "another seed gives another split, and each data module keeps its own", weight=0.9)
def test_split_depends_on_the_seed(student: Student) -> None:
    first = take_one(student, "val", 1000, global_seed=20201, **FEW_VAL)
    other = take_one(student, "val", 1000, global_seed=20201, **OTHER_SEED)
    again = take_one(student, "val", 1000, global_seed=20201, time=2, **FEW_VAL)
    if not same_split(first, again):
        fail_check(
            "setup: a second data module with another seed changed the first one's split. What do they share?",
            "shared-between-modules" if same_split(other, again) else None,
        )
    shared = int(torch.isin(other.known, first.known).sum())
    if shared > 0.5 * len(other.ids) or (not first.readable and torch.equal(first.labels, other.labels)):
        if not same_split(first, take_one(student, "val", 1000, **FEW_VAL)):
            fail_check("setup: the global random state decides the split. Where is the seed used?", "unseeded-split")
        # A data module that remembers another one's split has as many images.
        ignored = len(other.ids) == 301 or len(first.ids) == len(other.ids) > 301
        fail_check("setup: two seeds gave the same split. Where is the seed used?", "ignores-seed" if ignored else None)


def assert_prepared(student: Student, split: str, stages: tuple[str | None, ...], **given: Any) -> None:
    """Check that a split exists after these stages of ``setup``; a failure has a name only if others work."""
    try:
        epoch = take_one(student, split, 100, stages=stages, **FEW_VAL, **given)
    except StudentRaised as error:
        problem, name = f"got {error.type_names[0]}", None
        try:
            take_one(student, split, 1000 if split == "val" else 200, stages=("fit", "test"), **FEW_VAL)
            name = "stage-unprepared"
        except StudentFailure:
            problem += " as always"
    else:
        if len(epoch.labels) >= 100:
            return
        problem, name = "got too few", None
    fail_check(f"setup: expected {split} images after setup({stages[-1]!r}), {problem}. What does it need?", name)


@detail("data_splits", "setup() alone prepares all three sets", weight=0.6)
def test_setup_without_a_stage_prepares_everything(student: Student) -> None:
    for split in SPLITS:
        assert_prepared(student, split, (None,), global_seed=202)


@detail("data_splits", "setup takes any stage, and prepares what it needs", weight=0.15)
def test_setup_prepares_any_stage(student: Student) -> None:
    assert_prepared(student, "test", ("test",), global_seed=203)
    assert_prepared(student, "val", ("validate",), global_seed=203)
    assert_prepared(student, "val", ("test", "validate"), global_seed=203)
    assert_prepared(student, "test", ("test", "validate", "predict"), global_seed=203)


@detail("data_splits", "works with a Trainer, with the folder as a str", weight=0.55)
def test_it_works_with_a_trainer(student: Student) -> None:
    where = "FashionMNISTDataModule"
    try:
        found = student.probe("fit", str(student.data_root))
    except StudentRaised as error:
        fail_for_str(where, error.text)
        raise
    if not found.get("lightning"):
        fail_check(
            f"{where}: expected a LightningDataModule, got another class. What does it derive from?",
            "not-a-lightning-class",
        )
    if found.get("error"):
        fail_for_str(where, str(found["error"]))
        begun = found.get("initialised")
        fail_check(
            f"{where}: expected Trainer.fit to run with it, got {str(found['error'])[:200]}. "
            + ("What does a Trainer need from it?" if begun else "What does a subclass's __init__ do first?"),
            None if begun else "forgets-super-init",
        )


def fail_for_str(where: str, error: str) -> None:
    """Fail with a name if an error says that a str is not a Path."""
    if re.search(r"'str' object has no attribute|for /: 'str'", error):
        fail_check(
            f"{where}: the folder as a str raises an error: {error[:200].rstrip('.')}. What turns a str into a Path?",
            "needs-a-path",
        )


@refusal("data_splits", "a `val_size` below 1 or above 59,999")
def test_impossible_val_size_is_refused(student: Student) -> None:
    try:
        assert_sizes_refused(student)
    except (CheckFailed, StudentRaised):
        taken = [is_taken(student, size) for size in (-5, 2, ALL - 2, ALL + 1)]
        at_the_ends = [is_taken(student, size) for size in (0, 1, ALL - 1, ALL)]
        if taken == [False, True, True, False] and at_the_ends != [False, True, True, False]:
            fail_check(
                "val_size: the smallest or the largest allowed number is refused, or the next one is not. "
                "Which two are they?",
                "bound-off-by-one",
            )
        raise


def is_taken(student: Student, val_size: int) -> bool:
    try:
        student.probe("take", student.data_root, {}, options={"val_size": val_size}, stages=["fit"])
    except StudentFailure:
        return False
    return True


def assert_sizes_refused(student: Student) -> None:
    for val_size in (0, ALL, -5):
        options: dict[str, Any] = {"options": {"val_size": val_size}, "stages": ["fit"]}
        with refused(f"val_size={val_size}"):
            student.probe("take", student.data_root, {"val": 10}, **options)
    for val_size in (1, ALL - 1):  # not these
        student.probe("take", student.data_root, {}, options={"val_size": val_size}, stages=[])


def whole(student: Student, split: str) -> list[Epoch]:
    """Return two passes over a loader whose last batch is smaller; for the test loader, two batches each."""
    options, limit = (ODD_TRAIN, 500) if split == "train" else (ODD_VAL, 500 if split == "val" else 194)
    stages = ("fit", "test") if split == "test" else ("fit",)
    epochs: list[Epoch] = take(student, {split: limit}, epochs=2, stages=stages, **options)[split]
    return epochs


@core("data_loaders", "images come with their own labels", weight=0.05)
def test_labels_belong_to_their_images(student: Student) -> None:
    for split in SPLITS:
        epoch = whole(student, split)[0]
        read = epoch.ids >= 0
        if not torch.equal(LABELS[epoch.ids[read]], epoch.labels[read]):
            fail_check(
                f"{split}_dataloader: expected each image with its own label, got others. Do both use the same index?",
                name_of_labels(epoch.labels[read], LABELS[epoch.ids[read]]),
            )


def name_of_labels(got: Tensor, wanted: Tensor) -> str | None:
    """Return the name of the mistake that labels show."""
    if len(got.unique()) == 1 < len(wanted.unique()):
        return "one-label-for-all"
    shift = ((got - wanted) % 10).unique().tolist()
    return "labels-off-by-one" if shift in ([1], [9]) else None


@detail("data_loaders", "batches are float32 images (B, 1, 28, 28) and int64 labels (B,)", weight=0.45)
def test_batches_have_dtype_and_shape(student: Student) -> None:
    wanted = "images float32 (B, 1, 28, 28), labels int64 (B,)"
    for split in SPLITS:
        epoch = whole(student, split)[0]
        kinds = epoch.kinds
        if kinds != [wanted]:
            fail_check(
                f"{split}_dataloader: expected {wanted}, got {'; '.join(kinds)}. Which step produces that form?",
                name_of_form(epoch, wanted),
            )


def name_of_form(epoch: Epoch, wanted: str) -> str | None:
    """Return the name of the mistake if images and labels are the right ones in another form."""
    right = epoch.readable if epoch.split == "train" else bool(unaltered(epoch).all())
    if not right or len(epoch.kinds) != 1:
        return None
    if re.sub(r"(images|labels) \w+", r"\1", epoch.kinds[0]) == re.sub(r"(images|labels) \w+", r"\1", wanted):
        return "wrong-dtype"
    return "flattens-images" if epoch.kinds[0].replace("(B, 784)", "(B, 1, 28, 28)") == wanted else None


@detail("data_loaders", "every image comes once per epoch, in batches of batch_size except the last", weight=1.5)
def test_every_image_once(student: Student) -> None:
    for split in SPLITS:
        first, second = whole(student, split)
        size = ODD_TRAIN["batch_size"] if split == "train" else ODD_VAL["batch_size"]
        for epoch in (first, second):
            assert_sizes(student, epoch, size)
            assert_each_once(epoch)
            assert_none_lost(epoch, size)
        if first.complete and not torch.equal(first.labels.sort().values, second.labels.sort().values):
            fail_check(f"{split}_dataloader: two epochs hold different images. How are they drawn?")
    assert_no_test_image_lost(student)


def assert_sizes(student: Student, epoch: Epoch, size: int) -> None:
    if any(one != size for one in epoch.sizes[:-1]) or epoch.sizes[-1] > size:
        fail_check(
            f"{epoch.split}_dataloader: expected batches of batch_size, got {sorted(set(epoch.sizes))[:3]}. "
            "Does batch_size reach the loader?",
            "ignores-batch-size" if ignores_batch_size(student, epoch) else None,
        )


def ignores_batch_size(student: Student, epoch: Epoch) -> bool:
    """Return whether another batch_size gives batches of the same size."""
    options = {**(ODD_TRAIN if epoch.split == "train" else ODD_VAL), "batch_size": 50}
    stages = ("fit", "test") if epoch.split == "test" else ("fit",)
    try:
        other = take_one(student, epoch.split, 500, stages=stages, **options)
    except (CheckFailed, StudentFailure):
        return False
    return len(set(epoch.sizes[:-1])) == 1 and other.sizes[0] == epoch.sizes[0]


def assert_none_lost(epoch: Epoch, size: int) -> None:
    """Judge only the loader: if the split has too many images, data_splits says so."""
    if not epoch.complete or len(epoch.labels) >= 207:
        return
    dropped = len(epoch.labels) == 207 - 207 % size
    question = "What happens to the last, smaller batch?" if dropped else "Which of them are left out?"
    fail_check(
        f"{epoch.split}_dataloader: expected every image of an epoch, got fewer. {question}",
        "drops-last-batch" if dropped else None,
    )


def assert_no_test_image_lost(student: Student) -> None:
    size = ODD_VAL["batch_size"]
    length = whole(student, "test")[0].length
    if length is None:  # its batches have to be counted
        stages = ("fit", "test")
        packed = take_one(student, "test", EVERYTHING, stages=stages, packed=("test",), **ODD_VAL)
        length = len(packed.sizes)
    if length == TEST // size:
        fail_check(
            "test_dataloader: expected every test image, got fewer. What happens to the last, smaller batch?",
            "drops-last-batch",
        )


@detail("data_loaders", "training images come in a new order each epoch", weight=1.5)
def test_training_is_reshuffled(student: Student) -> None:
    first, second = whole(student, "train")
    if torch.equal(first.labels, second.labels):
        fail_check(
            "train_dataloader: two epochs came in the same order. What does a network learn from the order?",
            "never-shuffles-training",
        )


@detail("data_loaders", "validation and test images are the same in each pass, in the same order", weight=1.5)
def test_evaluation_repeats_itself(student: Student) -> None:
    for split in EVALUATION:
        first, second = whole(student, split)
        if not torch.equal(first.labels, second.labels):
            fail_check(
                f"{split}_dataloader: two passes came in different orders. Which image comes third?",
                "shuffles-evaluation",
            )
        if changes(first, second):
            fail_altered(student, split, "augments-evaluation")


@detail("data_loaders", "validation and test images are not augmented", weight=0.1)
def test_evaluation_images_are_not_augmented(student: Student) -> None:
    for split in EVALUATION:
        first, second = whole(student, split)
        if not unaltered(first).all():
            by_chance = "augments-evaluation" if changes(first, second) else None
            fail_altered(student, split, "always-flips" if always_flipped(first) else by_chance)


def always_flipped(epoch: Epoch) -> bool:
    """Return whether all images are right once they are mirrored back."""
    for axes in ((2,), (1,), (1, 2)):
        back = epoch.pixels().flip(axes)
        if unaltered(replace(epoch, images=back, ids=synthetic.decode(back))).all():
            return True
    return False


@detail("data_loaders", "training images are augmented", weight=1.5)
def test_training_is_augmented(student: Student) -> None:
    epochs = whole(student, "train")
    plain = torch.cat([unaltered(epoch) for epoch in epochs])
    levels = torch.cat([brightness(epoch.pixels()) for epoch in epochs])
    if plain.all() and (levels - levels[0]).abs().max() < 1e-3:
        made = helper(student, "train_transform")
        fail_at_loader(
            "train",
            "every image is as it was. Which transform do training images go through?",
            "never-augments",
            beside="train_transform" if made is not None and bool((made == made[0]).all()) else None,
        )
    if same_pictures(*epochs):
        fail_at_loader(
            "train", "both epochs hold the same altered images. Is each draw new?", "augments-once", beside=None
        )


def same_pictures(first: Epoch, second: Epoch) -> bool:
    """Return whether two whole epochs hold the same pixels, in any order."""
    one, other = (epoch.pixels().flatten(1) for epoch in (first, second))
    weights = torch.rand(one.shape[1], dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    sums = [(images.double() @ weights).sort().values for images in (one, other)]
    complete = first.complete and second.complete and len(one) == len(other)
    return complete and torch.allclose(*sums, rtol=0, atol=1e-4)


@detail("data_loaders", "images are normalised", weight=0.4)
def test_images_are_normalised(student: Student) -> None:
    for split in SPLITS:
        epoch = whole(student, split)[0]
        problem = normalised_wrongly(split, epoch.pixels())
        if problem is None:
            continue
        says, name = problem
        transform = "train_transform" if split == "train" else "eval_transform"
        made = helper(student, transform)
        known = made is not None and normalised_wrongly(split, made) is not None
        fail_at_loader(split, says, name, beside=transform if known else None)


def normalised_wrongly(split: str, images: Tensor) -> tuple[str, str] | None:
    """Return message and name for images (N, 28, 28) that are not normalised as they should be."""
    if images.min() >= 0:
        return "the pixels are not normalised. Which transform do they go through?", "not-normalised"
    if split == "train":
        off = not 0.5 < float(images.std()) < 1.7 or abs(float(images.mean())) > 0.6
    else:
        wanted = (torch.tensor([0.0, synthetic.BRIGHT]) / 255 - MEAN) / STD
        off = bool(((brightness(images) - wanted).abs() > 0.05).any())
    says = "the pixels are normalised, but not by the training set's mean and deviation. Where do yours come from?"
    return (says, "wrong-statistics") if off else None


def unaltered(epoch: Epoch) -> Tensor:
    """Return which images are exact copies of the image whose index they carry, except for brightness and contrast."""
    images = epoch.pixels()
    pattern = synthetic.images(epoch.ids.clamp(min=0)).float() / synthetic.BRIGHT
    low, high = images.flatten(1).amin(1)[:, None, None], images.flatten(1).amax(1)[:, None, None]
    scaled = (images - low) / (high - low).clamp(min=1e-6)
    return (epoch.ids >= 0) & ((scaled - pattern).abs().flatten(1).amax(1) < 1e-3)


def brightness(images: Tensor) -> Tensor:
    """Return the darkest and the brightest pixel of each image, (N, 2)."""
    flat = images.flatten(1)
    return torch.stack([flat.amin(1), flat.amax(1)], 1)


def changes(first: Epoch, second: Epoch) -> bool:
    """Return whether two passes in the same order gave different pixels."""
    same_order = torch.equal(first.labels, second.labels)
    return same_order and not torch.allclose(first.pixels(), second.pixels(), atol=1e-3)


def fail_altered(student: Student, split: str, name: str | None) -> None:
    made = helper(student, "eval_transform")
    says = "images are altered. Would you measure a network on images that change by chance?"
    known = made is not None and not bool((made == made[0]).all())
    fail_at_loader(split, says, name, beside="eval_transform" if known else None)


def fail_at_loader(split: str, says: str, name: str | None, *, beside: str | None) -> None:
    """Fail with the name of the mistake, unless a transform is to blame, which has its own task."""
    if beside is not None:
        fail_check(f"{split}_dataloader: {says} This comes from {beside}, which has its own task.")
    fail_check(f"{split}_dataloader: {says}", name)


def helper(student: Student, name: str) -> Tensor | None:
    """Return what the student's own transform makes of one image, (N, 28, 28); None if it is anything else."""
    try:
        made = student.probe("helper", name, synthetic.images(torch.tensor([HELPED]))[0], times=40)
    except StudentFailure:
        return None
    fits = isinstance(made, Tensor) and made[0].numel() == 28 * 28
    return made.reshape(-1, 28, 28).float() if fits else None
