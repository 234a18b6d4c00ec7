"""What is particular about single tasks."""

PREDICTED = ("output_size", "conv2d", "layer_shapes")
"""Tasks whose output shape can be guessed before they are written: `grader predict`."""

ACCURACY = "fashion_accuracy"
"""The task that is about a file of weights, and takes long to look at."""
