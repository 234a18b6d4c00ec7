"""What an author writes checks with, public and hidden; `docs/authors.md` shows how."""

from grader.checks.assertions import (
    assert_agrees,
    assert_arguments_kept,
    assert_close,
    assert_equal,
    assert_is_figure,
    assert_kind,
    assert_number,
    assert_refused,
    assert_same_again,
    assert_true,
    assert_values,
    fail_check,
    name_mistake,
    refused,
)
from grader.checks.failures import CheckFailed, NotStarted, StudentFailure, StudentRaised
from grader.checks.marks import check, core, detail, refusal
from grader.checks.student import Student
from grader.checks.values import describe, number_of, numbers_of, same_values

__all__ = [
    "CheckFailed",
    "NotStarted",
    "Student",
    "StudentFailure",
    "StudentRaised",
    "assert_agrees",
    "assert_arguments_kept",
    "assert_close",
    "assert_equal",
    "assert_is_figure",
    "assert_kind",
    "assert_number",
    "assert_refused",
    "assert_same_again",
    "assert_true",
    "assert_values",
    "check",
    "core",
    "describe",
    "detail",
    "fail_check",
    "name_mistake",
    "number_of",
    "numbers_of",
    "refusal",
    "refused",
    "same_values",
]
