# %% [markdown]
# # 1. Attention
#
# A word means what its neighbours make of it. **Attention** lets each position of a sequence look at all others, and take
# from them what it needs: it asks with a *query*, is answered by how well each *key* fits, and gets the mean of the *values*,
# weighted by that fit ([Vaswani et al., 2017](https://arxiv.org/abs/1706.03762)).

# %%
"""Attention by hand: the weighted mean, its heads, and where in a sequence things are."""

import math

import torch
from torch import Tensor

# %% [markdown]
# ## A weighted mean
#
# $$\operatorname{attention}(Q, K, V) = \operatorname{softmax}\left(\frac{Q K^\top}{\sqrt{E}}\right) V$$
#
# Without the division the products grow with the number of features $E$, the softmax saturates, and nothing is learned.


# %%
def attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """Average values, weighted by how well their keys fit each query.

    Args:
        query: shape (..., L, E).
        key: shape (..., S, E).
        value: shape (..., S, V).
        mask: bool, shape (L, S): False where a query must not look; every query may look somewhere.

    Returns:
        Means of shape (..., L, V), in the dtype of `query`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html
    """
    # TODO: your code here
    raise NotImplementedError("attention is not written yet: exercises/heads.py")


# %%
if __name__ == "__main__":
    x = torch.eye(3)
    print(attention(x, x, x))

# %% [markdown]
# ## Heads
#
# One set of weights can follow one relation only. So the features are cut into *heads* of equal size; each attends for
# itself, and what they found is put side by side again.


# %%
def split_heads(x: Tensor, num_heads: int) -> Tensor:
    """Cut the features of each position into heads.

    Args:
        x: shape (N, L, E).
        num_heads: how many; the first E / num_heads features belong to the first.

    Returns:
        Shape (N, num_heads, L, E / num_heads).

    Raises:
        ValueError: for a number of heads that does not divide E.
    """
    # TODO: your code here
    raise NotImplementedError("split_heads is not written yet: exercises/heads.py")


def merge_heads(x: Tensor) -> Tensor:
    """Put the features of all heads side by side again: the inverse of `split_heads`.

    Args:
        x: shape (N, H, L, D).

    Returns:
        Shape (N, L, H * D).
    """
    # TODO: your code here
    raise NotImplementedError("merge_heads is not written yet: exercises/heads.py")


# %%
if __name__ == "__main__":
    print(split_heads(torch.arange(12.0).view(1, 2, 6), 3))

# %% [markdown]
# ## Where things are
#
# Attention does not see order: shuffle the sequence, and the answers are shuffled in the same way. So each position gets a
# pattern of its own, which is added to what stands there: sines and cosines of wavelengths from $2\pi$ to
# $10000 \cdot 2\pi$.
#
# $$p_{i, 2k} = \sin\left(i \cdot 10000^{-2k/E}\right), \qquad p_{i, 2k+1} = \cos\left(i \cdot 10000^{-2k/E}\right)$$


# %%
def positions(length: int, size: int) -> Tensor:
    """Give each position a pattern of sines and cosines.

    Args:
        length: of the sequence, at least 1.
        size: number of features, even.

    Returns:
        float32, shape (length, size): sines in the even columns, cosines in the odd ones.

    Raises:
        ValueError: for an odd size.
    """
    # TODO: your code here
    raise NotImplementedError("positions is not written yet: exercises/heads.py")


# %%
if __name__ == "__main__":
    print(positions(4, 6))
