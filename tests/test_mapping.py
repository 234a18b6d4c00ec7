"""A mapped data set equals the one that torchvision reads, and may be changed."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
import torch
from torchvision.datasets import FashionMNIST, mnist  # type: ignore[import-untyped]

from lesson import mapping, synthetic


@pytest.fixture
def mapped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnist, "read_sn3_pascalvincent_tensor", mnist.read_sn3_pascalvincent_tensor)
    mapping.prepare()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    synthetic.write(folder, seed=0)
    return folder


@pytest.mark.parametrize("train", [True, False], ids=["train", "test"])
def test_a_mapped_data_set_is_the_same(root: Path, train: bool, request: pytest.FixtureRequest) -> None:
    read = FashionMNIST(root, train=train)
    request.getfixturevalue("mapped")
    seen = FashionMNIST(root, train=train)
    assert torch.equal(seen.data, read.data)
    assert torch.equal(seen.targets, read.targets)
    assert seen.data.dtype == torch.uint8
    assert seen.data.is_contiguous()


def test_changes_to_it_affect_nobody_else(root: Path, mapped: None) -> None:
    first, second = FashionMNIST(root), FashionMNIST(root)
    first.data.zero_()
    assert first.data.sum() == 0
    assert second.data.sum() > 0
    assert FashionMNIST(root).data.sum() > 0


def test_a_read_only_data_set_is_mapped(root: Path, mapped: None) -> None:
    files = sorted(root.glob("**/train-*"))
    for file in files:
        file.chmod(0o444)
    assert len(FashionMNIST(root)) == 60_000
    assert len(files) == 2


def written(path: Path, header: bytes, content: bytes) -> Path:
    path.write_bytes(header + content)
    return path


def test_only_complete_files_of_bytes_are_mapped(tmp_path: Path) -> None:
    header = struct.pack(">HBB2I", 0, 8, 2, 3, 5)
    assert mapping.shape_of_bytes(written(tmp_path / "whole", header, bytes(15))) == (3, 5)
    assert mapping.shape_of_bytes(written(tmp_path / "short", header, bytes(14))) is None
    assert mapping.shape_of_bytes(written(tmp_path / "long", header, bytes(16))) is None
    assert mapping.shape_of_bytes(written(tmp_path / "cut", header[:7], b"")) is None
    assert mapping.shape_of_bytes(written(tmp_path / "ints", struct.pack(">HBB2I", 0, 12, 2, 3, 5), bytes(15))) is None
    assert mapping.shape_of_bytes(tmp_path / "nothing") is None
    assert mapping.shape_of_bytes(3.5) is None


def test_other_files_are_read_as_usual(tmp_path: Path, mapped: None) -> None:
    header = struct.pack(">HBBI", 0, 12, 1, 3)
    path = written(tmp_path / "ints", header, struct.pack(">3i", 7, 11, -13))
    assert mnist.read_sn3_pascalvincent_tensor(str(path)).tolist() == [7, 11, -13]
