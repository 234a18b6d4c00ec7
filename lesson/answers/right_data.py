"""Right data modules in more styles; see `right_networks`."""

from .right_networks import LOADERS, SPLITS, TASKS, data

RIGHT: list[tuple[str, tuple[str, ...], str, str]] = [
    ("what a stage needs, and no more", SPLITS, "data_module", data("""p = self.hparams
        if stage in ("fit", "validate", None) and not hasattr(self, "a"):
            order = torch.randperm(60_000, generator=torch.Generator().manual_seed(p.seed)).tolist()
            self.a = Subset(FashionMNIST(p.data_dir, transform=train_transform()), order[p.val_size :])
            self.b = Subset(FashionMNIST(p.data_dir, transform=eval_transform()), order[: p.val_size])
        if stage not in ("fit", "validate"):
            self.c = FashionMNIST(p.data_dir, train=False, transform=eval_transform())""")),
    ("parts with a transform each, refused in setup", TASKS, "data_module", """
class Part(torch.utils.data.Dataset):
    def __init__(self, images, rows, transform):
        self.images, self.rows, self.transform = images, rows, transform

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        image, label = self.images[self.rows[index]]
        return self.transform(image), label


""" + data("""p = self.hparams
        images = FashionMNIST(str(p.data_dir))
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(p.seed)).numpy()
        if not 1 <= p.val_size < len(images):
            raise RuntimeError("no such split")
        self.a = Part(images, order[: -p.val_size], train_transform())
        self.b = Part(images, order[-p.val_size :], eval_transform())
        self.c = Part(FashionMNIST(str(p.data_dir), train=False), range(10_000), eval_transform())""").replace(
            "if not 0 < val_size < 60_000:", "if batch_size < 1:")),
    ("loaders without a length", LOADERS, "data_module", """
class Stream:
    def __init__(self, loader):
        self.loader = loader

    def __iter__(self):
        yield from self.loader


class FashionMNISTDataModule:
    def train_dataloader(self):
        return Stream(DataLoader(self.train_set, self.batch_size, shuffle=True))

    def val_dataloader(self):
        return Stream(DataLoader([self.val_set[row] for row in range(len(self.val_set))], self.batch_size))

    def test_dataloader(self):
        images = self.test_set.data[:, None].float().div(255).sub(0.286).div(0.353)
        return Stream(DataLoader(torch.utils.data.TensorDataset(images, self.test_set.targets), self.batch_size))
"""),
]  # fmt: skip
