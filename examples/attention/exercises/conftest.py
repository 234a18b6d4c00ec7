"""Makes `pytest exercises/` speak in tasks, and hands each check the module that it looks at. Nothing to write here."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch
from matplotlib import pyplot as plt

from grader.course import course
from grader.public.explain import load
from grader.public.plugin import PublicChecks, add_options


def pytest_addoption(parser: pytest.Parser) -> None:
    """Know `--all` and `--traceback`."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker of the checks, and the report by tasks."""
    config.addinivalue_line("markers", "task(id): the task that a check belongs to")
    config.pluginmanager.register(PublicChecks(config, Path(__file__).resolve().parent), "public-checks")
    plt.switch_backend("Agg")  # figures are drawn, but no window opens


def _module(name: str) -> Callable[[], ModuleType]:
    """Return the fixture that gives checks your exercises/<name>.py."""

    @pytest.fixture(name=name)
    def loaded() -> ModuleType:
        return load(name)

    return loaded


globals().update({f"_{name}": _module(name) for name in course().modules})


@pytest.fixture(autouse=True)
def _one_thread(request: pytest.FixtureRequest) -> Iterator[None]:
    """Do small work without helpers, who would cost more than they do; the 10,000 test images are none."""
    threads = torch.get_num_threads()
    task = request.node.get_closest_marker("task")
    if task is not None and task.args[0] != course().judged:
        torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    yield
    plt.close("all")
