"""Wrong data modules, networks and summaries by the name that they must get; see `wrong_convolution`."""

from .wrong import DATA, FASHION, LOADERS, PLAIN, SEEDED, SETUP

STEP = FASHION + "    def training_step(self, batch, batch_idx):\n        images, labels = batch\n        "
LAYERS = """nn.Conv2d(1, 32, {first}), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, {maps}, 3, padding=1{bias}), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear({maps} * {area}, {hidden}), nn.ReLU(),
        nn.Linear({hidden}, num_classes){end}"""
USUAL = {"first": "3, padding=1", "maps": 64, "area": 49, "hidden": 128, "bias": "", "end": ""}


def layers(**changes: object) -> str:
    """Return the baseline's layers, with some of their settings changed."""
    return LAYERS.format(**{**USUAL, **changes})


def baseline(**changes: object) -> str:
    """Return `build_baseline` with some of its settings changed."""
    return f"""def build_baseline(num_classes=10):
    if num_classes < 1:
        raise ValueError("no classes")
    return nn.Sequential({layers(**changes)})
"""


def network(**changes: object) -> str:
    """Return `FashionCNN.__init__` with the baseline's layers, some of their settings changed."""
    return (
        FASHION
        + f"""    def __init__(self, num_classes=10, learning_rate=1e-3):
        super().__init__()
        self.learning_rate = learning_rate
        self.network = nn.Sequential({layers(**changes)})
"""
    )


SHAPES = """
def layer_shapes(model, input_size):
    shapes, handles = {{}}, []
    for name, layer in model.named_modules():
        if {chosen}:
            def note(module, args, output, name=name):
                if isinstance(output, Tensor):
                    shapes[name] = tuple(output.shape)
            handles.append(layer.register_forward_hook(note))
    modes = {{layer: layer.training for layer in model.modules()}}
    {mode}
    dtype = next((p.dtype for p in model.parameters()), torch.float32)
    try:
        with torch.no_grad():
            model(torch.zeros(input_size, dtype=dtype))
    {finally_}
        for handle in handles:
            handle.remove()
        {restore}
    return shapes
"""
RESTORED = "[setattr(layer, 'training', mode) for layer, mode in modes.items()]"
FINE = {"chosen": "not list(layer.children())", "mode": "model.eval()", "finally_": "finally:", "restore": RESTORED}


def shapes(**changes: str) -> str:
    """Return `layer_shapes` with some of its pieces changed."""
    return SHAPES.format(**{**FINE, **changes})


PARTS = "def {0}(module):\n    for part in {1}:\n        part.requires_grad = {2}\n"
TOTAL = "def count_parameters(model):\n    total = sum(p.numel() for p in model.parameters())\n    "

