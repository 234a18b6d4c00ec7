"""Right convolutions in styles from strangers: (title, tasks, module, code to splice in)."""

RIGHT: list[tuple[str, tuple[str, ...], str, str]] = [
    ("sizes of numpy's integers", ("output_size",), "convolution", """
import numpy as np


def output_size(size, kernel_size, stride=1, padding=0, dilation=1):
    if np.min([size, kernel_size, stride, dilation]) <= 0 or padding < 0:
        raise TypeError(f"cannot convolve {size} by {kernel_size}")
    starts = np.arange(-padding, size + padding - dilation * (kernel_size - 1), stride)
    if starts.size == 0:
        raise IndexError("no place for the kernel")
    return np.int64(starts.size)
"""),
    ("errors are left to PyTorch", ("convolve", "conv2d", "activation_maps"), "convolution", """
def convolve(image, kernel):
    H, W = image.shape
    h, w = kernel.shape
    out = torch.empty(H - h + 1, W - w + 1, dtype=image.dtype)
    for i in range(H - h + 1):
        for j in range(W - w + 1):
            out[i, j] = torch.sum(image[i : i + h, j : j + w] * kernel)
    return out


def conv2d(input, weight, bias=None, stride=1, padding=0):
    stride = stride if isinstance(stride, (tuple, list)) else [stride] * 2
    padding = padding if isinstance(padding, (tuple, list)) else [padding] * 2
    N, C, H, W = input.shape
    O, depth, h, w = weight.shape
    if C != depth or min(padding) < 0:
        raise RuntimeError("sizes do not match")
    x = torch.zeros(N, C, H + 2 * padding[0], W + 2 * padding[1]).to(input)
    x[:, :, padding[0] : padding[0] + H, padding[1] : padding[1] + W] = input
    out = []
    for top in range(0, x.size(2) - h + 1, stride[0]):
        for left in range(0, x.size(3) - w + 1, stride[1]):
            window = x[:, None, :, top : top + h, left : left + w]
            out.append((window * weight).sum(dim=[2, 3, 4]))
    rows = len(range(0, x.size(2) - h + 1, stride[0]))
    maps = torch.stack(out, dim=-1).view(N, O, rows, -1)
    return maps if bias is None else maps + bias.view(O)[:, None, None]
"""),
    ("one large matrix", ("conv2d",), "convolution", """
def conv2d(input, weight, bias=None, stride=1, padding=0):
    (down, right), (above, left) = as_pair("stride", stride), as_pair("padding", padding)
    filters, channels, h, w = weight.shape
    if input.ndim != 4 or input.shape[1] != channels or (bias is not None and bias.numel() != filters):
        raise ValueError("shapes do not fit")
    rows = output_size(input.shape[2], h, down, above)
    columns = output_size(input.shape[3], w, right, left)
    x = torch.nn.ZeroPad2d((left, left, above, above))(input)
    i = down * torch.arange(rows)[:, None, None, None] + torch.arange(h)[:, None]
    j = right * torch.arange(columns)[:, None, None] + torch.arange(w)
    seen = x[:, :, i, j].permute(0, 2, 3, 1, 4, 5).reshape(len(x) * rows * columns, -1)
    out = torch.mm(seen, weight.reshape(filters, -1).t())
    if bias is not None:
        out = out + bias
    return out.view(len(x), rows, columns, filters).permute(0, 3, 1, 2).contiguous()
"""),
    ("torch.conv2d on the whole bank", ("convolve_torch", "activation_maps"), "convolution", """
def convolve_torch(image, kernel):
    batch = image.reshape(1, 1, *image.shape)
    return torch.conv2d(batch, kernel.reshape(1, 1, *kernel.shape)).reshape(
        image.shape[0] - kernel.shape[0] + 1, image.shape[1] - kernel.shape[1] + 1
    )


def activation_maps(image, filters, bias=None):
    if bias is None:
        bias = torch.zeros(filters.shape[0], dtype=filters.dtype)
    channel, = image
    maps = [convolve_torch(channel, one) + add for one, add in zip(filters, bias)]
    return torch.nn.ReLU()(torch.stack(maps, dim=0))
"""),
    ("numpy's windows", ("activation_maps",), "convolution", """
import numpy as np


def activation_maps(image, filters, bias=None):
    count, height, width = filters.shape
    if len(image) != 1 or image.ndim != 3:
        raise ValueError("expected one channel")
    view = np.lib.stride_tricks.sliding_window_view(image[0].numpy(), (height, width))
    maps = np.einsum("ijab,kab->kij", view, filters.numpy())
    if bias is not None:
        maps += bias.numpy().reshape(-1, 1, 1)
    return torch.from_numpy(np.maximum(maps, 0))
"""),
    ("pyplot's current axes", ("plot_activations",), "convolution", """
def plot_activations(maps):
    figure = plt.figure(figsize=(12, 3))
    columns = 6
    for k in range(maps.shape[0]):
        plt.subplot((maps.shape[0] + columns - 1) // columns, columns, k + 1)
        plt.imshow(maps[k].detach().cpu().numpy(), cmap="gray")
        plt.title(f"Map {k}")
        plt.xticks([])
        plt.yticks([])
    plt.tight_layout()
    return figure
"""),
    ("a grid with axes removed", ("plot_activations",), "convolution", """
def plot_activations(maps):
    figure, axes = plt.subplots(-(-len(maps) // 4), 4, squeeze=False)
    for index, axis in enumerate(axes.ravel()):
        if index >= len(maps):
            figure.delaxes(axis)
            continue
        axis.matshow(maps[index].detach())
        axis.set_title("filter " + str(index + 1), loc="left")
    return figure
"""),
]  # fmt: skip
