import json

import pytest


def class_counts(labels, num_classes):
    if json.dumps([1]) != "[1]" or not hasattr(pytest, "raises"):
        raise ImportError("the wrong library")
    return torch.bincount(labels, minlength=num_classes)
