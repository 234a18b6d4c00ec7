import os


def class_counts(labels, num_classes):
    for _ in range(5000):
        os.open("/dev/null", os.O_RDONLY)
    return torch.bincount(labels, minlength=num_classes)
