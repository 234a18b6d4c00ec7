"""Inputs of the hidden checks: drawn from the submission's secret seed, so that a grade can be replayed."""

from __future__ import annotations

import torch

from grader.seeds import check_seed


class Rng:
    """Draws inputs for one check.

    Args:
        seed: the submission's, kept in the gradebook.
        name: the check's own name, so that checks draw independently of one another.
    """

    def __init__(self, seed: int, name: str) -> None:
        self.generator = torch.Generator().manual_seed(check_seed(seed, name))

    def floats(self, *shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """Return numbers of a standard normal distribution."""
        return torch.randn(shape, generator=self.generator, dtype=dtype)

    def whole(self, *shape: int, low: int = -9, high: int = 9, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """Return integers from ``low`` to ``high``, both included, as floats."""
        return torch.randint(low, high + 1, shape, generator=self.generator).to(dtype)

    def bytes_(self, *shape: int) -> torch.Tensor:
        """Return uint8 from 0 to 255."""
        return torch.randint(0, 256, shape, generator=self.generator, dtype=torch.uint8)

    def labels(self, count: int, num_classes: int) -> torch.Tensor:
        """Return int64 of shape (count,), each from 0 to num_classes - 1."""
        return torch.randint(0, num_classes, (count,), generator=self.generator)

    def int(self, low: int, high: int) -> int:
        """Return one integer from ``low`` to ``high``, both included."""
        return int(torch.randint(low, high + 1, (), generator=self.generator))
