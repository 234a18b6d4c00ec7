import functools
import sys


def deeper(_):
    return sorted([0], key=deeper)


def class_counts(labels, num_classes):
    sys.setrecursionlimit(1 << 30)
    return functools.reduce(deeper, [labels, labels])
