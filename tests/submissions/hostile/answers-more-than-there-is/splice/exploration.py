def class_counts(labels, num_classes):
    return torch.zeros(1, dtype=torch.int64).expand(1 << 40)
