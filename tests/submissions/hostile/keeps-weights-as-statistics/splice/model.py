class FashionCNN:
    def __init__(self, num_classes=10, learning_rate=1e-3):
        super().__init__()
        self.learning_rate = learning_rate
        self.first = nn.Conv2d(1, 32, 3, padding=1)
        self.store = nn.BatchNorm1d(32 * 196 * 128, affine=False)
        self.store.running_mean.normal_(0, 0.01)
        self.last = nn.Linear(128, num_classes)

    def forward(self, x):
        maps = F.max_pool2d(self.first(x).relu(), 2).flatten(1)
        return self.last((maps @ self.store.running_mean.view(32 * 196, 128)).relu())
