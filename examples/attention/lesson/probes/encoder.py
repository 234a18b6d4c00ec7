"""Looks at a student's block."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import torch
from torch import Tensor


def block(
    module: ModuleType, sizes: tuple[int, int, int], values: list[Tensor], batches: list[Tensor]
) -> dict[str, Any]:
    """Build a block, put values in the place of its parameters where they fit, and let it answer.

    Args:
        module: the student's.
        sizes: arguments of the block.
        values: of all parameters, in the order of their names.
        batches: float32 (N, L, E).

    Returns:
        ``names`` and ``shapes`` of its parameters in that order, its ``answers``, and its ``gradients`` of the sum
        of squares of the first of them; None where one has none.
    """
    made = module.EncoderBlock(*sizes)
    named = sorted(made.named_parameters())
    with torch.no_grad():
        for (_, parameter), value in zip(named, values, strict=False):
            if parameter.shape == value.shape:
                parameter.copy_(value)
    answers = [made(batch) for batch in batches]
    if answers[0].requires_grad:
        answers[0].square().sum().backward()
    return {
        "names": [name for name, _ in named],
        "shapes": [tuple(parameter.shape) for _, parameter in named],
        "answers": [answer.detach() for answer in answers],
        "gradients": [parameter.grad for _, parameter in named],
    }
