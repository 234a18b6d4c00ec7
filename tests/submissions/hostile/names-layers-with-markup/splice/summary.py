def layer_shapes(model, input_size):
    return {"<x-injected>\x1b[2J\u202e": (1, 2), "=HYPERLINK(0)": (3,), "\ud800": (5,)}


def summarize(model, input_size):
    return "<x-injected><script>alert(1)</script>\x1b[2J\u202e" * 400
