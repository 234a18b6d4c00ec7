"""The watch over hand-written convolutions: every forbidden route is noticed, and nothing that is allowed.

The routes run in a process of their own, because a watch cannot be taken off again.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import gc
import importlib.util
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision
from PIL import Image, ImageFilter
from torch import nn

from lesson import by_hand

ROOT = Path(__file__).parent.parent
Route = Callable[[], Any]
PYTHON = ctypes.PyDLL(None)
"""A handle kept from before."""


def _torch_routes() -> dict[str, Route]:
    x, w = torch.rand(1, 1, 7, 11), torch.rand(1, 1, 2, 3)
    aten, line = torch.ops.aten, torch.rand(1, 1, 11)
    return {
        "conv1d": lambda: F.conv1d(line, line[..., :3]),
        "conv2d": lambda: F.conv2d(x, w),
        "conv2d same": lambda: F.conv2d(x, w, padding="same"),
        "conv2d float64": lambda: F.conv2d(x.double(), w.double()),
        "conv2d bfloat16": lambda: F.conv2d(x.bfloat16(), w.bfloat16()),
        "conv2d of integers": lambda: F.conv2d(x.int(), w.int()),
        "conv2d channels last": lambda: F.conv2d(x.to(memory_format=torch.channels_last), w),
        "conv2d grouped": lambda: F.conv2d(x.repeat(1, 3, 1, 1), w.repeat(3, 1, 1, 1), groups=3),
        "conv2d dilated": lambda: F.conv2d(x, w, dilation=2),
        "conv3d": lambda: F.conv3d(x[None], w[None]),
        "conv_transpose2d": lambda: F.conv_transpose2d(x, w),
        "conv_tbc": lambda: torch.conv_tbc(torch.rand(5, 2, 3), torch.rand(2, 3, 4), torch.zeros(4)),
        "module": lambda: nn.Conv2d(1, 2, 3)(x),
        "lazy module": lambda: nn.LazyConv2d(2, 3)(x),
        "transposed module": lambda: nn.ConvTranspose2d(1, 2, 3)(x),
        "with its gradient": lambda: F.conv2d(x, w.clone().requires_grad_()).sum().backward(),
        "gradient of a convolution": lambda: torch.nn.grad.conv2d_input((1, 1, 8, 13), w, x),
        "unfold": lambda: F.unfold(x, 3),
        "unfold module": lambda: nn.Unfold(3)(x),
        "fold": lambda: F.fold(torch.rand(1, 9, 9), (5, 5), 3),
        "torch.conv2d": lambda: torch.conv2d(x, w),
        "torch._C": lambda: torch._C._VariableFunctions.conv2d(x, w),
        "torch._C._nn": lambda: torch._C._nn.thnn_conv2d(x, w, (2, 3)),
        "aten conv2d": lambda: aten.conv2d(x, w),
        "aten convolution": lambda: aten.convolution.default(x, w, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1),
        "aten convolution out": lambda: aten.convolution.out(
            x, w, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1, out=torch.empty(1, 1, 6, 9)
        ),
        "aten slow_conv2d": lambda: aten._slow_conv2d_forward(x, w, [2, 3], None, [1, 1], [0, 0]),
        "aten mkldnn": lambda: aten.mkldnn_convolution(x, w, None, [0, 0], [1, 1], [1, 1], 1),
        "aten im2col": lambda: aten.im2col(x, [2, 3], [1, 1], [0, 0], [1, 1]),
        "pointwise mkldnn": lambda: torch.ops.mkldnn._convolution_pointwise(
            x, w, None, [0, 0], [1, 1], [1, 1], 1, "none", [], ""
        ),
    }


def _torch_contexts() -> dict[str, Route]:
    x, w = torch.rand(1, 1, 7, 11), torch.rand(1, 1, 2, 3)
    keys, exclude = torch._C.DispatchKey, torch._C._ExcludeDispatchKeyGuard
    conv = torch.ops.aten.mkldnn_convolution.default

    def inside(context: Any, route: Route = lambda: F.conv2d(x, w)) -> Any:
        with context:
            return route()

    def quantized() -> Any:
        q = torch.quantize_per_tensor(x, 0.1, 0, torch.quint8)
        return torch.ao.nn.quantized.functional.conv2d(q, torch.quantize_per_tensor(w, 0.1, 0, torch.qint8), None)

    return {
        "inference mode": lambda: inside(torch.inference_mode()),
        "no grad": lambda: inside(torch.no_grad()),
        "autocast": lambda: inside(torch.autocast("cpu")),
        "without oneDNN": lambda: inside(torch.backends.mkldnn.flags(enabled=False)),
        "a dispatch key excluded": lambda: inside(exclude(torch._C.DispatchKeySet(keys.BackendSelect))),
        "another dispatch key": lambda: conv.redispatch(
            torch._C.DispatchKeySet(keys.XLA), x, w, None, [0, 0], [1, 1], [1, 1], 1
        ),
        "vmap": lambda: torch.vmap(lambda image: F.conv2d(image, w))(x[None]),
        "jvp": lambda: torch.func.jvp(lambda image: F.conv2d(image, w), (x,), (x,)),
        "script": lambda: torch.jit.script(_scripted)(x, w),
        "trace": lambda: torch.jit.trace(F.conv2d, (x, w)),
        "compile": lambda: torch.compile(F.conv2d, backend="eager")(x, w),
        "oneDNN tensors": lambda: F.conv2d(x.to_mkldnn(), w.to_mkldnn()),
        "quantized": quantized,
        "another thread": lambda: _in_thread(lambda: F.conv2d(x, w)),
        "decomposition": lambda: torch._decomp.decompositions.im2col(x, [2, 3], [1, 1], [0, 0], [1, 1]),
        "table of decompositions": lambda: torch._decomp.decomposition_table[torch.ops.aten.im2col.default](
            x, [2, 3], [1, 1], [0, 0], [1, 1]
        ),
        "graph below the dispatcher": lambda: _in_a_graph(x, w),
        "graph made by hand": lambda: torch._C.Graph().create("prim::mkldnn_convolution"),
        "frozen and converted": lambda: torch._C._jit_pass_convert_frozen_ops_to_mkldnn(torch._C.Graph()),
        "library found and reset": lambda: inside(contextlib.nullcontext(), _reset_and_convolve),
        "compiled ahead": lambda: torch._C._aoti.AOTIModelContainerRunnerCpu("model.so", 1),
        "deformable": lambda: torchvision.ops.deform_conv2d(x, torch.zeros(1, 12, 6, 9), w),
        "gaussian blur": lambda: torchvision.transforms.functional.gaussian_blur(x, [3, 3]),
    }


def _other_routes() -> dict[str, Route]:
    a = np.arange(5.0)
    core = sys.modules.get("numpy._core.multiarray") or sys.modules["numpy.core.multiarray"]
    kernel = ImageFilter.Kernel((3, 3), [1.0] * 9)
    return {
        "numpy convolve": lambda: np.convolve(a, a),
        "numpy correlate": lambda: np.correlate(a, a),
        "numpy polymul": lambda: np.polymul(a, a),
        "numpy ma": lambda: np.ma.convolve(a, a),
        "numpy polynomial": lambda: np.polynomial.polynomial.polymul(a, a),
        "numpy C module": lambda: core.correlate(a, a),
        "scipy signal": _scipy_signal,
        "pillow kernel": lambda: Image.new("L", (5, 5)).filter(kernel),
        "pillow blur": lambda: Image.new("L", (5, 5)).filter(ImageFilter.GaussianBlur(2)),
        "system": lambda: os.system("true"),
        "subprocess": lambda: subprocess.run([sys.executable, "-c", ""], check=True),
        "popen": lambda: os.popen("true").read(),
        "posix_spawn": lambda: os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0),
        "pillow below its classes": lambda: Image.new("L", (5, 5)).im.filter((3, 3), 9, 0, [1.0] * 9),
        "sympy": _sympy,
        "machine code of a library": lambda: torch.ctypes.CDLL(None),
        "machine code by its name": lambda: PYTHON.PyList_New,
        "what is at an address": lambda: torch.ctypes.c_char.from_address(id(a)),
        "all objects": gc.get_objects,
        "what an object leads to": lambda: gc.get_referents(torch.__dict__),
        "map of the memory": lambda: Path("/proc/self/maps").read_text(),
        "the memory": lambda: Path(f"/proc/{os.getpid()}/mem").open("rb"),
        "the memory from its folder": _open_from_its_folder,
        "the memory by another name": lambda: os.symlink("/proc/self/mem", tempfile.mktemp()),  # noqa: PTH211
        "a second copy of a module in C": _load_again,
        "another interpreter": lambda: importlib.import_module("_xxsubinterpreters"),
        "cffi": lambda: importlib.import_module("_cffi_backend"),
        "a function at an address": lambda: torch.ctypes.CFUNCTYPE(None),
        "memory at an address": lambda: torch.ctypes.memmove(0, 0, 0),
        "numbers at an address": lambda: torch._C._construct_storage_from_data_pointer(0, torch.device("cpu"), 8),
        "tensor expressions": lambda: torch._C._te.TensorExprKernel(torch._C.Graph()),
        "machine code of its own": _load_an_extension,
        "fork": _fork,
        "multiprocessing fork": lambda: _run(multiprocessing.get_context("fork").Process(target=int)),
        "multiprocessing spawn": lambda: _run(multiprocessing.get_context("spawn").Process(target=int)),
    }


def _allowed() -> dict[str, Route]:
    x, w = torch.rand(7, 11), torch.rand(2, 3)
    views = x.unfold(0, 2, 1).unfold(1, 3, 1)
    leaf = x.clone().requires_grad_()
    return {
        "einsum": lambda: torch.einsum("ijkl,kl->ij", views, w),
        "matmul": lambda: views.reshape(-1, 6) @ w.reshape(-1),
        "tensordot": lambda: torch.tensordot(views, w, dims=2),
        "as_strided": lambda: (x.as_strided((6, 9, 2, 3), (11, 1, 11, 1)) * w).sum((-2, -1)),
        "gradient through views": lambda: leaf.unfold(0, 2, 1).sum().backward(),
        "sliding windows": lambda: np.lib.stride_tricks.sliding_window_view(x.numpy(), (2, 3)) @ w.numpy().T,
        "fft": lambda: torch.fft.irfft2(torch.fft.rfft2(x) * torch.fft.rfft2(w, s=x.shape).conj(), s=x.shape),
        "numpy fft": lambda: np.fft.ifft2(np.fft.fft2(x.numpy())),
        "pad": lambda: F.pad(x, (1, 1, 2, 2)),
        "reflecting pad": lambda: F.pad(x[None], (1, 1, 2, 2), mode="reflect"),
        "loops": lambda: [(x[i : i + 2, j : j + 3] * w).sum().item() for i in range(6) for j in range(9)],
        "vmap": lambda: torch.vmap(lambda row: (row * 2).sum())(x),
        "pooling": lambda: F.avg_pool2d(x[None], 2),
        "compile": lambda: torch.compile(lambda image: image * 2, backend="eager")(x),
        "script": lambda: torch.jit.script(_scripted_product)(x, x),
        "threads": lambda: _in_thread(lambda: x @ x.T),
        "autocast": lambda: _autocast_product(x),
        "meshgrid": lambda: torch.meshgrid(torch.arange(3), torch.arange(4), indexing="ij"),
        "conversions": lambda: x.double().to_sparse().to_dense().conj().to(torch.bfloat16).tolist(),
        "building a module": lambda: torch.nn.Conv2d(1, 2, 3),
        "corrcoef": lambda: np.corrcoef(x.numpy()),
        "naming scipy": _name_scipy_signal,
        "looking for a GPU": torch.cuda.device_count,
        "NVIDIA's library": lambda: _raises(OSError, lambda: torch.ctypes.CDLL("libnvidia-ml.so.1")),
    }


def _raises(kind: type[Exception], route: Route) -> None:
    with pytest.raises(kind):
        route()


def _scripted(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return torch.conv2d(x, w)


def _scripted_product(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return x * w


def _autocast_product(x: Any) -> Any:
    with torch.autocast("cpu"):
        return x @ x.T


GRAPH = """graph(%x : Tensor, %w : Tensor):
  %none : NoneType = prim::Constant()
  %one : int = prim::Constant[value=1]()
  %zero : int = prim::Constant[value=0]()
  %ones : int[] = prim::ListConstruct(%one, %one)
  %zeros : int[] = prim::ListConstruct(%zero, %zero)
  %y : Tensor = prim::mkldnn_convolution(%x, %w, %none, %ones, %zeros, %ones, %one)
  return (%y)
