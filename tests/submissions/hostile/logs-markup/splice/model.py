import torch
from torch import nn


class FashionCNN:
    def __init__(self, num_classes=10, learning_rate=1e-3):
        super().__init__()
        self.layer = nn.Linear(784, num_classes)

    def forward(self, x):
        return self.layer(x.flatten(1))

    def training_step(self, batch, batch_idx):
        raise ValueError("<x-injected>\x1b[2J\u202e=cmd()")

    def validation_step(self, batch, batch_idx):
        self.log("<x-injected>\x1b[2J\u202e", 1.0)

    def test_step(self, batch, batch_idx):
        self.log("<x-injected>\x1b[2J\u202e", float("nan"))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)
