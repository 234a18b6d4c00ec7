class Title(Exception):
    pass


Title.__name__ = "Title" * 100_000


def class_counts(labels, num_classes):
    raise Title("text " * 5_000_000)
