"""Wrong convolutions by the name that they must get: (name, task, module, code to splice into the reference)."""

LOOPS = """
def convolve(image, kernel):
    (H, W), (h, w) = image.shape, kernel.shape
    out = torch.zeros({rows}, {columns}{more})
    for i in range({last_row}):
        for j in range({last_column}):
            out[i, j] = {value}
    return {result}
"""
GOOD = {"rows": "H - h + 1", "columns": "W - w + 1", "last_row": "H - h + 1", "last_column": "W - w + 1", "more": "",
        "value": "(image[i : i + h, j : j + w] * kernel).sum()", "result": "out"}  # fmt: skip

WINDOWS = """
def conv2d(input, weight, bias=None, stride=1, padding=0):
    sh, sw = as_pair("stride", stride)
    ph, pw = as_pair("padding", padding)
    {before}
    kh, kw = weight.shape[2:]
    x = input.new_zeros(len(input), input.shape[1], input.shape[2] + 2 * ph, input.shape[3] + 2 * pw)
    x[:, :, ph : ph + input.shape[2], pw : pw + input.shape[3]] = input
    windows = x.unfold(2, kh, sh).unfold(3, kw, sw)
    out = {value}
    {after}
    return out if bias is None else out + bias.reshape(-1, 1, 1)
"""
SUM = 'torch.einsum("ncijhw,ochw->noij", windows, weight)'


def loops(**changes: str) -> str:
    """Return `convolve` as two loops, with some of its pieces changed."""
    return LOOPS.format(**{**GOOD, **changes})


def windows(before: str = "pass", value: str = SUM, after: str = "pass") -> str:
    """Return `conv2d` over sliding windows, with some of its pieces changed."""
    return WINDOWS.format(before=before, value=value, after=after)


SIZE = "def output_size(size, kernel_size, stride=1, padding=0, dilation=1):\n    return "
MAPS = "def activation_maps(image, filters, bias=None):\n    "

