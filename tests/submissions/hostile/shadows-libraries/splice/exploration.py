import json

import pytest


def class_counts(labels, num_classes):
    if json.dumps([1]) != "[1]" or not hasattr(pytest, "raises"):
        raise ImportError("the wrong library")
    return torch.zeros(num_classes, dtype=torch.int64).index_add_(0, labels, torch.ones_like(labels))
