"""Answers that the checks are tested with.

WRONG holds (name of the mistake, or none, task, module, code to splice into the reference), RIGHT (title, tasks, module,
code), PARTIAL (title, task, least points, most points, module, code).
"""

ATTENTION = """
def attention(query, key, value, mask=None):
    scores = torch.einsum("...le,...se->...ls", query, key) * {scale}
    if mask is not None:
        scores = torch.where({mask}, scores, torch.full_like(scores, float("-inf")))
    weights = torch.softmax(scores, dim={axis}){after}
    return torch.einsum("...ls,...sv->...lv", weights, value)
"""
GOOD = {"scale": "query.size(-1) ** -0.5", "mask": "mask", "axis": "-1", "after": ""}
LOOPS = """
def attention(query, key, value, mask=None):
    scores = (query[..., :, None, :] * key[..., None, :, :]).sum(-1) {scale}
    scores = scores - scores.max(dim={axis}, keepdim=True).values
    weights = scores.exp()
    if mask is not None{unless}:
        weights = weights * {mask}
    weights = weights / weights.sum(dim={axis}, keepdim=True){after}
    return weights @ value
"""
BY_LOOPS = {"scale": "/ query.shape[-1] ** 0.5", "mask": "mask", "axis": "-1", "after": "", "unless": ""}
LAST_CALL = """
kept = {}


def attention(query, key, value, mask=None):
    value = kept.setdefault((value.shape, value.dtype, mask is None), value)
    scores = query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5
    if mask is not None:
        scores[~mask] = float("-inf")
    return torch.softmax(scores, -1) @ value
"""
PLAIN = """
def attention(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5
    if mask is not None:
        scores[~mask] = float("-inf")
    return torch.softmax(scores, -1) @ value
"""
SPLIT = """
def split_heads(x, num_heads):
    n, length, size = x.shape
    if num_heads < 1 or size % num_heads != 0:
        raise ValueError("does not divide")
    return {value}
"""
POSITIONS = """
def positions(length, size):
    if size % 2 == 1:
        raise ValueError("odd")
    out = torch.zeros(length, size)
    for i in range(length):
        for j in range(size):
            angle = i / 10000 ** ({power} / size)
            out[i, {place}] = math.sin(angle) if j % 2 == 0 else math.cos(angle)
    return out
"""
EVEN = {"power": "(j - j % 2)", "place": "j"}
TABLE = """
def positions(length, size):
    if size % 2:
        raise ValueError("odd")
    column = torch.arange(0, {columns})
    angles = torch.arange(length).unsqueeze(1) * torch.exp(-math.log(10000) * column / size)
    out = torch.empty(length, size)
    {write}
    return out
"""
BLOCK = """
class EncoderBlock(nn.Module):
    def __init__(self, size, num_heads, hidden):
        super().__init__()
        self.heads = num_heads
        self.project_in = nn.Linear(size, 3 * size{bias})
        self.project_out = nn.Linear(size, size)
        self.expand = nn.Linear(size, hidden)
        self.contract = nn.Linear(hidden, size)
        self.norm1, self.norm2 = nn.LayerNorm(size), nn.LayerNorm(size)

    def attend(self, x):
        size = x.shape[-1]
        q, k, v = self.project_in(x).split(size, dim=2)
        q, k, v = (split_heads(part, {heads}) for part in (q, k, v))
        return self.project_out(merge_heads(attention(q, k, v)))

    def wide(self, x):
        return self.contract(nn.functional.relu(self.expand(x)))

    def forward(self, x):
        {forward}
"""
POST = {
    "bias": "",
    "heads": "self.heads",
    "forward": "x = self.norm1(x + self.attend(x))\n        return self.norm2(x + self.wide(x))",
}

HALVES = "out[:, : size // 2] = angles.sin()\n    out[:, size // 2 :] = angles.cos()"
OWN = "out[:, 0::2] = angles[:, 0::2].sin()\n    out[:, 1::2] = angles[:, 1::2].cos()"
NORM_FIRST = "x = x + self.attend(self.norm1(x))\n        return x + self.wide(self.norm2(x))"
NO_SUM = "x = self.norm1(self.attend(x))\n        return self.norm2(self.wide(x))"


