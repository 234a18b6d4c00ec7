"""Partly right networks, steps and summaries, and what a teacher would give; see `partial_convolution`."""

from .wrong import FASHION
from .wrong_models import (
    BASE,
    BY_CLASS,
    CNN,
    COUNT,
    COUNTED,
    FREEZE,
    FREEZE_ALL,
    IN_A_LIST,
    INIT,
    LOG,
    MODULE,
    NOTE,
    SHAPES,
    SHARE_RIGHT,
    STEPS,
    TABLE,
    evaluation,
    forward,
    noted,
    optimizers,
    summary,
    training,
)
from .wrong_networks import PARTS, TOTAL, baseline, layers, network, shapes

NO_CONVOLUTION = (
    FASHION
    + INIT
    + """        self.network = nn.Sequential(
            nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, num_classes)
        )
"""
)

PARTIAL: list[tuple[str, str, float, float, str, str]] = [
    ("plainest", BASE, 2.4, 3, MODULE, f"def build_baseline(num_classes=10):\n    return nn.Sequential({layers()})\n"),
    ("no padding", BASE, 1.5, 2.5, MODULE, baseline(first="3", area=36)),
    ("one width wrong", BASE, 1.5, 2.5, MODULE, baseline(maps=48)),
    ("the last hidden layer is too wide", BASE, 1.5, 2.5, MODULE, baseline(hidden=256)),
    ("nested", BASE, 2, 2.8, MODULE, (f"def build_baseline(num_classes=10):\n    all_layers = [{layers()}]\n"
     "    return nn.Sequential(nn.Sequential(*all_layers[:6]), nn.Sequential(*all_layers[6:]))\n")),
    ("a ReLU forgotten", BASE, 1.5, 2.6, MODULE, baseline().replace("nn.ReLU(),\n        nn.Linear", "nn.Linear")),
    ("always ten classes", BASE, 2, 2.8, MODULE, baseline().replace("128, num_classes", "128, 10")),
    ("no convolution", BASE, 0, 0.5, MODULE, ("def build_baseline(num_classes=10):\n    return nn.Sequential("
     "nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, num_classes))\n")),

    ("plainest", CNN, 2.4, 3, MODULE, network()),
    ("probabilities", CNN, 1.5, 2.5, MODULE, forward("return self.network(x).softmax(1)")),
    ("too large", CNN, 1.5, 2.5, MODULE, network(hidden=200)),
    ("answers that depend on the batch", CNN, 1.5, 2.6, MODULE, forward("return self.network(x - x.mean())")),
    ("no padding", CNN, 1.8, 2.7, MODULE, network(first="3", area=36)),
    ("layers in a list", CNN, 1, 2.5, MODULE, IN_A_LIST),
    ("always ten classes", CNN, 2.2, 2.9, MODULE, network().replace("128, num_classes", "128, 10")),
    ("the picture is not looked at", CNN, 0, 0.5, MODULE, forward("return self.network(torch.ones_like(x))")),

    ("plainest", STEPS, 3.2, 4, MODULE, FASHION + f"""
    def training_step(self, batch, batch_idx):
        return F.cross_entropy(self(batch[0]), batch[1])

    def validation_step(self, batch, batch_idx):
        logits, labels = self(batch[0]), batch[1]
        {LOG.format("val", SHARE_RIGHT).replace("loss)", "F.cross_entropy(logits, labels))")}

    def test_step(self, batch, batch_idx):
        logits, labels = self(batch[0]), batch[1]
        {LOG.format("test", SHARE_RIGHT).replace("loss)", "F.cross_entropy(logits, labels))")}

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), self.learning_rate)
"""),
    ("a loss without a graph", STEPS, 1, 3, MODULE, training("return F.cross_entropy(self(images), labels).item()")),
    ("no loss returned", STEPS, 1, 2.5, MODULE, training("self.log('loss', F.cross_entropy(self(images), labels))")),
    ("a loss of probabilities", STEPS, 2, 3.3, MODULE, training(
        "return F.cross_entropy(self(images).softmax(1), labels)")),
    ("one layer alone is trained", STEPS, 2.5, 3.6, MODULE, optimizers(
        "return torch.optim.Adam(self.network[-1].parameters(), lr=self.learning_rate)")),
    ("accuracy in percent", STEPS, 2.8, 3.7, MODULE, evaluation(LOG.format("val", f"100 * {SHARE_RIGHT}"))),
    ("no test step", STEPS, 2.5, 3.5, MODULE, FASHION + "    def test_step(self, batch, batch_idx):\n        pass\n"),
    ("a rate of its own", STEPS, 3.2, 3.9, MODULE, optimizers("return torch.optim.Adam(self.parameters(), lr=1e-3)")),
    ("batches averaged alike", STEPS, 3.5, 3.95, MODULE, evaluation(
        f"self.log('val_loss', loss)\n        self.log('val_acc', {SHARE_RIGHT}, batch_size=1)")),

    ("plainest", SHAPES, 3.2, 4, "summary", """
def layer_shapes(model, input_size):
    shapes, handles = {}, []
    for name, layer in model.named_modules():
        if len(list(layer.children())) == 0:
            def hook(module, inputs, output, name=name):
                shapes[name] = tuple(output.shape)
            handles.append(layer.register_forward_hook(hook))
    modes = [layer.training for layer in model.modules()]
    model.eval()
    with torch.no_grad():
        model(torch.zeros(input_size))
    for layer, mode in zip(model.modules(), modes):
        layer.training = mode
    for handle in handles:
        handle.remove()
    return shapes
"""),
    ("containers as well", SHAPES, 2, 3.4, "summary", shapes(chosen="True")),
    ("hooks stay", SHAPES, 2.5, 3.6, "summary", shapes().replace("handle.remove()", "pass")),
    ("leaves the model in eval mode", SHAPES, 2.5, 3.6, "summary", shapes(restore="pass")),
    ("without the batch axis", SHAPES, 2, 3.6, "summary", noted(NOTE.replace("output.shape)", "output.shape[1:])"))),
    ("by class and number", SHAPES, 1, 3, "summary", BY_CLASS),
    ("the outermost layers alone", SHAPES, 1, 2.2, "summary", shapes().replace(
        "model.named_modules()", "model.named_children()").replace("not list(layer.children())", "True")),

    ("plainest", COUNT, 1.6, 2, "summary", TOTAL + f"return total, {COUNTED}\n"),
    ("frozen ones are trainable", COUNT, 1, 1.6, "summary", TOTAL + "return total, total\n"),
    ("buffers count", COUNT, 1, 1.7, "summary", ("def count_parameters(model):\n"
     f"    return sum(v.numel() for v in model.state_dict().values()), {COUNTED}\n")),
    ("shared ones count twice", COUNT, 1.2, 1.8, "summary", ("def count_parameters(model):\n"
     "    every = [p for _, p in model.named_parameters(remove_duplicate=False)]\n"
     "    return sum(p.numel() for p in every), sum(p.numel() for p in every if p.requires_grad)\n")),
    ("the total alone", COUNT, 0.8, 1.6, "summary", TOTAL + "return total\n"),

    ("plainest", FREEZE, 1.6, 2, "summary", "\n\n".join(
        PARTS.format(name, "module.parameters()", value) for name, value in (("freeze", False), ("unfreeze", True)))),
    ("one level", FREEZE, 0.8, 1.5, "summary", PARTS.format("freeze", "module.parameters(recurse=False)", "False")),
    ("unfreeze not written", FREEZE, 0.8, 1.5, "summary", "def unfreeze(module):\n    raise NotImplementedError\n"),
    ("batch norm left out", FREEZE, 0.8, 1.6, "summary", PARTS.format(
        "freeze", "[p for m in module.modules() if not isinstance(m, nn.BatchNorm2d) for p in m.parameters(False)]",
        "False")),
    ("toggles", FREEZE, 1, 1.7, "summary", PARTS.format("freeze", "module.parameters()", "not part.requires_grad")),
    ("eval mode too", FREEZE, 1.2, 1.8, "summary", FREEZE_ALL.format("freeze", False, "module.eval()")),
    ("eval mode instead", FREEZE, 0, 0.5, "summary", "def freeze(module):\n    module.eval()\n"),

    ("plainest", TABLE, 1.6, 2, "summary", ("def summarize(model, input_size):\n"
     "    return str(torchinfo.summary(model, input_size=input_size, verbose=0))\n")),
    ("printed, not returned", TABLE, 0.8, 1.6, "summary", summary("input_data=zeros", "verbose=0", answer="print({})")),
    ("torchinfo's object", TABLE, 1, 1.7, "summary", summary("input_data=zeros", "verbose=0", answer="{}")),
    ("always one image", TABLE, 1.2, 1.85, "summary", summary("input_data=zeros[:1]", "verbose=0")),
    ("no numbers of parameters", TABLE, 0.8, 1.6, "summary", summary(
        "input_data=zeros", "verbose=0", 'col_names=("output_size",)')),
    ("the layers alone", TABLE, 0, 0.5, "summary", "def summarize(model, input_size):\n    return str(model)\n"),
    ("the outermost layers alone", TABLE, 1, 1.7, "summary", summary("input_data=zeros", "depth=1", "verbose=0")),
    ("always dropping", CNN, 2, 2.75, MODULE, forward("return self.network(F.dropout(x, 0.5))")),
    ("no convolution", CNN, 1, 2.5, MODULE, NO_CONVOLUTION),
    ("the sign is wrong", STEPS, 1, 3, MODULE, training("return -F.cross_entropy(self(images), labels)")),
]  # fmt: skip
