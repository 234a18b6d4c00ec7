"""The grader: checks student work without ever trusting it."""

import logging

__version__ = "0.1.0"

# PyTorch warns, where it is imported, that there is no compiler for GPUs. Nothing here needs one.
logging.getLogger("torch.utils.flop_counter").setLevel(logging.ERROR)
