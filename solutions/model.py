# %% [markdown]
# # 5. A convolutional network
#
# The usual plan of a small image classifier: blocks of *convolution - ReLU - pooling*, which turn pixels into ever more
# abstract maps on an ever coarser grid, and at the end one or two fully connected layers that turn the maps into one number
# per class.
#
# - **Max pooling** keeps the largest of each 2 x 2 pixels. The grid is halved, so the next layer costs a quarter, and one of
#   its pixels stands for a larger part of the image.
# - **Logits, no softmax.** The last layer's numbers may be negative and need not add up to 1: they are called *logits*. Do not
#   put a softmax behind them.
#   [`cross_entropy`](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.cross_entropy.html) applies one, in a form
#   that neither overflows nor loses digits; a second softmax would flatten the answers, and the network would hardly learn.
#   You need no softmax for the predicted class either: the largest logit is the largest probability.
#
# Further reading: [cs231n on architectures](https://cs231n.github.io/convolutional-networks/#architectures), and
# [`LightningModule`](https://lightning.ai/docs/pytorch/stable/common/lightning_module.html).

# %%
"""Two networks for FashionMNIST: a prescribed baseline, and one of your own, trained with Lightning."""

from typing import Any

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import Tensor, nn

# %% [markdown]
# ## A baseline, layer by layer
#
# Follow the table exactly: the shapes and the numbers of parameters are checked. Do the arithmetic of lesson 1 for
# each layer before you run it: with a 3 x 3 kernel, which padding keeps 28 pixels at 28?
#
# | layer | output | parameters |
# |---|---|---|
# | Conv2d 1 -> 32, 3 x 3, padding 1 | (N, 32, 28, 28) | 32 · (1 · 9) + 32 = 320 |
# | ReLU, MaxPool2d 2 | (N, 32, 14, 14) | |
# | Conv2d 32 -> 64, 3 x 3, padding 1 | (N, 64, 14, 14) | 64 · (32 · 9) + 64 = 18,496 |
# | ReLU, MaxPool2d 2 | (N, 64, 7, 7) | |
# | Flatten | (N, 3136) | |
# | Linear 128, ReLU | (N, 128) | 128 · 3136 + 128 = 401,536 |
# | Linear `num_classes` | (N, 10) | 10 · 128 + 10 = 1,290 |
#
# Where are most of the parameters? Not in the convolutions.


# %%
def build_baseline(num_classes: int = 10) -> nn.Sequential:
    """Build the baseline network.

    Args:
        num_classes: how many logits to give, at least 1.

    Returns:
        A flat `nn.Sequential` of ten modules, from (N, 1, 28, 28) to logits (N, num_classes): Conv2d 1 -> 32 (3 x 3,
        padding 1), ReLU, MaxPool2d 2, Conv2d 32 -> 64 (3 x 3, padding 1), ReLU, MaxPool2d 2, Flatten, Linear 128, ReLU,
        Linear `num_classes`. For ten classes it has 421,642 parameters.

    Raises:
        ValueError: for fewer than one class.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Sequential.html
    """
    ### BEGIN SOLUTION
    if num_classes < 1:
        raise ValueError(f"build_baseline: expected num_classes at least 1, got {num_classes}")
    return nn.Sequential(
        nn.Conv2d(1, 32, kernel_size=3, padding=1),  # (N, 32, 28, 28)
        nn.ReLU(),
        nn.MaxPool2d(2),  # (N, 32, 14, 14)
        nn.Conv2d(32, 64, kernel_size=3, padding=1),  # (N, 64, 14, 14)
        nn.ReLU(),
        nn.MaxPool2d(2),  # (N, 64, 7, 7)
        nn.Flatten(),  # (N, 3136)
        nn.Linear(64 * 7 * 7, 128),
        nn.ReLU(),
        nn.Linear(128, num_classes),
    )
    ### END SOLUTION


# %% [markdown]
# ## Your own network
#
# Three rules: the first `Conv2d` gives 32 maps of 28 x 28, there are at most 500,000 parameters, and the answer for an image
# must not depend on the other images of its batch (in `eval` mode, where
# [`BatchNorm2d`](https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm2d.html) uses its running averages). The rest
# is yours. The baseline is a fine start; to do better, ask where its parameters and its time go.
#
# You have minutes on a CPU, so the network must *learn fast*, in few passes and with little time for each:
#
# - **Batch normalisation** keeps the numbers of every layer around 0 with a spread of about 1. That allows larger learning
#   rates, and large steps need fewer passes. It also subtracts the mean of each map, so a bias in the convolution
#   before it would have no effect: leave it out.
# - **Pool early.** A layer's time grows with the pixels of its maps. With pooling before batch normalisation and ReLU,
#   these two have a quarter of the work; the largest of four numbers is still the largest after ReLU, so little is
#   lost. A stride of 2 halves the maps as well, and the convolution itself then has a quarter of the work.
# - **Depth on the coarse grid, no large layer.** 95 % of the baseline's parameters are in one linear layer. Further
#   convolutions see more of the image instead, and cost little time at 7 x 7 pixels, even less at 3 x 3; there the
#   linear layer is small, too. Dropout keeps it from relying on only a few of its inputs.
# - **Channels last.** A tensor (N, C, H, W) usually lies in memory map by map. Convolutions on a CPU prefer the numbers of
#   all maps at one pixel side by side, and take about half the time:
#   [`.to(memory_format=torch.channels_last)`](https://docs.pytorch.org/tutorials/intermediate/memory_format_tutorial.html)
#   changes that order, but neither shapes nor results.
# - **Half precision.** Newer processors multiply 16-bit numbers faster than 32-bit ones. With
#   [mixed precision](https://docs.pytorch.org/docs/stable/amp.html) the layers multiply in `bfloat16`, which has float32's
#   range and three digits; weights, sums and the loss keep their 32 bits. Nothing changes in your code: the training
#   script turns it on where the processor supports it, and a step takes about a third less time.
#
# ## Loss, metrics and optimizer
#
# Lightning runs the loop; you say what happens in a step. `training_step` returns the loss *as a tensor with its graph*:
# Lightning calls `backward` on it, and a plain number (`loss.item()`) has no graph to go back through. `self.log`
# records numbers: in validation and test Lightning averages them over the batches of an epoch, weighted by the size of
# each batch; in `training_step` it keeps the last batch's, unless you pass `on_epoch=True`.
#
# The optimizer gets the parameters and the learning rate: how far each step goes. Too small, and you wait; too large, and the
# loss jumps about. A *schedule* changes it during training: large steps first, small ones at the end. It has to start
# from `learning_rate`.


