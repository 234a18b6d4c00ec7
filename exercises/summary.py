# %% [markdown]
# # 6. Read a model as a table
#
# A table of a network shows at a glance where the grid shrinks, where the parameters are and what will be trained:
#
# | layer | output shape | parameters |
# |---|---|---|
# | Conv2d | [-1, 32, 28, 28] | 320 |
#
# Read a shape as *batch, maps, height, width*; -1 stands for any number of images. The parameters of a convolution do not
# depend on the size of the image (weight sharing), those of a linear layer do. Layers without parameters, such as ReLU and
# pooling, still have outputs, and it is the outputs that fill the memory in training.
#
# In this lesson you write the parts of such a table, and then let
# [torchinfo](https://github.com/TylerYep/torchinfo) print all of it.

# %%
"""What a model is made of: output shapes, parameter counts, and what is frozen."""

import copy

import torch
import torchinfo
from torch import Tensor, nn

# %% [markdown]
# ## The output shape of every layer
#
# A layer does not know its output shape until data runs through it. So run a batch of zeros, and listen: a
# [forward hook](https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.register_forward_hook) is a
# function that a module calls with its output, each time it runs.
#
# A function that inspects a model must not change it. Running a model in training mode changes the running averages of
# batch normalisation and makes dropout random; hooks that are left behind run for ever. Put everything back as it was,
# *even if the model raises an error on the way*: `try ... finally`.
#
# A *leaf* is a module without submodules. Containers such as `Sequential` only pass on what their leaves do.


# %%
def layer_shapes(model: nn.Module, input_size: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """Find the output shape of every leaf module that runs, by running the model on zeros.

    The model is left as it was, even after an error: the mode of each module, parameters, buffers, hooks, gradients.

    Args:
        model: any module that takes one tensor.
        input_size: shape of the input, batch axis included, such as (1, 1, 28, 28). The zeros have the model's own dtype.

    Returns:
        The output shape, batch axis included, by the leaf's dotted name (as in `named_modules`; `""` if the model itself is a
        leaf), in order of execution. A leaf that runs twice keeps its first place and its last shape. Outputs that are not
        tensors are left out.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html
    """
    # TODO: your code here
    raise NotImplementedError("layer_shapes is not written yet: exercises/summary.py")


# %% [markdown]
# ## Total and trainable parameters
#
# A parameter that is *frozen* (`requires_grad` is False) keeps its value in training. Two modules may share one parameter:
# it is still one. Buffers, such as the running averages of batch normalisation, are saved with the model but are not
# parameters: no gradient ever moves them.


# %%
def count_parameters(model: nn.Module) -> tuple[int, int]:
    """Count a model's parameters.

    Args:
        model: any module.

    Returns:
        How many parameters there are, and how many of them are trainable. A shared parameter counts once; buffers do not
        count.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.parameters
    """
    # TODO: your code here
    raise NotImplementedError("count_parameters is not written yet: exercises/summary.py")


# %% [markdown]
# ## Freeze and unfreeze
#
# The first layers of a network learn edges and textures, which are much the same for all pictures. To use a trained network
# for a new task (*transfer learning*) one often freezes them and trains only the last layers: it is faster, and a few
# hundred images will do. Freezing is not the same as `eval` mode: one stops the *learning*, the other changes how dropout and
# batch normalisation *behave*.


# %%
def freeze(module: nn.Module) -> None:
    """Stop all parameters of a module, at any depth, from being trained. Works in place.

    Args:
        module: a layer or a whole model.

    Source: https://docs.pytorch.org/docs/stable/notes/autograd.html#setting-requires-grad
    """
    # TODO: your code here
    raise NotImplementedError("freeze is not written yet: exercises/summary.py")


# %%
def unfreeze(module: nn.Module) -> None:
    """Let all parameters of a module, at any depth, be trained again. Works in place.

    Args:
        module: a layer or a whole model.

    Source: https://docs.pytorch.org/docs/stable/notes/autograd.html#setting-requires-grad
    """
    # TODO: your code here
    raise NotImplementedError("unfreeze is not written yet: exercises/summary.py")


# %% [markdown]
# ## The whole table
#
# torchinfo prints what you have just computed. Look up
# [its options](https://github.com/TylerYep/torchinfo#documentation): which one keeps it from printing by itself, and
# how does it know the dtype of the input?


# %%
def summarize(model: nn.Module, input_size: tuple[int, ...]) -> str:
    """Describe a model as a table, with torchinfo.

    Args:
        model: any module that takes one tensor.
        input_size: shape of the input, batch axis included, such as (1, 1, 28, 28).

    Returns:
        The table as text: layer types, output shapes, parameter counts, and below it the total and the trainable parameters.
        Nothing is printed.

    Source: https://github.com/TylerYep/torchinfo
    """
    # TODO: your code here
    raise NotImplementedError("summarize is not written yet: exercises/summary.py")


# %%
if __name__ == "__main__":
    from .model import build_baseline

    baseline = build_baseline()
    for layer, shape in layer_shapes(baseline, (1, 1, 28, 28)).items():
        print(layer, shape)
    freeze(baseline[0])
    print("total and trainable:", count_parameters(baseline))
    print(summarize(baseline, (1, 1, 28, 28)))
