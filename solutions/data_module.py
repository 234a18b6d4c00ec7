# %% [markdown]
# # 4. Data for training: splits and batches
#
# Three sets of images, for three purposes:
#
# - **Training**: the network learns from these.
# - **Validation**: you look at these after each epoch, and use them to choose: how long to train, which network, which
#   learning rate. A network that does well on its training images may only have memorised them; on images that it has
#   never seen it cannot cheat.
# - **Test**: used once, at the end. Every choice that you make by looking at a set fits your network to that set a
#   little. If you choose by the test set, its accuracy no longer measures unseen images: it is too optimistic.
#
# FashionMNIST comes with training and test images; the validation images are yours to set aside.
#
# A [`LightningDataModule`](https://lightning.ai/docs/pytorch/stable/data/datamodule.html) keeps all of it in one place:
# `prepare_data` puts the files on disk, `setup` creates the data sets, and three methods return the loaders.

# %%
"""FashionMNIST for Lightning: training, validation and test batches."""

from pathlib import Path

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Subset
from torchvision.datasets import FashionMNIST

from exercises.datasets import DATA_DIR, prepare_fashion_mnist

from .transforms import eval_transform, train_transform

# %% [markdown]
# ## The splits
#
# Draw the validation images at random, not from the end of the file: files are often sorted. Draw them from a generator
# of your own with the given seed, so that the same seed always gives the same split: otherwise some images that your
# network trained on yesterday validate it today.
#
# There is a trap here. Training images are augmented and validation images are not, but both come from the same 60,000.
# [`random_split`](https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.random_split) of *one* data set gives
# both parts the same transform. What if you made two data sets of the same files, with different transforms, and one
# list of positions?
#
# ## The loaders
#
# A [`DataLoader`](https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.DataLoader) collects samples into batches.
# Shuffle the training images again in each epoch: a batch should be a fair sample of all classes. Leave validation and
# test in order, so that the third prediction belongs to the third image. And never drop the last, smaller batch there:
# its images count too.
#
# Turning a picture into a tensor takes about a tenth of a millisecond: 5 s per epoch, during which the network waits.
# With `num_workers=1` another process makes the next batches while the network computes on this one. More processes
# than idle cores gain nothing. If no core is idle, they must not get in the way: a step is divided between the cores,
# and all wait for the slowest. The training script therefore gives these processes the lowest priority: they work
# whenever the network waits.


# %%
class FashionMNISTDataModule(pl.LightningDataModule):
    """FashionMNIST in three splits, as batches of float32 (B, 1, 28, 28) and int64 (B,).

    Training and validation are disjoint parts of the official 60,000 training images, test is the official 10,000.

    Args:
        data_dir: the folder that holds `FashionMNIST/`.
        batch_size: images per batch; the last batch of an epoch may be smaller.
        val_size: how many of the 60,000 are set aside for validation, from 1 to 59,999.
        num_workers: processes that load images; 0 loads them in this one.
        seed: the only thing that decides which images are set aside.

    Raises:
        ValueError: for a `val_size` below 1 or above 59,999.

    Source: https://lightning.ai/docs/pytorch/stable/data/datamodule.html
    """

    def __init__(
        self,
        data_dir: str | Path,
        batch_size: int = 64,
        val_size: int = 5000,
        num_workers: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        if not 0 < val_size < 60_000:
            raise ValueError(f"FashionMNISTDataModule: expected val_size from 1 to 59999, got {val_size}")
        self.data_dir = Path(data_dir)
        self.batch_size = batch_size
        self.val_size = val_size
        self.num_workers = num_workers
        self.seed = seed
        ### END SOLUTION

    def prepare_data(self) -> None:
        """Unpack the archives unless they already are. No state is kept: Lightning calls this in one process only."""
        ### BEGIN SOLUTION
        prepare_fashion_mnist(self.data_dir)
        ### END SOLUTION

    def setup(self, stage: str | None = None) -> None:
        """Make the three data sets; calling it again gives the same split.

        Args:
            stage: "fit", "validate", "test" or "predict", or None for all of them.
        """
        ### BEGIN SOLUTION
        # Making all three sets is quick, so the stage does not matter.
        augmented = FashionMNIST(self.data_dir, transform=train_transform())
        plain = FashionMNIST(self.data_dir, transform=eval_transform())
        generator = torch.Generator().manual_seed(self.seed)
        order = torch.randperm(len(plain), generator=generator).tolist()
        self.train_set = Subset(augmented, order[self.val_size :])
        self.val_set = Subset(plain, order[: self.val_size])
        self.test_set = FashionMNIST(self.data_dir, train=False, transform=eval_transform())
        ### END SOLUTION

    def train_dataloader(self) -> DataLoader[tuple[Tensor, Tensor]]:
        """Return batches of augmented training images, in a new random order each epoch."""
        ### BEGIN SOLUTION
        return DataLoader(self.train_set, shuffle=True, batch_size=self.batch_size, num_workers=self.num_workers)
        ### END SOLUTION

    def val_dataloader(self) -> DataLoader[tuple[Tensor, Tensor]]:
        """Return batches of validation images, in fixed order, not augmented."""
        ### BEGIN SOLUTION
        return DataLoader(self.val_set, batch_size=self.batch_size, num_workers=self.num_workers)
        ### END SOLUTION

    def test_dataloader(self) -> DataLoader[tuple[Tensor, Tensor]]:
        """Return batches of test images, in fixed order, not augmented."""
        ### BEGIN SOLUTION
        return DataLoader(self.test_set, batch_size=self.batch_size, num_workers=self.num_workers)
        ### END SOLUTION


# %%
if __name__ == "__main__":
    data = FashionMNISTDataModule(DATA_DIR, batch_size=256)
    data.prepare_data()
    data.setup("fit")
    images, labels = next(iter(data.train_dataloader()))
    print(images.shape, images.dtype, labels.shape, labels.dtype)
