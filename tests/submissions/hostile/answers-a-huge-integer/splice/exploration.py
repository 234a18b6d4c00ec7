def class_counts(labels, num_classes):
    return 1 << 10_000_000
