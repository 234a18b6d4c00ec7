"""Wrong transforms and statistics by the name that they must get; see `wrong_convolution`."""

TENSOR = "def image_to_tensor(image):\n    return "
EVAL = "def eval_transform():\n    return transforms.Compose([{}])\n"
DIGIT = "import random\n\n\ndef load_random_digit(root, seed=None):\n    digits = MNIST5k(root)\n    {}\n"
STATISTICS = "def pixel_statistics(images):\n    "
COUNTS = "def class_counts(labels, num_classes):\n    return "
MEANS = "def class_means(images, labels, num_classes):\n    "

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
]  # fmt: skip
