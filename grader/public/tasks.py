"""What is particular about single tasks, and names of files that more than one part looks for."""

PREDICTED = ("output_size", "conv2d", "layer_shapes")
"""Tasks whose output shape can be guessed before they are written: `grader predict`."""

ACCURACY = "fashion_accuracy"
"""The task that is about a file of weights, and takes long to look at."""

WEIGHTS = "fashion_cnn.safetensors"
"""The file of weights."""

FINGERPRINTS = ".fingerprints.json"
"""The file by which public checks know a mistake."""
