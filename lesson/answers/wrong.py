"""Wrong answers by the name that they must get: (name, task, module, code to splice into the reference)."""

FASHION = "class FashionCNN:\n"
DATA = "class FashionMNISTDataModule:\n"
LOADERS = DATA + "    def {0}_dataloader(self):\n        return DataLoader(self.{1}, batch_size=self.batch_size{2})\n"
SETUP = (
    DATA
    + """    def setup(self, stage=None):
        augmented = FashionMNIST(self.data_dir, train=True, transform=train_transform())
        plain = FashionMNIST(self.data_dir, train=True, transform=eval_transform())
        order = torch.randperm(60_000{generator}).tolist()
        self.train_set = Subset(augmented, order[{train}])
        self.val_set = {val}
        self.test_set = FashionMNIST(self.data_dir, train=False, transform=eval_transform())
"""
)
SEEDED = ", generator=torch.Generator().manual_seed(self.seed)"
PLAIN = "Subset(plain, order[: self.val_size])"

WRONG: list[tuple[str, str, str, str]] = [
    ("uses-builtin-convolution", "convolve", "convolution",
     "def convolve(image, kernel):\n    return F.conv2d(image[None, None], kernel[None, None])[0, 0]\n"),
    ("uses-builtin-convolution", "conv2d", "convolution", """
def conv2d(input, weight, bias=None, stride=1, padding=0):
    columns = torch.nn.functional.unfold(input, weight.shape[2:], stride=stride, padding=padding)
    height = output_size(input.shape[2], weight.shape[2], stride, padding)
    return (weight.flatten(1) @ columns).unflatten(2, (height, -1))
"""),
    ("modifies-input", "activation_maps", "convolution", """
def activation_maps(image, filters, bias=None):
    maps = torch.nn.functional.conv2d(image[None], filters[:, None], bias)[0].relu()
    filters.mul_(2)
    return maps
"""),
    ("integer-output", "convolve", "convolution", """
def convolve(image, kernel):
    windows = image.unfold(0, kernel.shape[0], 1).unfold(1, kernel.shape[1], 1)
    return (windows * kernel).sum((2, 3)).long()
"""),
    ("off-by-one-size", "convolve", "convolution", """
def convolve(image, kernel):
    image = torch.nn.functional.pad(image, (0, 1, 0, 1))
    windows = image.unfold(0, kernel.shape[0], 1).unfold(1, kernel.shape[1], 1)
    return (windows * kernel).sum((2, 3))
"""),
    ("returns-none", "conv2d", "convolution",
     "def conv2d(input, weight, bias=None, stride=1, padding=0):\n    input @ input.transpose(2, 3)\n"),
    ("ignores-seed", "load_random_digit", "transforms", """
def load_random_digit(root, seed=None):
    digits = MNIST5k(root)
    return digits[int(np.random.default_rng().integers(len(digits)))]
"""),
    ("disturbs-global-seed", "load_random_digit", "transforms", """
def load_random_digit(root, seed=None):
    digits = MNIST5k(root)
    if seed is not None:
        torch.manual_seed(seed)
    return digits[int(torch.randint(len(digits), ()))]
"""),
    ("not-scaled", "image_to_tensor", "transforms",
     "def image_to_tensor(image):\n    return torch.from_numpy(np.array(image, dtype=np.float32)[None])\n"),
    ("clips-instead-of-rescales", "tensor_to_image", "transforms", """
def tensor_to_image(tensor):
    return Image.fromarray(tensor.reshape(tensor.shape[-2:]).clamp(0, 255).to(torch.uint8).numpy())
"""),
    ("wrong-statistics", "eval_transform", "transforms",
     "def eval_transform():\n    return transforms.Compose([image_to_tensor, transforms.Normalize((0.5,), (0.5,))])\n"),
    ("not-normalised", "eval_transform", "transforms", "def eval_transform():\n    return image_to_tensor\n"),
    ("augments-evaluation", "eval_transform", "transforms", """
def eval_transform():
    normalise = transforms.Normalize((0.286,), (0.353,))
    return transforms.Compose([transforms.RandomHorizontalFlip(), image_to_tensor, normalise])
"""),
    ("never-augments", "train_transform", "transforms", "def train_transform():\n    return eval_transform()\n"),
    ("sample-std", "pixel_statistics", "exploration", """
def pixel_statistics(images):
    pixels = images.float() / 255
    return pixels.mean().item(), pixels.std().item()
"""),
    ("drops-absent-classes", "class_counts", "exploration",
     "def class_counts(labels, num_classes):\n    return torch.unique(labels, return_counts=True)[1]\n"),
    ("sums-instead-of-means", "class_means", "exploration", """
def class_means(images, labels, num_classes):
    return torch.stack([(images[labels == k].float() / 255).sum(0) for k in range(num_classes)])
"""),
    ("splits-overlap", "data_splits", "data_module",
     SETUP.format(generator=SEEDED, train=":", val=PLAIN)),
    ("validates-on-test", "data_splits", "data_module", SETUP.format(
        generator=SEEDED, train="self.val_size :",
        val="Subset(FashionMNIST(self.data_dir, False, eval_transform()), range(min(10_000, self.val_size)))")),
    ("unseeded-split", "data_splits", "data_module", SETUP.format(generator="", train="self.val_size :", val=PLAIN)),
    ("shuffles-evaluation", "data_loaders", "data_module", LOADERS.format("val", "val_set", ", shuffle=True")),
    ("never-shuffles-training", "data_loaders", "data_module", LOADERS.format("train", "train_set", "")),
    ("augments-evaluation", "data_loaders", "data_module", SETUP.format(
        generator=SEEDED, train="self.val_size :", val="Subset(augmented, order[: self.val_size])")),
    ("not-normalised", "data_loaders", "data_module",
     "from torchvision import transforms as T\n\n\ndef eval_transform():\n    return T.ToTensor()\n"),
    ("softmax-in-forward", "fashion_cnn", "model",
     FASHION + "    def forward(self, x):\n        return torch.softmax(self.network(x), dim=1)\n"),
    ("depends-on-batch", "fashion_cnn", "model",
     FASHION + "    def forward(self, x):\n        return self.network(x - x.mean())\n"),
    ("too-many-parameters", "fashion_cnn", "model", FASHION + """
    def __init__(self, num_classes=10, learning_rate=1e-3):
        super().__init__()
        self.learning_rate = learning_rate
        self.network = nn.Sequential(
            nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(32 * 784, 32), nn.Linear(32, num_classes)
        )
"""),
    ("missing-padding", "build_baseline", "model", """
def build_baseline(num_classes=10):
    return nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(1600, 128), nn.ReLU(), nn.Linear(128, num_classes),
    )
"""),
    ("wrong-parameter-count", "build_baseline", "model", """
def build_baseline(num_classes=10):
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 48, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(48 * 49, 128), nn.ReLU(), nn.Linear(128, num_classes),
    )
"""),
    ("loss-without-graph", "lightning_steps", "model", FASHION + """    def training_step(self, batch, batch_idx):
        return F.cross_entropy(self(batch[0]), batch[1]).item()
"""),
    ("returns-no-loss", "lightning_steps", "model", FASHION + """    def training_step(self, batch, batch_idx):
        self.log("train_loss", F.cross_entropy(self(batch[0]), batch[1]))
"""),
    ("loss-on-probabilities", "lightning_steps", "model", FASHION + """    def training_step(self, batch, batch_idx):
        return F.cross_entropy(self(batch[0]).softmax(1), batch[1])
"""),
    ("optimizer-misses-parameters", "lightning_steps", "model", FASHION + """    def configure_optimizers(self):
        return torch.optim.Adam(self.network[-1].parameters(), lr=self.learning_rate)
"""),
    ("counts-buffers", "count_parameters", "summary", """
def count_parameters(model):
    total = sum(value.numel() for value in model.state_dict().values())
    return total, sum(p.numel() for p in model.parameters() if p.requires_grad)
"""),
    ("counts-shared-twice", "count_parameters", "summary", """
def count_parameters(model):
    every = [p for layer in model.modules() for p in layer._parameters.values() if p is not None]
    return sum(p.numel() for p in every), sum(p.numel() for p in every if p.requires_grad)
"""),
    ("counts-frozen-as-trainable", "count_parameters", "summary", """
def count_parameters(model):
    total = sum(p.numel() for p in model.parameters())
    return total, total
"""),
    ("includes-containers", "layer_shapes", "summary", """
def layer_shapes(model, input_size):
    shapes, handles = {}, []
    for name, layer in model.named_modules():
        handles.append(layer.register_forward_hook(lambda m, i, o, name=name: shapes.__setitem__(name, tuple(o.shape))))
    was = {m: m.training for m in model.modules()}
    model.eval()
    with torch.no_grad():
        model(torch.zeros(input_size))
    for m, mode in was.items():
        m.training = mode
    for handle in handles:
        handle.remove()
    return shapes
"""),
    ("leaves-hooks", "layer_shapes", "summary", """
def layer_shapes(model, input_size):
    shapes = {}
    for name, layer in model.named_modules():
        if not list(layer.children()):
            layer.register_forward_hook(lambda m, i, o, name=name: shapes.__setitem__(name, tuple(o.shape)))
    was = {m: m.training for m in model.modules()}
    model.eval()
    with torch.no_grad():
        model(torch.zeros(input_size))
    for m, mode in was.items():
        m.training = mode
    return shapes
"""),
    ("freezes-one-level", "freeze", "summary", """
def freeze(module):
    for parameter in module.parameters(recurse=False):
        parameter.requires_grad = False
"""),
]  # fmt: skip
