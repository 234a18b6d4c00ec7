"""What every course's `exercises/conftest.py` imports: reports by task, and each check gets its module."""

from collections.abc import Iterator
from types import ModuleType

import pytest
import torch
from matplotlib import pyplot as plt

from grader.checks.marks import MARKER, task_of
from grader.course import course
from grader.public.explain import folder, load
from grader.public.plugin import PublicChecks, add_options


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--all` and `--traceback`."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker of the checks, and the report by tasks."""
    config.addinivalue_line("markers", MARKER)
    config.pluginmanager.register(PublicChecks(config, folder()), "public-checks")
    plt.switch_backend("Agg")  # figures are drawn, but no window opens


@pytest.fixture
def student(request: pytest.FixtureRequest) -> ModuleType:
    """Return the module that a file of checks tests: exercises/NAME.py for test_NAME.py."""
    return load(request.path.stem.removeprefix("test_"))


@pytest.fixture(autouse=True)
def one_thread(request: pytest.FixtureRequest) -> Iterator[None]:
    """Compute small checks in one thread, which is faster for them; judging an artefact is not small."""
    threads = torch.get_num_threads()
    if task_of(request.node) not in ("", course().judged):
        torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    """Leave no figure open for the next check."""
    yield
    plt.close("all")


__all__ = ["close_figures", "one_thread", "pytest_addoption", "pytest_configure", "student"]
