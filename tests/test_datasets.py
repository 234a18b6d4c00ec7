"""The bundled data: unpacked safely, without a network, whatever happened before."""

import multiprocessing
import shutil
from pathlib import Path

import pytest
import torch
from torchvision.datasets import FashionMNIST

from exercises.datasets import CLASS_NAMES, DATA_DIR, MNIST5k, prepare_fashion_mnist


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A data folder with only the digits' archives."""
    raw = tmp_path / "MNIST5k" / "raw"
    raw.mkdir(parents=True)
    for name, _ in MNIST5k.resources:
        shutil.copyfile(DATA_DIR / "MNIST5k" / "raw" / name, raw / name)
    return tmp_path


def test_digits_are_500_of_each(root: Path) -> None:
    digits = MNIST5k(root)
    assert digits.data.shape == (5000, 28, 28)
    assert digits.targets.bincount().tolist() == [500] * 10
    image, label = digits[4999]
    assert (image.mode, image.size, label) == ("L", (28, 28), 9)


def test_fashion_mnist_is_verified_and_unpacked_without_a_network(tmp_path: Path) -> None:
    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for name, _ in FashionMNIST.resources:
        shutil.copyfile(DATA_DIR / "FashionMNIST" / "raw" / name, raw / name)
    test = FashionMNIST(tmp_path, train=False, download=True)
    assert len(test) == 10_000
    assert list(test.classes) == CLASS_NAMES
    prepare_fashion_mnist(tmp_path)
    assert len(FashionMNIST(tmp_path, train=True)) == 60_000


def test_a_damaged_archive_is_named_with_both_checksums(root: Path) -> None:
    archive = root / "MNIST5k" / "raw" / "images-idx3-ubyte.gz"
    archive.write_bytes(archive.read_bytes()[:-1])
    with pytest.raises(
        RuntimeError, match=r"images-idx3-ubyte\.gz: expected .* 7a6d0e64b1649cd7f1e8bf4f4e3bb7b4, got [0-9a-f]{32}"
    ):
        MNIST5k(root)


def test_a_missing_archive_is_named(root: Path) -> None:
    (root / "MNIST5k" / "raw" / "labels-idx1-ubyte.gz").unlink()
    with pytest.raises(RuntimeError, match=r"labels-idx1-ubyte\.gz: expected .* got no file"):
        MNIST5k(root)


@pytest.mark.parametrize("size", [0, 10, 100_000], ids=["empty", "in the header", "in the middle"])
def test_a_half_finished_unpacking_is_repaired(root: Path, size: int) -> None:
    wanted = MNIST5k(root).data
    unpacked = root / "MNIST5k" / "raw" / "images-idx3-ubyte"
    unpacked.write_bytes(unpacked.read_bytes()[:size])
    assert torch.equal(MNIST5k(root).data, wanted)


def test_a_leftover_of_a_killed_process_does_no_harm(root: Path) -> None:
    (root / "MNIST5k" / "raw" / "partial-images-idx3-ubyte").write_bytes(b"cut off")
    assert len(MNIST5k(root)) == 5000


def test_unpacked_files_are_not_written_again(root: Path) -> None:
    MNIST5k(root)
    unpacked = root / "MNIST5k" / "raw" / "images-idx3-ubyte"
    before = unpacked.stat().st_mtime_ns
    for archive in unpacked.parent.glob("*.gz"):
        archive.unlink()
    MNIST5k(root)
    assert unpacked.stat().st_mtime_ns == before


def sum_of_pixels(root: Path) -> int:
    return int(MNIST5k(root).data.numpy().sum())


def test_four_processes_may_unpack_at_once(root: Path) -> None:
    with multiprocessing.Pool(4) as pool:
        sums = pool.map(sum_of_pixels, [root] * 4, chunksize=1)
    assert sums == [sum_of_pixels(root)] * 4
