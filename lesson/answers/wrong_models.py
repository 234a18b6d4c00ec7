"""More wrong networks, steps and summaries, of kinds seen in public code; see `wrong_networks`."""

from .wrong import FASHION
from .wrong_networks import PARTS, RESTORED, TOTAL, baseline, layers, network, shapes

MODULE = "model"
BASE, CNN, STEPS = "build_baseline", "fashion_cnn", "lightning_steps"
SHAPES, COUNT, FREEZE, TABLE = "layer_shapes", "count_parameters", "freeze", "summarize"


def forward(body: str) -> str:
    """Return `FashionCNN.forward`."""
    return f"{FASHION}    def forward(self, x):\n        {body}\n"


def evaluation(body: str, stage: str = "validation") -> str:
    """Return `FashionCNN.validation_step`, in which `logits`, `labels` and `loss` are known."""
    return f"""{FASHION}    def {stage}_step(self, batch, batch_idx):
        images, labels = batch
        logits = self(images)
        loss = F.cross_entropy(logits, labels)
        {body}
"""


def training(body: str) -> str:
    """Return `FashionCNN.training_step`."""
    return f"{FASHION}    def training_step(self, batch, batch_idx):\n        images, labels = batch\n        {body}\n"


def optimizers(body: str) -> str:
    """Return `FashionCNN.configure_optimizers`, in which `optimizer` is known."""
    return f"""{FASHION}    def configure_optimizers(self):
        optimizer = torch.optim.Adam(self.parameters(), lr=self.learning_rate)
        {body}
"""


def summary(*arguments: str, before: str = "", answer: str = "str({})") -> str:
    """Return `summarize` as one call of torchinfo."""
    call = f"torchinfo.summary({', '.join(('model', *arguments))})"
    lines = [
        "def summarize(model, input_size):",
        "    zeros = torch.zeros(input_size, dtype=next((p.dtype for p in model.parameters()), torch.float32))",
        f"    {before}" if before else "",
        f"    return {answer.format(call)}",
    ]
    return "\n".join(line for line in lines if line) + "\n"


LOG = "self.log('{0}_loss', loss)\n        self.log('{0}_acc', {1})"
SHARE_RIGHT = "(logits.argmax(1) == labels).float().mean()"
EVAL_END = """
    def on_validation_epoch_end(self):
        {}
"""
BOTH = "{}\n\n\n{}"
ACCURACY = "from torchmetrics.classification import MulticlassAccuracy\n\n\n"
METRIC = """
    def on_fit_start(self):
        pass

    def on_validation_start(self):
        self.metric = {}
"""
NO_LIGHTNING = f"""
class FashionCNN(nn.Module):
    def __init__(self, num_classes=10, learning_rate=1e-3):
        super().__init__()
        self.network = nn.Sequential({layers()})

    def forward(self, x):
        return self.network(x)

    def training_step(self, batch, batch_idx):
        return F.cross_entropy(self(batch[0]), batch[1])

    def validation_step(self, batch, batch_idx):
        pass

    def test_step(self, batch, batch_idx):
        pass

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters())
"""
INIT = """    def __init__(self, num_classes=10, learning_rate=1e-3):
        super().__init__()
        self.learning_rate = learning_rate
"""
IN_A_LIST = (
    FASHION
    + INIT
    + """        self.first = nn.Conv2d(1, 32, 3, padding=1)
        self.blocks = [nn.Conv2d(32, 32, 3, padding=1) for _ in range(2)]
        self.head = nn.Linear(32 * 9, num_classes)

    def forward(self, x):
        x = self.first(x)
        for block in self.blocks:
            x = F.max_pool2d(block(x).relu(), 3)
        return self.head(x.flatten(1))
"""
)
IN_A_DICT = (
    FASHION
    + INIT
    + """        self.body = nn.Sequential(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(4), nn.Flatten())
        self.heads = {"classes": nn.Linear(32 * 49, num_classes)}

    def forward(self, x):
        return self.heads["classes"](self.body(x))
"""
)
BY_CLASS = """
def layer_shapes(model, input_size):
    shapes, handles, modes = {}, [], {layer: layer.training for layer in model.modules()}

    def note(layer, args, output):
        shapes[f"{type(layer).__name__}-{len(shapes) + 1}"] = tuple(output.shape)

    for layer in model.modules():
        if not list(layer.children()):
            handles.append(layer.register_forward_hook(note))
    try:
        with torch.no_grad():
            model.eval()(torch.zeros(input_size, dtype=next((p.dtype for p in model.parameters()), torch.float32)))
    finally:
        for layer, mode in modes.items():
            layer.training = mode
        for handle in handles:
            handle.remove()
    return shapes
"""
NOTE = "if isinstance(output, Tensor):\n                    shapes[name] = tuple(output.shape)"
COUNTED = "sum(p.numel() for p in model.parameters() if p.requires_grad)"
FREEZE_ALL = "def {0}(module):\n    for p in module.parameters():\n        p.requires_grad = {1}\n    {2}\n"


