"""Training: the script writes its three files, and the committed weights are worth their points."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import pytorch_lightning as pl
import torch
import warm
from safetensors import safe_open
from safetensors.torch import load_file
from torch.utils.data import DataLoader, Dataset

from exercises import train
from exercises.train import Averaging
from grader.paths import ROOT, SOLUTIONS
from lesson import oracle
from solutions.model import FashionCNN


def test_the_committed_weights_reach_92_percent() -> None:
    network = FashionCNN()
    network.load_state_dict(load_file(SOLUTIONS / "fashion_cnn.safetensors"))
    network.eval()
    images, labels = oracle.fashion_mnist("t10k")
    with torch.no_grad():
        parts = [network((chunk.float() / 255 - 0.2860)[:, None] / 0.3530).argmax(1) for chunk in images.split(1000)]
    assert (torch.cat(parts) == labels).double().mean() >= 0.92


class OneWeight(pl.LightningModule):
    """A model with one parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))


def after(averaging: Averaging, model: OneWeight, weight: float, step: int, **metrics: float) -> float:
    """Set the weight as step number `step` would, and validate; return the weight that was validated."""
    trainer = cast(Any, SimpleNamespace(global_step=step, callback_metrics=metrics))
    model.weight.data.fill_(weight)
    averaging.on_train_batch_end(trainer, model, None, None, 0)
    averaging.on_validation_start(trainer, model)
    validated = model.weight.item()
    averaging.on_validation_end(trainer, model)
    return validated


def test_averaging_validates_the_running_average_and_puts_the_weights_back() -> None:
    averaging, model = Averaging(decay=0.75), OneWeight()
    assert after(averaging, model, 4.0, step=1) == 4
    assert after(averaging, model, 10.0, step=2) == pytest.approx(4 / 6 + 10 * 5 / 6)
    assert model.weight.item() == 10
    assert after(averaging, model, 0.0, step=1000) == pytest.approx(0.75 * 9)
    assert model.weight.item() == 0


def test_averaging_keeps_the_best_epoch() -> None:
    averaging, model = Averaging(decay=0.0), OneWeight()
    for step, accuracy in enumerate((0.5, 0.7, 0.6), start=1):
        after(averaging, model, float(step), step, val_acc=accuracy)
    assert float(averaging.best["weight"]) == 2


def test_averaging_keeps_the_last_epoch_of_a_model_that_logs_no_accuracy() -> None:
    averaging, model = Averaging(decay=0.0), OneWeight()
    for step in (1, 2):
        after(averaging, model, float(step), step, val_loss=0.1)
    assert float(averaging.best["weight"]) == 2


