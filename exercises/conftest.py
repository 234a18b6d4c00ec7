"""Makes `pytest exercises/` speak in tasks, and hands each check the module that it looks at. Nothing to write here."""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch
from matplotlib import pyplot as plt

from grader.public.explain import load
from grader.public.plugin import PublicChecks, add_options
from grader.public.tasks import ACCURACY


def pytest_addoption(parser: pytest.Parser) -> None:
    """Know `--all` and `--traceback`."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker of the checks, and the report by tasks."""
    config.addinivalue_line("markers", "task(id): the task that a check belongs to")
    config.pluginmanager.register(PublicChecks(config, Path(__file__).resolve().parent), "public-checks")
    plt.switch_backend("Agg")  # figures are drawn, but no window opens


@pytest.fixture
def convolution() -> ModuleType:
    """Your exercises/convolution.py."""
    return load("convolution")


@pytest.fixture
def transforms() -> ModuleType:
    """Your exercises/transforms.py."""
    return load("transforms")


@pytest.fixture
def exploration() -> ModuleType:
    """Your exercises/exploration.py."""
    return load("exploration")


@pytest.fixture
def data_module() -> ModuleType:
    """Your exercises/data_module.py."""
    return load("data_module")


@pytest.fixture
def model() -> ModuleType:
    """Your exercises/model.py."""
    return load("model")


@pytest.fixture
def summary() -> ModuleType:
    """Your exercises/summary.py."""
    return load("summary")


@pytest.fixture(autouse=True)
def _one_thread(request: pytest.FixtureRequest) -> Iterator[None]:
    """Do small work without helpers, who would cost more than they do; the 10,000 test images are none."""
    threads = torch.get_num_threads()
    task = request.node.get_closest_marker("task")
    if task is not None and task.args[0] != ACCURACY:
        torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    yield
    plt.close("all")
