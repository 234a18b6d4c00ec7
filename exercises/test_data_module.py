"""Public checks of lesson 4. Run them with `pytest exercises/test_data_module.py`.

To be quick, they use splits with a few hundred images on one side, and never all 60,000.
"""

import functools
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor
from torchvision.datasets import mnist

from exercises.datasets import DATA_DIR
from grader.checks import assert_equal, assert_true, check, refused

ALL = 60_000
FEW = 300


@pytest.fixture(autouse=True, scope="module")
def _files_are_read_once() -> Iterator[None]:
    """Cache what torchvision read: each data module gets its own copy, as if it had read the files."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("read_image_file", "read_label_file"):
            read_once = functools.cache(getattr(mnist, name))
            patch.setattr(mnist, name, lambda path, read_once=read_once: read_once(path).clone())
        yield


@pytest.fixture
def make(student: ModuleType) -> Callable[..., Any]:
    """Make a data module and get it ready."""

    def make_data(**arguments: int) -> Any:
        data = student.FashionMNISTDataModule(DATA_DIR, **arguments)
        data.prepare_data()
        data.setup(None)
        return data

    return make_data


@pytest.fixture(scope="module")
def _ready() -> dict[tuple[tuple[str, int], ...], Any]:
    return {}


@pytest.fixture
def given(make: Callable[..., Any], _ready: dict[tuple[tuple[str, int], ...], Any]) -> Callable[..., Any]:
    """Return a data module that is ready; checks that only look at its batches share it."""

    def give(**arguments: int) -> Any:
        key = tuple(arguments.items())
        if key not in _ready:
            _ready[key] = make(**arguments)
        return _ready[key]

    return give


def labels_of(loader: Any) -> list[int]:
    """Return the labels of one pass over a loader, up to twice as many as there should be."""
    found: list[int] = []
    for _, labels in loader:
        found += labels.tolist()
        if len(found) > 2 * FEW:
            break
    return found


def assert_size(loader: Any, where: str, hint: str = "") -> None:
    """Check that a loader with batches of 64 has 300 images; if it knows how many batches it has, none is drawn."""
    batches = len(loader) if hasattr(loader, "__len__") else FEW // 64 + 1
    assert_equal(batches, FEW // 64 + 1, f"{where}, batches of 64 for 300 images", hint)
    got = len(labels_of(loader))
    assert_true(got == FEW, f"{where}: expected {FEW} images, got {got if got < 2 * FEW else 'more'}. {hint}".rstrip())


@check("data_splits")
def test_validation_has_val_size_images(given: Callable[..., Any]) -> None:
    """With `val_size=300` there are 300 of them."""
    assert_size(given(val_size=FEW).val_dataloader(), "val_dataloader with val_size=300")


@check("data_splits")
def test_training_has_the_rest(given: Callable[..., Any]) -> None:
    """With `val_size=59700` there are 300 left to train on."""
    loader = given(val_size=ALL - FEW).train_dataloader()
    assert_size(loader, "train_dataloader with val_size=59700", "Which images are in no split, or in two?")


@check("data_splits")
def test_the_split_depends_on_the_seed_alone(make: Callable[..., Any]) -> None:
    """The same seed gives the same split, whatever the global random state is; another seed gives another."""
    splits = []
    for seed, state in ((0, 1), (0, 2), (1, 1)):
        torch.manual_seed(state)
        splits.append(labels_of(make(val_size=FEW, seed=seed).val_dataloader()))
    assert_true(splits[0] == splits[1], "seed=0, twice: expected the same split, got two. What is random?")
    assert_true(splits[0] != splits[2], "seed=0 and seed=1: expected two splits, got one. Is the seed used?")


@check("data_splits")
def test_setup_may_be_called_again(make: Callable[..., Any]) -> None:
    """Lightning calls it for each stage."""
    data = make(val_size=FEW)
    before = labels_of(data.val_dataloader())
    data.setup("validate")
    data.setup("test")
    same = labels_of(data.val_dataloader()) == before
    assert_true(same, "setup, called again: expected the same validation images, got others.")


@check("data_splits")
@pytest.mark.parametrize("val_size", [0, ALL])
def test_a_split_without_images_is_refused(make: Callable[..., Any], val_size: int) -> None:
    """Both parts need at least one image."""
    with refused(f"val_size={val_size}"):
        make(val_size=val_size)


@check("data_loaders")
@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_batches_are_images_and_labels(given: Callable[..., Any], split: str) -> None:
    """float32 (B, 1, 28, 28) and int64 (B,)."""
    images, labels = next(iter(getattr(given(batch_size=32), f"{split}_dataloader")()))
    where = f"{split}_dataloader with batch_size=32, first batch"
    assert_equal((tuple(images.shape), images.dtype), ((32, 1, 28, 28), torch.float32), f"{where}, images")
    assert_equal((tuple(labels.shape), labels.dtype), ((32,), torch.int64), f"{where}, labels")


@check("data_loaders")
def test_images_are_normalised(given: Callable[..., Any]) -> None:
    """Black becomes -0.81 and white 2.02; both occur in any batch of clothes."""
    images: Tensor = next(iter(given(batch_size=32).val_dataloader()))[0]
    low, high = images.min().item(), images.max().item()
    close = abs(low + 0.81) < 0.02 and abs(high - 2.02) < 0.02
    assert_true(
        close, f"val_dataloader: expected values from -0.81 to 2.02, got {low:.2f} to {high:.2f}. Which transform?"
    )


@check("data_loaders")
def test_training_images_come_in_a_new_order_each_epoch(given: Callable[..., Any]) -> None:
    """Two passes give the same labels in another order."""
    loader = given(val_size=ALL - FEW).train_dataloader()
    first, second = labels_of(loader), labels_of(loader)
    assert_true(sorted(first) == sorted(second), "train_dataloader, two passes: expected the same images, got others.")
    assert_true(
        first != second, "train_dataloader, two passes: expected a new order each time, got the same. Who shuffles?"
    )


@check("data_loaders")
@pytest.mark.parametrize("split", ["val", "test"])
def test_evaluation_never_changes(given: Callable[..., Any], split: str) -> None:
    """The same images in the same order, not augmented."""
    loader = getattr(given(batch_size=32), f"{split}_dataloader")()
    first, second = next(iter(loader)), next(iter(loader))
    same = torch.equal(first[0], second[0]) and torch.equal(first[1], second[1])
    assert_true(
        same, f"{split}_dataloader, two passes: expected the same first batch, got two. Shuffled, or augmented?"
    )


@check("data_loaders")
def test_the_last_batch_is_smaller(given: Callable[..., Any]) -> None:
    """300 images in batches of 64 are four full ones and one of 44."""
    sizes = [len(labels) for _, labels in given(val_size=FEW).val_dataloader()]
    assert_equal(sizes, [64, 64, 64, 64, 44], "val_dataloader of 300 images, sizes of its batches")
