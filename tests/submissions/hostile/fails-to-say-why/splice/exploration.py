class Unspeakable(Exception):
    def __str__(self):
        raise self


def class_counts(labels, num_classes):
    raise Unspeakable