"""


def _in_a_graph(x: torch.Tensor, w: torch.Tensor) -> Any:
    graph = torch._C.parse_ir(GRAPH)
    return torch._C._create_function_from_graph("f", graph)(x.to_mkldnn(), w.to_mkldnn())


def _reset_and_convolve() -> Any:
    """Undo the refusals, as a library found in memory allows; another one shows whether it worked."""
    if hasattr(torch._C._dispatch_library("IMPL", "aten", "", "x", 0), "reset"):
        return None
    return F.conv2d(torch.rand(1, 1, 5, 5), torch.rand(1, 1, 2, 2))


def _sympy() -> Any:
    return importlib.import_module("sympy.discrete").convolution([1, 2], [3, 4])


def _open_from_its_folder() -> None:
    folder = os.open("/proc/self", os.O_RDONLY)
    try:
        os.close(os.open(b"maps", os.O_RDONLY, dir_fd=folder))
    finally:
        os.close(folder)


def _load_again() -> Any:
    """Load NumPy's functions again, as they were before they were replaced."""
    name = next(name for name in sys.modules if name.endswith("._multiarray_umath"))
    spec = importlib.util.find_spec(name)
    kept = sys.modules.pop(name)
    try:
        return importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    finally:
        sys.modules[name] = kept


def _load_an_extension() -> Any:
    """Load an extension from a folder without libraries."""
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copy(importlib.import_module("_testcapi").__file__, folder)  # type: ignore[type-var]
        spec = importlib.util.spec_from_file_location("_testcapi", copy)
        return importlib.util.module_from_spec(spec)  # type: ignore[arg-type]


