import os


def class_counts(labels, num_classes):
    for _ in range(5000):
        os.open("/dev/null", os.O_RDONLY)
    return torch.zeros(num_classes, dtype=torch.int64).index_add_(0, labels, torch.ones_like(labels))
