"""Wrong attention, heads and positions."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from grader.hidden.mistakes import Answer, misconception


def attend(scores: Tensor, value: Tensor, mask: Tensor | None, axis: int = -1) -> Tensor:
    """Weigh values by the softmax of scores."""
    scores = scores if mask is None else scores.masked_fill(~mask, -math.inf)
    return scores.softmax(dim=axis) @ value


@misconception(
    "no-scaling", tasks=("attention",), says="The scores are the bare products. How do they grow with the features?"
)
def without_scaling(_right: Answer, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """Leave the division out."""
    return attend(query @ key.transpose(-2, -1), value, mask)


@misconception(
    "scales-by-size",
    tasks=("attention",),
    says="The products are divided by the size itself. How does their spread grow?",
)
def scaled_by_size(_right: Answer, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """Divide by E in place of its root."""
    return attend(query @ key.transpose(-2, -1) / query.shape[-1], value, mask)


@misconception(
    "softmax-over-queries", tasks=("attention",), says="The weights sum to 1 over the queries. Over what is the mean?"
)
def softmax_over_queries(
    _right: Answer, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
) -> Tensor:
    """Take the softmax along the wrong axis."""
    return attend(query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1]), value, mask, axis=-2)


@misconception(
    "masks-after-softmax",
    tasks=("attention",),
    says="What is masked is taken out after the softmax. What do the weights that are left sum to?",
)
def mask_after_softmax(_right: Answer, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """Set weights to 0 that took their share before."""
    weights = (query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])).softmax(dim=-1)
    return (weights if mask is None else weights * mask) @ value


@misconception(
    "inverts-mask", tasks=("attention",), says="Queries look just where they must not. What does True stand for?"
)
def inverted_mask(_right: Answer, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """Hide what may be seen."""
    return attend(query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1]), value, None if mask is None else ~mask)


@misconception(
    "mixes-heads-up",
    tasks=("split_heads",),
    says="A head holds pieces of several positions. Which axis must be cut before two change places?",
)
def mixed_heads(_right: Answer, x: Tensor, num_heads: int) -> Tensor:
    """Cut the memory, whatever stands in it."""
    return x.reshape(x.shape[0], num_heads, x.shape[1], -1)


@misconception(
    "interleaves-heads",
    tasks=("split_heads",),
    says="Neighbouring features belong to different heads here. Which of them belong to the first?",
)
def interleaved_heads(_right: Answer, x: Tensor, num_heads: int) -> Tensor:
    """Give every H-th feature to a head."""
    return x.reshape(*x.shape[:2], -1, num_heads).permute(0, 3, 1, 2)


def angles(length: int, rates: Tensor) -> Tensor:
    """Return one angle for each position and rate."""
    return torch.arange(length)[:, None] * rates


@misconception(
    "halves-side-by-side",
    tasks=("positions",),
    says="All sines come before all cosines. Which columns does the docstring give to them?",
)
def halves(_right: Answer, length: int, size: int) -> Tensor:
    """Put the sines first, then the cosines."""
    each = angles(length, 10000.0 ** (-torch.arange(0, size, 2) / size))
    return torch.cat([each.sin(), each.cos()], dim=1)


@misconception(
    "a-rate-for-each-column",
    tasks=("positions",),
    says="A sine and its cosine turn at different rates. How many wavelengths are there for two columns?",
)
def own_rates(_right: Answer, length: int, size: int) -> Tensor:
    """Use the column's own number in place of its pair's."""
    each = angles(length, 10000.0 ** (-torch.arange(size) / size))
    return torch.where(torch.arange(size) % 2 == 0, each.sin(), each.cos())
