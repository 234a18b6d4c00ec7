"""Wrong poolings by the name that they must get, and what a teacher would give for those that are right in part.

WRONG holds (name, task, module, code to splice into the reference), PARTIAL holds (title, task, least points, most points,
module, code).
"""

LOOPS = """
def max_pool2d(input, kernel_size, stride=None):
    check_tensor("input", input, "(N, C, H, W)")
    step = {step}
    rows, columns = {rows}, {columns}
    out = input.new_zeros(*input.shape[:2], rows, columns)
    for i in range(rows):
        for j in range(columns):
            out[:, :, i, j] = input[:, :, i * step : i * step + kernel_size, j * step : j * step + kernel_size].{value}
    return out
"""
GOOD = {"step": "kernel_size if stride is None else stride", "rows": "output_size(input.shape[2], kernel_size, step)",
        "columns": "output_size(input.shape[3], kernel_size, step)", "value": "amax((2, 3))"}  # fmt: skip
BEYOND = {"rows": "1 - (kernel_size - input.shape[2]) // step", "columns": "1 - (kernel_size - input.shape[3]) // step"}
FREE = {"rows": "max(0, (input.shape[2] - kernel_size) // step + 1)",
        "columns": "max(0, (input.shape[3] - kernel_size) // step + 1)"}  # fmt: skip


def loops(**changes: str) -> str:
    """Return `max_pool2d` as two loops, with some of its pieces changed."""
    return LOOPS.format(**{**GOOD, **changes})


UNFOLDED = """
def max_pool2d(input, kernel_size, stride=None):
    if not input.is_floating_point():
        raise TypeError("expected floats")
    step = kernel_size if stride is None else stride
    return input.unfold(-2, kernel_size, step).unfold(-2, kernel_size, step).amax((-2, -1))
"""
AVERAGE = "def global_average_pool(input):\n    return "

WRONG = [
    (name, task, "pooling", code)
    for name, task, code in [
        ("mean-instead-of-max", "max_pool2d", loops(value="mean((2, 3))")),
        ("mean-instead-of-max", "max_pool2d", loops(value="sum((2, 3)) / kernel_size**2")),
        ("ignores-stride", "max_pool2d", loops(step="kernel_size")),
        ("ignores-stride", "max_pool2d", loops(step="0 if stride == 0 else kernel_size")),
        ("keeps-incomplete-windows", "max_pool2d",
         loops(**BEYOND).replace("    rows", "    output_size(min(input.shape[2:]), kernel_size, step)\n    rows")),
        ("keeps-incomplete-windows", "max_pool2d",
         loops(rows="-(-input.shape[2] // step)", columns="-(-input.shape[3] // step)")),
        ("promotes-to-float64", "max_pool2d", loops().replace("return out", "return out.double()")),
        ("loses-float64", "max_pool2d", loops().replace("return out", "return out.float()")),
        ("mixes-channels", "global_average_pool", AVERAGE + "input.mean(dim=(1, 2, 3))\n"),
        ("mixes-channels", "global_average_pool", AVERAGE + "input.flatten(1).mean(1)\n"),
        ("promotes-to-float64", "global_average_pool", AVERAGE.replace(
            "    return", '    check_tensor("input", input, "(N, C, H, W)")\n    return') + "input.double().mean((2, 3))\n"),
        # No name belongs to these, and one check alone notices each.
        ("", "max_pool2d", loops(**FREE).replace("    rows", "    output_size(99, kernel_size, step)\n    rows")),
        ("", "max_pool2d", loops(step="max(1, kernel_size if stride is None else stride)")),
        ("", "max_pool2d", UNFOLDED),
        ("", "max_pool2d", loops().replace("    step", "    input = input.clamp(min=0)\n    step")),
        ("", "max_pool2d", loops().replace("    step", "    input.view(-1)\n    step")),
        ("", "global_average_pool", AVERAGE + "input.mean((2, 3))\n"),
    ]
]  # fmt: skip

PARTIAL = [
    ("plainest: two loops", "max_pool2d", 4.8, 6.0, "pooling",
     loops(**FREE).replace('    check_tensor("input", input, "(N, C, H, W)")\n', "")),
    ("the stride is ignored", "max_pool2d", 3.5, 5.0, "pooling", loops(step="kernel_size")),
    ("windows that reach out of the image", "max_pool2d", 4.0, 5.4, "pooling", loops(**BEYOND)),
    ("nothing is below zero", "max_pool2d", 4.0, 5.6, "pooling",
     loops().replace("    step", "    input = input.clamp(min=0)\n    step")),
    ("means in place of the largest", "max_pool2d", 0.0, 0.0, "pooling", loops(value="mean((2, 3))")),
    ("plainest: numpy's mean", "global_average_pool", 3.2, 4.0, "pooling",
     AVERAGE + "torch.from_numpy(input.numpy().mean(axis=(2, 3), dtype='float64'))\n"),
    ("one image loses its axis", "global_average_pool", 2.5, 3.6, "pooling", AVERAGE + "input.mean((2, 3)).squeeze()\n"),
    ("no look at the shape", "global_average_pool", 3.4, 3.9, "pooling", AVERAGE + "input.mean((2, 3))\n"),
    ("one number per image", "global_average_pool", 0.0, 0.0, "pooling", AVERAGE + "input.mean((1, 2, 3))\n"),
    ("sums", "global_average_pool", 0.0, 0.0, "pooling", AVERAGE + "input.sum((2, 3))\n"),
]  # fmt: skip
