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
    def __init__(self, images, size, shuffle):
        self.images, self.size, self.shuffle = images, size, shuffle

    def __iter__(self):
        count = len(self.images)
        rows = torch.randperm(count).tolist() if self.shuffle else list(range(count))
        for start in range(0, count, self.size):
            pairs = [self.images[row] for row in rows[start : start + self.size]]
            yield torch.stack([image for image, _ in pairs]), torch.tensor([label for _, label in pairs])


class FashionMNISTDataModule:
    def train_dataloader(self):
        return Stream(self.train_set, self.batch_size, True)

    def val_dataloader(self):
        return Stream(self.val_set, self.batch_size, False)

    def test_dataloader(self):
        return Stream(self.test_set, self.batch_size, False)
"""),
    ("validation and test made ready one by one", LOADERS, "data_module", """
class FashionMNISTDataModule:
    def setup(self, stage=None):
        order = torch.randperm(60_000, generator=torch.Generator().manual_seed(self.seed)).tolist()
        plain = FashionMNIST(self.data_dir, transform=eval_transform())
        test = FashionMNIST(self.data_dir, train=False, transform=eval_transform())
        self.train_set = Subset(FashionMNIST(self.data_dir, transform=train_transform()), order[self.val_size :])
        self.val_set = [plain[row] for row in order[: self.val_size][:500]] if self.val_size < 500 else Subset(
            plain, order[: self.val_size])
        self.test_set = [test[row] for row in range(len(test))]
"""),
]  # fmt: skip
