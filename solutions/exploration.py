# %% [markdown]
# # 3. Know your data
#
# Before you train anything, look. Ten minutes of *exploratory data analysis* (EDA) answer questions that later cost days:
# Are the classes equally frequent? (If not, a network that always says "sneaker" may look good.) What is the range of the
# pixels? Do the labels fit the pictures? Which classes look alike?
#
# [FashionMNIST](https://github.com/zalandoresearch/fashion-mnist) has 60,000 training and 10,000 test images of clothes in
# ten classes, 28 x 28 grey pixels, like MNIST. torchvision's data set returns them as pairs for training, and all at
# once as tensors: `dataset.data`, uint8 (60000, 28, 28), and `dataset.targets`, int64 (60000,). All functions below
# work on such tensors.

# %%
"""A first look at FashionMNIST: pixel statistics, class counts, average images, examples."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from torch import Tensor
from torchvision.datasets import FashionMNIST

from exercises.datasets import CLASS_NAMES, DATA_DIR, prepare_fashion_mnist

# %% [markdown]
# ## Mean and standard deviation of the pixels
#
# These two numbers normalise the images (lesson 2). They are taken over *all pixels of all images*, and the standard
# deviation of all pixels is not the average of the images' own standard deviations: those ignore how much the images
# differ from each other.
#
# The difficulty is size: as `float64` the training set takes 376 MB, eight times its own size. And `float32` sums of 47
# million numbers lose digits. But there are only 256 different pixel values: is there a small table with everything
# that you need to know about the pixels?


# %%
def pixel_statistics(images: Tensor) -> tuple[float, float]:
    """Compute mean and standard deviation over all pixels of all images.

    Args:
        images: uint8, shape (N, H, W).

    Returns:
        Mean and population standard deviation (divided by the number of pixels, not by one less), on the [0, 1] scale:
        255 counts as 1. Exact to 1e-4 for 60,000 images, without a float64 copy of them.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.bincount.html
    """
    ### BEGIN SOLUTION
    share = torch.bincount(images.flatten(), minlength=256).double() / images.numel()
    level = torch.arange(256) / 255
    mean = (share * level).sum()
    variance = (share * (level - mean) ** 2).sum()
    return mean.item(), variance.sqrt().item()
    ### END SOLUTION


# %% [markdown]
# ## How many of each?
#
# A class that does not occur must still be counted, with 0: position $c$ of the result belongs to class $c$.


# %%
def class_counts(labels: Tensor, num_classes: int) -> Tensor:
    """Count the images of each class.

    Args:
        labels: int64, shape (N,), each from 0 to `num_classes` - 1.
        num_classes: how many classes there are, at least 1.

    Returns:
        int64, shape (num_classes,); 0 for a class that does not occur.

    Raises:
        ValueError: for a label outside the classes.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.bincount.html
    """
    ### BEGIN SOLUTION
    if labels.max() >= num_classes:
        raise ValueError(f"class_counts: expected labels below {num_classes}, got {labels.max().item()}")
    return torch.bincount(labels, minlength=num_classes)
    ### END SOLUTION


# %% [markdown]
# ## The average image of each class
#
# The average sneaker shows what sneakers have in common. Where it is blurred they differ; and where two averages look
# alike, such as those of shirt, coat and pullover, a classifier will have trouble.


# %%
def class_means(images: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    """Average the images of each class.

    Args:
        images: uint8, shape (N, H, W).
        labels: int64, shape (N,), each from 0 to `num_classes` - 1.
        num_classes: how many classes there are, at least 1.

    Returns:
        float32, shape (num_classes, H, W), on the [0, 1] scale; all 0 for a class that does not occur.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.index_add_.html
    """
    ### BEGIN SOLUTION
    means = torch.zeros(num_classes, *images.shape[1:])
    for label in labels.unique():
        means[label] = images[labels == label].float().mean(dim=0) / 255
    return means
    ### END SOLUTION


# %% [markdown]
# ## Examples
#
# The most useful picture of a data set is a grid of its items. You will see wrong labels, odd crops and what "shirt" means
# to a fashion shop.


# %%
def plot_examples(images: Tensor, labels: Tensor, class_names: Sequence[str], per_class: int = 5) -> Figure:
    """Show some images of each class.

    Args:
        images: uint8, shape (N, H, W).
        labels: int64, shape (N,): positions in `class_names`.
        class_names: a name for each class.
        per_class: how many images to show of each class, at least 1.

    Returns:
        A figure with one row per class, its name beside or above it, and `per_class` images in each row, or as many as there
        are; axes without an image are hidden.

    Source: https://matplotlib.org/stable/api/_as_gen/matplotlib.pyplot.subplots.html
    """
    ### BEGIN SOLUTION
    size = (per_class, len(class_names))  # an inch for each image
    figure, axes = plt.subplots(len(class_names), per_class, squeeze=False, figsize=size, layout="constrained")
    for ax in axes.flat:
        ax.axis("off")
    for label, name in enumerate(class_names):
        axes[label, 0].set_title(name)
        for column, image in enumerate(images[labels == label][:per_class]):
            axes[label, column].imshow(image, cmap="gray")
    return figure
    ### END SOLUTION


# %% [markdown]
# Now look at FashionMNIST, but only at its training part: the test images are for the very end.

# %%
if __name__ == "__main__":
    prepare_fashion_mnist(DATA_DIR)
    training = FashionMNIST(DATA_DIR, train=True)
    print("mean and standard deviation:", pixel_statistics(training.data))
    print("images per class:", dict(zip(CLASS_NAMES, class_counts(training.targets, 10).tolist(), strict=True)))
    plot_examples(training.data, training.targets, CLASS_NAMES)
    averages = (class_means(training.data, training.targets, 10) * 255).to(torch.uint8)
    plot_examples(averages, torch.arange(10), CLASS_NAMES, per_class=1)
    plt.show()
