# %% [markdown]
# # 2. From picture to tensor and back
#
# A network computes with tensors, people look at pictures. This lesson goes both ways with
# [torchvision's transforms](https://docs.pytorch.org/vision/stable/transforms.html), on digits of MNIST, and ends with the
# two transforms that the classifier of lessons 4 and 5 will use.
#
# Three things change between a picture and a tensor, and each of them is a classic source of bugs:
#
# - **Range.** A grey picture holds whole numbers from 0 to 255; a network likes small numbers, so [0, 1].
# - **Axes.** PIL says (width, height). PyTorch says (channels, height, width), even for a single grey channel.
# - **Type.** `uint8` arithmetic wraps around at 256; networks compute in `float32`.

# %%
"""Digits as pictures and as tensors, and the transforms that the classifier uses."""

from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor
from torchvision import transforms

from exercises.datasets import DATA_DIR, MNIST5k

FASHION_MEAN, FASHION_STD = 0.2860, 0.3530  # of FashionMNIST's training pixels in [0, 1]: lesson 3 computes them

# %% [markdown]
# ## A random digit
#
# A *seed* makes chance repeatable: same seed, same digit. Do not reach for `torch.manual_seed` or `random.seed` inside a
# function, though: they reset the generator that *all* other code draws from, and the caller's next shuffle is no longer
# random. Make a generator of your own:
# [`numpy.random.default_rng`](https://numpy.org/doc/stable/reference/random/generator.html) or
# [`torch.Generator`](https://docs.pytorch.org/docs/stable/generated/torch.Generator.html).


# %%
def load_random_digit(root: str | Path, seed: int | None = None) -> tuple[Image.Image, int]:
    """Draw one random image of `MNIST5k(root)`.

    Args:
        root: the folder that holds the kit's MNIST sample, such as `DATA_DIR`.
        seed: the same seed gives the same digit; without one, each call draws again. The global random state is left
        alone.

    Returns:
        The image, mode `L`, 28 x 28 pixels, and its label, 0 to 9.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.datasets.MNIST.html
    """
    # TODO: your code here
    raise NotImplementedError("load_random_digit is not written yet: exercises/transforms.py")


# %%
def show_image(image: Image.Image) -> Figure:
    """Show a picture, with its size and mode in the title.

    Args:
        image: any PIL image.

    Returns:
        A new figure with the picture; its title gives width and height in pixels and the mode, such as "28 x 28, mode L".

    Source: https://pillow.readthedocs.io/en/stable/handbook/concepts.html
    """
    # TODO: your code here
    raise NotImplementedError("show_image is not written yet: exercises/transforms.py")


# %%
if __name__ == "__main__":
    digit, label = load_random_digit(DATA_DIR)
    show_image(digit)
    plt.show()
    print("label:", label)

# %% [markdown]
# ## Picture to tensor
#
# [`ToTensor`](https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.ToTensor.html) does all three steps
# for the usual pictures. Look at its documentation: for which modes does it scale, and for which does it not?


# %%
def image_to_tensor(image: Image.Image) -> Tensor:
    """Turn a grey picture into a tensor.

    Args:
        image: mode `L` (grey levels 0 to 255), width W, height H.

    Returns:
        float32, shape (1, H, W), from 0 (black) to 1 (white).

    Raises:
        ValueError: for a picture of another mode than `L`.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.ToTensor.html
    """
    # TODO: your code here
    raise NotImplementedError("image_to_tensor is not written yet: exercises/transforms.py")


# %% [markdown]
# ## Tensor to picture
#
# The result of a convolution is not a picture yet: it has negative numbers, and numbers far above 1. Clipping them to 0
# and 255 would throw away what we want to see. So stretch the range instead: the smallest value becomes black, the
# largest white, and the rest is in proportion between them. One kind of tensor has no range to stretch: which, and
# what would happen in the division?


# %%
def tensor_to_image(tensor: Tensor) -> Image.Image:
    """Turn a tensor of any range into a grey picture.

    Args:
        tensor: real numbers, shape (H, W) or (1, H, W).

    Returns:
        Mode `L`, width W and height H: the smallest value as 0, the largest as 255, the others linearly between them,
        rounded. A constant tensor becomes all 0.

    Raises:
        ValueError: for another shape than (H, W) or (1, H, W); for NaN or infinity.

    Source: https://pillow.readthedocs.io/en/stable/reference/Image.html#PIL.Image.fromarray
    """
    # TODO: your code here
    raise NotImplementedError("tensor_to_image is not written yet: exercises/transforms.py")


# %% [markdown]
# There and back, with a convolution on the way. Which strokes of the digit does this filter keep?

# %%
if __name__ == "__main__":
    from .convolution import convolve

    vertical = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])
    filtered = convolve(image_to_tensor(digit)[0], vertical)
    print("values from", filtered.min().item(), "to", filtered.max().item())
    show_image(tensor_to_image(filtered))
    plt.show()

# %% [markdown]
# ## What the network sees at test time
#
# **Why normalise?** The weights of a fresh network are drawn so that numbers around 0 with a spread of about 1 keep that
# spread from layer to layer. Pixels in [0, 1] are all positive: every weight of a neuron would be pushed in the same
# direction at each step. So subtract the mean and divide by the standard deviation *of the training set*. The test set
# gets the same two numbers: at test time the network needs the same input as in training, and the test images are not
# ours to look at.
#
# For FashionMNIST the mean is 0.2860 and the standard deviation 0.3530; in lesson 3 you compute them yourself.
# `transforms.Compose` chains steps.


# %%
def eval_transform() -> Callable[[Image.Image], Tensor]:
    """Make the transform for validation and test images.

    Returns:
        A function from a FashionMNIST picture (PIL, mode `L`, 28 x 28) to float32 (1, 28, 28), normalised with mean 0.2860
        and standard deviation 0.3530. The same picture always gives the same tensor.

    Source: https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.Normalize.html
    """
    # TODO: your code here
    raise NotImplementedError("eval_transform is not written yet: exercises/transforms.py")


# %% [markdown]
# ## What the network sees in training
#
# A shoe that is mirrored or moved by two pixels is still the same shoe. **Augmentation** shows the network each image
# slightly changed in every epoch, so that it cannot memorise pixels. The change must keep the class: mirroring is
# fine for clothes; would it be for digits, or for text? And what would a rotation by 180 degrees make of a sandal?


# %%
def train_transform() -> Callable[[Image.Image], Tensor]:
    """Make the transform for training images: as `eval_transform`, with random changes that keep the class.

    Returns:
        A function from a FashionMNIST picture (PIL, mode `L`, 28 x 28) to float32 (1, 28, 28), normalised as in
        `eval_transform`. The same picture gives different tensors from call to call.

    Source: https://docs.pytorch.org/vision/stable/auto_examples/transforms/plot_transforms_illustrations.html
    """
    # TODO: your code here
    raise NotImplementedError("train_transform is not written yet: exercises/transforms.py")


# %%
if __name__ == "__main__":
    augment = train_transform()
    left_half = [round(augment(digit)[..., :14].mean().item(), 3) for _ in range(5)]
    print("mean of the digit's left half, five times:", left_half)
