"""Right data modules, networks and summaries in other styles; see `right_pictures`."""

DATA = """
class FashionMNISTDataModule(pl.LightningDataModule):
    def __init__(self, data_dir, batch_size=64, val_size=5000, num_workers=0, seed=0):
        super().__init__()
        if not 0 < val_size < 60_000:
            raise ValueError(f"expected val_size from 1 to 59,999, got {{val_size}}")
        self.save_hyperparameters()

    def setup(self, stage=None):
        {setup}

    def train_dataloader(self):
        {train}

    def val_dataloader(self):
        {val}

    def test_dataloader(self):
        {test}
"""
SETS = """p = self.hparams
        a, b, c = (FashionMNIST(p.data_dir, train=one, transform=other)
                   for one, other in ((True, train_transform()), (True, eval_transform()), (False, eval_transform())))
        {}
        self.c = c"""
PREPARE = """
    def prepare_data(self):
        for train in (True, False):
            FashionMNIST(self.hparams.data_dir, train=train, download=True)
"""
PLAIN = {"train": "return DataLoader(self.a, self.hparams.batch_size, shuffle=True)",
         "val": "return DataLoader(self.b, self.hparams.batch_size)",
         "test": "return DataLoader(self.c, self.hparams.batch_size)"}  # fmt: skip


def data(setup: str, more: str = PREPARE, **loaders: str) -> str:
    """Return a data module with its own `setup`, and loaders that differ from the usual ones."""
    return DATA.format(setup=setup, **{**PLAIN, **loaders}) + more


# Both tasks if the style affects both; each of these costs seconds.
TASKS = ("data_splits", "data_loaders")
SPLITS, LOADERS = TASKS[:1], TASKS[1:]
NETWORK = ("fashion_cnn", "lightning_steps")
CLASS = "class FashionCNN:\n"
INIT = (
    CLASS
    + """    def __init__(self, num_classes=10, learning_rate=1e-3):
        super().__init__()
        self.save_hyperparameters()
        self.learning_rate = learning_rate
        {}
"""
)
SMALL = """self.network = nn.Sequential(
            nn.Conv2d(1, 32, 3, padding="same"), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(), {})"""

