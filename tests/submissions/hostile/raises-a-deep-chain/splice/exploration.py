def class_counts(labels, num_classes):
    error = ValueError("bottom")
    for _ in range(50_000):
        error = ValueError(error)
    raise ExceptionGroup("group", [error] * 1000) from error
