"""A test whose program is missing is skipped, and reported in one line at the end; in CI it fails."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from needs import do_without, need, not_tried


def skipped(reason: str) -> Any:
    return SimpleNamespace(longrepr=("tests/test_pages.py", 7, f"Skipped: {reason}"))


def test_without_a_program_a_test_is_skipped_and_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "")
    with pytest.raises(pytest.skip.Exception, match="needs chromium"):
        do_without("chromium")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="expected chromium, got none: apt-get install chromium"):
        do_without("chromium")


def test_a_test_runs_if_its_program_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    need("python3")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("CI", "")
    with pytest.raises(pytest.skip.Exception, match="needs setpriv"):
        need("setpriv")


def test_one_line_says_how_many_tests_need_what_and_how_to_get_it() -> None:
    reports = [skipped("needs chromium"), skipped("needs root"), skipped("needs chromium"), skipped("needs bubblewrap")]
    assert not_tried(reports) == (
        "3 tests were not tried: 2 for want of chromium (apt-get install chromium), "
        "1 for want of bubblewrap (apt-get install bubblewrap)."
    )


def test_if_nothing_is_missing_nothing_is_reported() -> None:
    assert not_tried([skipped("needs root")]) == ""
