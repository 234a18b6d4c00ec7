def class_counts(labels, num_classes):
    return list(range(1_000_000))