# %%
class FashionCNN(pl.LightningModule):
    """A convolutional network for FashionMNIST: (N, 1, 28, 28) to logits (N, num_classes).

    The first `Conv2d` gives 32 maps of 28 x 28. There are at most 500,000 parameters.

    Args:
        num_classes: how many logits to give.
        learning_rate: where the optimizer starts.

    Source: https://lightning.ai/docs/pytorch/stable/common/lightning_module.html
    """

    def __init__(self, num_classes: int = 10, learning_rate: float = 1e-3) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.learning_rate = learning_rate

        def convolution(inputs: int, maps: int, stride: int) -> nn.Conv2d:
            return nn.Conv2d(inputs, maps, kernel_size=3, stride=stride, padding=1, bias=False)

        self.network = nn.Sequential(
            convolution(1, 32, stride=1),  # (N, 32, 28, 28)
            nn.MaxPool2d(2),  # (N, 32, 14, 14)
            nn.BatchNorm2d(32),
            nn.ReLU(),
            convolution(32, 64, stride=2),  # (N, 64, 7, 7)
            nn.BatchNorm2d(64),
            nn.ReLU(),
            convolution(64, 64, stride=1),  # (N, 64, 7, 7)
            nn.BatchNorm2d(64),
            nn.ReLU(),
            convolution(64, 128, stride=1),  # (N, 128, 7, 7)
            nn.MaxPool2d(2),  # (N, 128, 3, 3)
            nn.BatchNorm2d(128),
            nn.ReLU(),
            convolution(128, 128, stride=1),  # (N, 128, 3, 3)
            nn.BatchNorm2d(128),
            nn.ReLU(),
            nn.Flatten(),  # (N, 1152)
            nn.Dropout(0.4),
            nn.Linear(128 * 3 * 3, num_classes),
        ).to(memory_format=torch.channels_last)
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Compute the logits.

        Args:
            x: normalised images, floating point, shape (N, 1, 28, 28), N at least 1.

        Returns:
            Logits, shape (N, num_classes): no softmax.
        """
        ### BEGIN SOLUTION
        return self.network(x)
        ### END SOLUTION

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Compute the loss of a training batch.

        Args:
            batch: images, shape (B, 1, 28, 28), and labels, int64 (B,).
            batch_idx: the batch's number in its epoch.

        Returns:
            The mean cross-entropy of the batch, with its graph.
        """
        ### BEGIN SOLUTION
        images, labels = batch
        return F.cross_entropy(self(images), labels)
        ### END SOLUTION

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Log `val_loss`, the mean cross-entropy, and `val_acc`, the share of right answers, from 0 to 1.

        Args:
            batch: images, shape (B, 1, 28, 28), and labels, int64 (B,).
            batch_idx: the batch's number in its epoch.
        """
        ### BEGIN SOLUTION
        images, labels = batch
        logits = self(images)
        self.log("val_loss", F.cross_entropy(logits, labels))
        self.log("val_acc", (logits.argmax(dim=1) == labels).float().mean())
        ### END SOLUTION

    def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Log `test_loss`, the mean cross-entropy, and `test_acc`, the share of right answers, from 0 to 1.

        Args:
            batch: images, shape (B, 1, 28, 28), and labels, int64 (B,).
            batch_idx: the batch's number in its epoch.
        """
        ### BEGIN SOLUTION
        images, labels = batch
        logits = self(images)
        self.log("test_loss", F.cross_entropy(logits, labels))
        self.log("test_acc", (logits.argmax(dim=1) == labels).float().mean())
        ### END SOLUTION

    def configure_optimizers(self) -> Any:  # noqa: ANN401 - Lightning accepts many forms
        """Make the optimizer, with a schedule if you like.

        Returns:
            An optimizer of all trainable parameters that starts from `learning_rate`; or, with a schedule, one of the forms
            that Lightning documents.
        """
        ### BEGIN SOLUTION
        optimizer = torch.optim.AdamW(self.parameters(), lr=self.learning_rate, weight_decay=5e-2)
        return optimizer
        ### END SOLUTION


# %% [markdown]
# ## Train it
#
# `python -m exercises.train` trains your network with your data module and writes the weights, the learning curves and
# a table of the classes it confuses. Before you spend minutes on that, let the network overfit *one* batch: if it
# cannot, there is a mistake in the steps.
#
# A network of an earlier run that is better on the validation images stays where it is; `--history` lists your runs. When
# you have made your last choice, `--final` measures the network on the test images, once.

# %%
if __name__ == "__main__":
    network = FashionCNN()
    print(network(torch.zeros(2, 1, 28, 28)).shape)
    print("parameters of the baseline:", sum(parameter.numel() for parameter in build_baseline().parameters()))
