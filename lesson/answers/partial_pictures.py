"""Partly right transforms and statistics: (title, task, least points, most points, module, code).

What a teacher would give was decided before any of them was graded.
"""

DIGIT = "import random\n\n\ndef load_random_digit(root, seed=None):\n    digits = MNIST5k(root)\n    {}\n"
SHOW = "def show_image(image):\n    {}\n    axes.imshow(image)\n    {}\n    return {}\n"
TENSOR = "def image_to_tensor(image):\n    return "
BACK = "def tensor_to_image(tensor):\n    {}\n    return {}\n"
EVAL = "def eval_transform():\n    return {}\n"
TRAIN = "def train_transform():\n    return transforms.Compose([{}])\n"
STATISTICS = "def pixel_statistics(images):\n    "
COUNTS = "def class_counts(labels, num_classes):\n    "
MEANS = "def class_means(images, labels, num_classes):\n    "
NORMALISE = "transforms.ToTensor(), transforms.Normalize(0.2860, 0.3530)"
EXAMPLES = """
def plot_examples(images, labels, class_names, per_class=5):
    figure, grid = plt.subplots({})
    for label, name in enumerate(class_names):
        for place, image in enumerate(images[labels == label][:per_class]):
            {}
    return figure
"""

PARTIAL: list[tuple[str, str, float, float, str, str]] = [
    ("plainest", "load_random_digit", 2.4, 3, "transforms", DIGIT.format(
        "return digits[random.Random(seed).randrange(5000)]")),
    ("the seed is ignored", "load_random_digit", 1.5, 2.3, "transforms", DIGIT.format(
        "return digits[random.SystemRandom().randrange(len(digits))]")),
    ("always the same digit", "load_random_digit", 0.8, 2, "transforms", DIGIT.format("return digits[7]")),
    ("the global generators are seeded", "load_random_digit", 2, 2.7, "transforms", DIGIT.format(
        "random.seed(seed)\n    return random.choice(digits)")),
    ("only the first ten are drawn", "load_random_digit", 2, 2.7, "transforms", DIGIT.format(
        "return digits[random.Random(seed).randint(0, 9)]")),
    ("the label is a tensor", "load_random_digit", 2.5, 2.95, "transforms", DIGIT.format(
        "index = random.Random(seed).randrange(5000)\n    return digits[index][0], digits.targets[index]")),
    ("the image is normalised already", "load_random_digit", 0, 1, "transforms", DIGIT.format(
        "image, label = digits[random.Random(seed).randrange(5000)]\n    return image.resize((32, 32)), label")),

    ("plainest", "show_image", 1.6, 2, "transforms", SHOW.format(
        "figure, axes = plt.subplots()", "axes.set_title(f'{image.size} {image.mode}')", "figure")),
    ("without a title", "show_image", 0.8, 1.4, "transforms", SHOW.format(
        "figure, axes = plt.subplots()", "axes.axis('off')", "figure")),
    ("without the mode", "show_image", 1.3, 1.8, "transforms", SHOW.format(
        "figure, axes = plt.subplots()", "axes.set_title(image.size)", "figure")),
    ("without the size", "show_image", 1.2, 1.7, "transforms", SHOW.format(
        "figure, axes = plt.subplots()", "axes.set_title(image.mode)", "figure")),
    ("the axes are returned", "show_image", 1.5, 1.9, "transforms", SHOW.format(
        "axes = plt.figure().add_subplot()", "axes.set_title(f'{image.size} {image.mode}')", "axes")),
    ("drawn over the last picture", "show_image", 1.5, 1.9, "transforms", SHOW.format(
        "axes = plt.gca()", "axes.set_title(f'{image.size} {image.mode}')", "plt.gcf()")),
    ("shown and not returned", "show_image", 0, 0.5, "transforms", SHOW.format(
        "figure, axes = plt.subplots()", "axes.set_title(f'{image.size} {image.mode}')", "plt.show()")),

    ("plainest", "image_to_tensor", 2.4, 3, "transforms", TENSOR + "transforms.ToTensor()(image)\n"),
    ("numpy's float64", "image_to_tensor", 2.2, 2.8, "transforms",
     TENSOR + "torch.tensor(np.array(image) / 255).unsqueeze(0)\n"),
    ("not divided", "image_to_tensor", 1, 2, "transforms", TENSOR + "transforms.PILToTensor()(image).float()\n"),
    ("bytes", "image_to_tensor", 0.8, 1.7, "transforms", TENSOR + "transforms.functional.pil_to_tensor(image)\n"),
    ("channels at the end", "image_to_tensor", 1.5, 2.3, "transforms",
     TENSOR + "torch.tensor(np.array(image)).float().unsqueeze(-1) / 255\n"),
    ("without a channel", "image_to_tensor", 1.5, 2.3, "transforms",
     TENSOR + "torch.tensor(np.array(image)).float() / 255\n"),
    ("stretched to its own range", "image_to_tensor", 0.8, 2, "transforms", """
def image_to_tensor(image):
    tensor = transforms.ToTensor()(image)
    tensor -= tensor.min()
    return tensor / tensor.max()
"""),
    ("right for squares alone", "image_to_tensor", 1.2, 2.3, "transforms",
     TENSOR + "torch.tensor(list(image.getdata())).float().view(1, *image.size) / 255\n"),
    ("rows and columns exchanged", "image_to_tensor", 0, 1, "transforms",
     TENSOR + "transforms.ToTensor()(image).transpose(1, 2)\n"),

    ("plainest", "tensor_to_image", 3.2, 4, "transforms", BACK.format(
        "values = (tensor - tensor.min()) / (tensor.max() - tensor.min())",
        "Image.fromarray((values.reshape(tensor.shape[-2:]) * 255).round().numpy().astype(np.uint8))")),
    ("truncated", "tensor_to_image", 2.9, 3.7, "transforms", BACK.format(
        "values = (tensor - tensor.min()) / (tensor.max() - tensor.min())",
        "Image.fromarray((values.reshape(tensor.shape[-2:]) * 255).byte().numpy())")),
    ("cut off", "tensor_to_image", 0, 0.8, "transforms", BACK.format(
        "values = tensor.reshape(tensor.shape[-2:]).clip(0, 255)", "Image.fromarray(values.byte().numpy())")),
    ("divided by the largest", "tensor_to_image", 0, 1, "transforms", BACK.format(
        "values = tensor.reshape(tensor.shape[-2:]).double()",
        "Image.fromarray((values / values.max() * 255).int().byte().numpy())")),
    ("matrices alone", "tensor_to_image", 2.6, 3.6, "transforms", BACK.format(
        "height, width = tensor.shape\n    values = (tensor - tensor.min()) / (tensor.max() - tensor.min())",
        "Image.fromarray((values * 255).round().byte().numpy())")),
    ("channels alone", "tensor_to_image", 2.6, 3.6, "transforms", BACK.format(
        "channels, height, width = tensor.shape\n    values = (tensor - tensor.min()) / (tensor.max() - tensor.min())",
        "Image.fromarray((values[0] * 255).round().byte().numpy())")),
    ("every axis of 1 squeezed", "tensor_to_image", 2.8, 3.6, "transforms", BACK.format(
        "values = tensor.squeeze()\n    values = (values - values.min()) / (values.max() - values.min()) * 255",
        "Image.fromarray(values.round().numpy().astype('uint8'))")),
    ("an array in place of a picture", "tensor_to_image", 2.3, 3.4, "transforms", BACK.format(
        "values = (tensor - tensor.min()) / (tensor.max() - tensor.min())",
        "(values * 255).round().numpy().astype(np.uint8)")),
    ("a constant is an error", "tensor_to_image", 2.8, 3.7, "transforms", BACK.format(
        "low, high = tensor.min().item(), tensor.max().item()\n    scale = 255 / (high - low)",
        "Image.fromarray(((tensor.reshape(tensor.shape[-2:]) - low) * scale).round().byte().numpy())")),
    ("in place", "tensor_to_image", 2.8, 3.7, "transforms", BACK.format(
        "tensor -= tensor.min().item()\n    tensor /= tensor.max().clamp(min=1e-9).item()",
        "Image.fromarray((tensor.reshape(tensor.shape[-2:]) * 255).round().byte().numpy())")),

    ("plainest", "eval_transform", 1.6, 2, "transforms", EVAL.format(f"transforms.Compose([{NORMALISE}])")),
    ("not normalised", "eval_transform", 0.8, 1.5, "transforms", EVAL.format("transforms.ToTensor()")),
    ("normalised with other constants", "eval_transform", 0.9, 1.5, "transforms", EVAL.format(
        "transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])")),
    ("augmented", "eval_transform", 0.5, 1.2, "transforms", EVAL.format(
        f"transforms.Compose([transforms.RandomHorizontalFlip(), {NORMALISE}])")),
    ("without a channel", "eval_transform", 1.3, 1.8, "transforms", EVAL.format(
        "lambda image: (torch.tensor(np.array(image)).float() / 255 - 0.286) / 0.353")),
    ("numpy's float64", "eval_transform", 1.5, 1.9, "transforms", EVAL.format(
        "lambda image: torch.from_numpy((np.array(image)[None] / 255 - 0.286) / 0.353)")),
    ("remembers the first picture", "eval_transform", 0.5, 1.4, "transforms", """
def eval_transform():
    first = {}
    return lambda image: first.setdefault(0, transforms.functional.to_tensor(image).sub(0.286).div(0.353))
"""),

    ("plainest", "train_transform", 1.6, 2, "transforms",
     TRAIN.format(f"transforms.RandomHorizontalFlip(), {NORMALISE}")),
    ("never augmented", "train_transform", 0.6, 1.2, "transforms", TRAIN.format(NORMALISE)),
    ("not normalised", "train_transform", 0.9, 1.6, "transforms", TRAIN.format(
        "transforms.RandomHorizontalFlip(), transforms.ToTensor()")),
    ("without a channel", "train_transform", 1.3, 1.8, "transforms", TRAIN.format(
        f"transforms.RandomHorizontalFlip(), {NORMALISE}, torch.squeeze")),
    ("upside down and turned", "train_transform", 0, 0.8, "transforms", TRAIN.format(
        f"transforms.RandomRotation((80, 280)), {NORMALISE}")),
    ("other constants", "train_transform", 1, 1.6, "transforms", TRAIN.format(
        "transforms.RandomCrop(28, 2), transforms.ToTensor(), transforms.Normalize([0.1307], [0.3081])")),

    ("plainest", "pixel_statistics", 2.4, 3, "exploration",
     STATISTICS + "pixels = images.numpy() / 255\n    return pixels.mean(), pixels.std()\n"),
    ("a sample's deviation", "pixel_statistics", 2.4, 2.9, "exploration",
     STATISTICS + "pixels = images.float() / 255\n    return pixels.mean().item(), pixels.std().item()\n"),
    ("tensors", "pixel_statistics", 2.4, 2.9, "exploration",
     STATISTICS + "pixels = images.float() / 255\n    return pixels.mean(), pixels.std(unbiased=False)\n"),
    ("not divided by 255", "pixel_statistics", 1.5, 2.3, "exploration",
     STATISTICS + "pixels = images.float()\n    return pixels.mean().item(), pixels.std(unbiased=False).item()\n"),
    ("the mean of the images' deviations", "pixel_statistics", 1, 2, "exploration", STATISTICS
     + "pixels = images.flatten(1) / 255\n    return pixels.mean().item(), pixels.std(1).mean().item()\n"),
    ("the deviation first", "pixel_statistics", 0.8, 2, "exploration",
     STATISTICS + "std, mean = torch.std_mean(images / 255, correction=0)\n    return std.item(), mean.item()\n"),
    ("the variance", "pixel_statistics", 1, 2, "exploration", STATISTICS
     + "pixels = images.float() / 255\n    return pixels.mean().item(), pixels.var(unbiased=False).item()\n"),
    ("batches averaged", "pixel_statistics", 1.5, 2.4, "exploration", STATISTICS
     + """parts = [part / 255 for part in images.split(64)]
    mean = sum(part.mean().item() for part in parts) / len(parts)
    return mean, sum(part.std().item() for part in parts) / len(parts)
"""),

    ("plainest", "class_counts", 1.6, 2, "exploration",
     COUNTS + "return torch.bincount(labels, minlength=num_classes)\n"),
    ("absent classes dropped", "class_counts", 0.8, 1.4, "exploration",
     COUNTS + "return labels.unique(return_counts=True)[1]\n"),
    ("as floats", "class_counts", 1.5, 1.9, "exploration",
     COUNTS + "return torch.histc(labels.float(), num_classes, 0, num_classes - 1)\n"),
    ("as a list", "class_counts", 1, 1.7, "exploration",
     COUNTS + "return [(labels == label).sum().item() for label in range(num_classes)]\n"),
    ("goes on counting", "class_counts", 0.6, 1.5, "exploration", """
total = {}


def class_counts(labels, num_classes):
    for label in labels.tolist():
        total[label] = total.get(label, 0) + 1
    return torch.tensor([total.get(label, 0) for label in range(num_classes)])
"""),

    ("plainest", "class_means", 2.4, 3, "exploration", MEANS + """means = torch.zeros(num_classes, *images.shape[1:])
    for label in range(num_classes):
        if (labels == label).any():
            means[label] = images[labels == label].double().mean(0) / 255
    return means
"""),
    ("numpy's float64", "class_means", 2.4, 2.9, "exploration",
     MEANS + """means = torch.zeros(num_classes, *images.shape[1:], dtype=torch.float64)
    for label in labels.unique():
        means[label] = torch.from_numpy(images[labels == label].numpy().mean(0) / 255)
    return means
"""),
    ("not divided by 255", "class_means", 1.5, 2.4, "exploration",
     MEANS + """means = torch.zeros(num_classes, *images.shape[1:])
    for label in labels.unique():
        means[label] = images[labels == label].float().mean(0)
    return means
"""),
    ("NaN for absent classes", "class_means", 1.8, 2.6, "exploration",
     MEANS + "return torch.stack([images[labels == label].float().mean(0) / 255 for label in range(num_classes)])\n"),
    ("absent classes dropped", "class_means", 1.6, 2.6, "exploration",
     MEANS + "return torch.stack([images[labels == label].float().mean(0) / 255 for label in labels.unique()])\n"),
    ("sums", "class_means", 0, 1, "exploration",
     MEANS + "return torch.stack([images[labels == label].sum(0) / 255 for label in range(num_classes)])\n"),
    ("one number for each class", "class_means", 0, 1, "exploration",
     MEANS + "return torch.stack([images[labels == label].float().mean() / 255 for label in range(num_classes)])\n"),

    ("plainest", "plot_examples", 1.6, 2, "exploration", EXAMPLES.format(
        "len(class_names), per_class, squeeze=False", "grid[label, place].imshow(image)\n"
        "            grid[label, place].set_title(name)\n            grid[label, place].axis('off')")),
    ("without names", "plot_examples", 1, 1.6, "exploration", EXAMPLES.format(
        "len(class_names), per_class, squeeze=False", "grid[label, place].imshow(image)")),
    ("a column for each class", "plot_examples", 0.8, 1.5, "exploration", EXAMPLES.format(
        "per_class, len(class_names), squeeze=False", "grid[place, label].imshow(image)\n"
        "            grid[place, label].set_title(name)\n            grid[place, label].axis('off')")),
    ("grids of two axes alone", "plot_examples", 1.3, 1.9, "exploration", EXAMPLES.format(
        "len(class_names), per_class", "grid[label, place].imshow(image)\n"
        "            grid[label, place].set_title(name)")),
    ("the first images, whatever they are", "plot_examples", 0, 0.8, "exploration", """
def plot_examples(images, labels, class_names, per_class=5):
    figure, grid = plt.subplots(len(class_names), per_class)
    for axes, image, label in zip(grid.flat, images, labels):
        axes.imshow(image)
        axes.set_title(class_names[label])
    return figure
"""),
    ("always five", "plot_examples", 1.2, 1.8, "exploration", EXAMPLES.format(
        "len(class_names), 5, squeeze=False", "grid[label, place].imshow(image)\n"
        "            grid[label, place].set_title(name)").replace("[:per_class]", "[:5]")),
    ("labels off by one", "load_random_digit", 0, 1, "transforms", DIGIT.format(
        "index = random.Random(seed).randrange(4999)\n    return digits[index][0], digits[index + 1][1]")),
    ("white becomes black", "tensor_to_image", 2, 3.5, "transforms", BACK.format(
        "values = (tensor - tensor.min()) / (tensor.max() - tensor.min()) * 256",
        "Image.fromarray(values.reshape(tensor.shape[-2:]).int().numpy().astype(np.uint8))")),
    ("divided by 256", "class_means", 1.5, 2.6, "exploration", MEANS + """size = images.shape[1:]
    sums = torch.zeros(num_classes, *size)
    sums.index_add_(0, labels, images.float())
    return sums / class_counts(labels, num_classes).clamp(min=1)[:, None, None] / 256
"""),
    ("28 x 28 alone", "class_means", 1.5, 2.8, "exploration", MEANS + """means = torch.zeros(num_classes, 28, 28)
    for label in labels.unique():
        means[label] = images[labels == label].float().mean(0) / 255
    return means
"""),
]  # fmt: skip
