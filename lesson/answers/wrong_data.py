"""Wrong data modules by the name that they must get; see `wrong_convolution`.

Common in data modules for MNIST and FashionMNIST in public repositories: a split drawn from the global random state,
into 55,000 and 5,000 whatever is asked; nothing prepared for "validate"; training images that are not shuffled; MNIST's
statistics or 0.5; one transform for all images. Seen, but seldom: nothing prepared by `setup()`, validation on the test
set, a last batch dropped in training, a shuffled test set.
"""

from .wrong import DATA, LOADERS, PLAIN, SEEDED, SETUP

INIT = (
    DATA
    + """    def __init__(self, data_dir, batch_size={batch_size}, val_size={val_size}, num_workers=0, seed=0):
        {first}
        if not {allowed}:
            raise ValueError("val_size")
        self.data_dir, self.batch_size, self.val_size = {kept}
        self.num_workers, self.seed = num_workers, seed
        {last}
"""
)
USUAL = {
    "batch_size": "64", "val_size": "5000", "first": "super().__init__()", "allowed": "0 < val_size < 60_000",
    "kept": "data_dir, batch_size, val_size", "last": "",
}  # fmt: skip
STAGED = (
    DATA
    + """    def setup(self, stage=None):
        if {training}:
            order = torch.randperm(60_000, generator=torch.Generator().manual_seed(self.seed)).tolist()
            train = FashionMNIST(self.data_dir, transform=train_transform())
            plain = FashionMNIST(self.data_dir, transform=eval_transform())
            self.train_set, self.val_set = Subset(train, order[self.val_size :]), Subset(plain, order[: self.val_size])
        if {testing}:
            self.test_set = FashionMNIST(self.data_dir, train=False, transform=eval_transform())
"""
)
TWO = "self.val_set = Subset(plain, order[: self.val_size])"
OTHERS = """
    def prepare_data(self):
        prepare_fashion_mnist(self.data_dir)

    def train_dataloader(self):
        return DataLoader(self.train_set, batch_size=self.batch_size, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.val_set, batch_size=self.batch_size)

    def test_dataloader(self):
        return DataLoader(self.test_set, batch_size=self.batch_size)
"""
MAPPED = """
class Mapped(torch.utils.data.Dataset):
    def __init__(self, inner, change):
        self.inner, self.change = inner, change

    def __len__(self):
        return len(self.inner)

    def __getitem__(self, index):
        return self.change(*self.inner[index])


"""


def init(**changes: str) -> str:
    """Return `__init__` with some of its pieces changed."""
    return INIT.format(**{**USUAL, **changes})


def setup(order: str = "torch.randperm(60_000" + SEEDED + ")", **changes: str) -> str:
    """Return `setup` with another order of the images, or another cut."""
    text = SETUP.format(**{"generator": "", "train": "self.val_size :", "val": PLAIN, **changes})
    return text.replace("torch.randperm(60_000)", order)


def staged(training: str, testing: str) -> str:
    """Return a `setup` that makes only what it assumes a stage needs."""
    return STAGED.format(training=training, testing=testing)


def mapped(loader: str, change: str) -> str:
    """Return a loader whose pairs of image and label are changed."""
    return MAPPED + LOADERS.format(loader, f"{loader}_set", "").replace(
        f"self.{loader}_set", f"Mapped(self.{loader}_set, {change})"
    )


def train(more: str) -> str:
    """Return `train_dataloader` with other arguments of the loader."""
    return LOADERS.format("train", "train_set", more)


SHARED = setup().replace("self.val_set", "type(self).val_set")
NORMALISED = """from torchvision import transforms as T


def eval_transform():
    return T.Compose([T.ToTensor(), T.Normalize({0}, {1})])
"""