def einsum(**changes: str) -> str:
    """Return `attention` by einsum, some of its pieces changed."""
    return ATTENTION.format(**{**GOOD, **changes})


def looped(**changes: str) -> str:
    """Return `attention` with a softmax by hand, some of its pieces changed."""
    return LOOPS.format(**{**BY_LOOPS, **changes})


def block(**changes: str) -> str:
    """Return a block with some of its pieces changed."""
    return BLOCK.format(**{**POST, **changes})


WRONG = [
    (name, task, "encoder" if task == "encoder_block" else "heads", code)
    for name, task, code in [
        ("no-scaling", "attention", looped(scale="")),
        ("scales-by-size", "attention", looped(scale="/ query.shape[-1]")),
        ("softmax-over-queries", "attention", looped(axis="-2")),
        ("masks-after-softmax", "attention", looped(unless=" and False", after="\n    weights = weights if mask is None else weights * mask")),
        ("inverts-mask", "attention", looped(mask="~mask")),
        ("mixes-heads-up", "split_heads", SPLIT.format(value="x.contiguous().view(n, num_heads, -1, size // num_heads)")),
        ("interleaves-heads", "split_heads", SPLIT.format(value="torch.stack([x[..., h::num_heads] for h in range(num_heads)], 1)")),
        ("halves-side-by-side", "positions", POSITIONS.format(power="(j - j % 2)", place="j // 2 + (size // 2) * (j % 2)")),
        ("a-rate-for-each-column", "positions", POSITIONS.format(power="j", place="j")),
        ("norm-first", "encoder_block", block(forward=NORM_FIRST)),
        ("norm-first", "encoder_block", block(forward=NORM_FIRST.replace("x + self.attend(self.norm1(x))", "self.attend(self.norm1(x)).add(x)"))),
        ("no-residual", "encoder_block", block(forward=NO_SUM)),
        ("no-residual", "encoder_block", block(forward=NO_SUM.replace("return self.norm2(self.wide(x))", "x = self.wide(x)\n        return self.norm2(x)"))),
        # No name belongs to these, and one check alone notices each.
        ("", "attention", looped().replace("    scores = (", "    key = key[..., : query.shape[-2], :]\n    value = value[..., : query.shape[-2], :query.shape[-1]]\n    scores = (")),
        ("modifies-input", "attention", einsum().replace("    scores", "    query /= 4\n    scores", 1).replace("query.size(-1) ** -0.5", "4 * query.size(-1) ** -0.5")),
        ("loses-float64", "attention", einsum().replace("value)\n", "value).float()\n")),
        ("", "split_heads", SPLIT.format(value="x.view(n, length, num_heads, size // num_heads).transpose(1, 2)").replace("    n, length", "    x.view(-1)\n    n, length")),
        ("", "split_heads", "def merge_heads(x):\n    return x.flatten(1, 2)\n"),
        ("", "split_heads", "def split_heads(x, num_heads):\n    return torch.stack(x.tensor_split(max(num_heads, 1), 2)[: max(x.shape[2] % max(num_heads, 1) and 1 or num_heads, 1)], 1)\n"),
        ("", "positions", POSITIONS.format(**EVEN).replace("    out =", "    length = max(length, 2)\n    out =")),
        ("promotes-to-float64", "positions", POSITIONS.format(**EVEN).replace("return out", "return out.double()")),
        ("", "positions", POSITIONS.format(**EVEN).replace('        raise ValueError("odd")', "        size = size + 1")),
        ("", "attention", LAST_CALL),
        ("", "split_heads", SPLIT.format(value="torch.stack(x.chunk(num_heads, 2), 1).squeeze(0)")),
        ("", "split_heads", SPLIT.format(value="torch.stack(x.chunk(num_heads, 2), 1)").replace("    n, ", "    global first\n    first = x if globals().get('first') is None else first\n    x = first if first.shape == x.shape else x\n    n, ")),
        ("", "split_heads", "def merge_heads(x):\n    return x.transpose(1, 2).flatten(2).squeeze()\n"),
        ("", "positions", POSITIONS.format(**EVEN).replace("def ", "table = {}\n\n\ndef ").replace("    out =", "    if length in table:\n        return table[length]\n    out =").replace("return out", "table[length] = out\n    return out")),
        ("", "positions", POSITIONS.format(**EVEN).replace("i / 10000", "min(i, 100) / 10000")),
        ("", "encoder_block", block().replace("        self.norm1", "        self.unused = nn.Linear(1, 1)\n        self.norm1")),
        ("", "encoder_block", block(forward=POST["forward"].replace("self.attend(x)", "self.attend(x).detach()"))),
        ("", "encoder_block", block(bias=", bias=False")),
        ("", "encoder_block", block(heads="1")),
        ("", "encoder_block", block(forward="return self.norm2(x)[:, :1]")),
    ]
]  # fmt: skip

