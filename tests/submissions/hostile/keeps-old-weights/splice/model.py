from torch import nn


class FashionCNN:
    def __init__(self, num_classes=10, learning_rate=1e-3):
        super().__init__()
        self.first = nn.Conv2d(1, 32, 3, padding=1)
        self.wide = nn.Linear(1568, 50, bias=False)
        self.last = nn.Linear(50, num_classes, bias=False)

    def forward(self, x):
        x = nn.functional.avg_pool2d(self.first(x).relu(), 4)
        return self.last(self.wide(x.flatten(1)).relu())
