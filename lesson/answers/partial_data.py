"""Partly right data modules, with the points of seven that a teacher would give for them.

Those of `data_splits` are from somebody who had seen neither checks nor scores. Six of them end up to 1.1 points higher
here: what would be taken off for single mistakes adds up to more than the task has.
"""

from .wrong import DATA, LOADERS, PLAIN
from .wrong_data import NORMALISED, init, mapped, setup, staged, train

SPLITS, LOADERS_TASK = ("data_splits", "data_loaders")
UNCHECKED = init(allowed="True")


def unchecked(code: str) -> str:
    """Return a `setup`, with an `__init__` that refuses nothing."""
    return UNCHECKED + code.removeprefix(DATA)


PARTIAL: list[tuple[str, str, float, float, str, str]] = [
    ("plainest: refuses nothing", SPLITS, 5.6, 7, "data_module", UNCHECKED),
    ("plainest: random_split, stages by name, nothing refused", SPLITS, 5.6, 7, "data_module", unchecked(staged(
        'stage == "fit" or stage is None', 'stage == "test" or stage is None'))),
    ("the split is drawn from the global state", SPLITS, 3, 5.5, "data_module", setup("torch.randperm(60_000)")),
    ("the seed is ignored", SPLITS, 4.5, 6.5, "data_module",
     setup("torch.randperm(60_000, generator=torch.Generator().manual_seed(0))")),
    ("the last images validate", SPLITS, 3.5, 6.5, "data_module",
     setup("torch.arange(60_000)", train=": -self.val_size", val="Subset(plain, order[-self.val_size :])")),
    ("always 55,000 and 5,000, nothing refused", SPLITS, 4, 6, "data_module",
     unchecked(setup(train="5_000:", val="Subset(plain, order[:5_000])"))),
    ("setup() prepares nothing", SPLITS, 3, 6.4, "data_module",
     staged('stage in ("fit", "validate")', 'stage in ("test", "predict")')),
    ('nothing for "validate"', SPLITS, 5, 6.85, "data_module",
     staged('stage in (None, "fit")', 'stage in (None, "test", "predict")')),
    ("no super().__init__()", SPLITS, 4, 6.5, "data_module", init(first="")),
    ("setup again, and the split is another one", SPLITS, 4, 6.5, "data_module",
     init(last="self.own = torch.Generator().manual_seed(seed)")
     + setup("torch.randperm(60_000, generator=self.own)").removeprefix(DATA)),
    ("some training images are left out", SPLITS, 2.5, 5.9, "data_module", setup(train="self.val_size : 50_000")),
    ("the training images test", SPLITS, 1, 5.6, "data_module", setup().replace("train=False", "train=True")),
    ("the test images validate", SPLITS, 0, 3, "data_module", LOADERS.format("val", "test_set", "")),
    ("validation images train, too", SPLITS, 0, 3, "data_module", setup(train=":")),

    ("plainest: only batch size and shuffling", LOADERS_TASK, 5.6, 7, "data_module",
     train(", shuffle=True") + LOADERS.format("val", "val_set", "").split("\n", 1)[1]),
    ("training is never augmented", LOADERS_TASK, 3.5, 5.5, "data_module",
     setup().replace("train_transform()", "eval_transform()")),
    ("training drops its last batch", LOADERS_TASK, 3.5, 5.5, "data_module", train(", shuffle=True, drop_last=True")),
    ("validation is shuffled", LOADERS_TASK, 3.5, 5.5, "data_module",
     LOADERS.format("val", "val_set", ", shuffle=True")),
    ("training is not shuffled", LOADERS_TASK, 3.5, 5.5, "data_module", train("")),
    ("one transform for both: validation is augmented", LOADERS_TASK, 3.5, 5.5, "data_module",
     setup(val=PLAIN.replace("plain", "augmented"))),
    ("drawn with replacement", LOADERS_TASK, 3.5, 5.5, "data_module", train(
        ", sampler=torch.utils.data.RandomSampler(self.train_set, replacement=True)")),
    ("batch_size is ignored", LOADERS_TASK, 4.5, 6.4, "data_module",
     LOADERS.format("val", "val_set", "").replace("self.batch_size", "64")),
    ("MNIST's statistics", LOADERS_TASK, 5.5, 6.8, "data_module", NORMALISED.format("0.1307", "0.3081")),
    ("validation as float64", LOADERS_TASK, 6, 6.9, "data_module", mapped("val", "lambda x, y: (x.double(), y)")),
    ("not shuffled, never augmented, the last batch dropped", LOADERS_TASK, 1, 3.5, "data_module",
     train(", drop_last=True") + setup().replace("train_transform()", "eval_transform()").split("\n", 1)[1]),
]  # fmt: skip
