"""Wrong poolings by the name that they must get: (name, task, module, code to splice into the reference)."""

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
GOOD = {"step": "stride or kernel_size", "rows": "(input.shape[2] - kernel_size) // step + 1",
        "columns": "(input.shape[3] - kernel_size) // step + 1", "value": "amax((2, 3))"}  # fmt: skip


def loops(**changes: str) -> str:
    """Return `max_pool2d` as two loops, with some of its pieces changed."""
    return LOOPS.format(**{**GOOD, **changes})


AVERAGE = "def global_average_pool(input):\n    return "

WRONG = [
    (name, task, "pooling", code)
    for name, task, code in [
        ("mean-instead-of-max", "max_pool2d", loops(value="mean((2, 3))")),
        ("mean-instead-of-max", "max_pool2d", loops(value="sum((2, 3)) / kernel_size**2")),
        ("ignores-stride", "max_pool2d", loops(step="kernel_size")),
        ("keeps-incomplete-windows", "max_pool2d",
         loops(rows="1 - (kernel_size - input.shape[2]) // step", columns="1 - (kernel_size - input.shape[3]) // step")),
        ("keeps-incomplete-windows", "max_pool2d",
         loops(rows="-(-input.shape[2] // step)", columns="-(-input.shape[3] // step)")),
        ("mixes-channels", "global_average_pool", AVERAGE + "input.mean(dim=(1, 2, 3))\n"),
        ("mixes-channels", "global_average_pool", AVERAGE + "input.flatten(1).mean(1)\n"),
    ]
]  # fmt: skip
