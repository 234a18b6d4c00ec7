def class_counts(labels, num_classes):
    from grader.misconceptions import bank

    return torch.bincount(labels, minlength=num_classes)
