"""The exercises: two modules to write."""

import logging

# PyTorch warns, where it is imported, that there is no compiler for GPUs. Nothing here needs one.
logging.getLogger("torch.utils.flop_counter").setLevel(logging.ERROR)
