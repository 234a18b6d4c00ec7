"""Submissions that test the checks: the reference with one piece replaced by a wrong or a right answer, or mutated."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import ModuleType

import torch
from safetensors.torch import load, save

from grader.canaries import reference_order
from grader.executor import Order
from grader.intake import Snapshot
from grader.paths import ROOT
from grader.public.tasks import ACCURACY
from grader.splice import splice

SEED = 11
_IDLE = "FashionCNN.forward = lambda self, x: x.new_zeros(len(x), 10) + 0 * next(self.parameters()).sum()"
_LINEAR = "FashionCNN.forward = lambda self, x: self.network[-1](nn.functional.pad(x.flatten(1), (0, 368)))"
_PACKAGE = "cnn_kit_answers"


@dataclass(frozen=True)
class Answer:
    """The reference with one piece replaced.

    Attributes:
        name: the mistake's name, or what is different about a right answer.
        tasks: ids of the tasks where it shows.
        order: the submission.
    """

    name: str
    tasks: tuple[str, ...]
    order: Order


def wrong_answers() -> list[Answer]:
    """Return every wrong answer of ``tests/answers``: at least two codings of each name."""
    return [Answer(name, (task,), spliced([task], module, code)) for name, task, module, code in _package().WRONG]


@dataclass(frozen=True)
class Partial:
    """An answer that is right in part, and what a teacher would give for it.

    Attributes:
        answer: the submission, asked for one task.
        low: points that it must earn.
        high: points that it may earn.
    """

    answer: Answer
    low: float
    high: float


def partial_answers() -> list[Partial]:
    """Return every answer of ``tests/answers`` that is right in part."""
    return [
        Partial(Answer(title, (task,), spliced([task], module, code)), low, high)
        for title, task, low, high, module, code in _package().PARTIAL
    ]


def right_answers() -> list[Answer]:
    """Return every right answer of ``tests/answers``: other styles than the reference's."""
    return [Answer(title, tuple(ids), spliced(ids, module, code)) for title, ids, module, code in _package().RIGHT]


def accuracy_answers() -> list[Answer]:
    """Return networks that earn too little, or nothing: changed weights, and one that cannot learn."""
    reference = reference_order(SEED, frozenset({ACCURACY}))
    assert reference.snapshot.weights is not None, "the solutions hold their trained network"
    state = dict(sorted(load(reference.snapshot.weights).items()))  # they come in any order
    torch.manual_seed(SEED)
    noise = {name: tensor.std() * torch.randn_like(tensor) for name, tensor in state.items() if tensor.ndim > 1}
    changed = {
        "weights: nothing but zeros": {name: tensor * 0 for name, tensor in state.items()},
        "weights: three tenths of noise, for fewer than 90 %": {
            name: tensor + 0.3 * noise[name] if name in noise else tensor for name, tensor in state.items()
        },
        "weights: without the last tensor": dict(list(state.items())[:-1]),
    }
    answers = [
        Answer(name, (ACCURACY,), replace(reference, snapshot=replace(reference.snapshot, weights=save(tensors))))
        for name, tensors in changed.items()
    ]
    changed_networks = {"network: cannot learn": idle_order(), "network: a linear one": _trained_anew(_LINEAR)}
    return [*answers, *(Answer(name, (ACCURACY,), order) for name, order in changed_networks.items())]


def idle_order() -> Order:
    """Return a network that cannot learn, and takes little time to show it, to be trained anew."""
    return _trained_anew(_IDLE)


def _trained_anew(changes: str) -> Order:
    """Return the reference's network with lines that change it, to be trained anew."""
    source = _reference().modules["model"].decode()
    return replace(replaced([ACCURACY], {"model": f"{source}\n\n{changes}\n"}), accuracy="retrain")


def spliced(task_ids: Iterable[str], module: str, code: str) -> Order:
    """Return the reference with some definitions of a module replaced, asked for some tasks."""
    source = _reference().modules[module].decode()
    return replaced(task_ids, {module: splice(source, code)})


def replaced(task_ids: Iterable[str], sources: Mapping[str, str]) -> Order:
    """Return the reference with the text of some modules replaced, asked for some tasks."""
    modules = {**_reference().modules, **{name: source.encode() for name, source in sources.items()}}
    return Order("reference", replace(_reference(), modules=modules), SEED, frozenset(task_ids))


@cache
def _reference() -> Snapshot:
    """Return the solutions, read once: every answer shares their modules and their weights."""
    return reference_order(SEED, frozenset()).snapshot


@cache
def _package() -> ModuleType:
    """Load ``tests/answers`` by its path: another package may be called ``tests``."""
    folder = ROOT / "tests" / "answers"
    spec = importlib.util.spec_from_file_location(
        _PACKAGE, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None, "the repository holds the package"
    assert spec.loader is not None, "a package with an __init__ has a loader"
    module = sys.modules[_PACKAGE] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
