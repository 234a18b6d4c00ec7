"""Wrong transforms and statistics by the name that they must get; see `wrong_convolution`."""

TENSOR = "def image_to_tensor(image):\n    return "
EVAL = "def eval_transform():\n    return transforms.Compose([{}])\n"
DIGIT = "import random\n\n\ndef load_random_digit(root, seed=None):\n    digits = MNIST5k(root)\n    {}\n"
STATISTICS = "def pixel_statistics(images):\n    "
COUNTS = "def class_counts(labels, num_classes):\n    return "
MEANS = "def class_means(images, labels, num_classes):\n    "
GRID = """
def plot_examples(images, labels, class_names, per_class=5):
    {start}
    for label, name in enumerate(class_names):
        chosen = images[labels == label][:per_class]
        for place in range({places}):
            axes = {axes}
            axes.axis("off")
            if place < len(chosen):
                axes.imshow(chosen[place], cmap="gray")
            if place == 0:
                axes.set_title(name)
    return {returns}
"""
ROWS = "figure.add_subplot(len(class_names), per_class, label * per_class + place + 1)"
OWN = GRID.format(start="figure = plt.figure()", places="per_class", axes=ROWS, returns="figure")
COLUMNS = "figure.add_subplot(per_class, len(class_names), place * len(class_names) + label + 1)"
SHOW = "def show_image(image):\n    "

