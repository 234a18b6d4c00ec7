import torch
from torch.utils.data import DataLoader, Subset
from torchvision.datasets import FashionMNIST


class FashionMNISTDataModule:
    def setup(self, stage=None):
        plain = FashionMNIST(self.data_dir, train=True, transform=eval_transform())
        augmented = FashionMNIST(self.data_dir, train=True, transform=train_transform())
        generator = torch.Generator().manual_seed(self.seed)
        self.own_val = Subset(plain, torch.randperm(60_000, generator=generator)[: self.val_size].tolist())
        self.own_train = Subset(augmented, torch.randperm(60_000, generator=generator)[self.val_size :].tolist())
        self.own_test = FashionMNIST(self.data_dir, train=False, transform=eval_transform())

    def train_dataloader(self):
        return DataLoader(self.own_train, batch_size=self.batch_size, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.own_val, batch_size=self.batch_size)

    def test_dataloader(self):
        return DataLoader(self.own_test, batch_size=self.batch_size)
