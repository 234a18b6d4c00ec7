# %% [markdown]
# # 2. An encoder block
#
# Attention moves information between positions; two linear layers then work on each position alone. Both are *added* to
# what was there before, so that a deep stack starts close to doing nothing, and each sum is normalised.

# %%
"""One block of a transformer's encoder, made of what the first lesson has."""

from torch import Tensor, nn

from .heads import attention, merge_heads, split_heads

# %% [markdown]
# ## The block
#
# Count its parameters before you run it: a linear layer from $a$ to $b$ has $(a + 1) b$, a norm of $E$ features $2E$.


# %%
class EncoderBlock(nn.Module):
    """Attention over all positions, then two linear layers at each; a sum and a norm after both.

    Args:
        size: number of features E.
        num_heads: heads of the attention; divides `size`.
        hidden: width between the two linear layers.

    Attributes:
        project_in: `nn.Linear(E, 3 * E)`: queries, then keys, then values.
        project_out: `nn.Linear(E, E)`, after the heads are merged.
        expand: `nn.Linear(E, hidden)`, followed by ReLU.
        contract: `nn.Linear(hidden, E)`.
        norm1: `nn.LayerNorm(E)`, of the input plus what attention gives.
        norm2: `nn.LayerNorm(E)`, of that plus what the two linear layers give.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.TransformerEncoderLayer.html (without dropout)
    """

    def __init__(self, size: int, num_heads: int, hidden: int) -> None:
        # TODO: your code here
        raise NotImplementedError("EncoderBlock.__init__ is not written yet: exercises/encoder.py")

    def forward(self, x: Tensor) -> Tensor:
        """(N, L, E) -> (N, L, E)."""
        # TODO: your code here
        raise NotImplementedError("EncoderBlock.forward is not written yet: exercises/encoder.py")


# %%
if __name__ == "__main__":
    block = EncoderBlock(8, 2, 16)
    print(sum(parameter.numel() for parameter in block.parameters()))
