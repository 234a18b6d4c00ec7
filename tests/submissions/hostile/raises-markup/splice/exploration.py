class Markup(Exception):
    pass


Markup.__name__ = Markup.__qualname__ = "<x-injected onload=alert(1)>"


def class_counts(labels, num_classes):
    raise Markup("</p></section><x-injected><script>alert(1)</script>&lt;x-injected&gt; {{ 7 * 7 }} {% raw %}")


def class_means(images, labels, num_classes):
    raise KeyError("'\"><x-injected src=x onerror=alert(1)>")
