"""The synthetic FashionMNIST: it has the real set's statistics, and its images carry their index."""

from pathlib import Path

import pytest
import torch
from torchvision import transforms
from torchvision.datasets import FashionMNIST

from lesson import synthetic


def test_mean_and_deviation_are_those_of_fashion_mnist() -> None:
    pixels = synthetic.images(torch.arange(60_000)).double() / 255
    assert pixels.mean().item() == pytest.approx(0.2860, abs=5e-4)
    assert pixels.std(correction=0).item() == pytest.approx(0.3530, abs=5e-4)


def test_every_class_is_equally_frequent() -> None:
    labels = synthetic.labels(0)
    assert labels[:60_000].bincount().tolist() == [6000] * 10
    assert labels[60_000:].bincount().tolist() == [1000] * 10


def test_every_image_is_read_back_in_any_normalisation() -> None:
    ids = torch.arange(70_000)
    assert torch.equal(synthetic.decode(synthetic.images(ids).float() * -0.01 * -2 + 3), ids)


@pytest.mark.parametrize(
    ("augment", "share"),
    [
        (transforms.RandomHorizontalFlip(1.0), 1.0),
        (transforms.RandomCrop(28, padding=2), 1.0),
        (transforms.RandomCrop(28, padding=4), 0.55),
        (transforms.RandomRotation(5), 0.7),
    ],
    ids=["mirrored", "shifted", "shifted far", "turned"],
)
def test_most_augmented_images_are_still_read_and_none_is_misread(augment: torch.nn.Module, share: float) -> None:
    torch.manual_seed(7)
    ids = torch.arange(0, 60_000, 97)
    augmented = torch.stack([augment(image[None])[0] for image in synthetic.images(ids).float()])
    read = synthetic.decode(augmented)
    assert (read == ids).float().mean() >= share
    assert not ((read != ids) & (read >= 0)).any()


@pytest.mark.parametrize("constant", [0.0, 1.0])
def test_a_blank_image_has_no_index(constant: float) -> None:
    assert synthetic.decode(torch.full((3, 28, 28), constant)).tolist() == [-1] * 3


def test_torchvision_reads_what_is_written(tmp_path: Path) -> None:
    synthetic.write(tmp_path, seed=0)
    data = FashionMNIST(tmp_path, train=False)
    assert torch.equal(data.data, synthetic.images(torch.arange(60_000, 70_000)))
    assert torch.equal(data.targets, synthetic.labels(0)[60_000:])
