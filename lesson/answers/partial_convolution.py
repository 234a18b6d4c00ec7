"""Partly right convolutions, and what a teacher would give: (title, task, least, most, module, code)."""

from .wrong_convolution import DRAWN, IN_A_ROW, MAPS, PAIRS_UNKNOWN, PLAIN, SIZE, SUM, loops, windows

REACH = "size + 2 * padding - dilation * (kernel_size - 1) - 1"
TWO = "def convolve_torch(image, kernel):\n    "
GRID = {"grid": "4, 5", "each": "axes.flat", "off": 'ax.axis("off")'}
SAME = ", dtype=image.dtype"

_ENTRIES: list[tuple[str, str, float, float, str]] = [
    ("plainest", "output_size", 2.4, 3, SIZE + f"({REACH}) // stride + 1\n"),
    ("the stride is ignored", "output_size", 1, 2.2, SIZE + f"{REACH} + 1\n"),
    ("the padding is ignored", "output_size", 1.2, 2.4,
     SIZE + "(size - dilation * (kernel_size - 1) - 1) // stride + 1\n"),
    ("no dilation", "output_size", 1.2, 2.4,
     """
def output_size(size, kernel_size, stride=1, padding=0):
    return (size + 2 * padding - kernel_size) // stride + 1
"""),
    ("a stride that does not divide is refused", "output_size", 1.5, 2.5, f"""
def output_size(size, kernel_size, stride=1, padding=0, dilation=1):
    assert ({REACH}) % stride == 0
    return ({REACH}) // stride + 1
"""),
    ("one position too few", "output_size", 0, 1, SIZE + f"({REACH}) // stride\n"),
    ("a float", "output_size", 2, 2.9, SIZE + f"math.floor(({REACH}) / stride) + 1.0\n"),
    ("plainest", "convolve", 6.4, 8, """
import numpy as np


def convolve(image, kernel):
    out = np.zeros([image.shape[axis] - kernel.shape[axis] + 1 for axis in (0, 1)])
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            for a in range(kernel.shape[0]):
                for b in range(kernel.shape[1]):
                    out[i, j] += image[i + a, j + b] * kernel[a, b]
    return torch.from_numpy(out)
"""),
    ("float64 is not taken", "convolve", 6.8, 7.8, """
def convolve(image, kernel):
    out = torch.zeros(image.shape[0] - kernel.shape[0] + 1, image.shape[1] - kernel.shape[1] + 1)
    for i in range(len(out)):
        for j in range(out.shape[1]):
            window = image[i : i + kernel.shape[0], j : j + kernel.shape[1]].contiguous()
            out[i, j] = torch.dot(window.view(-1), kernel.reshape(-1).to(torch.float32))
    return out
"""),
    ("axes of size 1 are lost", "convolve", 6.5, 7.8, loops(more=SAME, result="out.squeeze()")),
    ("the image is overwritten", "convolve", 6, 7.8, loops(more=SAME, result="(out.clone(), image.zero_())[0]")),
    ("views are taken for packed", "convolve", 6.5, 7.8, """
def convolve(image, kernel):
    check_tensor("image", image, "(H, W)")
    (H, W), (h, w) = image.shape, kernel.shape
    windows = torch.as_strided(image, (H - h + 1, W - w + 1, h, w), (W, 1, W, 1))
    return (windows * kernel).sum((2, 3))
"""),
    ("nothing is refused", "convolve", 7, 7.8, """
def convolve(image, kernel):
    h, w = kernel.shape[:2]
    rows, columns = max(image.shape[0] - h + 1, 0), max(image.shape[1] - w + 1, 0)
    out = torch.zeros_like(image[:rows, :columns])
    for i in range(rows):
        for j in range(columns):
            out[i, j] = (image[i : i + h, j : j + w] * kernel.view(h, w)).sum()
    return out
"""),
    ("right for squares alone", "convolve", 3, 6.5, loops(columns="H - h + 1", last_column="H - h + 1")),
    ("the kernel is turned", "convolve", 0, 3, loops(
        more=SAME, value="(image[i : i + h, j : j + w].flip(0, 1) * kernel).sum()")),
    ("plainest", "conv2d", 8, 9.5, PLAIN.format(check="", more="")),
    ("pairs are unknown", "conv2d", 8, 9.5, windows(PAIRS_UNKNOWN)),
    ("a stride that does not divide is refused", "conv2d", 8, 9.5, windows("""
    for axis, (step, around) in enumerate(((sh, ph), (sw, pw)), start=2):
        assert (input.shape[axis] - weight.shape[axis] + 2 * around) % step == 0, "sizes do not work"
""")),
    ("the stride is ignored: a result of another size", "conv2d", 5, 7.5, windows("sh, sw = 1, 1")),
    ("the stride is ignored: the right size, other values", "conv2d", 5, 7.5, windows(
        value="torch.einsum('ncijhw,ochw->noij', x.unfold(2, kh, 1).unfold(3, kw, 1)"
        "[:, :, : windows.shape[2], : windows.shape[3]], weight)")),
    ("the stride is for the height alone", "conv2d", 5, 7.5, windows("sw = 1")),
    ("the padding is ignored", "conv2d", 5, 7.5, windows("ph, pw = 0, 0")),
    ("the bias is ignored", "conv2d", 6, 8, windows("bias = None")),
    ("the bias is added at every tap", "conv2d", 6, 8.5, windows(
        "bias = None if bias is None else bias * weight[0, 0].numel()")),
    ("a bias is needed", "conv2d", 8, 9.8, windows(after="out = out + 0 * bias.reshape(-1, 1, 1)")),
    ("channels are not summed", "conv2d", 0, 4, windows(value=SUM.replace("noij", "nocij"))),
    ("the first channel alone", "conv2d", 0, 4, windows("input, weight = input[:, :1], weight[:, :1]")),
    ("the first image alone", "conv2d", 4, 7, windows("input = input[:1]")),
    ("float64 is lost", "conv2d", 8.5, 9.9, windows("input, weight = input.float(), weight.float()")),
    ("axes of size 1 are lost", "conv2d", 8, 9.9, windows(after="out = out.squeeze()")),
    ("neither stride, padding nor bias", "conv2d", 2, 5, windows("sh, sw, ph, pw, bias = 1, 1, 0, 0, None")),
    ("plainest", "convolve_torch", 2.4, 3, TWO + "return F.conv2d(image[None, None], kernel[None, None])[0, 0]\n"),
    ("four axes are left", "convolve_torch", 1, 2.4, TWO + "return F.conv2d(image[None, None], kernel[None, None])\n"),
    ("all axes of size 1 are lost", "convolve_torch", 2, 2.8,
     TWO + "return F.conv2d(image[None, None], kernel[None, None]).squeeze()\n"),
    ("float64 is lost", "convolve_torch", 2, 2.9,
     TWO + "return F.conv2d(image.float()[None, None], kernel.float()[None, None])[0, 0]\n"),
    ("the kernel is changed", "convolve_torch", 2, 2.9,
     TWO + "return F.conv2d(image[None, None], kernel[None, None])[0, 0].add(kernel.zero_().sum())\n"),
    ("the kernel is turned", "convolve_torch", 0, 1,
     TWO + "return F.conv2d(image[None, None], kernel.flip(0, 1)[None, None])[0, 0]\n"),
    ("plainest", "activation_maps", 3.2, 4, """
def activation_maps(image, filters, bias=None):
    maps = []
    for index in range(filters.shape[0]):
        one = convolve(image[0], filters[index])
        if bias is not None:
            one = one + bias[index]
        maps.append(torch.relu(one))
    return torch.stack(maps)
"""),
    ("no ReLU", "activation_maps", 1.2, 2.8, MAPS + "return conv2d(image[None], filters[:, None], bias)[0]\n"),
    ("no bias", "activation_maps", 2.4, 3.3, MAPS + "return conv2d(image[None], filters[:, None])[0].relu()\n"),
    ("the bias after ReLU", "activation_maps", 2.4, 3.5,
     MAPS + "maps = conv2d(image[None], filters[:, None])[0].relu()\n"
     "    return maps if bias is None else maps + bias[:, None, None]\n"),
    ("a bias is needed", "activation_maps", 2.5, 3.9,
     MAPS + "return conv2d(image[None], filters[:, None], bias + 0)[0].relu()\n"),
    ("axes of size 1 are lost", "activation_maps", 3, 3.9,
     MAPS + "return conv2d(image[None], filters[:, None], bias).squeeze().relu()\n"),
    ("the first map alone", "activation_maps", 0, 1.5,
     MAPS + "return conv2d(image[None], filters[:1, None])[0].relu()\n"),
    ("plainest", "plot_activations", 1.6, 2, DRAWN.format(grid="1, len(maps)", each="axes", off="pass")
     .replace(".detach()", "")),
    ("no titles", "plot_activations", 1.2, 1.7, DRAWN.format(**GRID).replace("ax.set_title(str(index))", "pass")),
    ("a single map ends in an error", "plot_activations", 1.5, 1.9,
     DRAWN.format(grid="1, len(maps)", each="axes", off="pass")),
    ("empty axes are seen", "plot_activations", 1.4, 1.9, DRAWN.format(**{**GRID, "off": "pass"})),
    ("maps with a gradient end in an error", "plot_activations", 1.5, 1.9,
     DRAWN.format(**GRID).replace(".detach()", "")),
    ("the first map everywhere", "plot_activations", 0, 1, DRAWN.format(**GRID).replace("[index]", "[0]")),
    ("the axis for the batch is left", "activation_maps", 2, 3.5,
     MAPS + "return F.conv2d(image[None], filters[:, None], bias).relu()\n"),
    ("the axes are returned", "plot_activations", 1.5, 1.95,
     DRAWN.format(**IN_A_ROW).replace("return figure", "return axes")),
    ("the last map is left out", "plot_activations", 0.6, 1.5,
     DRAWN.format(**IN_A_ROW).replace("range(len(maps))", "range(len(maps) - 1)")),
    ("right for squares alone", "conv2d", 6, 9.5, """
def conv2d(input, weight, bias=None, stride=1, padding=0):
    x = F.pad(input, (padding,) * 4)
    (N, C, side, _), (O, _, taps, _) = x.shape, weight.shape
    size = (side - taps) // stride + 1
    out = torch.zeros(N, O, size, size)
    for i in range(size):
        for j in range(size):
            window = x[:, :, i * stride : i * stride + taps, j * stride : j * stride + taps]
            out[:, :, i, j] = torch.einsum("nchw,ochw->no", window, weight)
    return out if bias is None else out + bias[:, None, None]
"""),
]  # fmt: skip

PARTIAL = [(title, task, least, most, "convolution", code) for title, task, least, most, code in _ENTRIES]
