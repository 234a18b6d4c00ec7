"""The grader: checks student work on convolutional networks without ever trusting it."""

__version__ = "0.1.0"
