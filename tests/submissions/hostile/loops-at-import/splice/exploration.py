while True:
    pass


def class_counts(labels, num_classes):
    return torch.zeros(num_classes, dtype=torch.int64).index_add_(0, labels, torch.ones_like(labels))
