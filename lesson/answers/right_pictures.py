"""Right convolutions, transforms and statistics in other styles: (title, tasks, module, code to splice in)."""

CHECKED = """
def _two(image, kernel):
    for one in (image, kernel):
        if not isinstance(one, Tensor) or not one.is_floating_point():
            raise TypeError(f"expected a floating-point tensor, got {one!r}")
        if one.dim() != 2 or min(one.shape) == 0:
            raise ValueError(f"expected a matrix, got {tuple(one.shape)}")
    if kernel.shape[0] > image.shape[0] or kernel.shape[1] > image.shape[1]:
        raise ValueError("the kernel is larger than the image")
    return image.shape[0] - kernel.shape[0] + 1, image.shape[1] - kernel.shape[1] + 1


def _four(input, weight, bias, stride, padding):
    stride = (stride, stride) if isinstance(stride, int) else tuple(stride)
    padding = (padding, padding) if isinstance(padding, int) else tuple(padding)
    if not (input.ndim == weight.ndim == 4 and input.numel() and weight.numel()):
        raise ValueError("expected four axes each")
    if input.shape[1] != weight.shape[1] or (bias is not None and tuple(bias.shape) != (len(weight),)):
        raise ValueError("channels or bias do not fit")
    if min(stride) < 1 or min(padding) < 0:
        raise ValueError("stride or padding out of range")
    padded = torch.nn.functional.pad(input, (padding[1], padding[1], padding[0], padding[0]))
    if padded.shape[2] < weight.shape[2] or padded.shape[3] < weight.shape[3]:
        raise ValueError("the filter is too large")
    return padded, stride
"""
SIZE = """
def output_size(size, kernel_size, stride=1, padding=0, dilation=1):
    if min(size, kernel_size, stride, dilation) < 1 or padding < 0:
        raise ValueError("out of range")
    {}
"""
TRAIN = """def train_transform():
    return transforms.Compose([{}, transforms.ToTensor(), transforms.Normalize(0.286, 0.353)])
"""
DIGIT = "import random\n\n\ndef load_random_digit(root, seed=None):\n    digits = MNIST5k(root)\n    {}\n"

