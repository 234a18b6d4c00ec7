"""Wrong answers, graded through the sandbox: each is rejected, and named for what it is."""

from collections import Counter

import pytest
import torch

from grader.checking.assertions import Diagnosis
from grader.misconceptions import Misconception, bank, explain
from grader.results import TaskResult
from solutions import convolution
from tests.answers import wrong, wrong_convolution, wrong_networks, wrong_pictures
from tests.answers.grading import grade, order

WRONG = [*wrong.WRONG, *wrong_convolution.WRONG, *wrong_pictures.WRONG, *wrong_networks.WRONG]


@pytest.fixture(scope="module")
def graded() -> list[TaskResult]:
    return [result for (result,) in grade([order([task], module, code) for _, task, module, code in WRONG])]


@pytest.mark.parametrize("index", range(len(WRONG)), ids=[f"{task}-{name}" for name, task, _, _ in WRONG])
def test_a_wrong_answer_is_rejected_and_named(index: int, graded: list[TaskResult]) -> None:
    name, _, _, _ = WRONG[index]
    got = graded[index]
    assert got.score < got.points, got
    assert got.misconception == name, got


CASES: dict[str, list[Diagnosis]] = {
    "convolve": [Diagnosis("convolve", (torch.randn(7, 11), torch.randn(2, 3))),
                 Diagnosis("convolve", (torch.randn(11, 11), torch.randn(3, 3)))],
    "activation_maps": [Diagnosis("activation_maps", (torch.randn(1, 7, 11), torch.randn(5, 2, 3), torch.randn(5)))],
    "conv2d": [Diagnosis("conv2d", (torch.randn(2, 3, 8, 11), torch.randn(5, 3, 2, 3), torch.randn(5), (2, 3), (2, 1))),
               Diagnosis("conv2d", (torch.randn(2, 3, 7, 11), torch.randn(5, 3, 2, 3)))],
}  # fmt: skip


def test_every_name_of_the_bank_is_tried_in_two_codings() -> None:
    tried = Counter(name for name, _, _, _ in WRONG)
    assert {entry.name for entry in bank() if tried[entry.name] < 2} == set()


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
    got = entry.answer(task, *case.args, **case.kwargs)
    named = explain(case, got, _right(case))
    assert named is not None
    assert named.name == name


def _right(case: Diagnosis) -> torch.Tensor:
    return getattr(convolution, case.task)(*case.args, **case.kwargs)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("task", CASES)
def test_the_bank_runs_without_warnings(task: str) -> None:
    for case in CASES[task]:
        assert explain(case, torch.zeros(3, 5), _right(case)) is None
