"""What is taken from a worker to be drawn: shown if it is valid and small, otherwise left out."""

import json
import struct
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from grader import batch
from grader.checks import Student, StudentFailure
from grader.course import course
from grader.executor import result_of
from grader.figures import kept_figures
from grader.hidden import plugin
from grader.hidden.plugin import Job
from grader.hidden.session import Code, TaskSession
from grader.sandbox.limits import Limits, Pace
from grader.sandbox.walls import NONE
from lesson import pictures
from lesson.figures import Comparison, Network
from lesson.pictures import EXAMPLES, MAX_COLUMNS, MAX_LINES, curves_of, draw


class Answering:
    """A session that gives the same answer to every call."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self.data_root = None

    def call(self, function: str, args: Any, kwargs: Any) -> Any:
        value = self.value(*args) if callable(self.value) else self.value
        return type("Observation", (), {"value": value})

    def probe(self, name: str, args: Any, kwargs: Any) -> Any:
        return self.value


def drawn(task: str, value: Any, kept: dict[str, Any] | None = None, weights: bytes | None = None) -> Any:
    return draw(task, Student(Answering(value), weights, kept), all_passed=False)  # type: ignore[arg-type]


def flipped(image: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    return F.conv2d(image[None, None], kernel.flip(0, 1)[None, None])[0, 0]


def test_a_wrong_answer_is_drawn_beside_the_right_one() -> None:
    found = Comparison.read(drawn("convolve", flipped))
    assert (found.expected.height, found.expected.width) == (found.got.height, found.got.width) == (24, 20)
    assert found.difference is not None
    assert found.difference.high > 1


def test_an_answer_of_another_size_has_no_difference() -> None:
    found = Comparison.read(drawn("convolve", torch.zeros(26, 22)))
    assert (found.got.height, found.got.width, found.difference) == (26, 22, None)


def test_an_image_is_compared_by_its_grey_levels() -> None:
    found = Comparison.read(drawn("tensor_to_image", Image.new("L", (20, 24), 128)))
    assert (found.expected.low, found.expected.high, found.got.low) == (0, 255, 128)


@pytest.mark.parametrize("task", EXAMPLES)
def test_a_right_answer_is_not_drawn(task: str) -> None:
    _, _, right = EXAMPLES[task]()
    value = Image.fromarray(right.byte().numpy()) if task == "tensor_to_image" else right
    shaped = right[0, 0] if task in ("convolve", "convolve_torch") else value
    assert drawn(task, shaped) is None


@pytest.mark.parametrize(
    "value",
    [
        None, "text", 7, [[1.0]], torch.tensor(1.0), torch.ones(3), torch.ones(0, 4), torch.full((24, 20), torch.nan),
        torch.full((24, 20), torch.inf), torch.full((24, 20), 1e30), torch.ones(65, 2), torch.ones(500, 20, 20),
        torch.ones(24, 20, dtype=torch.complex64), torch.ones(24, 20).to_sparse(),
    ],
    ids=str,
)  # fmt: skip
def test_undrawable_values_are_left_out(value: Any) -> None:
    assert drawn("convolve", value) is None


def test_nothing_is_compared_if_all_checks_passed() -> None:
    student = Student(Answering(torch.zeros(24, 20)), None)  # type: ignore[arg-type]
    assert draw("convolve", student, all_passed=True) is None


def network(answer: dict[str, Any]) -> Network:
    return Network.read(drawn("fashion_accuracy", answer, {"answer": torch.zeros(10_000, dtype=torch.int64)}))


def test_the_checker_counts_the_confusion_matrix_itself() -> None:
    found = network({"filters": torch.rand(40, 1, 3, 3), "maps": torch.rand(40, 28, 28)})
    assert found.confusion == ((1000, *[0] * 9),) * 10
    assert (len(found.filters), len(found.activations)) == (pictures.MAX_FILTERS, pictures.MAX_FILTERS)


@pytest.mark.parametrize(
    "answer",
    [None, {}, {"filters": 1, "maps": 2}, {"filters": torch.rand(2, 1, 3, 3), "maps": torch.rand(2, 700, 28)}],
    ids=["none", "empty", "numbers", "large"],
)
def test_a_first_layer_that_cannot_be_drawn_leaves_the_rest(answer: Any) -> None:
    found = network(answer)
    assert (found.filters, found.activations) == ((), ())
    assert len(found.confusion) == 10


def test_filters_of_several_channels_are_left_out_and_their_maps_drawn() -> None:
    found = network({"filters": torch.rand(8, 3, 3, 3), "maps": torch.rand(8, 28, 28)})
    assert (len(found.filters), len(found.activations)) == (0, 8)


def test_a_table_is_cut_and_escaped() -> None:
    found = drawn("summarize", "\x1b[2J\u202e\n" + "x" * 500 + "\n" * 500).split("\n")
    assert found[0] == "\\x1b[2J\\u202e"
    assert (len(found[1]), len(found)) == (MAX_COLUMNS, MAX_LINES)
    assert drawn("summarize", 7) == ""


def weights(curves: str, metadata: str = "learning_curves") -> bytes:
    header = json.dumps({"__metadata__": {metadata: curves}}).encode()
    return struct.pack("<Q", len(header)) + header


def test_learning_curves_are_read_from_the_weights() -> None:
    found = curves_of(weights('{"val_loss": [0.5, null, 0.25], "val_acc": [0.8, 0.9, 1], "seconds": ["x"]}'))
    assert found == {"val_loss": (0.5, None, 0.25), "val_acc": (0.8, 0.9, 1.0)}


def test_numbers_not_finite_or_too_large_are_unknown() -> None:
    assert curves_of(weights('{"val_loss": [NaN, Infinity, 1e300, -1e7, 1]}')) == {
        "val_loss": (None, None, None, None, 1.0)
    }


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\xff" * 64, struct.pack("<Q", 1 << 40) + b"{}", weights("{", "other"), weights("{"), weights("[]"),
        weights("7"), weights('{"val_loss": 7}'), weights('{"val_loss": ["<b>"]}'), weights('{"val_loss": [true]}'),
        weights('{"val_loss": [1], "val_acc": [1, 2]}'), weights("[" * 100_000), weights('{"val_loss": [[1]]}'),
        weights('{"val_loss": [' + "9" * 5000 + "]}"), weights('{"val_loss": [' + "9" * 400 + "]}"),
    ],
    ids=range(15),
)  # fmt: skip
def test_invalid_curves_are_left_out(data: bytes) -> None:
    assert curves_of(data) == {} or all(value is None for value in curves_of(data)["val_loss"])


def test_curves_are_cut() -> None:
    assert len(curves_of(weights(json.dumps({"val_loss": [1] * 5000})))["val_loss"]) == pictures.MAX_EPOCHS


def session() -> TaskSession:
    pool = SimpleNamespace(place=SimpleNamespace(data_inside=None))
    return TaskSession(pool, Limits(), Code({}, {}, {}), course().task("convolve"))  # type: ignore[arg-type]


def test_drawing_does_not_affect_grading() -> None:
    one = session()
    one._worker = object()  # type: ignore[assignment]

    def ask() -> None:
        with one.off_the_record(5.0):
            assert one._limits.call_seconds == 5.0
            one.pace, one.disturbed = Pace(1.0, 2.0, 3.0), True
            raise StudentFailure("timed_out", "slow")

    with pytest.raises(StudentFailure, match="slow"):
        ask()
    assert (one.pace, one.disturbed, one._limits) == (Pace(), False, Limits())


def test_nothing_is_drawn_without_a_worker() -> None:
    with pytest.raises(StudentFailure, match="no process is left"), session().off_the_record(5.0):
        pytest.fail("asked nobody")


@pytest.mark.parametrize("error", [StudentFailure("timed_out", "slow"), KeyError("maps"), RecursionError()])
def test_a_failed_drawing_is_only_missing(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(pictures, "draw", failing)
    one = session()
    one._worker = object()  # type: ignore[assignment]
    job = Job("ada", 7, frozenset(), lambda _: one, None)
    run = plugin._Run(job, course().task("convolve"), one)
    plugin._draw(run)
    assert run.drawn is None


def test_figures_are_kept_in_files_and_not_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Executor:
        def grade(self, orders: Any, on_result: Any, *, tick: Any) -> None:
            for index, order in enumerate(orders):
                on_result(index, replace(result_of(order, NONE, None), figures={"summarize": "a table"}))

    @contextmanager
    def ready(*_: Any) -> Any:
        yield Executor()

    monkeypatch.setattr(batch, "_ready", ready)
    watcher: Any = SimpleNamespace(**dict.fromkeys(("start", "stage", "done", "tick"), lambda *_: None))
    (tmp_path / "class" / "ada").mkdir(parents=True)
    (tmp_path / "class" / "ada" / "model.py").write_text("x = 1\n")
    settings = batch.Settings(("build_baseline",), "weights", (NONE,), 1)
    [(folder, result)] = batch.grade_folder(tmp_path / "class", tmp_path / "out", settings, watcher)
    assert result.figures == {}
    assert kept_figures(tmp_path / "out" / folder, result.submission_sha256) == {"summarize": "a table"}
