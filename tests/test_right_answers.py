"""Right answers in other styles, graded through the sandbox: full score, and no name of a mistake."""

import pytest

from grader.results import TaskResult
from tests.answers import right_networks, right_pictures
from tests.answers.grading import grade, order

RIGHT = [*right_pictures.RIGHT, *right_networks.RIGHT]


@pytest.fixture(scope="module")
def graded() -> list[list[TaskResult]]:
    return grade([order(task_ids, module, code) for _, task_ids, module, code in RIGHT])


@pytest.mark.parametrize("index", range(len(RIGHT)), ids=[f"{module}-{title}" for title, _, module, _ in RIGHT])
def test_a_right_answer_earns_all_points_and_no_name(index: int, graded: list[list[TaskResult]]) -> None:
    _, task_ids, _, _ = RIGHT[index]
    assert {result.id for result in graded[index]} == set(task_ids)
    for result in graded[index]:
        failed = [check.name for check in result.checks if not check.passed]
        assert (result.status, result.misconception, failed) == ("passed", None, []), result.message
        assert result.score == result.points
