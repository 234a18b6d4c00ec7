"""The exercises: six modules to write, with the data sets and the training script given."""
