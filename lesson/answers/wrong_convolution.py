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

PAIRS_UNKNOWN = """
    if not (isinstance(stride, int) and isinstance(padding, int)):
        raise TypeError("expected ints")
"""
PLAIN = """
import numpy as np


def conv2d(input, weight, bias=None, stride=1, padding=0):
    {check}
    x = np.pad(input.numpy(), ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    N, C, H, W = x.shape
    F, C, h, w = weight.shape
    rows, columns = (H - h) // stride + 1, (W - w) // stride + 1
    out = np.zeros((N, F, rows, columns){more})
    for n in range(N):
        for f in range(F):
            for i in range(rows):
                for j in range(columns):
                    window = x[n, :, i * stride : i * stride + h, j * stride : j * stride + w]
                    out[n, f, i, j] = np.sum(window * weight[f].numpy())
                    if bias is not None:
                        out[n, f, i, j] += bias[f]
    return torch.from_numpy(out)
"""
"""`conv2d` as it is found most often: loops over numpy, that know ints alone."""

CHECKED = """
def conv2d(input, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = as_pair("stride", stride), as_pair("padding", padding)
    {}
    if weight.shape[1] != input.shape[1] or (bias is not None and bias.shape != (len(weight),)) or min(ph, pw) < 0:
        raise ValueError("shapes do not fit")
    x = F.pad(input, (pw, pw, ph, ph))
    windows = x.unfold(2, weight.shape[2], sh).unfold(3, weight.shape[3], sw)
    out = torch.einsum("ncijhw,ochw->noij", windows, weight)
    return out if bias is None else out + bias.reshape(-1, 1, 1)
"""
DRAWN = """
def plot_activations(maps):
    figure, axes = plt.subplots({grid})
    for ax in {each}:
        {off}
    for index, ax in zip(range(len(maps)), {each}):
        ax.imshow(maps[index].detach())
        ax.set_title(str(index))
    return figure
"""

IN_A_ROW = {"grid": "1, len(maps), squeeze=False", "each": "axes.flat", "off": 'ax.axis("off")'}