WRONG: list[tuple[str, str, str, str]] = [
    ("splits-overlap", "data_splits", "data_module", SETUP.format(
        generator=SEEDED, train="self.val_size :", val="Subset(plain, range(self.val_size))")),
    ("validates-on-test", "data_splits", "data_module", SETUP.format(
        generator=SEEDED, train="self.val_size :", val="FashionMNIST(self.data_dir, False, eval_transform())")),
    ("unseeded-split", "data_splits", "data_module", "from torch.utils.data import random_split\n\n\n" + DATA + """
    def setup(self, stage=None):
        whole = FashionMNIST(self.data_dir, train=True, transform=train_transform())
        plain = FashionMNIST(self.data_dir, train=True, transform=eval_transform())
        self.train_set, val = random_split(whole, [60_000 - self.val_size, self.val_size])
        self.val_set = Subset(plain, val.indices)
        self.test_set = FashionMNIST(self.data_dir, train=False, transform=eval_transform())
"""),
    ("shuffles-evaluation", "data_loaders", "data_module", LOADERS.format("test", "test_set", ", shuffle=True")),
    ("never-shuffles-training", "data_loaders", "data_module",
     LOADERS.format("train", "train_set", ", sampler=torch.randperm(len(self.train_set), "
                    "generator=torch.Generator().manual_seed(1)).tolist()")),
    ("augments-evaluation", "data_loaders", "data_module",
     SETUP.format(generator=SEEDED, train="self.val_size :", val=PLAIN).replace(
         "train=False, transform=eval_transform()", "train=False, transform=train_transform()")),
    ("not-normalised", "data_loaders", "data_module",
     "from torchvision.transforms import ToTensor\n\n\n" + SETUP.format(
         generator=SEEDED, train="self.val_size :", val=PLAIN).replace("eval_transform()", "ToTensor()")),

    ("softmax-in-forward", "fashion_cnn", "model", network(end=", nn.Softmax(dim=-1)")),
    ("wrong-parameter-count", "build_baseline", "model", baseline(hidden=256)),
    ("wrong-parameter-count", "build_baseline", "model", baseline(bias=", bias=False")),
    ("missing-padding", "fashion_cnn", "model", network(first="3", area=36)),
    ("too-many-parameters", "fashion_cnn", "model", network(hidden=200)),
    ("loss-without-graph", "lightning_steps", "model",
     STEP + "return F.cross_entropy(self(images), labels).detach()\n"),
    ("loss-without-graph", "lightning_steps", "model",
     STEP + "with torch.no_grad():\n            return F.cross_entropy(self(images), labels)\n"),
    ("returns-no-loss", "lightning_steps", "model",
     STEP + 'return {"train_loss": F.cross_entropy(self(images), labels)}\n'),
    ("loss-on-probabilities", "lightning_steps", "model",
     STEP + "return nn.CrossEntropyLoss()(nn.Softmax(dim=1)(self(images)), labels)\n"),
    ("optimizer-misses-parameters", "lightning_steps", "model", FASHION + """    def configure_optimizers(self):
        weights = [p for name, p in self.named_parameters() if name.endswith("weight")]
        return torch.optim.SGD(weights, lr=self.learning_rate, momentum=0.9)
"""),
    ("depends-on-batch", "fashion_cnn", "model",
     FASHION + "    def forward(self, x):\n        self.network[2].train()\n        return self.network(x)\n"),
    ("depends-on-batch", "fashion_cnn", "model",
     network(first="3, padding=1), nn.BatchNorm2d(32, track_running_stats=False")),
    ("returns-none", "fashion_cnn", "model", FASHION + "    def forward(self, x):\n        self.network(x)\n"),
    ("returns-none", "build_baseline", "model", baseline().replace("return nn", "nn")),

    ("counts-buffers", "count_parameters", "summary",
     TOTAL + "buffers = sum(b.numel() for b in model.buffers())\n"
     "    return total + buffers, sum(p.numel() for p in model.parameters() if p.requires_grad)\n"),
    ("counts-shared-twice", "count_parameters", "summary",
"""
def count_parameters(model):
    every = [p for _, p in model.named_parameters(remove_duplicate=False)]
    return sum(p.numel() for p in every), sum(p.numel() for p in every if p.requires_grad)
"""),
    ("counts-frozen-as-trainable", "count_parameters", "summary",
     TOTAL + "return total, sum(p.numel() for p in model.parameters() if p.is_leaf)\n"),
    ("includes-containers", "layer_shapes", "summary", shapes(chosen="name")),
    ("leaves-hooks", "layer_shapes", "summary",
     shapes(finally_="finally:", restore=RESTORED).replace("handle.remove()", "pass")),
    ("changes-mode", "layer_shapes", "summary", shapes(restore="pass")),
    ("changes-mode", "layer_shapes", "summary", shapes(restore="model.train()")),
    ("changes-mode", "layer_shapes", "summary", shapes(mode="before = model.training; model.eval()",
                                                       restore="model.train(before)")),
    ("freezes-one-level", "freeze", "summary", PARTS.format(
        "freeze", "[p for child in module.children() for p in child.parameters(recurse=False)]", "False")),
    ("freezes-one-level", "freeze", "summary", PARTS.format("unfreeze", "module.parameters(recurse=False)", "True")),
    ("returns-none", "count_parameters", "summary", TOTAL + "print(total)\n"),
    ("returns-none", "layer_shapes", "summary", shapes().replace("return shapes", "print(shapes)")),
]  # fmt: skip
