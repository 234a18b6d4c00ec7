"""A network's computation is recorded and replayed without the network, for every style of network that can learn."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from grader.sandbox import wire
from lesson.probes import program
from solutions.model import FashionCNN


class Styled(nn.Module):
    """A first convolution, and a style's treatment of its maps."""

    def __init__(self, style: Any) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 32, 3, padding="same")
        self.style = style
        self.head = nn.LazyLinear(10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.style(self.first(x)).flatten(1))


class Rows(nn.Module):
    """Reads the rows of the maps with a recurrent layer."""

    def __init__(self, kind: type[nn.RNNBase]) -> None:
        super().__init__()
        self.layer = kind(28, 8, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x.mean(1))[0]


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(28, 4, 16, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x.mean(1))


class Calls(nn.Module):
    def __init__(self, function: Any, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, *self.layers)


class Twice(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return 2 * x

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return 2 * gradients[0]


def checked(x: Tensor) -> Tensor:
    if x.isnan().any() or x.abs().max().item() > 1e6:
        raise ValueError("NaN")
    return x if float(x.std()) > 0 else x * 2


def in_place(x: Tensor) -> Tensor:
    out = torch.zeros_like(x)
    out[:, ::2] = x[:, 1::2].detach().relu_()
    out.data.mul_(3)
    return out.add_(torch.tensor([0.5]))


def in_half(x: Tensor, layer: nn.Module) -> Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return layer(x).float()


def per_image(x: Tensor) -> Tensor:
    return torch.stack([(one - one.mean()) / one.std() for one in x])


def fourier(x: Tensor) -> Tensor:
    return torch.fft.irfft2(torch.fft.rfft2(x) * torch.exp(1j * torch.linspace(0, 1, 15)))


STYLES: dict[str, Any] = {
    "normalised": lambda: nn.Sequential(
        nn.BatchNorm2d(32), nn.GroupNorm(4, 32), nn.InstanceNorm2d(32), nn.LayerNorm(28)
    ),
    "pooled": lambda: nn.Sequential(nn.MaxPool2d(3, 2), nn.AdaptiveAvgPool2d(4), nn.Hardswish(), nn.Dropout(0.5)),
    "depthwise and dilated": lambda: nn.Sequential(nn.Conv2d(32, 64, 3, groups=32), nn.Conv2d(64, 8, 3, dilation=3)),
    "transposed and resized": lambda: nn.Sequential(
        nn.ConvTranspose2d(32, 4, 2, 2), nn.Upsample((9, 9), mode="bicubic")
    ),
    "dropout that stays on": lambda: Calls(lambda x: F.dropout2d(F.dropout(x, 0.5), 0.2)),
    "lstm": lambda: Rows(nn.LSTM),
    "gru": lambda: Rows(nn.GRU),
    "attention": Attention,
    "product of axes": lambda: Calls(lambda x: torch.einsum("nchw,ncvw->nhv", x, x).softmax(-1)),
    "weight norm": lambda: nn.utils.parametrizations.weight_norm(nn.Conv2d(32, 4, 3)),
    "spectral norm": lambda: nn.utils.parametrizations.spectral_norm(nn.Conv2d(32, 4, 3)),
    "fourier": lambda: Calls(fourier),
    "autocast": lambda: Calls(in_half, nn.Conv2d(32, 4, 3)),
    "in place": lambda: Calls(in_place),
    "checked": lambda: Calls(checked),
    "image by image": lambda: Calls(per_image),
    "function of its own": lambda: Calls(Twice.apply),
    "shared layer": lambda: Calls(lambda x, layer: layer(layer(x)), nn.Conv2d(32, 32, 3)),
    "traced": lambda: torch.jit.trace(nn.Sequential(nn.Conv2d(32, 4, 3), nn.ReLU()), torch.zeros(2, 32, 28, 28)),
}


def through_the_wire(value: Any) -> Any:
    frame = io.BytesIO(b"".join(wire.encode(wire.Message(1, "value", value))))
    return wire.decode(frame.read, 1 << 28).body


def written(network: nn.Module) -> tuple[dict[str, Any], Tensor, Tensor]:
    """Return the program of a network, and both answers to later images."""
    module = SimpleNamespace(__name__="exercises.model", FashionCNN=lambda: network)
    found = through_the_wire(program.record(module, torch.randn(5, 1, 28, 28)))
    images = torch.randn(5, 1, 28, 28)
    return found, program.run(found, images)["answer"], program.answer(module, images)


@pytest.mark.filterwarnings("ignore:.torch.jit:FutureWarning")
@pytest.mark.parametrize("style", STYLES)
def test_program_gives_the_networks_own_answers(style: str) -> None:
    torch.manual_seed(1)
    network = Styled(STYLES[style]())
    found, answer, own = written(network)
    assert (answer - own).abs().max() <= 1e-3 * own.abs().max()
    kept = sum(value.numel() for value in (*network.parameters(), *network.buffers()))
    assert sum(value.numel() for value in found["constants"].values()) <= kept + 3


def test_program_of_the_reference_holds_its_parameters_and_statistics() -> None:
    network = FashionCNN()
    found, answer, own = written(network)
    torch.testing.assert_close(answer, own)  # the order of axes in memory does not cross the wire
    held = {value.data_ptr() for value in found["constants"].values()}
    assert not held & {value.data_ptr() for value in network.parameters()}, "what is written down changes no more"
    floats = [value for value in network.state_dict().values() if value.is_floating_point()]
    assert sum(value.numel() for value in found["constants"].values()) == sum(value.numel() for value in floats)


def test_program_does_not_follow_computations_outside_pytorch() -> None:
    network = Styled(Calls(lambda x: torch.from_numpy(x.numpy() ** 2)))
    _, answer, own = written(network)
    assert (answer - own).abs().max() > 1e-3 * own.abs().max()


def test_coins_have_their_mean_in_a_program() -> None:
    found, answer, own = written(Styled(Calls(lambda x: F.dropout(x, 0.5))))
    assert found["coins"]
    torch.testing.assert_close(answer, own)
    assert not written(Styled(nn.Dropout(0.5)).eval())[0]["coins"]


def test_program_names_the_shapes_of_its_convolutions() -> None:
    found, _, _ = written(Styled(nn.Conv2d(32, 4, 5, stride=2)))
    assert program.run(found, torch.zeros(5, 1, 28, 28))["convolutions"] == [(5, 32, 28, 28), (5, 4, 12, 12)]


@pytest.mark.parametrize(
    "name",
    ["aten.from_file.default", "os.system.x", "aten.__class__.__mro__", "aten.add", "aten.add.Tensor.x",
     "aten.add.nothing", "prims.add.default", "aten.sin.overloads", "aten._nothing.default", ""],
)  # fmt: skip
def test_a_program_names_nothing_but_operations(name: str) -> None:
    steps = [[name, [{"register": 0}], {}, [1]]]
    with pytest.raises((ValueError, AttributeError)):
        program.run({"constants": {}, "steps": steps, "answer": 1}, torch.zeros(1))