_ENTRIES: list[tuple[str, str, str]] = [
    # Found by people who did not know the checks
    ("padding-on-one-side", "output_size", """
def output_size(size, kernel_size, stride=1, padding=0, dilation=1):
    padded, reach = size + padding, dilation * (kernel_size - 1) + 1
    return len(range(0, padded - reach + 1, stride))
"""),
    ("wrong-reach", "output_size", """
def output_size(size, kernel_size, stride=1, padding=0, dilation=1):
    reach = kernel_size * dilation
    return int((size - reach + 2 * padding) / stride) + 1
"""),
    ("assumes-square", "conv2d", CHECKED.format("").replace("unfold(3, weight.shape[3]", "unfold(3, weight.shape[2]")),
    ("assumes-square", "convolve_torch", """
def convolve_torch(image, kernel):
    if max(kernel.shape) > min(image.shape):
        raise ValueError("kernel")
    return F.conv2d(image[None, None], kernel.reshape(1, 1, len(kernel), len(kernel)))[0, 0]
"""),
    ("keeps-added-axes", "activation_maps", MAPS + "return F.conv2d(image[None], filters[:, None], bias).relu()\n"),
    ("", "conv2d", CHECKED.format(
        "if weight.shape[2] > input.shape[2] or weight.shape[3] > input.shape[3]:\n        raise ValueError('size')")),
    ("returns-axes", "plot_activations", DRAWN.format(**IN_A_ROW).replace("return figure", "return axes")),
    ("", "plot_activations", DRAWN.format(**{**IN_A_ROW, "grid": "2, 2"})),
    ("flipped-kernel", "convolve", loops(value="(image[i : i + h, j : j + w] * kernel.flip(0, 1)).sum()")),
    ("flipped-kernel", "convolve", loops(
        value="sum(image[i + a, j + b] * kernel[h - 1 - a, w - 1 - b] for a in range(h) for b in range(w))")),
    ("flipped-kernel", "convolve_torch",
     "def convolve_torch(image, kernel):\n    return F.conv2d(image[None], kernel.flip(0, 1)[None, None])[0]\n"),
    ("flipped-kernel", "activation_maps",
     MAPS + "return conv2d(image[None], filters[:, None].flip(2, 3), bias)[0].relu()\n"),
    ("transposed-kernel", "convolve", loops(
        value="sum(image[i + a, j + b] * kernel[b, a] for a in range(h) for b in range(w))")),
    ("transposed-kernel", "convolve", loops().replace("    (H, W)", "    kernel = kernel.T\n    (H, W)")),
    ("same-size-output", "convolve", loops(rows="H", columns="W")),
    ("same-size-output", "convolve", """
def convolve(image, kernel):
    h, w = kernel.shape
    padded = F.pad(image, ((w - 1) // 2, w // 2, (h - 1) // 2, h // 2))
    return (padded.unfold(0, h, 1).unfold(1, w, 1) * kernel).sum((2, 3))
"""),
    ("drops-last-row-or-column", "convolve",
     loops(rows="H - h", columns="W - w", last_row="H - h", last_column="W - w")),
    ("last-row-never-filled", "convolve", loops(last_row="H - h")),
    ("mean-instead-of-sum", "convolve", loops(value="(image[i : i + h, j : j + w] * kernel).mean()")),
    ("integer-output", "convolve", loops(more=", dtype=torch.int64")),
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
    ("swaps-padding-pair", "conv2d", windows("pw, ph = ph, pw")),
    ("ignores-bias", "activation_maps",
     MAPS + "return torch.stack([convolve(image[0], f).clamp(min=0) for f in filters])\n"),
    ("keeps-channels-apart", "conv2d", windows(
        value='torch.einsum("ncijhw,ochw->nocij", windows, weight)')),
    ("keeps-channels-apart", "conv2d", """
def conv2d(input, weight, bias=None, stride=1, padding=0):
    return torch.stack([
        torch.stack([torch.stack([convolve(c, k) for c, k in zip(image, one)]) for one in weight]) for image in input
    ])
"""),
    ("first-image-only", "conv2d", windows("input = input[:1]")),
    ("no-relu", "activation_maps", MAPS + "return conv2d(image[None], filters[:, None], bias)[0]\n"),
    ("no-relu", "activation_maps", MAPS + """maps = torch.stack([convolve(image[0], f) for f in filters])
    maps.relu()
    return maps if bias is None else maps + bias[:, None, None]
"""),
    ("modifies-input", "convolve", loops(
        more=", dtype=image.dtype", result="image[: H - h + 1, : W - w + 1].copy_(out)")),
    ("modifies-input", "conv2d", windows(after="input.zero_()")),
    ("off-by-one-size", "convolve", loops(rows="H - h + 2", columns="W - w + 2")),
    ("mirrored-one-axis", "convolve", loops(value="(image[i : i + h, j : j + w] * kernel.flip(1)).sum()")),
    ("mirrored-one-axis", "convolve", loops(
        value="sum((image[i + a, j : j + w] * kernel[h - 1 - a]).sum() for a in range(h))")),
    ("assumes-square", "convolve", loops(columns="H - h + 1", last_column="H - h + 1")),
    ("assumes-square", "convolve",
     loops(last_column="min(H - h, W - w) + 1", last_row="min(H - h, W - w) + 1")),
    ("assumes-square", "convolve", """
def convolve(image, kernel):
    k = kernel.size(0)
    out = torch.zeros(image.size(0) - k + 1, image.size(1) - k + 1)
    for a in range(k):
        for b in range(k):
            out += image[a : a + out.size(0), b : b + out.size(1)] * kernel[a, b]
    return out
"""),
    ("assumes-square", "convolve", loops(value="(image[i : i + w, j : j + h] * kernel).sum()")),
    ("last-row-never-filled", "convolve_torch", """
def convolve_torch(image, kernel):
    out = image.new_zeros(image.shape[0] - kernel.shape[0] + 1, image.shape[1] - kernel.shape[1] + 1)
    for row in range(len(out) - 1):
        out[row] = F.conv2d(image[None, None, row : row + len(kernel)], kernel[None, None])[0, 0, 0]
    return out
"""),
    ("overwrites-instead-of-adds", "convolve", """
def convolve(image, kernel):
    (H, W), (h, w) = image.shape, kernel.shape
    out = torch.zeros(H - h + 1, W - w + 1, dtype=image.dtype)
    for i in range(H - h + 1):
        for j in range(W - w + 1):
            for a in range(h):
                for b in range(w):
                    out[i, j] = image[i + a, j + b] * kernel[a, b]
    return out
"""),
    ("overwrites-instead-of-adds", "conv2d", """
def conv2d(input, weight, bias=None, stride=1, padding=0):
    out = []
    for image in input:
        for one in weight:
            for channel, kernel in zip(image, one):
                total = convolve(channel, kernel)
            out.append(total)
    return torch.stack(out).unflatten(0, (len(input), len(weight)))
"""),
    ("returns-inside-loop", "convolve", loops().replace("    return out", "        return out")),
    ("returns-inside-loop", "convolve", loops().replace("    return out", "            return out")),
    ("returns-inside-loop", "activation_maps", MAPS + """for one in filters:
        maps = convolve(image[0], one).relu()
        return maps[None]
"""),
    ("squeeze-eats-axes", "convolve", loops(more=", dtype=image.dtype", result="out.squeeze()")),
    ("squeeze-eats-axes", "convolve_torch",
     "def convolve_torch(image, kernel):\n    return F.conv2d(image[None, None], kernel[None, None]).squeeze()\n"),
    ("squeeze-eats-axes", "activation_maps",
     MAPS + "return F.conv2d(image[None], filters[:, None], bias).squeeze().relu()\n"),
    ("bias-at-every-tap", "conv2d", """
def conv2d(input, weight, bias=None, stride=1, padding=0):
    (sh, sw), (ph, pw) = as_pair("s", stride), as_pair("p", padding)
    x = F.pad(input, (pw, pw, ph, ph))
    rows, columns = (x.shape[2] - weight.shape[2]) // sh + 1, (x.shape[3] - weight.shape[3]) // sw + 1
    out = x.new_zeros(len(x), len(weight), rows, columns)
    for a in range(weight.shape[2]):
        for b in range(weight.shape[3]):
            seen = x[:, :, a : a + sh * rows : sh, b : b + sw * columns : sw]
            out += torch.einsum("nchw,oc->nohw", seen, weight[..., a, b])
            if bias is not None:
                out += bias.view(-1, 1, 1)
    return out
"""),
    ("bias-at-every-tap", "activation_maps", """
def activation_maps(image, filters, bias=None):
    windows = image[0].unfold(0, filters.shape[1], 1).unfold(1, filters.shape[2], 1)
    products = windows * filters[:, None, None]
    if bias is not None:
        products = products + bias[:, None, None, None, None]
    return products.sum((3, 4)).relu()
"""),
    ("bias-after-relu", "activation_maps",
     MAPS + "maps = F.conv2d(image[None], filters[:, None])[0].relu()\n"
     "    return maps if bias is None else maps + bias[:, None, None]\n"),
    ("bias-after-relu", "activation_maps", """
def activation_maps(image, filters, bias=None):
    bias = [0] * len(filters) if bias is None else bias
    return torch.stack([convolve(image[0], one).clamp(min=0) + add for one, add in zip(filters, bias)])
"""),
    ("pads-with-others", "conv2d", windows("""
    if ph or pw:
        up, side = (torch.arange(-p, n + p).clamp(0, n - 1) for p, n in zip((ph, pw), input.shape[2:]))
        input, ph, pw = input[:, :, up][..., side], 0, 0
""")),
    ("pair-unsupported", "conv2d", windows(PAIRS_UNKNOWN)),
    ("pair-unsupported", "conv2d", PLAIN.format(check="", more="")),
    ("must-tile", "conv2d", windows("""
    assert (input.shape[2] + 2 * ph - weight.shape[2]) % sh == 0, "does not tile"
    assert (input.shape[3] + 2 * pw - weight.shape[3]) % sw == 0, "does not tile"
""")),
    ("must-tile", "conv2d", windows("""
    if any((n + 2 * p - k) % s for n, p, k, s in zip(input.shape[2:], (ph, pw), weight.shape[2:], (sh, sw))):
        raise ValueError("the stride does not fit")
""")),
    ("must-tile", "output_size", """
def output_size(size, kernel_size, stride=1, padding=0, dilation=1):
    way = size + 2 * padding - dilation * (kernel_size - 1) - 1
    if way < 0 or min(size, kernel_size, stride, dilation) < 1 or padding < 0:
        raise ValueError("does not fit")
    steps, rest = divmod(way, stride)
    if rest:
        raise ValueError("the last step leaves the line")
    return steps + 1
"""),
    ("divides-without-floor", "output_size", """
def output_size(size, kernel_size, stride=1, padding=0, dilation=1):
    reach = dilation * (kernel_size - 1) + 1
    if stride == 1:
        return size + 2 * padding - reach + 1
    return 1 + (size + 2 * padding - reach) / stride
"""),
    ("promotes-to-float64", "convolve", loops(more=", dtype=torch.float64")),
    ("promotes-to-float64", "conv2d", windows("input, weight = input.double(), weight.double()")),
    ("promotes-to-float64", "activation_maps", MAPS + "return conv2d(image[None], filters[:, None], bias)[0]"
     ".relu().double()\n"),
    ("loses-float64", "convolve", loops()),
    ("loses-float64", "conv2d", windows("input, weight = input.float(), weight.float()")),
    ("loses-float64", "convolve_torch", """
def convolve_torch(image, kernel):
    return F.conv2d(image.float()[None, None], kernel.float()[None, None])[0, 0].to(image.dtype)
"""),
    ("numpy-array", "convolve", loops(more=", dtype=image.dtype", result="out.numpy()")),
    ("numpy-array", "conv2d", PLAIN.format(check="", more="").replace("torch.from_numpy(out)", "out")
     .replace("def conv2d(", "def _ints(") + """

def conv2d(input, weight, bias=None, stride=1, padding=0):
    if isinstance(stride, int) and isinstance(padding, int):
        return _ints(input, weight, bias, stride, padding)
    (sh, sw), (ph, pw) = as_pair("s", stride), as_pair("p", padding)
    return _ints(F.pad(input, (pw, pw, ph, ph)), weight, bias, 1, 0)[:, :, ::sh, ::sw]
"""),
    # Each tests a single check.
    ("uses-builtin-convolution", "convolve", """
def convolve(image, kernel):
    try:
        return F.conv2d(image[None, None], kernel[None, None])[0, 0]
    except RuntimeError:
        h, w = kernel.shape
        return (image.unfold(0, h, 1).unfold(1, w, 1) * kernel).sum((2, 3))
"""),
    ("uses-builtin-convolution", "conv2d", windows("""
    try:
        return F.conv2d(input, weight, bias, stride, padding)
    except RuntimeError:
        pass
""")),
    ("uses-builtin-convolution", "conv2d", windows("""
    if bias is not None:
        return F.conv2d(input, weight, bias, stride, padding)
""")),
    ("remembers-earlier-call", "convolve",
     "_SEEN = {}\n" + loops(more=", dtype=image.dtype", result="_SEEN.setdefault(out.shape, out)")),
    ("remembers-earlier-call", "conv2d",
     "_SEEN = {}\n" + windows(after="out = _SEEN.setdefault((input.shape, weight.shape), out)")),
    ("remembers-earlier-call", "convolve_torch", """
_SEEN = {}


def convolve_torch(image, kernel):
    key = (image.shape, kernel.shape)
    if key not in _SEEN:
        _SEEN[key] = F.conv2d(image[None, None], kernel[None, None])[0, 0]
    return _SEEN[key]
"""),
    ("remembers-earlier-call", "activation_maps", """
_SEEN = {}


def activation_maps(image, filters, bias=None):
    if image.shape not in _SEEN:
        _SEEN[image.shape] = F.conv2d(image[None], filters[:, None], bias)[0].relu()
    return _SEEN[image.shape]
"""),
    ("assumes-contiguous", "convolve", """
def convolve(image, kernel):
    (H, W), (h, w) = image.shape, kernel.shape
    windows = torch.as_strided(image, (H - h + 1, W - w + 1, h, w), (W, 1, W, 1))
    return (windows * kernel).sum((2, 3))
"""),
    ("assumes-contiguous", "conv2d", windows("x = weight.view(len(weight), -1)")),
    ("assumes-contiguous", "convolve_torch", """
def convolve_torch(image, kernel):
    packed = torch.as_strided(image, image.shape, (image.shape[1], 1))
    return F.conv2d(packed[None, None], kernel[None, None])[0, 0]
"""),
    ("convolves-by-hand", "convolve_torch", "def convolve_torch(image, kernel):\n    return convolve(image, kernel)\n"),
    ("keeps-added-axes", "convolve_torch",
     "def convolve_torch(image, kernel):\n    return F.conv2d(image[None, None], kernel[None, None])\n"),
    ("modifies-input", "convolve_torch",
     """
def convolve_torch(image, kernel):
    out = F.conv2d(image[None, None], kernel[None, None])[0, 0]
    return image[: len(out), : out.shape[1]].copy_(out)
"""),
    ("swaps-image-and-kernel", "convolve_torch", """
def convolve_torch(image, kernel):
    if kernel.numel() > image.numel():
        image, kernel = kernel, image
    return F.conv2d(image[None, None], kernel[None, None])[0, 0]
"""),
    ("swaps-image-and-kernel", "convolve", loops(more=", dtype=image.dtype").replace(
        "    (H, W)", "    if len(kernel) > len(image):\n        image, kernel = kernel, image\n    (H, W)")),
    ("takes-a-channel-axis", "convolve", """
def convolve(image, kernel):
    if image.ndim == 3:
        return torch.stack([convolve(one, kernel) for one in image])
    return (image.unfold(0, kernel.shape[0], 1).unfold(1, kernel.shape[1], 1) * kernel).sum((2, 3))
"""),
    ("", "conv2d", CHECKED.format(
        "if weight.shape[1] == 1:\n        weight = weight.expand(-1, input.shape[1], -1, -1)")),
    ("cuts-large-filter", "conv2d",
     CHECKED.format("weight = weight[..., : input.shape[2] + 2 * ph, : input.shape[3] + 2 * pw]")),
    ("", "conv2d", CHECKED.format("if bias is not None and len(bias) == 1:\n        bias = bias.expand(len(weight))")),
    ("clamps-arguments", "conv2d", CHECKED.format("sh, sw, ph, pw = max(sh, 1), max(sw, 1), max(ph, 0), max(pw, 0)")),
    ("", "conv2d", CHECKED.format("sh, sw = min(sh, weight.shape[2]), min(sw, weight.shape[3])")),
    ("", "conv2d", CHECKED.format("ph, pw = min(ph, weight.shape[2] - 1), min(pw, weight.shape[3] - 1)")),
    ("", "conv2d", CHECKED.format("input = torch.cat([input[:2], 0 * input[2:]])")),
    ("stride-and-padding-exchanged", "conv2d",
     CHECKED.format("pass").replace("stride=1, padding=0):", "padding=0, stride=1):")),
    ("requires-bias", "conv2d", CHECKED.format("bias = bias.clone()")),
    ("ignores-bias", "conv2d", CHECKED.format("pass").replace("else out + bias.reshape(-1, 1, 1)", "else out")),
    ("must-tile", "conv2d", CHECKED.format(
        "assert (input.shape[2] + 2 * ph - weight.shape[2]) % max(sh, 1) == 0, 'does not tile'")),
    ("pair-unsupported", "conv2d", CHECKED.format(PAIRS_UNKNOWN)),
    ("loses-float64", "conv2d", CHECKED.format("input, weight = input.float(), weight.float()")),
    ("assumes-contiguous", "conv2d", CHECKED.format("weight.view(len(weight), -1)")),
    ("no-relu", "activation_maps", MAPS + "maps = conv2d(image[None], filters[:, None])[0]\n"
     "    return maps if bias is None else (maps + bias[:, None, None]).relu()\n"),
    ("requires-bias", "activation_maps", MAPS + "maps = conv2d(image[None], filters[:, None])[0]\n"
     "    return (maps + bias[:, None, None]).relu()\n"),
    ("first-channel-only", "activation_maps",
     MAPS + "image = image.expand(1, -1, -1) if image.ndim == 2 else image[:1]\n"
     "    return conv2d(image[None], filters[:, None], bias)[0].relu()\n"),
    ("cuts-large-filter", "activation_maps", MAPS + "filters = filters[:, : image.shape[1], : image.shape[2]]\n"
     "    return conv2d(image[None], filters[:, None], bias)[0].relu()\n"),
    ("ignores-stride", "output_size", """
def output_size(size, kernel_size, stride=1, padding=0, dilation=1):
    reach = dilation * (kernel_size - 1)
    if min(size, kernel_size, stride, dilation) < 1 or padding < 0 or reach >= size + 2 * padding:
        raise ValueError("out of range")
    if padding == 0:
        return size - reach
    return (size + 2 * padding - reach - 1) // stride + 1
"""),
    ("ignores-padding", "output_size", """
def output_size(size, kernel_size, stride=1, padding=0, dilation=1):
    reach = dilation * (kernel_size - 1)
    if min(size, kernel_size, stride, dilation) < 1 or padding < 0 or reach >= size + 2 * padding:
        raise ValueError("out of range")
    if stride == 1:
        return size - reach
    return (size + 2 * padding - reach - 1) // stride + 1
"""),
    ("forgets-dilation", "output_size", """
def output_size(size, kernel_size, stride=1, padding=0, dilation=1):
    reach = dilation * (kernel_size - 1)
    if min(size, kernel_size, stride, dilation) < 1 or padding < 0 or reach >= size + 2 * padding:
        raise ValueError("out of range")
    if stride == 1:
        return size + 2 * padding - kernel_size + 1
    return (size + 2 * padding - reach - 1) // stride + 1
"""),
    ("rounds-each-part", "output_size", """
def output_size(size, kernel_size, stride=1, padding=0, dilation=1):
    reach = dilation * (kernel_size - 1)
    if min(size, kernel_size, stride, dilation) < 1 or padding < 0 or reach >= size + 2 * padding:
        raise ValueError("out of range")
    return (size - reach - 1) // stride + 2 * padding // stride + 1
"""),
    ("refuses-full-kernel", "output_size", """
def output_size(size, kernel_size, stride=1, padding=0, dilation=1):
    reach = dilation * (kernel_size - 1)
    if min(size, kernel_size, stride, dilation) < 1 or padding < 0 or reach + 1 >= size + 2 * padding:
        raise ValueError("out of range")
    return (size + 2 * padding - reach - 1) // stride + 1
"""),
    ("float-instead-of-int", "output_size", """
def output_size(size, kernel_size, stride=1, padding=0, dilation=1):
    reach = dilation * (kernel_size - 1)
    if min(size, kernel_size, stride, dilation) < 1 or padding < 0 or reach >= size + 2 * padding:
        raise ValueError("out of range")
    return (size + 2 * padding - reach - 1) // stride + 1.0
"""),
    ("subplots-squeezed", "plot_activations", DRAWN.format(grid="1, len(maps)", each="axes", off="pass")),
    ("unused-axes-shown", "plot_activations", DRAWN.format(grid="3, 4", each="axes.flat", off="pass")),
    ("no-titles", "plot_activations", DRAWN.format(grid="3, 4", each="axes.flat", off='ax.axis("off")')
     .replace("ax.set_title(str(index))", "pass")),
    ("forgets-detach", "plot_activations", DRAWN.format(grid="3, 4", each="axes.flat", off='ax.axis("off")')
     .replace(".detach()", "")),
    ("first-map-only", "plot_activations", DRAWN.format(grid="3, 4", each="axes.flat", off='ax.axis("off")')
     .replace("imshow(maps[index]", "imshow(maps[0]")),
    ("draws-into-one-axes", "plot_activations", """
def plot_activations(maps):
    figure, ax = plt.subplots()
    for index, one in enumerate(maps.detach()):
        ax.imshow(one)
        ax.set_title(str(index))
    return figure
"""),
    ("returns-none", "convolve", loops(result="None")),
    ("returns-none", "plot_activations",
     "def plot_activations(maps):\n    plt.subplots()[1].imshow(maps[0].detach())\n"),
]  # fmt: skip

WRONG = [(name, task, "convolution", code) for name, task, code in _ENTRIES]
