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
        ### BEGIN SOLUTION
        super().__init__()
        self.num_heads = num_heads
        self.project_in = nn.Linear(size, 3 * size)
        self.project_out = nn.Linear(size, size)
        self.expand = nn.Linear(size, hidden)
        self.contract = nn.Linear(hidden, size)
        self.norm1 = nn.LayerNorm(size)
        self.norm2 = nn.LayerNorm(size)
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """(N, L, E) -> (N, L, E)."""
        ### BEGIN SOLUTION
        query, key, value = (split_heads(part, self.num_heads) for part in self.project_in(x).chunk(3, dim=-1))
        x = self.norm1(x + self.project_out(merge_heads(attention(query, key, value))))
        return self.norm2(x + self.contract(self.expand(x).relu()))
        ### END SOLUTION


# %%
if __name__ == "__main__":
    block = EncoderBlock(8, 2, 16)
    print(sum(parameter.numel() for parameter in block.parameters()))
