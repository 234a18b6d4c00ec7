while True:
    pass


def class_counts(labels, num_classes):
    return torch.bincount(labels, minlength=num_classes)
