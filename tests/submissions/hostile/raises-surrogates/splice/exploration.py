def class_counts(labels, num_classes):
    raise ValueError("\ud800 \udfff \udcff")


def class_means(images, labels, num_classes):
    return "\ud800 \udfff \udcff"