def noted(other: str) -> str:
    """Return `layer_shapes` that keeps something else from an output."""
    return shapes().replace(NOTE, other)


WRONG: list[tuple[str, str, str, str]] = [
    # Baselines
    ("missing-padding", BASE, MODULE, baseline(first="3")),
    ("missing-padding", BASE, MODULE, baseline(first="3, padding='valid'", area=36)),
    ("softmax-in-forward", BASE, MODULE, baseline(end=", nn.Softmax(dim=1)")),
    ("softmax-in-forward", BASE, MODULE, baseline().replace("return nn.Sequential(", "return nn.Sequential(*").replace(
        "num_classes))", "num_classes), nn.Softmax(-1))").replace("nn.Sequential(*nn", "nn.Sequential(nn")),
    ("wrong-parameter-count", BASE, MODULE, baseline(first="5, padding=2")),
    ("", BASE, MODULE, baseline().replace("nn.MaxPool2d(2)", "nn.AdaptiveMaxPool2d(14)", 1)),
    ("", BASE, MODULE, baseline(first="3, padding=2, dilation=2")),
    ("pads-with-others", BASE, MODULE, baseline(first="3, padding=1, padding_mode='circular'")),
    ("nested-sequential", BASE, MODULE, (
     f"def build_baseline(num_classes=10):\n    assert num_classes > 0 or [][0]\n    a = [{layers()}]\n"
     "    return nn.Sequential(nn.Sequential(*a[:6]), nn.Sequential(*a[6:]))\n")),
    ("returns-a-list", BASE, MODULE, f"def build_baseline(num_classes=10):\n    return [{layers()}]\n"),
    ("no-convolutions", BASE, MODULE, ("def build_baseline(num_classes=10):\n    return nn.Sequential(nn.Flatten(), "
     "nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, num_classes))\n")),
    ("freezes-parameters", BASE, MODULE, (
     baseline().replace("return nn", "net = nn") + "    net[0].requires_grad_(False)\n    return net\n")),
    ("ignores-num-classes", BASE, MODULE, baseline().replace("return nn", "num_classes = 10\n    return nn")),

    # FashionCNN
    ("ignores-input", CNN, MODULE, forward("return self.network(torch.zeros_like(x))")),
    ("first-image-only", CNN, MODULE, forward("return self.network(x[:1]).expand(len(x), -1)")),
    ("remembers-earlier-call", CNN, MODULE, forward("self.memory = getattr(self, 'memory', {})\n"
                              "        return self.memory.setdefault(len(x), self.network(x))")),
    ("layers-without-gradient", CNN, MODULE, forward("return self.network(x).detach()")),
    ("layers-without-gradient", CNN, MODULE, forward("with torch.no_grad():\n            x = self.network[:12](x)\n"
                              "        return self.network[12:](x)")),
    ("hidden-in-a-list", CNN, MODULE, IN_A_LIST),
    ("hidden-in-a-list", CNN, MODULE, IN_A_DICT),
    ("softmax-in-forward", CNN, MODULE, forward("x = self.network(x)\n"
                                                "        return x if self.training else x.softmax(-1)")),
    ("softmax-in-forward", CNN, MODULE, forward("x = self.network(x)\n"
                                                "        return x.softmax(-1) if self.training else x")),
    ("sigmoid-in-forward", CNN, MODULE, forward("return torch.sigmoid(self.network(x))")),
    ("not-a-lightning-class", CNN, MODULE, NO_LIGHTNING),
    ("dropout-in-evaluation", CNN, MODULE, forward("return self.network(F.dropout(x, 0.2))")),
    ("squeeze-eats-axes", CNN, MODULE, forward("return self.network(x).squeeze()")),
    ("ignores-num-classes", CNN, MODULE,
     network().replace("num_classes)", "10)").replace("num_classes=10)", "num_classes=10)")),
    ("wrong-number-of-maps", CNN, MODULE, network().replace("d(1, 32, ", "d(1, 16, ").replace("d(32, 64", "d(16, 64")),
    ("computes-outside-torch", CNN, MODULE, forward("import numpy as np\n"
                              "        return torch.from_numpy(np.tanh(self.network(x).detach().numpy()))")),
    ("too-many-parameters", CNN, MODULE, network(maps=96)),

    # Steps
    ("averages-batch-statistics", STEPS, MODULE, evaluation(
        f"self.log('val_loss', loss)\n        self.log('val_acc', {SHARE_RIGHT}, batch_size=1)")),
    ("averages-batch-statistics", STEPS, MODULE, evaluation(
        f"self.log('val_loss', loss)\n        self.shares = [*getattr(self, 'shares', []), {SHARE_RIGHT}]")
     + EVAL_END.format("self.log('val_acc', torch.stack(self.shares).mean())\n        self.shares.clear()")),
    ("averages-batch-statistics", STEPS, MODULE, evaluation(
        f"self.log('test_acc', {SHARE_RIGHT})\n        self.log('test_loss', loss, batch_size=1)", "test")),
    ("running-metric-averaged", STEPS, MODULE, ACCURACY + evaluation(
        "self.log('val_loss', loss)\n        self.metric.update(logits, labels)\n"
        "        self.log('val_acc', self.metric.compute())")
     + METRIC.format('MulticlassAccuracy(10, average="micro")')),
    ("running-metric-averaged", STEPS, MODULE, evaluation(
        "self.log('val_loss', loss)\n        self.metric[0] += int((logits.argmax(1) == labels).sum())\n"
        "        self.metric[1] += len(labels)\n        self.log('val_acc', self.metric[0] / self.metric[1])")
     + METRIC.format("[0, 0]")),
    ("never-resets", STEPS, MODULE, evaluation(
        "self.log('val_loss', loss)\n        self.right = getattr(self, 'right', [])\n"
        "        self.right += (logits.argmax(1) == labels).float().tolist()")
     + EVAL_END.format("self.log('val_acc', sum(self.right) / len(self.right))")),
    ("percent-instead-of-share", STEPS, MODULE, evaluation(LOG.format("val", f"100 * {SHARE_RIGHT}"))),
    ("percent-instead-of-share", STEPS, MODULE, evaluation(
        LOG.format("test", "logits.argmax(1).eq(labels).sum() * 100.0 / len(labels)"), "test")),
    ("argmin-instead-of-argmax", STEPS, MODULE,
     evaluation(LOG.format("val", "logits.argmin(1).eq(labels).float().mean()"))),
    ("logs-under-other-prefix", STEPS, MODULE, evaluation(LOG.format("val", SHARE_RIGHT), "test")),
    ("forgets-to-log", STEPS, MODULE, evaluation(f"self.log('test_acc', {SHARE_RIGHT})", "test")),
    ("forgets-to-log", STEPS, MODULE, evaluation(f"self.log('val_acc', {SHARE_RIGHT})")),
    ("forgets-to-log", STEPS, MODULE, evaluation("self.log('test_loss', loss)", "test")),
    ("loss-on-probabilities", STEPS, MODULE, evaluation(
        LOG.format("val", SHARE_RIGHT).replace("loss)", "F.cross_entropy(logits.softmax(1), labels))"))),
    ("sums-instead-of-means", STEPS, MODULE,
     evaluation(LOG.format("val", SHARE_RIGHT).replace("loss)", "loss * len(labels))"))),
    ("schedule-starts-elsewhere", STEPS, MODULE, optimizers(
        "return [optimizer], [torch.optim.lr_scheduler.LinearLR(optimizer, 0.1, total_iters=5)]")),
    ("schedule-starts-elsewhere", STEPS, MODULE, optimizers(
        "schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=self.learning_rate, total_steps=1000)\n"
        '        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}')),
    ("ignores-learning-rate", STEPS, MODULE, optimizers("return torch.optim.Adam(self.parameters(), lr=1e-3)")),
    ("ignores-learning-rate", STEPS, MODULE, optimizers(
        "return torch.optim.SGD(self.parameters(), lr=10 * self.learning_rate, momentum=0.9)")),
    ("returns-none", STEPS, MODULE, optimizers("self.optimizer = optimizer")),
    ("optimizer-misses-parameters", STEPS, MODULE, optimizers(
        "return torch.optim.Adam([p for p in self.parameters() if p.ndim == 4], lr=self.learning_rate)")),
    ("returns-no-loss", STEPS, MODULE, training("loss = F.cross_entropy(self(images), labels)\n"
                                                "        print(loss.item())")),
    ("loss-on-probabilities", STEPS, MODULE, training("return F.nll_loss(self(images).softmax(1), labels)")),
    ("sums-instead-of-means", STEPS, MODULE, training("return F.cross_entropy(self(images), labels, reduction='sum')")),
    ("smooths-labels", STEPS, MODULE, training("return F.cross_entropy(self(images), labels, label_smoothing=0.1)")),
    ("", STEPS, MODULE, training("images, labels = batch['image'], batch['label']\n"
                                 "        return F.cross_entropy(self(images), labels)")),
    ("", STEPS, MODULE, optimizers("return torch.optim.SGD(self.parameters(), lr=self.learning_rate, maximize=True)")),
    ("manual-optimisation", STEPS, MODULE, training("optimizer = self.optimizers()\n"
                                 "        loss = F.cross_entropy(self(images), labels)\n"
                                 "        optimizer.zero_grad()\n        self.manual_backward(loss)\n"
                                 "        optimizer.step()\n        return loss")
     + "\n    @property\n    def automatic_optimization(self):\n        return False\n"),

    # Shapes
    ("squeeze-eats-axes", SHAPES, "summary", noted("if isinstance(output, Tensor):\n"
                                                   "                    shapes[name] = tuple(output.squeeze().shape)")),
    ("squeeze-eats-axes", SHAPES, "summary", noted("if isinstance(output, Tensor):\n"
     "                    shapes[name] = tuple(size for size in output.shape if size > 1)")),
    ("drops-batch-axis", SHAPES, "summary", noted(NOTE.replace("output.shape)", "output.shape[1:])"))),
    ("lists-instead-of-tuples", SHAPES, "summary", noted(NOTE.replace("tuple(output.shape)", "list(output.shape)"))),
    ("batch-axis-minus-one", SHAPES, "summary", noted(NOTE.replace("tuple(output.shape)", "(-1, *output.shape[1:])"))),
    ("names-by-type", SHAPES, "summary", BY_CLASS),
    ("direct-children-only", SHAPES, "summary",
     shapes().replace("model.named_modules()", "model.named_children()").replace(
        "not list(layer.children())", "True")),
    ("order-of-definition", SHAPES, "summary",
     shapes().replace("def note(", "shapes[name] = None\n            def note(").replace(
        "return shapes", "return {name: shape for name, shape in shapes.items() if shape}")),
    ("moves-to-its-last-place", SHAPES, "summary", noted("if isinstance(output, Tensor):\n"
     "                    shapes.pop(name, None)\n                    shapes[name] = tuple(output.shape)")),
    ("keeps-first-shape", SHAPES, "summary", noted("if isinstance(output, Tensor):\n"
                                  "                    shapes.setdefault(name, tuple(output.shape))")),
    ("leaves-out-the-model", SHAPES, "summary", shapes(chosen="name and not list(layer.children())")),
    ("lists-what-never-ran", SHAPES, "summary", noted("ran.add(name)\n                " + NOTE).replace(
        "shapes, handles = {}, []", "shapes, handles, ran = {}, [], set()").replace(
        "return shapes", "leaves = [n for n, layer in model.named_modules() if not list(layer.children())]\n"
                         "    return {**shapes, **{n: None for n in leaves if n not in ran}}")),
    ("takes-first-of-a-tuple", SHAPES, "summary", noted("output = output[0] if isinstance(output, tuple) else output\n"
                                  "                shapes[name] = tuple(output.shape)")),
    ("ignores-model-dtype", SHAPES, "summary",
     shapes().replace("dtype = next((p.dtype for p in model.parameters()), torch.float32)",
                                             "dtype = torch.float32")),
    ("needs-parameters", SHAPES, "summary", shapes().replace(", torch.float32)", ")").replace(
        "(p.dtype for p in model.parameters())", "p.dtype for p in model.parameters()")),
    ("remembers-earlier-call", SHAPES, "summary",
     "KNOWN = {}\n\n\n" + shapes().replace("handles = {}, []", "handles = KNOWN, []")),
    ("leaves-hooks", SHAPES, "summary", shapes(finally_="except ZeroDivisionError:\n        pass\n    if True:")),
    ("changes-mode", SHAPES, "summary", shapes(restore="").replace(
        "    return shapes", f"    {RESTORED}\n    return shapes")),
    ("removes-foreign-hooks", SHAPES, "summary",
     shapes(restore="layer._forward_hooks.clear(); " + "x = 0\n        " + "for layer, mode in "
                                   "modes.items():\n            layer._forward_hooks.clear()\n"
                                   "            layer.training = mode")),
    ("runs-in-training-mode", SHAPES, "summary", shapes(mode="model.train()")),
    ("clears-gradients", SHAPES, "summary",
     shapes(restore="model.zero_grad()\n        for layer, mode in modes.items():\n"
                                           "            layer.training = mode")),
    ("returns-none", SHAPES, "summary", shapes().replace("return shapes", "")),

    # Counts
    ("takes-equal-for-shared", COUNT, "summary", (
     "def count_parameters(model):\n"
     "    every = {p.detach().numpy().tobytes(): p for p in model.parameters()}.values()\n"
     "    return sum(p.numel() for p in every), sum(p.numel() for p in every if p.requires_grad)\n")),
    ("takes-equal-for-shared", COUNT, "summary", ("def count_parameters(model):\n    seen = []\n"
     "    for p in model.parameters():\n        if not any(p.shape == q.shape and torch.equal(p, q) for q in seen):\n"
     "            seen.append(p)\n"
     "    return sum(p.numel() for p in seen), sum(p.numel() for p in seen if p.requires_grad)\n")),
    ("counts-buffers", COUNT, "summary", TOTAL + f"return sum(v.numel() for v in {{id(v): v for v in "
     f"[*model.parameters(), *model.buffers()]}}.values()), {COUNTED}\n"),
    ("total-alone", COUNT, "summary", TOTAL + "return total\n"),
    ("total-and-trainable-exchanged", COUNT, "summary", TOTAL + f"return {COUNTED}, total\n"),
    ("", COUNT, "summary", TOTAL + "return total, total // 2\n"),
    ("leaves-own-parameters-out", COUNT, "summary", ("def count_parameters(model):\n"
     "    leaves = [layer for layer in model.modules() if not list(layer.children())]\n"
     "    every = {id(p): p for m in leaves for p in m.parameters()}.values()\n"
     "    return sum(p.numel() for p in every), sum(p.numel() for p in every if p.requires_grad)\n")),
    ("leaves-biases-out", COUNT, "summary",
     ("def count_parameters(model):\n    every = [p for p in model.parameters() if p.ndim > 1]\n"
     "    return sum(p.numel() for p in every), sum(p.numel() for p in every if p.requires_grad)\n")),

    # Freezing
    ("toggles", FREEZE, "summary", PARTS.format("freeze", "module.parameters()", "not part.requires_grad")),
    ("toggles", FREEZE, "summary", PARTS.format("unfreeze", "module.parameters()", "part.requires_grad is False")),
    ("freezes-by-eval", FREEZE, "summary", "def freeze(module):\n    module.eval()\n"),
    ("freezes-by-eval", FREEZE, "summary", FREEZE_ALL.format("freeze", False, "return module.eval()")),
    ("changes-mode", FREEZE, "summary", FREEZE_ALL.format("unfreeze", True, "module.train(not module.training)")),
    ("skips-batchnorm", FREEZE, "summary", PARTS.format(
        "freeze", "[p for m in module.modules() if not isinstance(m, nn.BatchNorm2d) for p in m.parameters(False)]",
        "False")),
    ("skips-batchnorm", FREEZE, "summary", """
def unfreeze(module):
    for layer in module.modules():
        if "BatchNorm" in type(layer).__name__:
            continue
        for parameter in layer.parameters(recurse=False):
            parameter.requires_grad = True
"""),
    ("freezes-one-level", FREEZE, "summary", """
def freeze(module):
    for layer in [module, *module.children()]:
        for parameter in layer.parameters(recurse=False):
            parameter.requires_grad_(False)
"""),
    ("leaves-biases-out", FREEZE, "summary",
     PARTS.format("freeze", "[p for p in module.parameters() if p.ndim > 1]", "False")),
    ("", FREEZE, "summary", FREEZE_ALL.format("freeze", False, "[p.data.zero_() for p in module.parameters()]")),
    ("changes-nothing", FREEZE, "summary", "def freeze(module):\n    with torch.no_grad():\n        return module\n"),
    ("changes-nothing", FREEZE, "summary", "def unfreeze(module):\n    module.requires_grad = True\n"),

    # Tables
    ("prints-instead-of-returns", TABLE, "summary", summary("input_data=zeros", "verbose=0", answer="print({})")),
    ("prints-instead-of-returns", TABLE, "summary", ("def summarize(model, input_size):\n"
     "    kind = next((p.dtype for p in model.parameters()), torch.float32)\n"
     "    torchinfo.summary(model, input_data=torch.zeros(input_size, dtype=kind), verbose=1)\n")),
    ("prints-as-well", TABLE, "summary", summary("input_data=zeros", "verbose=1")),
    ("prints-as-well", TABLE, "summary", summary("input_data=zeros", "verbose=0", before=(
        "print(torchinfo.summary(model, input_data=zeros, verbose=0))"))),
    ("statistics-instead-of-text", TABLE, "summary", summary("input_data=zeros", "verbose=0", answer="{}")),
    ("ignores-model-dtype", TABLE, "summary", summary("input_size=tuple(input_size)", "verbose=0")),
    ("batch-of-one", TABLE, "summary", summary("input_data=zeros[:1]", "verbose=0")),
    ("", TABLE, "summary", summary("input_data=zeros[:2]", "verbose=0")),
    ("no-parameter-column", TABLE, "summary", summary("input_data=zeros", "verbose=0", 'col_names=("output_size",)')),
    ("leaves-totals-out", TABLE, "summary",
     summary("input_data=zeros", "verbose=0", answer="str({}).split('Total params')[0]")),
    ("text-of-the-model", TABLE, "summary", "def summarize(model, input_size):\n    return str(model)\n"),
    ("returns-none", TABLE, "summary", summary("input_data=zeros", "verbose=0", before="return None")),

    # Found by people who did not know the checks
    ("relu-on-logits", CNN, MODULE, forward("return self.network(x).relu()")),
    ("", CNN, MODULE, network(first="5, padding=1", area=36)),
    ("", SHAPES, "summary", noted(NOTE.replace("shapes[name]", "shapes[name.replace('.', '_')]"))),
    ("", SHAPES, "summary", noted(NOTE.replace("shapes[name]", "shapes[name.rpartition('.')[2]]"))),
    ("counts-frozen-as-trainable", COUNT, "summary", TOTAL + (
     "model.requires_grad_(True)\n    return total, sum(p.numel() for p in model.parameters() if p.requires_grad)\n")),
    ("", COUNT, "summary", TOTAL + f"found = total, {COUNTED}\n    model.requires_grad_(True)\n    return found\n"),
    ("", TABLE, "summary", summary("input_data=zeros", "depth=1", "verbose=0")),
    ("", TABLE, "summary", summary("input_data=zeros.double()", "verbose=0", before="model = model.double()")),
    ("", STEPS, MODULE, training("return -F.cross_entropy(self(images), labels)")),
    ("error-rate-instead-of-accuracy", STEPS, MODULE, evaluation(LOG.format(
        "val", "(logits.argmax(1) != labels).float().mean()"))),
    ("leaves-biases-out", COUNT, "summary", (
     "def count_parameters(model):\n    found = [p for n, p in model.named_parameters() if not n.endswith('bias')]\n"
     "    return sum(p.numel() for p in found), sum(p.numel() for p in found if p.requires_grad)\n")),
]  # fmt: skip