@pytest.mark.slow
def test_ctrl_c_keeps_the_best_epoch_so_far(tmp_path: Path) -> None:
    command = [sys.executable, "-u", "-m", "exercises.train", "--package", "solutions", "--out", str(tmp_path)]
    options = ["--epochs", "1000", "--limit-batches", "2", "--workers", "0"]
    with subprocess.Popen([*command, *options], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("epoch 2 after"):
                process.send_signal(signal.SIGINT)
                break
        rest = process.stdout.read()
    assert process.returncode == 0, rest
    assert "the best one so far is kept" in rest
    FashionCNN().load_state_dict(load_file(tmp_path / "fashion_cnn.safetensors"))


@pytest.mark.slow
def test_a_short_training_writes_weights_and_pictures(tmp_path: Path) -> None:
    options = ["--epochs", "1", "--limit-batches", "3", "--workers", "0"]
    done = warm.run("exercises.train", "--package", "solutions", "--out", str(tmp_path), *options, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "epoch 1 after " in done.stdout
    assert "validation accuracy" in done.stdout
    assert "test accuracy" not in done.stdout, "the test images are for the end"
    names = {"fashion_cnn.safetensors", "learning_curves.png", "confusion_matrix.png", ".runs.jsonl"}
    assert {path.name for path in tmp_path.iterdir()} == names
    FashionCNN().load_state_dict(load_file(tmp_path / "fashion_cnn.safetensors"))
    with safe_open(tmp_path / "fashion_cnn.safetensors", "pt") as file:
        curves = json.loads(file.metadata()["learning_curves"])
    assert {name: len(values) for name, values in curves.items()} == dict.fromkeys(
        ("train_loss", "val_loss", "val_acc"), 1
    )


class OneLayerTwice(pl.LightningModule):
    """A model that holds one layer under two names."""

    def __init__(self) -> None:
        super().__init__()
        self.first = self.second = torch.nn.Linear(3, 3)


def test_a_layer_under_two_names_is_saved_under_both(tmp_path: Path) -> None:
    model = OneLayerTwice()
    train.save_weights(model, tmp_path / "weights", {})
    model.load_state_dict(load_file(tmp_path / "weights"), strict=True)


class Priorities(Dataset[int]):
    """Eight samples, each the priority of the process that loads it."""

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> int:
        return os.nice(0)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody loads beside the network")
def test_processes_that_load_images_yield_to_the_network() -> None:
    loader = train.behind_the_network(DataLoader(Priorities(), num_workers=2))
    assert [int(priority) for priority in loader] == [19] * 8
    assert os.nice(0) < 19


def test_a_loader_that_prepares_its_processes_itself_is_left_alone() -> None:
    own = DataLoader(Priorities(), num_workers=1, worker_init_fn=print)
    assert train.behind_the_network(own).worker_init_fn is print


@pytest.mark.parametrize(
    ("capabilities", "precision"),
    [({"avx512_bf16": True}, "bf16-mixed"), ({"amx_bf16": True}, "bf16-mixed"), ({"avx512_f": True}, "32-true")],
)
def test_half_precision_is_for_processors_that_compute_in_it(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], precision: str
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert train.read_options([]).precision == precision


def test_the_loss_of_an_epoch_is_the_mean_of_its_steps() -> None:
    history, model = train.History(), OneWeight()
    trainer = cast(Any, SimpleNamespace(callback_metrics={"train_loss": torch.tensor(5.0)}))
    for epoch in ((1.0, 5.0), (4.0,)):
        for loss in epoch:
            history.on_train_batch_end(trainer, model, {"loss": torch.tensor(loss)}, None, 0)
        history.on_train_epoch_end(trainer, model)
    assert [row["train_loss"] for row in history.rows] == [3, 4]


class Answers(pl.LightningModule):
    """A network that gives every image one class: it is right on as many images as have that label."""

    def __init__(self, answer: int = 0) -> None:
        super().__init__()
        self.answer = torch.nn.Parameter(torch.nn.functional.one_hot(torch.tensor(answer), 10).float())

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the same logits for each image."""
        return self.answer.expand(len(images), 10)


class Labels(pl.LightningDataModule):
    """Ten images each for validation and test: six of class 0, three of class 1, one of class 2."""

    def prepare_data(self) -> None:
        """Nothing to fetch."""

    def setup(self, stage: str) -> None:
        """Nothing to split."""

    def val_dataloader(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Return one batch."""
        return [(torch.zeros(10, 1, 28, 28), torch.tensor([0] * 6 + [1] * 3 + [2]))]

    test_dataloader = val_dataloader


def trained(out: Path, answer: int, *options: str) -> None:
    """Write a network as a training would."""
    history = train.History()
    history.rows = [{"val_acc": 0.5, "train_loss": 1.0, "seconds": 7.0}]
    train._write(
        Answers(answer), Labels(), history, train.read_options(["--out", str(out), *options, "--package", "solutions"])
    )


def answer_in(path: Path) -> int:
    return int(load_file(path)["answer"].argmax())


def test_a_worse_network_does_not_replace_a_better_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trained(tmp_path, 0)
    pictures = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.png")}
    capsys.readouterr()
    trained(tmp_path, 1)
    said = capsys.readouterr().out
    assert "validation accuracy: 30.00% of 10 images" in said
    assert "has 60.00%, so it stays" in said
    assert "`--overwrite`" in said
    assert answer_in(tmp_path / train.WEIGHTS) == 0
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.png")} == pictures
    assert not (tmp_path / train.PREVIOUS).exists()


@pytest.mark.parametrize(("answer", "options"), [(0, ()), (2, ("--overwrite",))], ids=["better", "overwrite"])
def test_a_replaced_network_is_kept_beside_the_new_one(
    tmp_path: Path, answer: int, options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    trained(tmp_path, 1)
    trained(tmp_path, answer, *options)
    assert f"the earlier one has 30.00%; it is kept as {train.PREVIOUS}" in capsys.readouterr().out
    assert (answer_in(tmp_path / train.WEIGHTS), answer_in(tmp_path / train.PREVIOUS)) == (answer, 1)


@pytest.mark.parametrize("earlier", [b"", b"no weights", None], ids=["empty", "garbage", "another network"])
def test_weights_that_cannot_be_loaded_are_kept_beside_the_new_ones(
    tmp_path: Path, earlier: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    if earlier is None:
        train.save_weights(OneWeight(), tmp_path / train.WEIGHTS, {})
    else:
        (tmp_path / train.WEIGHTS).write_bytes(earlier)
    before = (tmp_path / train.WEIGHTS).read_bytes()
    trained(tmp_path, 2)
    assert "the earlier one does not fit this network" in capsys.readouterr().out
    assert (tmp_path / train.PREVIOUS).read_bytes() == before
    assert answer_in(tmp_path / train.WEIGHTS) == 2


def test_runs_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train.main(["--history", "--out", str(tmp_path)])
    assert capsys.readouterr().out == "No run yet.\n"
    trained(tmp_path, 0)
    trained(tmp_path, 1)
    (tmp_path / train.RUNS).open("a").write("{cut off\n")
    capsys.readouterr()
    train.main(["--history", "--out", str(tmp_path)])
    first, second = capsys.readouterr().out.splitlines()
    assert "validation accuracy 60.00%, 1 epochs, 7 s, code " in first
    assert first.endswith(", written")
    assert second.endswith(", not written")


def test_the_test_images_are_used_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"expected .*fashion_cnn\.safetensors, found nothing"):
        train.measure_once(Answers(), Labels(), tmp_path)
    trained(tmp_path, 1)
    capsys.readouterr()
    train.measure_once(Answers(), Labels(), tmp_path)
    assert capsys.readouterr().out == "test accuracy: 30.00% of 10 images\n"
    train.measure_once(Answers(), Labels(), tmp_path)
    assert "The test images were used before: " in capsys.readouterr().out
