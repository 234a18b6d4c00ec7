def class_counts(labels, num_classes):
    return torch.zeros(1 << 27, dtype=torch.int64)
