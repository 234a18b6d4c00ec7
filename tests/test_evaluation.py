"""The trained network runs in batches that fit into a cache, and on more images only if there is doubt."""

from __future__ import annotations

import importlib.util
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from grader.paths import HIDDEN_SUITES
from lesson.probes import evaluation

IMAGES = torch.randint(0, 256, (1000, 28, 28), generator=torch.Generator().manual_seed(3), dtype=torch.uint8)
MODULE = ModuleType("model")


@pytest.fixture(scope="module")
def suite(request: pytest.FixtureRequest) -> ModuleType:
    request.config.addinivalue_line("markers", "check(task, name, core, accuracy): one hidden check")
    spec = importlib.util.spec_from_file_location("hidden_accuracy", HIDDEN_SUITES / "test_accuracy.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Network:
    """Stands for a student: classifies by the brightest column, and counts the images."""

    weights = None

    def __init__(self, wrong: int = 0) -> None:
        self.wrong = wrong
        self.asked = 0

    def probe(self, _name: str, images: Tensor, *_statistics: float) -> Tensor:
        found = classes(images)
        found[: max(0, self.wrong - self.asked)] += 1
        self.asked += len(images)
        return nn.functional.one_hot(found % 10, 10).float()


def classes(images: Tensor) -> Tensor:
    return images.sum(dim=1, dtype=torch.int64).argmax(1) % 10


def test_predict_answers_in_batches_as_for_all_images_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    network = nn.Sequential(nn.Conv2d(1, 3, 5), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(3 * 24 * 24, 10)).eval()
    monkeypatch.setitem(evaluation._LOADED, "network", network)
    some = IMAGES[:251]
    with torch.no_grad():
        expected = network(((some.float() / 255 - 0.25) / 0.5)[:, None])
    torch.testing.assert_close(evaluation.predict(MODULE, some, 0.25, 0.5), expected)


@pytest.mark.parametrize("answer", [None, [1, 2], torch.tensor(3.0)], ids=["none", "list", "number"])
def test_predict_returns_invalid_logits_unchanged(answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(evaluation._LOADED, "network", lambda _images: answer)
    assert evaluation.predict(MODULE, IMAGES[:251], 0.25, 0.5) is answer


def test_a_clear_share_needs_few_images(suite: ModuleType) -> None:
    network = Network()
    assert suite.share_as_wanted(network, IMAGES, classes(IMAGES), 1.0) == 1.0
    assert network.asked == suite.FEW


def test_a_doubtful_share_is_that_of_all_images(suite: ModuleType) -> None:
    network = Network(wrong=30)
    assert suite.share_as_wanted(network, IMAGES, classes(IMAGES), 0.93) == pytest.approx(0.97)
    assert network.asked == len(IMAGES)
