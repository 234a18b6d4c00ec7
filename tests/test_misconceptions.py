"""The bank of named mistakes explains what it should and nothing else; `grader verify` grades all wrong answers."""

import itertools
from collections import Counter
from collections.abc import Iterator
from types import ModuleType

import pytest
import torch
import torch.nn.functional as F

from grader.authoring.answers import mistaken, wrong_answers
from grader.authoring.codings import coding
from grader.checks.values import same_values
from grader.hidden.mistakes import Diagnosis, Misconception, bank, explain, wrong_answer
from lesson.answers import WRONG
from solutions import convolution


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Compute as the grader does: for images this small, a second thread costs more than it saves."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


GENERATOR = torch.Generator().manual_seed(1)


def floats(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=GENERATOR)


CASES: dict[str, list[Diagnosis]] = {
    "convolve": [Diagnosis("convolve", (floats(7, 11), floats(2, 3))),
                 Diagnosis("convolve", (floats(11, 11), floats(3, 3)))],
    "activation_maps": [Diagnosis("activation_maps", (floats(1, 7, 11), floats(5, 2, 3), floats(5)))],
    "conv2d": [Diagnosis("conv2d", (floats(2, 3, 8, 11), floats(5, 3, 2, 3), floats(5), (2, 3), (2, 1)),
                         right=F.conv2d),
               Diagnosis("conv2d", (floats(2, 3, 7, 11), floats(5, 3, 2, 3), floats(5)),
                         {"stride": (2, 3), "padding": (2, 1)}, F.conv2d)],
}  # fmt: skip


def test_every_name_of_the_bank_is_tried_in_another_coding_too() -> None:
    assert {entry.name for entry in bank()} - {name for name, *_ in WRONG} == set()


def test_every_entry_of_the_bank_is_handed_in_for_each_of_its_tasks() -> None:
    handed_in = Counter((answer.name, *answer.tasks) for answer in wrong_answers())
    assert all(handed_in[entry.name, task] for entry in bank() for task in entry.tasks)


@pytest.mark.parametrize("entry", bank(), ids=lambda entry: f"{entry.name}-{entry.answer.__name__}")
def test_what_is_handed_in_answers_as_the_entry_does(entry: Misconception) -> None:
    for case in (one for task in entry.tasks for one in CASES.get(task, [])):
        wrong = wrong_answer(entry, case)
        if wrong is not None:
            module = ModuleType("handed_in")
            source = mistaken(entry, case.task).order.snapshot.modules["convolution"]
            exec(compile(source, "handed_in", "exec"), module.__dict__)
            assert same_values(getattr(module, case.task)(*case.args, **case.kwargs), wrong)


def test_a_helper_that_the_reference_has_too_is_refused() -> None:
    entry = next(one for one in bank() if one.answer.__name__ == "ignores_bias")
    with pytest.raises(ValueError, match="expected names that the reference does not have, got ignores_bias"):
        coding(entry, "conv2d", "def ignores_bias(): ...\ndef conv2d(x): ...")


@pytest.mark.parametrize("entry", bank(), ids=lambda entry: f"{entry.name}-{entry.answer.__name__}")
def test_an_entry_of_the_bank_has_a_question_and_known_tasks(entry: Misconception) -> None:
    assert entry.says.endswith("?")
    assert entry.tasks


@pytest.mark.parametrize("task", CASES)
def test_the_right_answer_gets_no_name(task: str) -> None:
    for case in CASES[task]:
        right = _right(case)
        assert explain(case, right, right) is None


@pytest.mark.parametrize("name", ["flipped-kernel", "drops-last-row-or-column", "mean-instead-of-sum"])
@pytest.mark.parametrize("task", CASES)
def test_a_wrong_answer_of_the_bank_is_explained_by_its_name(task: str, name: str) -> None:
    case = CASES[task][-1]
    entry = next(one for one in bank() if one.name == name and task in one.tasks)
    got = wrong_answer(entry, case)
    named = explain(case, got, _right(case))
    assert named is not None
    assert named.name == name


PAIRS = [
    (task, one, other)
    for task, names in {
        "convolve": ["flipped-kernel", "same-size-output", "mean-instead-of-sum", "drops-last-row-or-column"],
        "activation_maps": ["transposed-kernel", "ignores-bias", "off-by-one-size", "mean-instead-of-sum"],
        "conv2d": ["flipped-kernel", "swaps-stride-pair", "ignores-padding", "ignores-bias", "first-channel-only"],
    }.items()
    for one, other in itertools.combinations(names, 2)
    if {one, other} != {"same-size-output", "drops-last-row-or-column"}  # only sizes: two answers to one question
]


@pytest.mark.parametrize(("task", "one", "other"), PAIRS)
def test_two_mistakes_at_once_are_explained_by_either_name(task: str, one: str, other: str) -> None:
    pair = first_pair(task, one, other)
    for case in CASES[task]:
        named = explain(case, wrong_answer(pair, case), _right(case))
        assert named is not None
        assert named.name in (one, other)
        assert "Two things at once." in named.says


def first_pair(task: str, one: str, other: str) -> Misconception:
    entries = {name: [entry for entry in bank() if entry.name == name and task in entry.tasks] for name in (one, other)}
    tries = [a.on_top_of(b) for a, b in ((entries[one][0], entries[other][0]), (entries[other][0], entries[one][0]))]
    return next(pair for pair in tries if pair is not None)


def test_two_mistakes_in_statistics_are_reported_together() -> None:
    images = torch.randint(256, (5, 4, 3), dtype=torch.uint8, generator=GENERATOR)
    pixels = images.double()
    named = explain(
        Diagnosis("pixel_statistics", (images,)),
        (float(pixels.mean()), float(pixels.std())),
        (float(pixels.mean() / 255), float(pixels.std(correction=0) / 255)),
    )
    assert named is not None
    assert named.name in ("not-scaled", "sample-std")
    assert "Two things at once." in named.says


def test_no_two_entries_of_the_bank_and_no_right_answer_agree_on_the_diagnostic_inputs() -> None:
    for task, cases in CASES.items():
        for case in cases[:1]:
            given = [(entry, wrong_answer(entry, case)) for entry in bank() if task in entry.tasks]
            possible = [(entry, wrong) for entry, wrong in given if wrong is not None]
            for entry, wrong in possible:
                assert not same_values(_right(case), wrong), (task, entry.name)
                alike = {other.name for other, its in possible if same_values(wrong, its)}
                assert alike == {entry.name}, (task, entry.answer.__name__)


@pytest.mark.parametrize(
    "got",
    [torch.ones(6, 9), torch.zeros(6, 9), floats(7, 11), floats(8, 13), floats(5, 8), floats(6, 9).round()],
    ids=["ones", "zeros", "as large as the image", "too large", "too small", "whole numbers"],
)
def test_shape_and_dtype_alone_give_no_name(got: torch.Tensor) -> None:
    case = CASES["convolve"][0]
    assert explain(case, got, _right(case)) is None


def test_a_missing_axis_of_size_1_is_named() -> None:
    case = Diagnosis("convolve", (floats(5, 7), floats(5, 2)))
    named = explain(case, _right(case).squeeze(), _right(case))
    assert named is not None
    assert named.name == "squeeze-eats-axes"


def _right(case: Diagnosis) -> torch.Tensor:
    return getattr(convolution, case.task)(*case.args, **case.kwargs)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("task", CASES)
def test_the_bank_runs_without_warnings(task: str) -> None:
    for case in CASES[task]:
        assert explain(case, torch.zeros(3, 5), _right(case)) is None
