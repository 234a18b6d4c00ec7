"""The data sets of the lessons, unpacked from the bundled archives: no network is needed.

This file is given: there is nothing to write here.

`MNIST5k` holds 5,000 handwritten digits; FashionMNIST is torchvision's own class on the same folder. Unpacking is safe
against the two usual accidents: a process that is killed half-way, and two processes that unpack at the same time.
"""

import gzip
import hashlib
import math
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filelock import FileLock
from torch import Tensor
from torchvision.datasets import MNIST, FashionMNIST
from torchvision.datasets.mnist import read_image_file, read_label_file

DATA_DIR: Path = Path(os.environ.get("CNN_DATA") or Path(__file__).resolve().parent.parent / "data")
"""The folder that holds `MNIST5k/` and `FashionMNIST/`: the bundled one, or that of the variable CNN_DATA."""

CLASS_NAMES: list[str] = list(FashionMNIST.classes)
"""What the ten labels of FashionMNIST mean, in order: `CLASS_NAMES[9]` is "Ankle boot"."""


class MNIST5k(MNIST):
    """Five thousand handwritten digits, 500 of each, 28 x 28 grey levels: a sample of MNIST's training set.

    Works like `torchvision.datasets.MNIST`: `dataset[i]` is a PIL image and its label, `dataset.data` holds the pixels,
    uint8 (5000, 28, 28), and `dataset.targets` the labels, int64 (5000,).

    Args:
        root: the folder that holds `MNIST5k/`.
        transform: applied to each image, such as `torchvision.transforms.ToTensor()`.
        target_transform: applied to each label.

    Raises:
        RuntimeError: if an archive that is still to be unpacked is missing or damaged.
    """

    mirrors: list[str] = []  # noqa: RUF012 - overrides torchvision's list: there is nowhere to download from
    resources: list[tuple[str, str]] = [  # noqa: RUF012 - as in torchvision's class
        ("images-idx3-ubyte.gz", "7a6d0e64b1649cd7f1e8bf4f4e3bb7b4"),
        ("labels-idx1-ubyte.gz", "73b6a6a8f98c69f0fa8cdcf5eeb35408"),
    ]

    def __init__(
        self,
        root: str | Path = DATA_DIR,
        transform: Callable[..., Any] | None = None,
        target_transform: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform, download=True)

    def download(self) -> None:
        """Unpack the bundled archives unless they already are."""
        _unpack_all(Path(self.raw_folder), self.resources)

    def _load_data(self) -> tuple[Tensor, Tensor]:
        images, labels = (Path(self.raw_folder) / name.removesuffix(".gz") for name, _ in self.resources)
        return read_image_file(str(images)), read_label_file(str(labels))


def prepare_fashion_mnist(root: str | Path = DATA_DIR) -> None:
    """Unpack FashionMNIST, so that `torchvision.datasets.FashionMNIST(root)` finds it complete.

    torchvision's own `download=True` also unpacks the archives, but assumes that any existing file is good. This
    function also repairs what a killed process left behind. Nothing is written if all files are there and complete.

    Args:
        root: the folder that holds `FashionMNIST/`.

    Raises:
        RuntimeError: if an archive that is still to be unpacked is missing or damaged.
    """
    _unpack_all(Path(root) / "FashionMNIST" / "raw", FashionMNIST.resources)


def _unpack_all(folder: Path, resources: list[tuple[str, str]]) -> None:
    """Unpack each archive of `folder` whose unpacked file is missing or incomplete."""
    broken = [(folder / name, md5) for name, md5 in resources if not _is_complete(folder / name.removesuffix(".gz"))]
    if not broken:
        return  # nothing is touched, so a read-only folder will do
    for archive, md5 in broken:
        _check_archive(archive, md5)
    with FileLock(folder / "unpack.lock"):
        for archive, _ in broken:
            if not _is_complete(archive.with_suffix("")):  # another process may have done it while this one waited
                _unpack(archive)


def _check_archive(archive: Path, md5: str) -> None:
    """Raise RuntimeError unless the archive is there and has the checksum."""
    actual = hashlib.md5(archive.read_bytes(), usedforsecurity=False).hexdigest() if archive.is_file() else "no file"
    if actual != md5:
        raise RuntimeError(
            f"{archive}: expected an archive with MD5 {md5}, got {actual}. "
            "Was it changed or cut short? Copy it again from the kit."
        )


def _unpack(archive: Path) -> None:
    """Unpack beside the archive, so that the file appears under its name only when it is complete."""
    target = archive.with_suffix("")
    partial = target.with_name(f"partial-{target.name}")
    with partial.open("wb") as file:
        file.write(gzip.decompress(archive.read_bytes()))
        file.flush()
        os.fsync(file.fileno())
    partial.replace(target)


def _is_complete(path: Path) -> bool:
    """Return whether the file is as long as its own header says.

    The idx format starts with two zero bytes, the element type (8: unsigned byte), the number of axes, and the length
    of each axis as a big-endian 32-bit integer; the elements follow.
    """
    try:
        with path.open("rb") as file:
            zeros, element_type, axes = struct.unpack(">HBB", file.read(4))
            shape = struct.unpack(f">{axes}I", file.read(4 * axes))
            size = os.fstat(file.fileno()).st_size
    except (FileNotFoundError, struct.error):
        return False
    return (zeros, element_type) == (0, 8) and size == 4 + 4 * axes + math.prod(shape)