RIGHT: list[tuple[str, tuple[str, ...], str, str]] = [
    ("four loops in pure Python", ("convolve",), "convolution", CHECKED + """
def convolve(image, kernel):
    rows, columns = _two(image, kernel)
    (h, w), out = kernel.shape, []
    for i in range(rows):
        out.append([])
        for j in range(columns):
            total = 0.0
            for a in range(h):
                for b in range(w):
                    total += image[i + a][j + b].item() * kernel[a][b].item()
            out[i].append(total)
    return torch.tensor(out, dtype=image.dtype)
"""),
    ("as_strided windows", ("convolve", "conv2d", "activation_maps"), "convolution", CHECKED + """
def convolve(image, kernel):
    size = (*_two(image, kernel), *kernel.shape)
    return (torch.as_strided(image, size, image.stride() * 2, image.storage_offset()) * kernel).sum(dim=(-1, -2))


def conv2d(input, weight, bias=None, stride=1, padding=0):
    x, (down, across) = _four(input, weight, bias, stride, padding)
    x = x.contiguous()
    n, c, h, w = x.stride()
    rows, columns = (x.shape[2] - weight.shape[2]) // down + 1, (x.shape[3] - weight.shape[3]) // across + 1
    size = (x.shape[0], rows, columns, x.shape[1], *weight.shape[2:])
    windows = x.as_strided(size, (n, h * down, w * across, c, h, w))
    out = windows.reshape(*size[:3], -1) @ weight.reshape(len(weight), -1).T  # (N, H', W', O)
    return (out if bias is None else out + bias).permute(0, 3, 1, 2)
"""),
    ("Tensor.unfold and einsum", ("conv2d", "activation_maps"), "convolution", CHECKED + """
def conv2d(input, weight, bias=None, stride=1, padding=0):
    x, (down, across) = _four(input, weight, bias, stride, padding)
    windows = x.unfold(2, weight.shape[2], down).unfold(3, weight.shape[3], across)
    out = torch.einsum("ncxyij,ocij->noxy", windows, weight)
    return out if bias is None else out + bias.view(1, -1, 1, 1)
"""),
    ("the Fourier transform", ("convolve",), "convolution", CHECKED + """
def convolve(image, kernel):
    rows, columns = _two(image, kernel)
    spectrum = torch.fft.rfft2(image) * torch.fft.rfft2(kernel, s=image.shape).conj()
    return torch.fft.irfft2(spectrum, s=image.shape)[:rows, :columns].to(image.dtype)
"""),
    ("numpy loops inside", ("convolve", "conv2d"), "convolution", CHECKED + """
def convolve(image, kernel):
    rows, columns = _two(image, kernel)
    picture, taps = image.detach().numpy(), kernel.detach().numpy()
    out = np.zeros((rows, columns), dtype=picture.dtype)
    for (i, j), _ in np.ndenumerate(out):
        out[i, j] = np.vdot(picture[i : i + taps.shape[0], j : j + taps.shape[1]].copy(), taps.copy())
    return torch.from_numpy(out)


def conv2d(input, weight, bias=None, stride=1, padding=0):
    x, (down, across) = _four(input, weight, bias, stride, padding)
    view = np.lib.stride_tricks.sliding_window_view(x.numpy(), weight.shape[2:], axis=(2, 3))[:, :, ::down, ::across]
    out = np.tensordot(view, weight.numpy(), axes=((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2)
    out = out if bias is None else out + bias.numpy()[:, None, None]
    return torch.from_numpy(np.ascontiguousarray(out))


import numpy as np
"""),
    ("one's own convolve for each channel", ("conv2d",), "convolution", CHECKED + """
def conv2d(input, weight, bias=None, stride=1, padding=0):
    x, (down, across) = _four(input, weight, bias, stride, padding)
    out = [[sum(convolve(c, k) for c, k in zip(image, one))[::down, ::across] for one in weight] for image in x]
    out = torch.stack([torch.stack(maps) for maps in out])
    return out if bias is None else out + bias[None, :, None, None]
"""),
    ("gathered indices and a matrix product", ("convolve",), "convolution", CHECKED + """
def convolve(image, kernel):
    rows, columns = _two(image, kernel)
    i = torch.arange(rows)[:, None, None, None] + torch.arange(kernel.shape[0])[:, None]
    j = torch.arange(columns)[:, None, None] + torch.arange(kernel.shape[1])
    return image[i, j].flatten(2) @ kernel.flatten()
"""),
    ("sizes by a range", ("output_size",), "convolution", SIZE.format("""reach = dilation * (kernel_size - 1)
    starts = range(-padding, size + padding - reach, stride)
    if not starts:
        raise ValueError("the kernel does not fit")
    return len(starts)""")),
    ("sizes by floor", ("output_size",), "convolution", SIZE.format("""reach = dilation * (kernel_size - 1) + 1
    places = size + 2 * padding - reach
    if places < 0:
        raise ValueError("the kernel does not fit")
    return int(math.floor(places / stride + 1))""")),
    ("torch.nn.Conv2d", ("convolve_torch", "activation_maps"), "convolution", """
def convolve_torch(image, kernel):
    layer = torch.nn.Conv2d(1, 1, tuple(kernel.shape), bias=False, dtype=image.dtype)
    with torch.no_grad():
        layer.weight.copy_(kernel[None, None])
        return layer(image[None, None]).squeeze(0).squeeze(0)


def activation_maps(image, filters, bias=None):
    fits = image.ndim == filters.ndim == 3 and len(image) == 1 and (bias is None or len(bias) == len(filters))
    if not fits or any(k > size for k, size in zip(filters.shape[1:], image.shape[1:])):
        raise ValueError(f"shapes {tuple(image.shape)} and {tuple(filters.shape)} do not fit")
    return torch.clamp(F.conv2d(image.unsqueeze(0), filters.unsqueeze(1), bias).squeeze(0), min=0)
"""),
    ("a row of axes, titled from 1", ("plot_activations",), "convolution", """
def plot_activations(maps):
    figure = Figure(figsize=(8, 6))
    for index, one in enumerate(maps.detach(), start=1):
        axes = figure.add_subplot(5, 4, index)
        shown = axes.imshow(one, cmap="gray")
        axes.axis("off")
        axes.set_title(f"filter {index}")
        figure.colorbar(shown, ax=axes)
    return figure
"""),
    ("torchvision's ToTensor", ("image_to_tensor", "eval_transform", "train_transform"), "transforms", """
def image_to_tensor(image):
    if image.mode != "L":
        raise ValueError(f"expected mode L, got {image.mode}")
    return transforms.functional.to_tensor(image)


def eval_transform():
    return transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean=[0.2860], std=[0.3530])])


""" + TRAIN.format("transforms.RandomCrop(28, padding=2)")),
    ("torchvision's transforms, version 2", ("image_to_tensor", "eval_transform", "train_transform"), "transforms", """
from torchvision.transforms import v2


def image_to_tensor(image):
    if image.mode != "L":
        raise ValueError(f"expected mode L, got {image.mode}")
    return v2.functional.to_dtype(v2.functional.pil_to_tensor(image), torch.float32, scale=True)


def eval_transform():
    return v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.28604], [0.35302])])


def train_transform():
    chance = [v2.RandomHorizontalFlip(), v2.RandomAffine(degrees=5, translate=(0.05, 0.05), scale=(0.95, 1.05))]
    return v2.Compose([v2.ToImage(), *chance, v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.286], [0.353])])
"""),
    ("plain functions", ("eval_transform", "train_transform"), "transforms", """
def eval_transform():
    return lambda image: (image_to_tensor(image) - 0.286) / 0.353


def train_transform():
    def augmented(image):
        tensor = (image_to_tensor(image) - 0.286) / 0.353
        tensor = tensor.flip(-1) if np.random.default_rng().random() < 0.5 else tensor
        return tensor + 0.05 * torch.randn_like(tensor)

    return augmented
"""),
    ("erased patches", ("train_transform",), "transforms",
     """
def train_transform():
    return transforms.Compose([eval_transform(), transforms.RandomErasing(0.5, (0.02, 0.1))])
"""),
    ("random.Random", ("load_random_digit",), "transforms",
     DIGIT.format("return digits[random.Random(seed).randrange(len(digits))]")),
    ("a torch.Generator", ("load_random_digit",), "transforms", DIGIT.format("""generator = torch.Generator()
    generator.seed() if seed is None else generator.manual_seed(seed)
    index = torch.randint(len(digits), (1,), generator=generator).item()
    return digits[index]""")),
    ("numpy's interp", ("tensor_to_image",), "transforms", """
def tensor_to_image(tensor):
    values = np.asarray(tensor, dtype=float)
    values = values[0] if values.ndim == 3 and len(values) == 1 else values
    if values.ndim != 2 or values.size == 0 or not np.isfinite(values).all():
        raise ValueError(f"expected a matrix of finite numbers, got shape {values.shape}")
    low, high = values.min(), values.max()
    grey = np.zeros_like(values) if low == high else np.interp(values, (low, high), (0, 255))
    return Image.fromarray((grey + 0.5).astype(np.uint8), mode=None)
"""),
    ("a figure title", ("show_image",), "transforms", """
def show_image(image):
    figure, axes = plt.subplots()
    axes.imshow(image, cmap="gray")
    figure.suptitle(f"size={image.size} mode={image.mode!r}")
    return figure
"""),
    ("chunks of float32", ("pixel_statistics",), "exploration", """
def pixel_statistics(images):
    total = square = 0.0
    for chunk in images.split(1000):
        scaled = chunk.to(torch.float64).div_(255)
        total += scaled.sum().item()
        square += scaled.square().sum().item()
    mean = total / images.numel()
    return mean, (square / images.numel() - mean**2) ** 0.5
"""),
    ("one float32 copy", ("pixel_statistics",), "exploration", """
def pixel_statistics(images):
    scaled = images.float() / 255
    std, mean = torch.std_mean(scaled, correction=0)
    return float(mean), float(std)
"""),
    ("one-hot labels", ("class_counts", "class_means"), "exploration", """
def class_counts(labels, num_classes):
    return torch.nn.functional.one_hot(labels, num_classes).sum(0)


def class_means(images, labels, num_classes):
    hot = torch.nn.functional.one_hot(labels, num_classes).float()
    sums = torch.einsum("nk,nhw->khw", hot, images.float())
    return sums / (255 * hot.sum(0).clamp(min=1))[:, None, None]
"""),
    ("numpy and scatter", ("class_counts", "class_means"), "exploration", """
def class_counts(labels, num_classes):
    return torch.zeros(num_classes, dtype=torch.int64).scatter_add_(0, labels, torch.ones_like(labels))


def class_means(images, labels, num_classes):
    import numpy as np

    means = np.zeros((num_classes, *images.shape[1:]), dtype=np.float32)
    for label in range(num_classes):
        chosen = images.numpy()[labels.numpy() == label]
        if len(chosen):
            means[label] = chosen.mean(axis=0) / 255
    return torch.from_numpy(means)
"""),
    ("names as titles", ("plot_examples",), "exploration", """
def plot_examples(images, labels, class_names, per_class=5):
    figure = plt.figure(figsize=(per_class, 1.5 * len(class_names)))
    for row, name in enumerate(class_names):
        for column, index in enumerate((labels == row).nonzero().flatten()[:per_class].tolist()):
            axes = figure.add_subplot(len(class_names), per_class, row * per_class + column + 1)
            axes.imshow(images[index], cmap="gray")
            axes.set_title(name)
            axes.axis("off")
    return figure
"""),
]  # fmt: skip