_ENTRIES: list[tuple[str, str, str]] = [
    ("flipped-kernel", "convolve", loops(value="(image[i : i + h, j : j + w] * kernel.flip(0, 1)).sum()")),
    ("flipped-kernel", "convolve", loops(
        value="sum(image[i + a, j + b] * kernel[h - 1 - a, w - 1 - b] for a in range(h) for b in range(w))")),
    ("flipped-kernel", "conv2d", windows("weight = torch.rot90(weight, 2, (2, 3))")),
    ("flipped-kernel", "convolve_torch",
     "def convolve_torch(image, kernel):\n    return F.conv2d(image[None], kernel.flip(0, 1)[None, None])[0]\n"),
    ("flipped-kernel", "activation_maps",
     MAPS + "return conv2d(image[None], filters[:, None].flip(2, 3), bias)[0].relu()\n"),
    ("transposed-kernel", "convolve", loops(
        value="sum(image[i + a, j + b] * kernel[b, a] for a in range(h) for b in range(w))")),
    ("transposed-kernel", "convolve", loops().replace("    (H, W)", "    kernel = kernel.T\n    (H, W)")),
    ("transposed-kernel", "conv2d", windows("weight = weight.transpose(2, 3)")),
    ("same-size-output", "convolve", loops(rows="H", columns="W")),
    ("same-size-output", "convolve", """
def convolve(image, kernel):
    h, w = kernel.shape
    padded = F.pad(image, ((w - 1) // 2, w // 2, (h - 1) // 2, h // 2))
    return (padded.unfold(0, h, 1).unfold(1, w, 1) * kernel).sum((2, 3))
"""),
    ("same-size-output", "output_size", SIZE + "size\n"),
    ("drops-last-row-or-column", "convolve",
     loops(rows="H - h", columns="W - w", last_row="H - h", last_column="W - w")),
    ("drops-last-row-or-column", "convolve", loops(last_row="H - h")),
    ("drops-last-row-or-column", "conv2d", windows(after="out = out[..., :-1]")),
    ("drops-last-row-or-column", "output_size",
     SIZE + "(size + 2 * padding - dilation * (kernel_size - 1) - 1) // stride\n"),
    ("mean-instead-of-sum", "convolve", loops(value="(image[i : i + h, j : j + w] * kernel).mean()")),
    ("mean-instead-of-sum", "conv2d", windows(value=SUM + " / weight[0].numel()")),
    ("integer-output", "convolve", loops(more=", dtype=torch.int64")),
    ("integer-output", "conv2d", windows(value=f"({SUM}).round()")),
    ("ignores-stride", "conv2d", windows("sh, sw = 1, 1")),
    ("ignores-stride", "output_size", SIZE + "size + 2 * padding - dilation * (kernel_size - 1)\n"),
    ("swaps-stride-pair", "conv2d", windows("sw, sh = sh, sw")),
    ("swaps-stride-pair", "conv2d", """
def conv2d(input, weight, bias=None, stride=1, padding=0):
    (sx, sy), (px, py) = as_pair("s", stride), as_pair("p", padding)
    x = F.pad(input, (py, py, px, px))
    n, o, (kh, kw) = len(x), len(weight), weight.shape[2:]
    out = torch.zeros(n, o, (x.shape[2] - kh) // sy + 1, (x.shape[3] - kw) // sx + 1, dtype=x.dtype)
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            window = x[:, None, :, i * sy : i * sy + kh, j * sx : j * sx + kw]
            out[:, :, i, j] = (window * weight).sum((2, 3, 4))
    return out if bias is None else out + bias[:, None, None]
"""),
    ("ignores-padding", "conv2d", windows("ph, pw = 0, 0")),
    ("ignores-padding", "output_size", SIZE + "(size - dilation * (kernel_size - 1) - 1) // stride + 1\n"),
    ("swaps-padding-pair", "conv2d", windows("pw, ph = ph, pw")),
    ("swaps-padding-pair", "conv2d", windows("input, ph, pw = F.pad(input, (ph, ph, pw, pw)), 0, 0")),
    ("ignores-bias", "conv2d", windows("bias = None")),
    ("ignores-bias", "activation_maps",
     MAPS + "return torch.stack([convolve(image[0], f).clamp(min=0) for f in filters])\n"),
    ("first-channel-only", "conv2d", windows("input, weight = input[:, :1], weight[:, :1]")),
    ("first-channel-only", "conv2d", windows(value='torch.einsum("nijhw,ohw->noij", windows[:, 0], weight[:, 0])')),
    ("keeps-channels-apart", "conv2d", windows(
        value='torch.einsum("ncijhw,ochw->nocij", windows, weight)')),
    ("keeps-channels-apart", "conv2d", """
def conv2d(input, weight, bias=None, stride=1, padding=0):
    return torch.stack([
        torch.stack([torch.stack([convolve(c, k) for c, k in zip(image, one)]) for one in weight]) for image in input
    ])
"""),
    ("first-image-only", "conv2d", windows("input = input[:1]")),
    ("first-image-only", "conv2d", """
def conv2d(input, weight, bias=None, stride=1, padding=0):
    for image in input:
        maps = [sum(convolve(c, k) for c, k in zip(image, one)) for one in weight]
        return torch.stack(maps)[None]
"""),
    ("no-relu", "activation_maps", MAPS + "return conv2d(image[None], filters[:, None], bias)[0]\n"),
    ("no-relu", "activation_maps", MAPS + """maps = torch.stack([convolve(image[0], f) for f in filters])
    maps.relu()
    return maps if bias is None else maps + bias[:, None, None]
"""),
    ("modifies-input", "convolve", loops(result="image[: H - h + 1, : W - w + 1].copy_(out)")),
    ("modifies-input", "conv2d", windows(after="input.zero_()")),
    ("off-by-one-size", "convolve", loops(rows="H - h + 2", columns="W - w + 2")),
    ("off-by-one-size", "output_size",
     SIZE + "(size + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 2\n"),
    ("forgets-dilation", "output_size", SIZE + "(size + 2 * padding - kernel_size) // stride + 1\n"),
    ("forgets-dilation", "output_size", SIZE + "(size + 2 * padding - dilation * kernel_size) // stride + 1\n"),
    ("returns-none", "convolve", loops(result="None")),
    ("returns-none", "plot_activations",
     "def plot_activations(maps):\n    plt.subplots()[1].imshow(maps[0].detach())\n"),
]  # fmt: skip

WRONG = [(name, task, "convolution", code) for name, task, code in _ENTRIES]