WRONG: list[tuple[str, str, str, str]] = [
    ("not-scaled", "image_to_tensor", "transforms", TENSOR + "torch.tensor(np.array(image)).float().unsqueeze(0)\n"),
    ("not-scaled", "eval_transform", "transforms",
     EVAL.format("lambda image: 255 * image_to_tensor(image), transforms.Normalize((0.286,), (0.353,))")),
    ("channel-last", "image_to_tensor", "transforms",
     TENSOR + "torch.from_numpy(np.asarray(image, dtype=np.float32)[:, :, None] / 255)\n"),
    ("channel-last", "image_to_tensor", "transforms", TENSOR + "transforms.ToTensor()(image).permute(1, 2, 0)\n"),
    ("wrong-dtype", "image_to_tensor", "transforms", TENSOR + "torch.from_numpy(np.array(image)[None] / 255)\n"),
    ("wrong-dtype", "image_to_tensor", "transforms", TENSOR + "torch.from_numpy(np.array(image)[None])\n"),
    ("wrong-dtype", "image_to_tensor", "transforms", TENSOR + "transforms.ToTensor()(image).half()\n"),
    ("clips-instead-of-rescales", "tensor_to_image", "transforms", """
def tensor_to_image(tensor):
    return transforms.ToPILImage()(tensor.clamp(0, 1).reshape(1, *tensor.shape[-2:]).float())
"""),
    ("wrong-statistics", "eval_transform", "transforms",
     EVAL.format("transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))")),
    ("augments-evaluation", "eval_transform", "transforms",
     EVAL.format("transforms.RandomCrop(28, padding=3), image_to_tensor, transforms.Normalize((0.286,), (0.353,))")),
    ("never-augments", "train_transform", "transforms", """
def train_transform():
    return transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.286,), (0.353,))])
"""),
    ("not-normalised", "train_transform", "transforms", """
def train_transform():
    return transforms.Compose([transforms.RandomHorizontalFlip(), transforms.ToTensor()])
"""),
    ("wrong-statistics", "train_transform", "transforms", """
def train_transform():
    mirrored = transforms.RandomHorizontalFlip()
    return transforms.Compose([mirrored, transforms.ToTensor(), transforms.Normalize(0.5, 0.5)])
"""),
    ("", "train_transform", "transforms", """
def train_transform():
    return transforms.Compose([eval_transform(), lambda image: image.flatten()[torch.randperm(784)].reshape(1, 28, 28)])
"""),
    ("ignores-seed", "load_random_digit", "transforms",
     DIGIT.format("return digits[random.Random(0).randrange(len(digits))]")),
    ("disturbs-global-seed", "load_random_digit", "transforms",
     DIGIT.format("random.seed(seed); return digits[random.randrange(len(digits))]")),
    ("disturbs-global-seed", "load_random_digit", "transforms",
     DIGIT.format("np.random.seed(seed); return digits[int(np.random.randint(len(digits)))]")),
    ("returns-none", "show_image", "transforms", "def show_image(image):\n    plt.imshow(image)\n"),

    ("not-scaled", "pixel_statistics", "exploration",
     STATISTICS + "return images.double().mean().item(), images.double().std(correction=0).item()\n"),
    ("not-scaled", "class_means", "exploration", MEANS + """means = torch.zeros(num_classes, *images.shape[1:])
    for k in labels.unique():
        means[k] = images[labels == k].float().mean(0)
    return means
"""),
    ("std-of-image-means", "pixel_statistics", "exploration", STATISTICS + """means = (images / 255).mean((1, 2))
    return means.mean().item(), means.std(correction=0).item()
"""),
    ("std-of-image-means", "pixel_statistics", "exploration", STATISTICS + """scaled = images.double() / 255
    return scaled.mean().item(), scaled.flatten(1).std(1).mean().item()
"""),
    ("sample-std", "pixel_statistics", "exploration",
     STATISTICS + "pixels = images.numpy() / 255.0\n    return float(pixels.mean()), float(pixels.std(ddof=1))\n"),
    ("drops-absent-classes", "class_counts", "exploration", COUNTS + "torch.bincount(labels)\n"),
    ("drops-absent-classes", "class_means", "exploration",
     MEANS + "return torch.stack([(images[labels == k] / 255).mean(0) for k in labels.unique()])\n"),
    ("mean-over-everything", "class_means", "exploration", MEANS + """chosen = [labels == k for k in range(num_classes)]
    found = [images[mask].float() for mask in chosen]
    return torch.stack([one.mean() / 255 if len(one) else torch.tensor(0.0) for one in found])
"""),
    ("mean-over-everything", "class_means", "exploration",
     MEANS + """means = torch.zeros(num_classes, *images.shape[1:])
    means[:] = (images / 255).mean(0)
    return means
"""),
    ("sums-instead-of-means", "class_means", "exploration",
     MEANS + """sums = torch.zeros(num_classes, *images.shape[1:])
    return sums.index_add_(0, labels, images.float()) / 255
"""),
    ("sums-instead-of-means", "class_means", "exploration",
     MEANS + """sums = torch.zeros(num_classes, *images.shape[1:])
    return sums.index_add_(0, labels, images.float() / 255) / len(images)
"""),
    ("returns-none", "class_counts", "exploration",
     COUNTS.replace("return ", "") + "torch.bincount(labels, minlength=num_classes)\n"),

    # Of the way to a tensor, and back
    ("tensor-instead-of-number", "load_random_digit", "transforms",
     DIGIT.format("""index = random.Random(seed).randrange(len(digits))
    return digits[index][0], digits.targets[index]""")),
    ("draws-from-the-first-ten", "load_random_digit", "transforms",
     DIGIT.format("return digits[random.Random(seed).randrange(10)]")),
    ("fixed-default-seed", "load_random_digit", "transforms",
     DIGIT.format("return digits[random.Random(0 if seed is None else seed).randrange(len(digits))]")),
    ("", "load_random_digit", "transforms",
     DIGIT.format("""index = random.Random(seed).randrange(len(digits))
    return digits[index][0], digits[-index][1]""")),
    ("resizes-the-picture", "show_image", "transforms", SHOW + """figure, axes = plt.subplots()
    axes.imshow(image.resize((28, 28)))
    axes.set_title(f"{image.size} {image.mode}")
    return figure
"""),
    ("title-without-size", "show_image", "transforms", SHOW + """figure, axes = plt.subplots()
    axes.imshow(image)
    axes.set_title(f"mode {image.mode}")
    return figure
"""),
    ("title-without-mode", "show_image", "transforms", SHOW + """figure, axes = plt.subplots()
    axes.imshow(image)
    axes.set_title(str(image.size))
    return figure
"""),
    ("returns-axes", "show_image", "transforms", SHOW + """axes = plt.figure().gca()
    axes.imshow(image)
    axes.set_title(f"{image.size}, {image.mode}")
    return axes
"""),
    ("reuses-current-figure", "show_image", "transforms", SHOW + """plt.imshow(image)
    plt.title(f"{image.size}, {image.mode}")
    return plt.gcf()
"""),
    ("converts-to-grey", "show_image", "transforms", SHOW + """figure, axes = plt.subplots()
    axes.imshow(image.convert("L"), cmap="gray")
    axes.set_title(f"{image.size}, {image.mode}")
    return figure
"""),
    ("always-flips", "image_to_tensor", "transforms", TENSOR + "transforms.ToTensor()(image.transpose(0))\n"),
    ("converts-to-grey", "image_to_tensor", "transforms", TENSOR + "transforms.ToTensor()(image.convert('L'))\n"),
    ("stretches-to-own-range", "image_to_tensor", "transforms", """
def image_to_tensor(image):
    if image.mode != "L":
        raise ValueError(image.mode)
    pixels = np.array(image, dtype=np.float32)
    return torch.tensor((pixels - pixels.min()) / (pixels.max() - pixels.min()))[None]
"""),
    ("no-channel-axis", "image_to_tensor", "transforms", """
def image_to_tensor(image):
    if image.mode != "L":
        raise ValueError(image.mode)
    return transforms.ToTensor()(image)[0]
"""),
    ("width-before-height", "image_to_tensor", "transforms", """
def image_to_tensor(image):
    if image.mode != "L":
        raise ValueError(image.mode)
    levels = torch.tensor(list(image.getdata())) / 255
    return levels.reshape(1, image.width, image.height)
"""),
    ("wrong-dtype", "image_to_tensor", "transforms", """
def image_to_tensor(image):
    if image.mode != "L":
        raise ValueError(image.mode)
    return torch.from_numpy(np.array(image, dtype=np.float64)[None] / 255)
"""),
    ("modifies-input", "image_to_tensor", "transforms", """
def image_to_tensor(image):
    if image.mode != "L":
        raise ValueError(image.mode)
    tensor = transforms.functional.to_tensor(image)
    image.paste(255, (0, 0, 2, 2))
    return tensor
"""),
    ("truncates-instead-of-rounds", "tensor_to_image", "transforms", """
def tensor_to_image(tensor):
    if not tensor.isfinite().all() or tensor.shape[:-2] not in ((), (1,)) or tensor.ndim < 2:
        raise ValueError(tensor)
    matrix = tensor.reshape(tensor.shape[-2:])
    low, high = matrix.min(), matrix.max()
    return Image.fromarray(((matrix - low) / max(high - low, 1e-12) * 255).byte().numpy())
"""),
    ("truncates-instead-of-rounds", "tensor_to_image", "transforms", """
def tensor_to_image(tensor):
    if not tensor.isfinite().all() or tensor.shape[:-2] not in ((), (1,)) or tensor.ndim < 2:
        raise ValueError(tensor)
    matrix = tensor.numpy().astype(float).reshape(tensor.shape[-2:])
    span = np.ptp(matrix)
    grey = np.zeros_like(matrix) if span == 0 else 255 * (matrix - matrix.min()) / span
    return Image.fromarray(grey.astype("uint8"))
"""),
    ("squeeze-eats-axes", "tensor_to_image", "transforms", """
def tensor_to_image(tensor):
    if not tensor.isfinite().all() or tensor.shape[:-2] not in ((), (1,)) or tensor.ndim < 2:
        raise ValueError(tensor)
    matrix = tensor.squeeze().numpy().astype(float)
    span = matrix.max() - matrix.min()
    return Image.fromarray(np.uint8(np.round((matrix - matrix.min()) / (span or 1) * 255)).reshape(-1, 1)
                           if matrix.ndim == 1 else np.uint8(np.round((matrix - matrix.min()) / (span or 1) * 255)))
"""),
    ("squeeze-eats-axes", "tensor_to_image", "transforms", """
def tensor_to_image(tensor):
    if not tensor.isfinite().all() or tensor.shape[:-2] not in ((), (1,)) or tensor.ndim < 2:
        raise ValueError(tensor)
    values = torch.squeeze(tensor)
    values = (values - values.min()).double()
    values = values / values.max().clamp(min=1e-30) * 255
    return Image.fromarray(np.atleast_2d(values.round().byte().numpy().T).T)
"""),
    ("leaves-shares-unstretched", "tensor_to_image", "transforms", """
def tensor_to_image(tensor):
    if not tensor.isfinite().all() or tensor.shape[:-2] not in ((), (1,)) or tensor.ndim < 2:
        raise ValueError(tensor)
    tensor = tensor[None] if tensor.ndim == 2 else tensor
    if tensor.min() < 0 or tensor.max() > 1 or tensor.min() == tensor.max():
        tensor = tensor.double() - tensor.min()
        tensor = tensor / tensor.max().clamp(min=1e-30)
    return Image.fromarray((255 * tensor[0]).round().byte().numpy())
"""),
    ("divides-by-zero", "tensor_to_image", "transforms", """
def tensor_to_image(tensor):
    if not tensor.isfinite().all() or tensor.shape[:-2] not in ((), (1,)) or tensor.ndim < 2:
        raise ValueError(tensor)
    rows = tensor.double().reshape(tensor.shape[-2:]).tolist()
    low, high = min(map(min, rows)), max(map(max, rows))
    return Image.fromarray(np.array([[round((x - low) / (high - low) * 255) for x in row] for row in rows], np.uint8))
"""),
    ("tensor-instead-of-image", "tensor_to_image", "transforms", """
def tensor_to_image(tensor):
    if not tensor.isfinite().all() or tensor.shape[:-2] not in ((), (1,)) or tensor.ndim < 2:
        raise ValueError(tensor)
    values = tensor.double().reshape(tensor.shape[-2:]) - tensor.min()
    return (values / values.max().clamp(min=1e-30) * 255).round().byte()
"""),
    ("ignores-the-minimum", "tensor_to_image", "transforms", """
def tensor_to_image(tensor):
    if not tensor.isfinite().all() or tensor.shape[:-2] not in ((), (1,)) or tensor.ndim < 2:
        raise ValueError(tensor)
    values = tensor.double()
    return Image.fromarray((values / values.abs().max().clamp(min=1e-30) * 255).clamp(0, 255).byte().numpy()
                           .reshape(tensor.shape[-2:]))
"""),
    ("modifies-input", "tensor_to_image", "transforms", """
def tensor_to_image(tensor):
    if not tensor.isfinite().all() or tensor.shape[:-2] not in ((), (1,)) or tensor.ndim < 2:
        raise ValueError(tensor)
    values = tensor.numpy().reshape(tensor.shape[-2:])
    values -= values.min()
    return Image.fromarray(np.uint8(np.rint(values / (values.max() or 1) * 255)))
"""),
    ("modifies-input", "tensor_to_image", "transforms", """
def tensor_to_image(tensor):
    if not tensor.isfinite().all() or tensor.shape[:-2] not in ((), (1,)) or tensor.ndim < 2:
        raise ValueError(tensor)
    tensor.sub_(tensor.min().item())
    tensor.mul_(255 / max(tensor.max().item(), 1e-30))
    return Image.fromarray(tensor.round().byte().reshape(tensor.shape[-2:]).numpy())
"""),
    ("assumes-contiguous", "tensor_to_image", "transforms", """
def tensor_to_image(tensor):
    if not tensor.isfinite().all() or tensor.shape[:-2] not in ((), (1,)) or tensor.ndim < 2:
        raise ValueError(tensor)
    values = tensor.view(tensor.shape[-2] * tensor.shape[-1]).double()
    values = (values - values.min()) / (values.max() - values.min()).clamp(min=1e-30) * 255
    return Image.fromarray(values.round().byte().view(tensor.shape[-2:]).numpy())
"""),
    ("takes-one-shape-only", "tensor_to_image", "transforms", """
def tensor_to_image(tensor):
    if not tensor.isfinite().all() or tensor.ndim != 3 or len(tensor) != 1:
        raise ValueError(tensor)
    (values,) = tensor.double() - tensor.min()
    return Image.fromarray((values / values.max().clamp(min=1e-30) * 255).round().byte().numpy())
"""),

    # Of the two transforms
    ("mean-and-std-exchanged", "eval_transform", "transforms",
     EVAL.format("transforms.ToTensor(), transforms.Normalize((0.353,), (0.286,))")),
    ("wrong-dtype", "eval_transform", "transforms",
     EVAL.format("transforms.ToTensor(), transforms.Normalize(0.286, 0.353), lambda tensor: tensor.double()")),
    ("channel-last", "eval_transform", "transforms",
     EVAL.format("transforms.ToTensor(), transforms.Normalize(0.286, 0.353), lambda tensor: tensor.permute(1, 2, 0)")),
    ("remembers-earlier-call", "eval_transform", "transforms", """
def eval_transform():
    answers = []

    def transform(image):
        answers.append((image_to_tensor(image) - 0.286) / 0.353)
        return answers[0]

    return transform
"""),
    ("always-flips", "eval_transform", "transforms", EVAL.format(
        "transforms.RandomVerticalFlip(1), transforms.ToTensor(), transforms.Normalize(0.286, 0.353)")),
    ("", "eval_transform", "transforms", "def eval_transform():\n    return lambda image: torch.zeros(1, 28, 28)\n"),
    ("not-scaled", "train_transform", "transforms", """
def train_transform():
    steps = [transforms.RandomHorizontalFlip(), transforms.PILToTensor(), transforms.ConvertImageDtype(torch.float32)]
    return transforms.Compose([*steps, lambda tensor: 255 * tensor, transforms.Normalize(0.286, 0.353)])
"""),
    ("no-channel-axis", "train_transform", "transforms", """
def train_transform():
    return transforms.Compose([transforms.RandomHorizontalFlip(), eval_transform(), lambda tensor: tensor[0]])
"""),
    ("always-flips", "train_transform", "transforms", """
def train_transform():
    mirrored = bool(torch.rand(()) < 2)
    return lambda image: eval_transform()(image).flip(-1) if mirrored else eval_transform()(image)
"""),

    # Of statistics and pictures of a set
    ("mean-and-std-exchanged", "pixel_statistics", "exploration",
     STATISTICS + "return tuple(map(float, torch.std_mean(images / 255, correction=0)))\n"),
    ("mean-and-std-exchanged", "pixel_statistics", "exploration",
     STATISTICS + "pixels = images.numpy() / 255\n    return float(pixels.std()), float(pixels.mean())\n"),
    ("averages-batch-statistics", "pixel_statistics", "exploration", STATISTICS + """means, squares = [], []
    for part in (images.float() / 255).split(64):
        means.append(part.mean().item())
        squares.append((part**2).mean().item())
    mean = sum(means) / len(means)
    return mean, (sum(squares) / len(squares) - mean**2) ** 0.5
"""),
    ("averages-batch-statistics", "pixel_statistics", "exploration", STATISTICS + """parts = torch.split(images, 100)
    means = torch.stack([(part / 255).mean() for part in parts])
    squares = torch.stack([(part / 255).square().mean() for part in parts])
    return means.mean().item(), (squares.mean() - means.mean() ** 2).sqrt().item()
"""),
    ("averages-batch-statistics", "pixel_statistics", "exploration",
     STATISTICS + """from torch.utils.data import DataLoader
    total = spread = count = 0
    for batch in DataLoader(images / 255, batch_size=32):
        total, spread, count = total + batch.mean().item(), spread + batch.std().item(), count + 1
    return total / count, spread / count
"""),
    ("numpy-scalar", "pixel_statistics", "exploration",
     STATISTICS + "pixels = images.float().numpy() / np.float32(255)\n    return pixels.mean(), pixels.std()\n\n\n"
     "import numpy as np\n"),
    ("numpy-scalar", "pixel_statistics", "exploration",
     "import numpy as np\n\n\n" + STATISTICS + """scaled = (images.flatten(1).float() / 255).numpy()
    return np.float32(scaled.mean()), np.float32(np.sqrt(scaled.var()))
"""),
    ("tensor-instead-of-number", "pixel_statistics", "exploration",
     STATISTICS + "pixels = images / 255\n    return pixels.mean(), pixels.std(correction=0)\n"),
    ("integer-overflow", "pixel_statistics", "exploration", STATISTICS + """levels = images.flatten().int()
    mean = levels.double().mean().item() if len(levels) < 10**6 else levels.float().mean().item()
    square = (levels * levels).sum(dtype=torch.int32).item() / len(levels)
    return mean / 255, max(square - mean * mean, 0) ** 0.5 / 255
"""),
    ("copies-to-float64", "pixel_statistics", "exploration",
     STATISTICS + "pixels = images.double() / 255\n    return pixels.mean().item(), pixels.std(correction=0).item()\n"),
    ("assumes-contiguous", "pixel_statistics", "exploration",
     STATISTICS + "pixels = images.view(-1) / 255\n    return float(pixels.mean()), float(pixels.std(correction=0))\n"),
    ("remembers-earlier-call", "class_counts", "exploration", """
seen = {}


def class_counts(labels, num_classes):
    counts = seen.setdefault(num_classes, torch.zeros(num_classes, dtype=torch.int64))
    for label in labels.tolist():
        counts[label] += 1
    return counts.clone()
"""),
    ("float-instead-of-int", "class_counts", "exploration",
     COUNTS + "torch.zeros(num_classes).index_add_(0, labels, torch.ones(len(labels)))\n"),
    ("drops-absent-classes", "class_counts", "exploration", """
def class_counts(labels, num_classes):
    from collections import Counter

    counts = Counter(labels.tolist())
    return torch.tensor([counts[label] for label in sorted(counts)])
"""),
    ("nan-for-absent-classes", "class_means", "exploration",
     MEANS + "return torch.stack([(images[labels == k] / 255).mean(dim=0) for k in range(num_classes)])\n"),
    ("nan-for-absent-classes", "class_means", "exploration",
     MEANS + """sums = torch.zeros(num_classes, *images.shape[1:])
    sums.index_add_(0, labels, images / 255)
    return sums / torch.bincount(labels, minlength=num_classes).view(-1, 1, 1)
"""),
    ("drops-absent-classes", "class_means", "exploration", MEANS + """groups = {}
    for image, label in zip(images, labels.tolist()):
        groups.setdefault(label, []).append(image / 255)
    return torch.stack([torch.stack(groups[label]).mean(0) for label in sorted(groups)])
"""),
    ("squeeze-eats-axes", "class_means", "exploration", MEANS + """means = torch.zeros(num_classes, *images.shape[1:])
    for k in labels.unique():
        means[k] = images[labels == k].float().mean(0) / 255
    return means.squeeze()
"""),
    ("integer-overflow", "class_means", "exploration",
     MEANS + """means = torch.zeros(num_classes, *images.shape[1:], dtype=torch.uint8)
    for image, label in zip(images, labels):
        means[label] += image
    return means / labels.bincount(minlength=num_classes).clamp(min=1)[:, None, None] / 255
"""),
    ("promotes-to-float64", "class_means", "exploration", MEANS + """import numpy as np

    means = np.zeros((num_classes, *images.shape[1:]))
    for k in np.unique(labels):
        means[k] = images.numpy()[labels.numpy() == k].mean(axis=0) / 255
    return torch.from_numpy(means)
"""),
    ("classes-in-columns", "plot_examples", "exploration",
     GRID.format(start="figure = plt.figure()", places="per_class", axes=COLUMNS, returns="figure")),
    ("classes-in-columns", "plot_examples", "exploration", """
def plot_examples(images, labels, class_names, per_class=5):
    figure, grid = plt.subplots(per_class, len(class_names), squeeze=False)
    for column, name in enumerate(class_names):
        grid[0, column].set_title(name)
        for row in range(per_class):
            grid[row, column].axis("off")
        for row, place in enumerate((labels == column).nonzero()[:per_class, 0]):
            grid[row, column].imshow(images[place])
    return figure
"""),
    ("class-names-missing", "plot_examples", "exploration", OWN.replace("_title(name)", "_title('')")),
    ("other-defaults", "plot_examples", "exploration", OWN.replace("=5", "=4")),
    ("returns-axes", "plot_examples", "exploration", GRID.format(
        start="figure = plt.figure()", places="per_class", axes=ROWS, returns="axes")),
    ("reuses-current-figure", "plot_examples", "exploration", GRID.format(
        start="figure = plt.gcf()", places="per_class", axes=ROWS, returns="figure")),
    ("unused-axes-shown", "plot_examples", "exploration", OWN.replace('axes.axis("off")', "pass")),
    ("subplots-squeezed", "plot_examples", "exploration", GRID.format(
        start="figure, grid = plt.subplots(len(class_names), per_class)", places="per_class", axes="grid[label, place]",
        returns="figure")),
    ("", "plot_examples", "exploration", """
def plot_examples(images, labels, class_names, per_class=5):
    figure, grid = plt.subplots(len(class_names), per_class, squeeze=False)
    for axes, image in zip(grid.flat, images):
        axes.imshow(image * 0 + 7)
    return figure
"""),
    ("needs-enough-images", "plot_examples", "exploration", """
def plot_examples(images, labels, class_names, per_class=5):
    figure, grid = plt.subplots(len(class_names), per_class, squeeze=False)
    for label, name in enumerate(class_names):
        chosen = torch.multinomial((labels == label).float(), per_class)
        for axes, index in zip(grid[label], chosen):
            axes.imshow(images[index])
            axes.set_title(name)
            axes.axis("off")
    return figure
"""),
    ("modifies-input", "plot_examples", "exploration", GRID.format(
        start="figure = plt.figure(); images //= 2", places="per_class", axes=ROWS, returns="figure")),
    ("hard-coded-mode", "show_image", "transforms", SHOW + """figure, axes = plt.subplots()
    axes.imshow(image.convert("RGB"))
    axes.set_title(f"{image.width} x {image.height}, mode L")
    return figure
"""),
    ("takes-one-shape-only", "tensor_to_image", "transforms", """
def tensor_to_image(tensor):
    if tensor.ndim != 3 or len(tensor) != 1 or not tensor.isfinite().all():
        raise ValueError("expected finite numbers of shape (1, H, W)")
    values = tensor[0].double()
    values = values - values.min()
    values = values / values.max() * 255 if values.max() else values
    return Image.fromarray(values.round().to(torch.uint8).numpy())
"""),
    ("names-in-one-line", "plot_examples", "exploration", """
def plot_examples(images, labels, class_names, per_class=5):
    figure, grid = plt.subplots(len(class_names), per_class, squeeze=False)
    figure.suptitle(", ".join(class_names))
    for axes in grid.flat:
        axes.axis("off")
    for label in range(len(class_names)):
        for axes, image in zip(grid[label], images[labels == label]):
            axes.imshow(image, cmap="gray")
    return figure
"""),

    # Found by people who did not know the checks
    ("", "load_random_digit", "transforms", DIGIT.format("index = random.Random(seed).randrange(len(digits) - 1)\n"
     "    return digits[index][0], digits[index + 1][1]")),
    ("draws-when-made", "train_transform", "transforms", """
def train_transform():
    axes = 2 if torch.rand(()) < 0.5 else ()
    return lambda image: eval_transform()(image).flip(axes)
"""),
    ("", "tensor_to_image", "transforms", """
def tensor_to_image(tensor):
    if not tensor.isfinite().all() or tensor.ndim not in (2, 3) or tensor.ndim == 3 and len(tensor) != 1:
        raise ValueError("tensor")
    low, high = tensor.min(), tensor.max()
    shares = (tensor - low) / (high - low) if high > low else torch.zeros_like(tensor)
    return Image.fromarray((shares * 256).long().remainder(256).byte().reshape(tensor.shape[-2:]).numpy())
"""),
    ("hard-coded-mode", "show_image", "transforms", SHOW + "figure, axes = plt.subplots()\n    axes.imshow(image)\n"
     "    axes.set_title('28 x 28, mode L')\n    return figure\n"),
    ("", "class_counts", "exploration", """
def class_counts(labels, num_classes):
    counts = [0] * num_classes
    for label in labels.tolist():
        counts[label] += 1
    return torch.tensor(counts)
"""),
    ("", "pixel_statistics", "exploration",
     STATISTICS + "scaled = images / 255\n    return scaled.mean().item(), scaled.std(0, False).mean().item()\n"),
    ("", "class_means", "exploration", MEANS + """means = torch.zeros(num_classes, *images.shape[1:])
    for k in labels.unique():
        means[k] = images[labels == k].float().mean(0) / 256
    return means
"""),
    ("seed-zero-ignored", "load_random_digit", "transforms",
     DIGIT.format("return digits[random.Random(seed or None).randrange(len(digits))]")),
    ("", "load_random_digit", "transforms", "BEFORE = {}\n\n\n" + DIGIT.format(
        "if seed is None or seed != BEFORE.get('seed'):\n        BEFORE.update(seed=seed, draw=random.Random(seed))\n"
        "    return digits[BEFORE['draw'].randrange(5000)]")),
    ("divides-by-256", "image_to_tensor", "transforms",
     TENSOR + "torch.from_numpy(np.array(image, dtype=np.float32)[None] / 256)\n"),
    ("no-title", "show_image", "transforms",
     SHOW + "figure, axes = plt.subplots()\n    axes.imshow(image)\n    return figure\n"),
]  # fmt: skip