RIGHT = [
    ("einsum", ["attention"], "heads", einsum()),
    ("a softmax by hand", ["attention"], "heads", looped()),
    ("chunks", ["split_heads"], "heads", SPLIT.format(value="torch.stack(torch.chunk(x, num_heads, dim=2), dim=1)")),
    ("two loops", ["positions"], "heads", POSITIONS.format(**EVEN)),
    ("slices", ["positions"], "heads", TABLE.format(columns="size, 2", write="out[:, 0::2], out[:, 1::2] = angles.sin(), angles.cos()")),
    ("split", ["encoder_block"], "encoder", block()),
]  # fmt: skip

PARTIAL = [
    ("plainest: three lines", "attention", 8.0, 10.0, "heads", PLAIN),
    ("no mask", "attention", 6.0, 8.0, "heads", einsum(mask="torch.ones_like(mask)")),
    ("no scaling", "attention", 0.0, 0.0, "heads", einsum(scale="1")),
    ("weights of the queries", "attention", 0.0, 0.0, "heads", einsum(axis="-2")),
    ("one dtype", "attention", 8.0, 9.6, "heads", einsum().replace("value)\n", "value).float()\n")),
    ("plainest: view and transpose", "split_heads", 4.8, 6.0, "heads",
     "def split_heads(x, num_heads):\n    n, l, e = x.shape\n    return x.reshape(n, l, num_heads, e // num_heads).transpose(1, 2)\n"),
    ("mixed up", "split_heads", 0.0, 0.0, "heads", SPLIT.format(value="x.reshape(n, num_heads, length, size // num_heads)")),
    ("no way back", "split_heads", 2.5, 4.2, "heads", "def merge_heads(x):\n    return x.flatten(1, 2)\n"),
    ("view alone", "split_heads", 4.0, 5.5, "heads",
     "def split_heads(x, num_heads):\n    n, l, e = x.shape\n    return x.view(n, l, num_heads, e // num_heads).transpose(1, 2)\n"),
    ("refuses nothing", "split_heads", 4.8, 5.9, "heads",
     "def split_heads(x, num_heads):\n    return torch.cat([p[:, None] for p in x.chunk(max(num_heads, 1), 2)], 1)\n"),
    ("plainest: two loops", "positions", 4.8, 6.0, "heads", POSITIONS.format(**EVEN).replace("    if size % 2 == 1:\n        raise ValueError(\"odd\")\n", "")),
    ("halves", "positions", 0.0, 0.0, "heads", TABLE.format(columns="size, 2", write=HALVES)),
    ("own rates", "positions", 0.0, 0.0, "heads", TABLE.format(columns="size", write=OWN)),
    ("float64", "positions", 3.5, 5.4, "heads", POSITIONS.format(**EVEN).replace("return out", "return out.double()")),
    ("one row more", "positions", 3.5, 5.4, "heads", POSITIONS.format(**EVEN).replace("    out =", "    length = max(length, 2)\n    out =")),
    ("plainest: as the docstring says", "encoder_block", 6.4, 8.0, "encoder", block()),
    ("norms first", "encoder_block", 2.0, 5.0, "encoder", block(forward=NORM_FIRST)),
    ("nothing is added", "encoder_block", 2.0, 5.0, "encoder", block(forward=NO_SUM)),
    ("one head", "encoder_block", 2.0, 5.0, "encoder", block(heads="1")),
    ("no bias", "encoder_block", 0.5, 5.0, "encoder", block(bias=", bias=False")),
]  # fmt: skip
