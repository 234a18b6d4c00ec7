def class_counts(labels, num_classes):
    raise ValueError("\x1b]0;owned\x07\x1b[2J\x1b[31m\x9b2J\r\n\x08\x00\x7f")


def class_means(images, labels, num_classes):
    raise ValueError("\u202egnp.exe \u2066\u2067\u2068\u200b\u200f\ufeff\u2028\u2029\U000e0041")