def _scipy_signal() -> Any:
    from scipy.signal import convolve2d  # noqa: PLC0415 - the import itself is tried

    return convolve2d([[1.0]], [[1.0]])


def _name_scipy_signal() -> Any:
    from scipy.signal import convolve2d  # noqa: PLC0415 - the import itself is tried

    return convolve2d


def _in_thread(route: Route) -> None:
    errors: list[Exception] = []

    def run() -> None:
        try:
            route()
        except Exception as error:  # noqa: BLE001 - handed to the caller's thread
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]


def _fork() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def _run(process: Any) -> None:
    process.start()
    process.join()


def _main(mode: str) -> None:
    """Run every route under a watch and print what it noticed."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    by_hand.prepare()
    watch = by_hand.Watch(block=mode == "block")
    watch.install()
    routes = {**_torch_routes(), **_torch_contexts(), **_other_routes()}
    routes |= {f"allowed: {name}": route for name, route in _allowed().items()}
    answers = {}
    for name, route in routes.items():
        watch.seen.clear()
        try:
            route()
            answers[name] = {"error": None, "seen": list(watch.seen)}
        except Exception as error:  # noqa: BLE001 - the exception is the answer
            answers[name] = {"error": f"{type(error).__name__}: {error}", "seen": list(watch.seen)}
    sys.stdout.write("\n" + json.dumps(answers))


@functools.cache
def _answers(mode: str) -> dict[str, dict[str, Any]]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, __file__, mode],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=ROOT,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answers: dict[str, dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return answers


TORCH = [
    "conv1d",
    "conv2d",
    "conv2d same",
    "conv2d float64",
    "conv2d bfloat16",
    "conv2d of integers",
    "conv2d channels last",
    "conv2d grouped",
    "conv2d dilated",
    "conv3d",
    "conv_transpose2d",
    "conv_tbc",
    "module",
    "lazy module",
    "transposed module",
    "with its gradient",
    "gradient of a convolution",
    "unfold",
    "unfold module",
    "fold",
    "torch.conv2d",
    "torch._C",
    "torch._C._nn",
    "aten conv2d",
    "aten convolution",
    "aten convolution out",
    "aten slow_conv2d",
    "aten mkldnn",
    "aten im2col",
    "pointwise mkldnn",
    "inference mode",
    "no grad",
    "autocast",
    "without oneDNN",
    "a dispatch key excluded",
    "another dispatch key",
    "vmap",
    "jvp",
    "script",
    "trace",
    "compile",
    "oneDNN tensors",
    "quantized",
    "another thread",
    "decomposition",
    "table of decompositions",
    "graph below the dispatcher",
    "graph made by hand",
    "frozen and converted",
    "library found and reset",
    "compiled ahead",
    "deformable",
    "gaussian blur",
]
OTHER = {
    "numpy convolve": "numpy.convolve",
    "numpy correlate": "numpy.correlate",
    "numpy polymul": "numpy.convolve",
    "numpy ma": "numpy.convolve",
    "numpy polynomial": "numpy.convolve",
    "numpy C module": "numpy.correlate",
    "scipy signal": "scipy.signal.convolve2d",
    "pillow kernel": "PIL.ImageFilter",
    "pillow blur": "PIL.ImageFilter",
    "pillow below its classes": "PIL.ImageFilter",
    "sympy": "sympy.discrete.convolution",
    "machine code of a library": "machine code",
    "machine code by its name": "machine code",
    "what is at an address": "machine code",
    "all objects": "machine code",
    "what an object leads to": "machine code",
    "map of the memory": "machine code",
    "the memory": "machine code",
    "the memory from its folder": "machine code",
    "the memory by another name": "machine code",
    "a second copy of a module in C": "machine code",
    "another interpreter": "machine code",
    "cffi": "machine code",
    "a function at an address": "machine code",
    "memory at an address": "machine code",
    "numbers at an address": "machine code",
    "tensor expressions": "machine code",
    "machine code of its own": "machine code",
    "system": "process",
    "subprocess": "process",
    "popen": "process",
    "posix_spawn": "process",
    "fork": "process",
    "multiprocessing fork": "process",
    "multiprocessing spawn": "process",
}
ALLOWED = [
    "einsum",
    "matmul",
    "tensordot",
    "as_strided",
    "gradient through views",
    "sliding windows",
    "fft",
    "numpy fft",
    "pad",
    "reflecting pad",
    "loops",
    "vmap",
    "pooling",
    "compile",
    "script",
    "threads",
    "autocast",
    "meshgrid",
    "conversions",
    "building a module",
    "corrcoef",
    "naming scipy",
    "looking for a GPU",
    "NVIDIA's library",
]
AROUND = {"a dispatch key excluded", "another dispatch key"}  # these fail by themselves if nothing is blocked
BELOW = {
    "decomposition",
    "table of decompositions",
    "graph below the dispatcher",
    "graph made by hand",
    "frozen and converted",
    "library found and reset",
    "compiled ahead",
}  # nothing sees these, and they need no blocking


@pytest.mark.parametrize("route", TORCH)
def test_blocking_ends_every_route_to_pytorchs_convolutions(route: str) -> None:
    """A PyTorch convolution raises and is recorded, whatever route reaches it."""
    answer = _answers("block")[route]
    assert answer["error"], answer
    assert "by hand" in answer["error"]
    assert answer["seen"], answer


@pytest.mark.parametrize(("route", "name"), OTHER.items(), ids=OTHER)
def test_blocking_ends_every_route_outside_pytorch(route: str, name: str) -> None:
    """Numpy, scipy, Pillow and other processes raise and are recorded."""
    answer = _answers("block")[route]
    assert answer["error"], answer
    assert answer["seen"] == [name]


@pytest.mark.parametrize("mode", ["block", "record"])
@pytest.mark.parametrize("route", ALLOWED)
def test_work_by_hand_is_not_flagged(route: str, mode: str) -> None:
    """Views, sums, products and the FFT run and leave no trace."""
    if (route, mode) == ("naming scipy", "record"):
        pytest.importorskip("scipy")
    assert _answers(mode)[f"allowed: {route}"] == {"error": None, "seen": []}


@pytest.mark.parametrize("route", sorted(set(TORCH) - AROUND - BELOW))
def test_recording_lets_a_convolution_run(route: str) -> None:
    """Without blocking, the convolution runs and is recorded."""
    answer = _answers("record")[route]
    assert answer["error"] is None
    assert answer["seen"], answer


def test_every_route_is_tested() -> None:
    """No route runs without a test that checks its answer."""
    expected = [*TORCH, *OTHER, *(f"allowed: {name}" for name in ALLOWED)]
    assert sorted(_answers("block")) == sorted(expected)


def test_a_plain_conv2d_is_recorded_as_convolution() -> None:
    """The checker looks for the name of the underlying operator."""
    assert "aten::convolution" in _answers("record")["conv2d"]["seen"]


def test_an_unfolding_view_is_not_watched() -> None:
    """``Tensor.unfold`` and its gradient are views, whatever their name."""
    assert not [name for name, _ in by_hand._kernels() if name.startswith(("aten::unfold", "aten::_convert"))]


if __name__ == "__main__":
    _main(sys.argv[1])
