"""Training: the script writes its three files, and the committed weights are worth their points."""

import json
import subprocess
import sys
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file

from grader.checking import oracle
from grader.paths import ROOT, SOLUTIONS
from solutions.model import FashionCNN


def test_the_committed_weights_reach_91_percent() -> None:
    network = FashionCNN()
    network.load_state_dict(load_file(SOLUTIONS / "fashion_cnn.safetensors"))
    network.eval()
    images, labels = oracle.fashion_mnist("t10k")
    with torch.no_grad():
        parts = [network((chunk.float() / 255 - 0.2860)[:, None] / 0.3530).argmax(1) for chunk in images.split(1000)]
    assert (torch.cat(parts) == labels).double().mean() >= 0.91


def test_a_short_training_writes_weights_and_pictures(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "exercises.train", "--package", "solutions", "--out", str(tmp_path)]
    options = ["--epochs", "1", "--limit-batches", "3", "--workers", "0"]
    done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "test accuracy" in done.stdout
    names = {"fashion_cnn.safetensors", "learning_curves.png", "confusion_matrix.png"}
    assert {path.name for path in tmp_path.iterdir()} == names
    FashionCNN().load_state_dict(load_file(tmp_path / "fashion_cnn.safetensors"))
    with safe_open(tmp_path / "fashion_cnn.safetensors", "pt") as file:
        curves = json.loads(file.metadata()["learning_curves"])
    assert {name: len(values) for name, values in curves.items()} == dict.fromkeys(
        ("train_loss", "val_loss", "val_acc"), 1
    )