RIGHT: list[tuple[str, tuple[str, ...], str, str]] = [
    ("random_split of indices", TASKS, "data_module", "from torch.utils.data import random_split\n" + data(SETS.format(
        """generator = torch.Generator().manual_seed(p.seed)
        train, val = random_split(range(60_000), [60_000 - p.val_size, p.val_size], generator=generator)
        self.a, self.b = Subset(a, train.indices), Subset(b, val.indices)"""))),
    ("random_split twice with the same seed", SPLITS, "data_module",
     "from torch.utils.data import random_split\n" + data(SETS.format("""sizes = [60_000 - p.val_size, p.val_size]
        self.a, _ = random_split(a, sizes, torch.Generator().manual_seed(p.seed))
        _, self.b = random_split(b, sizes, torch.Generator().manual_seed(p.seed))"""))),
    ("numpy's permutation and samplers", LOADERS, "data_module",
     "import numpy as np\nfrom torch.utils.data import BatchSampler, RandomSampler, SubsetRandomSampler\n" + data(
         SETS.format("""order = np.random.default_rng(p.seed).permutation(60_000)
        self.own, self.b = order[p.val_size :].tolist(), Subset(b, order[: p.val_size].tolist())
        self.a = a"""),
         train="return DataLoader(self.a, self.hparams.batch_size, sampler=SubsetRandomSampler(self.own))")),
    ("a shuffled generator of its own", TASKS, "data_module", data(
        SETS.format("""order = list(range(60_000))
        random.Random(p.seed).shuffle(order)
        self.a, self.b = Subset(a, order[: -p.val_size]), Subset(b, order[-p.val_size :])"""),
        train="""generator = torch.Generator().manual_seed(self.hparams.seed)
        return DataLoader(self.a, self.hparams.batch_size, shuffle=True, generator=generator)""",
        val="return [DataLoader(self.b, self.hparams.batch_size, shuffle=False)]") + "\n\nimport random\n"),
    ("images in memory, batches by hand", LOADERS, "data_module", data("""p = self.hparams
        both = [FashionMNIST(p.data_dir, train=train) for train in (True, False)]
        x, y = [(one.data.float()[:, None] / 255 - 0.286) / 0.353 for one in both], [one.targets for one in both]
        order = torch.randperm(60_000, generator=torch.Generator().manual_seed(p.seed))
        val, train = order[: p.val_size], order[p.val_size :]
        self.a, self.b, self.c = (x[0][train], y[0][train]), (x[0][val], y[0][val]), (x[1], y[1])""",
        train="return Batches(*self.a, self.hparams.batch_size, True)",
        val="return Batches(*self.b, self.hparams.batch_size, False)",
        test="return Batches(*self.c, self.hparams.batch_size, False)") + '''

class Batches:
    def __init__(self, images, labels, size, train):
        self.images, self.labels, self.size, self.train = images, labels, size, train

    def __len__(self):
        return -(-len(self.labels) // self.size)

    def __iter__(self):
        order = torch.randperm(len(self.labels)) if self.train else torch.arange(len(self.labels))
        for part in order.split(self.size):
            images = self.images[part]
            if self.train:
                mirrored = torch.rand(len(part)) < 0.5
                images[mirrored] = images[mirrored].flip(-1)
            yield images, self.labels[part]
'''),
    ("TensorDataset, augmented in collate_fn", LOADERS, "data_module",
     "from torch.utils.data import TensorDataset\n" + data(
        """p = self.hparams
        train, test = (FashionMNIST(p.data_dir, train=one) for one in (True, False))
        order = torch.randperm(60_000, generator=torch.Generator().manual_seed(p.seed))

        def tensors(one, rows):
            return TensorDataset(one.data[rows, None].float().div(255).sub(0.286).div(0.353), one.targets[rows])

        self.a, self.b = tensors(train, order[p.val_size :]), tensors(train, order[: p.val_size])
        self.c = tensors(test, slice(None))""",
        train="""def flipped(batch):
            images = torch.stack([one.flip(-1) if torch.rand(()) < 0.5 else one for one, _ in batch])
            return images, torch.stack([label for _, label in batch])

        return DataLoader(self.a, self.hparams.batch_size, shuffle=True, collate_fn=flipped)""")),

    ("a residual network", NETWORK, "model", INIT.format("""self.stem = nn.Conv2d(1, 32, 5, padding=2)
        self.blocks = nn.ModuleList([nn.Conv2d(32, 32, 3, padding=1, bias=False) for _ in range(3)])
        self.norms = nn.ModuleList([nn.GroupNorm(8, 32) for _ in range(3)])
        self.head = nn.Linear(32 * 9, num_classes)""") + """
    def forward(self, x):
        x = self.stem(x)
        for block, norm in zip(self.blocks, self.norms):
            x = F.avg_pool2d(x + norm(block(x)).relu(), 2)
        return self.head(x.flatten(1))
"""),
    ("log-probabilities and nll_loss", NETWORK, "model",
     INIT.format(SMALL.format("nn.Linear(512, num_classes), nn.LogSoftmax(dim=1)")) + """
    def training_step(self, batch, batch_idx):
        return {"loss": F.nll_loss(self(batch[0]), batch[1]), "size": len(batch[0])}
"""),
    ("torchmetrics, logged as metrics", NETWORK, "model", "import torchmetrics\n\n\n" + INIT.format(
        SMALL.format("nn.Linear(512, num_classes)") + """
        self.val_metric, self.test_metric = (torchmetrics.Accuracy(task="multiclass", num_classes=num_classes)
                                             for _ in range(2))""") + """
    def validation_step(self, batch):
        logits = self(batch[0])
        self.val_metric(logits, batch[1])
        self.log("val_acc", self.val_metric, on_step=False, on_epoch=True)
        self.log("val_loss", F.cross_entropy(logits, batch[1]))

    def test_step(self, batch):
        logits = self(batch[0])
        self.test_metric.update(logits, batch[1])
        self.log_dict({"test_loss": F.cross_entropy(logits, batch[1]), "test_acc": self.test_metric})
"""),
    ("log_dict at the end of the epoch", NETWORK, "model", INIT.format(
        SMALL.format("nn.Linear(512, num_classes)") + "\n        self.seen = []") + """
    def validation_step(self, batch, batch_idx):
        self.seen.append((self(batch[0]), batch[1]))

    def on_validation_epoch_end(self):
        logits, labels = (torch.cat(parts) for parts in zip(*self.seen))
        self.seen.clear()
        loss, right = nn.functional.cross_entropy(logits, labels), logits.argmax(-1).eq(labels)
        self.log_dict({"val_loss": loss, "val_acc": right.double().mean().item()})
"""),
    ("a dict with a schedule", NETWORK, "model", CLASS + """    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=self.learning_rate, momentum=0.95)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=500)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
"""),
    ("lists of optimizers and schedules", NETWORK, "model", CLASS + """    def configure_optimizers(self):
        decayed = [p for p in self.parameters() if p.ndim > 1]
        others = [p for p in self.parameters() if p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": 1e-2}, {"params": others, "weight_decay": 0.0}]
        optimizer = torch.optim.Adam(groups, lr=self.learning_rate)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1)]
"""),
    ("lazy layers", NETWORK, "model", INIT.format("""self.network = nn.Sequential(
            nn.LazyConv2d(32, 3, padding=1), nn.GELU(), nn.MaxPool2d(4), nn.Flatten(), nn.LazyLinear(num_classes))
        self(torch.zeros(1, 1, 28, 28))""")),
    ("a baseline from a list, padding by name", ("build_baseline",), "model", """
def build_baseline(num_classes=10):
    if num_classes < 1:
        raise TypeError("no classes")
    layers = []
    for inside, outside in ((1, 32), (32, 64)):
        layers += [nn.Conv2d(inside, outside, (3, 3), padding="same"), nn.ReLU(inplace=True), nn.MaxPool2d((2, 2), 2)]
    return nn.Sequential(*layers, nn.Flatten(1), nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, num_classes))
"""),
    ("one hook for every module", ("layer_shapes", "count_parameters"), "summary", """
import copy


def layer_shapes(model, input_size):
    names = {layer: name for name, layer in model.named_modules() if len(list(layer.children())) == 0}
    found, modes = {}, {layer: layer.training for layer in model.modules()}
    buffers = {buffer: buffer.clone() for buffer in model.buffers()}

    def hook(layer, args, output):
        if layer in names and torch.is_tensor(output):
            found[names[layer]] = tuple(output.size())

    handle = nn.modules.module.register_module_forward_hook(hook)
    first = next(model.parameters(), torch.zeros(()))
    try:
        model.eval()
        with torch.inference_mode():
            model(torch.zeros(*input_size, dtype=first.dtype))
    finally:
        handle.remove()
        for layer, mode in modes.items():
            layer.training = mode
    return found


def count_parameters(model):
    unique = {id(p): p for layer in model.modules() for p in layer._parameters.values() if p is not None}.values()
    return sum(map(Tensor.numel, unique)), sum(p.numel() for p in unique if p.requires_grad)
"""),
    ("hooks on a copy of the model", ("layer_shapes",), "summary", """
from collections import OrderedDict
from copy import deepcopy


def layer_shapes(model, input_size):
    twin, shapes = deepcopy(model).eval(), OrderedDict()
    for name, layer in twin.named_modules():
        if not list(layer.children()):
            def hook(module, args, output, name=name):
                if isinstance(output, Tensor):
                    shapes[name] = tuple(output.shape)

            layer.register_forward_hook(hook)
    with torch.no_grad():
        twin(torch.zeros(input_size).to(next(twin.parameters(), torch.zeros(1)).dtype))
    return shapes
"""),
    ("forward wrapped by hand", ("layer_shapes",), "summary", """
def layer_shapes(model, input_size):
    shapes, modes = {}, [(layer, layer.training) for layer in model.modules()]
    leaves = [(name, layer) for name, layer in model.named_modules() if not list(layer.children())]

    def wrap(name, layer):
        inner = layer.forward

        def forward(*args, **kwargs):
            output = inner(*args, **kwargs)
            if isinstance(output, Tensor):
                shapes[name] = tuple(output.shape)
            return output

        layer.forward = forward

    for name, layer in leaves:
        wrap(name, layer)
    try:
        for layer in model.modules():
            layer.training = False
        with torch.no_grad():
            model(torch.zeros(input_size, dtype=next(model.parameters(), torch.zeros(1)).dtype))
    finally:
        for _, layer in leaves:
            del layer.forward
        for layer, mode in modes:
            layer.training = mode
    return shapes
"""),
    ("freezing step by step", ("freeze", "summarize"), "summary", """
def freeze(module):
    for child in module.children():
        freeze(child)
    for parameter in module._parameters.values():
        if parameter is not None:
            parameter.requires_grad = False
    return module


def unfreeze(module):
    for _, parameter in module.named_parameters():
        parameter.requires_grad_(True)
    return module


def summarize(model, input_size):
    columns = ("input_size", "output_size", "num_params", "trainable")
    kinds = [p.dtype for p in model.parameters()][:1] or None
    return repr(torchinfo.summary(model, tuple(input_size), dtypes=kinds, col_names=columns, verbose=0, depth=4))
"""),
]  # fmt: skip
