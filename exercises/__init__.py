"""The exercises: six modules to write, with the data sets and the training script given."""

import logging

# PyTorch warns on import that there is no compiler for GPUs. Nothing here needs one.
logging.getLogger("torch.utils.flop_counter").setLevel(logging.ERROR)