WRONG: list[tuple[str, str, str, str]] = [
    ("splits-overlap", "data_splits", "data_module", setup().replace(
        TWO, "self.val_set = Subset(plain, torch.randperm(60_000).tolist()[: self.val_size])")),
    ("validates-on-test", "data_splits", "data_module", LOADERS.format("val", "test_set", "")),
    ("unseeded-split", "data_splits", "data_module",
     "import numpy as np\n\n\n" + setup("np.random.permutation(60_000)")),
    ("unseeded-split", "data_splits", "data_module", setup(
        "torch.randperm(60_000, generator=torch.Generator().manual_seed(self.seed + torch.initial_seed()))")),
    ("ignores-seed", "data_splits", "data_module",
     setup("torch.randperm(60_000, generator=torch.Generator().manual_seed(42))")),
    ("ignores-seed", "data_splits", "data_module", setup("torch.arange(59_999, -1, -1)")),
    ("ignores-val-size", "data_splits", "data_module", setup(train="5_000:", val="Subset(plain, order[:5_000])")),
    ("ignores-val-size", "data_splits", "data_module", "from torch.utils.data import random_split\n\n\n" + DATA + f"""
    def setup(self, stage=None):
        sets = [FashionMNIST(self.data_dir, transform=one) for one in (train_transform(), eval_transform())]
        train, val = random_split(range(60_000), [55_000, 5_000]{SEEDED})
        self.train_set, self.val_set = Subset(sets[0], train.indices), Subset(sets[1], val.indices)
        self.test_set = FashionMNIST(self.data_dir, train=False, transform=eval_transform())
"""),
    ("resplits-at-setup", "data_splits", "data_module",
     init(last="self.generator = torch.Generator().manual_seed(seed)")
     + setup("torch.randperm(60_000, generator=self.generator)").removeprefix(DATA)),
    ("resplits-at-setup", "data_splits", "data_module", init(last="self.times = 0")
     + setup("torch.randperm(60_000, generator=torch.Generator().manual_seed(1000 * self.seed + self.times))").replace(
         "augmented = F", "self.times += 1\n        augmented = F").removeprefix(DATA)),
    ("stage-unprepared", "data_splits", "data_module",
     staged('stage in ("fit", "validate")', 'stage in ("test", "predict")')),
    ("stage-unprepared", "data_splits", "data_module",
     staged('stage == "fit" or stage is None', 'stage == "test" or stage is None')),
    ("stage-unprepared", "data_splits", "data_module", staged('stage != "test"', 'stage == "test"')),
    ("forgets-super-init", "data_splits", "data_module", init(first="")),
    ("forgets-super-init", "data_splits", "data_module", init(first="object.__init__(self)")),
    ("repeats-images", "data_splits", "data_module",
     setup(val="Subset(plain, (order[: self.val_size // 2] * 2)[: self.val_size])")),
    ("leaves-images-out", "data_splits", "data_module", setup(train="self.val_size : 50_000")),
    ("tests-on-training-images", "data_splits", "data_module", setup().replace("train=False", "train=True")),
    ("leaves-images-out", "data_splits", "data_module", LOADERS.format("test", "test_set", "").replace(
        "self.test_set", "Subset(self.test_set, range(9_000))")),
    ("other-defaults", "data_splits", "data_module", init(batch_size="32")),
    ("other-defaults", "data_splits", "data_module", init(val_size="6000")),
    ("bound-off-by-one", "data_splits", "data_module", init(allowed="0 <= val_size <= 60_000")),
    ("bound-off-by-one", "data_splits", "data_module", init(allowed="1 < val_size < 60_000")),
    ("needs-a-path", "data_splits", "data_module", init(kept="data_dir.resolve(), batch_size, val_size")),
    ("shared-between-modules", "data_splits", "data_module", SHARED),
    ("ignores-seed", "data_splits", "data_module", "ORDER = []\n\n\n" + setup("(ORDER[0] if ORDER else ORDER.append("
     "torch.randperm(60_000" + SEEDED + ")) or ORDER[0])")),
    ("not-a-lightning-class", "data_splits", "data_module",
     (init(first="") + setup().removeprefix(DATA) + OTHERS).replace(DATA, "class FashionMNISTDataModule(object):\n")),

    ("never-augments", "data_loaders", "data_module", setup().replace("train_transform()", "eval_transform()")),
    ("never-augments", "data_loaders", "data_module", "def train_transform():\n    return eval_transform()\n"),
    ("drops-last-batch", "data_loaders", "data_module", train(", shuffle=True, drop_last=True")),
    ("drops-last-batch", "data_loaders", "data_module", LOADERS.format("val", "val_set", ", drop_last=True")),
    ("drops-last-batch", "data_loaders", "data_module", LOADERS.format("test", "test_set", ", drop_last=True")),
    ("shuffles-evaluation", "data_loaders", "data_module", LOADERS.format(
        "val", "val_set", ", sampler=torch.utils.data.RandomSampler(self.val_set)")),
    ("never-shuffles-training", "data_loaders", "data_module", train(", shuffle=False")),
    ("augments-evaluation", "data_loaders", "data_module",
     "from torchvision import transforms as T\n" + mapped("val", "lambda x, y: (T.RandomHorizontalFlip()(x), y)")),
    ("not-normalised", "data_loaders", "data_module", mapped("val", "lambda x, y: (x * 0.353 + 0.286, y)")),
    ("wrong-statistics", "data_loaders", "data_module", NORMALISED.format("0.5", "0.5")),
    ("wrong-statistics", "data_loaders", "data_module", NORMALISED.format("(0.1307,)", "(0.3081,)")),
    ("repeats-images", "data_loaders", "data_module", train(
        ", sampler=torch.utils.data.RandomSampler(self.train_set, replacement=True)")),
    ("ignores-batch-size", "data_loaders", "data_module", train(", shuffle=True").replace("self.batch_size", "64")),
    ("wrong-dtype", "data_loaders", "data_module", mapped("val", "lambda x, y: (x.double(), y)")),
    ("wrong-dtype", "data_loaders", "data_module", mapped("test", "lambda x, y: (x, float(y))")),
    ("flattens-images", "data_loaders", "data_module", mapped("val", "lambda x, y: (x.flatten(), y)")),
    ("always-flips", "data_loaders", "data_module", mapped("val", "lambda x, y: (x.flip(-1), y)")),
    ("labels-off-by-one", "data_loaders", "data_module", mapped("test", "lambda x, y: (x, (y + 1) % 10)")),
    ("one-label-for-all", "data_loaders", "data_module", mapped("val", "lambda x, y: (x, 0)")),

    # Found by people who did not know the checks
    ("stage-unprepared", "data_splits", "data_module",
     staged('stage in (None, "fit") or hasattr(self, "test_set")', 'True')),
    ("augments-once", "data_loaders", "data_module", """
class Once(torch.utils.data.Dataset):
    def __init__(self, inner):
        self.inner, self.known = inner, {}

    def __len__(self):
        return len(self.inner)

    def __getitem__(self, index):
        if index not in self.known:
            self.known[index] = self.inner[index]
        return self.known[index]


""" + setup().replace("self.train_set = ", "self.train_set = Once(").replace(
    "order[self.val_size :])", "order[self.val_size :]))")),
    ("", "data_splits", "data_module",
     setup("torch.randperm(60_000, generator=torch.Generator().manual_seed(self.seed + 1000 * self.batch_size))")),
]  # fmt: skip
