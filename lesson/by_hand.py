"""Detects convolutions computed by library code, whatever name and thread the student used.

Runs inside the worker, before the student's module is imported. PyTorch is watched below its Python names, in the
dispatcher, where every route ends: functions, modules, operators, scripts, compiled code, other threads.
"""

# ruff: noqa: SLF001 - PyTorch has no public access to its whole dispatcher

from __future__ import annotations

import ctypes
import functools
import gc
import importlib
import os
import re
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import torch

from grader.sandbox.walls.namespaces import system_folders

WORK = re.compile(r"conv(?!ert)|im2col|col2im|correlat")
"""Operators that do the work, by the last part of their name. ``unfold`` is not among them: it only makes views."""

NUMPY = ("convolve", "correlate", "correlate2")
"""Functions of numpy, and of the C module below it, that do the work."""

IMAGE_FILTERS = ("BuiltinFilter", "MultibandFilter", "BoxBlur", "GaussianBlur")
"""Classes of PIL.ImageFilter that do the work."""

MODULES = ("scipy.signal", "scipy.ndimage", "cv2", "sympy.discrete")
"""Modules in which any call does the work."""

ENTRANCES = re.compile(
    r"parse_ir|_?import_ir_module\w*|_create_function_from_graph|_jit_pass_\w*(conv(?!ert_scope)|frozen|mkldnn|vulkan|metal)\w*"
)
"""Functions of torch._C that build graphs of operations below the dispatcher, where they are not watched."""

PROCESSES = frozenset(
    {"os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.spawn", "os.system", "pty.spawn", "subprocess.Popen"}
)
"""Audit events of starting a process, which would not be watched."""

NATIVE = frozenset(
    {"ctypes.dlopen", "ctypes.dlsym", "ctypes.dlsym/handle", "ctypes.call_function", "ctypes.PyObj_FromPtr"}
    | {"ctypes.addressof", "ctypes.string_at", "ctypes.wstring_at", "ctypes.cdata", "ctypes.cdata/buffer"}
    | {"gc.get_objects", "gc.get_referrers", "gc.get_referents", "sqlite3.load_extension"}
)
"""Audit events of calling machine code by its address, or of searching for unreachable objects."""

FOREIGN = frozenset(
    {"_ctypes", "_cffi_backend", "_testcapi", "_testinternalcapi", "_testmultiphase", "_xxsubinterpreters"}
    | {"_interpreters", "_xxinterpchannels", "_interpchannels"}
)
"""C modules that call machine code, or run Python unwatched."""

POINTERS = (
    ("ctypes", ("PyDLL", "LibraryLoader", "_CFuncPtr", "CFUNCTYPE", "PYFUNCTYPE", "cdll", "pydll", "pythonapi")),
    ("ctypes", ("cast", "_cast", "memmove", "memset", "string_at", "_string_at", "wstring_at", "_wstring_at", "Union")),
    ("_ctypes", ("CFuncPtr", "dlopen", "dlsym", "call_function", "call_cdeclfunction", "PyObj_FromPtr", "Union")),
    ("_ctypes", ("_cast_addr", "_memmove_addr", "_memset_addr", "_string_at_addr", "_wstring_at_addr")),
    ("torch._C", ("_construct_storage_from_data_pointer",)),
    ("torch._C._te", ("TensorExprKernel",)),
)
"""What turns addresses into functions and numbers, some of it without an audit event, by module."""

OF_A_GPU = "libnvidia-ml.so.1"
"""A library that PyTorch looks for by itself, and does without if it is missing."""

MEMORY = re.compile(r"(.*/)?(mem|maps|smaps|smaps_rollup|numa_maps|pagemap|[0-9a-f]+-[0-9a-f]+)", re.DOTALL)
"""Files of /proc that show addresses or contents of memory, in whatever folder they are named."""

NAMING = frozenset({"open", "os.symlink", "os.link"})
"""Audit events whose first argument is the name of a file."""

KEYS = (
    "CPU",
    "MkldnnCPU",
    "QuantizedCPU",
    "SparseCPU",
    "SparseCsrCPU",
    "NestedTensorCPU",
    "Meta",
    "CompositeExplicitAutograd",
    "CompositeExplicitAutogradNonFunctional",
    "CompositeImplicitAutograd",
)
"""Dispatch keys under which such an operator can have a CPU kernel."""

MAX_SEEN = 100


class Watch:
    """Detects work that is not done by hand.

    Args:
        block: whether such work raises a RuntimeError, or runs and is only recorded.

    Attributes:
        seen: what was detected, each once: ``aten::convolution``, ``numpy.convolve``, ``scipy.signal.convolve2d``,
            ``PIL.ImageFilter``, ``process``. Clear it to start over.
    """

    def __init__(self, block: bool) -> None:
        self.block = block
        self.seen: list[str] = []

    def install(self) -> None:
        """Start watching this process, for good."""
        prepare()
        if self.block:
            self._override_kernels()
            self._replace_modules()
            self._replace_decompositions()
            self._close_entrances()
            self._take_pointers()
        else:
            self._wrap_kernels()
        self._wrap_functions()
        sys.addaudithook(self._hook())

    def notice(self, name: str) -> None:
        """Record a forbidden operation.

        Raises:
            RuntimeError: if such work is blocked.
        """
        if name not in self.seen and len(self.seen) < MAX_SEEN:
            self.seen.append(name)
        if self.block:
            raise RuntimeError(f"by hand: expected loops, views, sums, products or the FFT, got {name}")

    def _override_kernels(self) -> None:
        """Replace every kernel by a refusal: no dispatch key leads around it."""
        for operator, key in _kernels():
            namespace, _, name = operator.partition("::")
            _library(namespace).impl(name, key, self._refusal(operator), False)

    def _wrap_kernels(self) -> None:
        """Record at BackendSelect, which every call passes through, and pass it on."""
        key = torch._C.DispatchKey.BackendSelect
        for operator in dict.fromkeys(operator for operator, _ in _kernels()):
            namespace, _, name = operator.partition("::")
            if not torch._C._dispatch_has_kernel_for_dispatch_key(operator, "BackendSelect"):
                _library(namespace).impl(name, "BackendSelect", self._recorder(operator, key), True)

    def _refusal(self, name: str) -> Callable[..., Any]:
        def refuse(*_args: Any, **_kwargs: Any) -> None:
            self.notice(_public(name))

        return refuse

    def _recorder(self, name: str, key: Any) -> Callable[..., Any]:
        below = torch._C._dispatch_keyset_full_after(key)

        def record(keyset: Any, *args: Any, **kwargs: Any) -> Any:
            self.notice(_public(name))
            return _overload(name).redispatch(keyset & below, *args, **kwargs)

        return record

    def _wrap_functions(self) -> None:
        for owner, attribute, label in _functions():
            setattr(owner, attribute, self._wrapped(getattr(owner, attribute), label))

    def _wrapped(self, function: Callable[..., Any], label: str) -> Callable[..., Any]:
        if self.block:
            return self._refusal(label)

        def wrapper(*args: Any, **kwargs: Any) -> Any:
            self.notice(label)
            return function(*args, **kwargs)

        return wrapper

    def _replace_modules(self) -> None:
        """Replace each module and its parts by a trap, loaded or not."""
        for name in (*MODULES, *_loaded_parts()):
            trap = _TrapModule(name, self.notice)
            sys.modules[name] = trap
            parent, _, last = name.rpartition(".")
            if parent in sys.modules:
                setattr(sys.modules[parent], last, trap)

    def _replace_decompositions(self) -> None:
        """Refuse PyTorch's Python versions of such operators: they use only indexing and products."""
        decompositions = importlib.import_module("torch._decomp.decompositions")
        for name in [name for name in vars(decompositions) if WORK.search(name)]:
            setattr(decompositions, name, self._refusal(f"torch._decomp.{name}"))
        for table in importlib.import_module("torch._decomp").global_decomposition_table.values():
            for operator in [operator for operator in table if WORK.search(str(operator))]:
                table[operator] = self._refusal(f"torch._decomp.{operator}")

    def _close_entrances(self) -> None:
        """Remove everything that undoes a refusal, or computes below the dispatcher or outside Python."""
        for name in [name for name in vars(torch._C) if ENTRANCES.fullmatch(name)]:
            setattr(torch._C, name, self._refusal(f"torch._C.{name}"))
        torch._C.Graph.create = self._refusal("torch._C.Graph.create")  # type: ignore[method-assign]
        del torch._C._DispatchModule.reset  # it undoes a library of kernels
        for name in [name for name in vars(torch._C._aoti) if name.startswith("AOTIModel")]:  # they load machine code
            setattr(torch._C._aoti, name, self._refusal(f"torch._C._aoti.{name}"))
        filters = _methods(type(sys.modules["PIL.Image"].core.new("L", (1, 1))))
        filters["filter"] = self._refusal("PIL.ImageFilter")

    def _take_pointers(self) -> None:
        for module, names in POINTERS:
            for name in names:
                if name in vars(sys.modules[module]):
                    setattr(sys.modules[module], name, self._refusal("machine code"))
        for name in FOREIGN:
            if name in sys.modules and name != "_ctypes":
                sys.modules[name] = _TrapModule(name, self.notice)
        ctypes.CDLL = self._load_library  # type: ignore[misc,assignment]

    def _load_library(self, name: str | None = None, *_args: Any, **_kwargs: Any) -> None:
        if name == OF_A_GPU:
            raise OSError(f"{name}: there is no GPU here")
        self.notice("machine code")

    def _hook(self) -> Callable[[str, tuple[Any, ...]], None]:
        """Return an audit hook. Its refusals do not depend on any name that can be rebound."""
        blocks, notice, named = self.block, self.notice, _named(self.block)

        def hook(event: str, args: tuple[Any, ...]) -> None:
            name = named(event, args)
            if name is not None:
                notice(name)
                if blocks:
                    raise RuntimeError(f"by hand: expected loops, views, sums, products or the FFT, got {name}")

        return hook


def _named(block: bool) -> Callable[[str, tuple[Any, ...]], str | None]:
    """Return the name of an act that is not work by hand, None for all others."""
    processes, native = PROCESSES, NATIVE if block else frozenset[str]()
    naming, memory, plain = NAMING if block else frozenset[str](), MEMORY, os.fsdecode
    parts, homes, foreign = tuple(f"{module}." for module in MODULES), _homes(), FOREIGN
    loaded = {getattr(module, "__file__", None) for module in list(sys.modules.values())}

    def named(event: str, args: tuple[Any, ...]) -> str | None:
        if event in processes:
            return "process"
        if event == "import":
            name, file = str(args[0]), args[1]
            if name.startswith(parts):
                return ".".join(name.split(".")[:2])
            in_c = isinstance(file, str) and file.endswith(".so")
            strange = in_c and (file in loaded or not file.startswith(homes))  # the second time it is unchanged
            return "machine code" if block and (strange or name in foreign) else None
        named_file = event in naming and isinstance(args[0], str | bytes)
        if event in native or (named_file and memory.fullmatch(plain(args[0]))):
            return "machine code"
        return None

    return named


class _Trap:
    """Stands for a function or class of a trapped module; mentioning it is fine, calling it is work."""

    def __init__(self, name: str, notice: Callable[[str], None]) -> None:
        self._name = name
        self._notice = notice

    def __getattr__(self, attribute: str) -> _Trap:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return _Trap(f"{self._name}.{attribute}", self._notice)

    def __call__(self, *_args: Any, **_kwargs: Any) -> None:
        self._notice(self._name)


class _TrapModule(ModuleType):
    """Stands for a module in which any call does the work."""

    def __init__(self, name: str, notice: Callable[[str], None]) -> None:
        super().__init__(name)
        self.__spec__ = ModuleSpec(name, None)
        self.__path__: list[str] = []
        self._notice = notice

    def __getattr__(self, attribute: str) -> _Trap:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return _Trap(f"{self.__name__}.{attribute}", self._notice)


def prepare() -> None:
    """Find what to watch; a zygote does it once for all its workers."""
    for name in ("torchvision", "PIL.ImageFilter"):
        importlib.import_module(name)  # its operators are registered only then
    _kernels()
    _functions()
    _loaded_parts()
    _homes()


@functools.cache
def _homes() -> tuple[str, ...]:
    """Return the folders that contain installed libraries."""
    return tuple(map(str, system_folders()))


def _methods(of_type: type) -> dict[str, Any]:
    """Return the methods of a type written in C, as a dict that can be changed."""
    (methods,) = gc.get_referents(of_type.__dict__)
    assert isinstance(methods, dict), "a type's mapping is a view of a dict"
    return methods


@functools.cache
def _loaded_parts() -> tuple[str, ...]:
    """Return the names of the parts of MODULES that are loaded."""
    return tuple(name for name in sys.modules if name.startswith(tuple(f"{module}." for module in MODULES)))


@functools.cache
def _kernels() -> tuple[tuple[str, str], ...]:
    """Return the operators that do the work, each with the dispatch keys under which it has a kernel.

    PyTorch's own composite operators are left alone: their parts are detected.
    """
    has_kernel = torch._C._dispatch_has_kernel_for_dispatch_key
    names = sorted(name for name in torch._C._dispatch_get_all_op_names() if WORK.search(name.partition("::")[2]))
    composed = {name for name in names if name.startswith("aten::") and has_kernel(name, "CompositeImplicitAutograd")}
    return tuple((name, key) for name in names if name not in composed for key in KEYS if has_kernel(name, key))


@functools.cache
def _functions() -> tuple[tuple[Any, str, str], ...]:
    """Return owner, attribute and label of every function that does the work, under each name that it has."""
    filters = sys.modules["PIL.ImageFilter"]
    found: list[tuple[Any, str, str]] = [
        (getattr(filters, name), "filter", "PIL.ImageFilter")
        for name in IMAGE_FILTERS
        if "filter" in vars(getattr(filters, name))
    ]
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "numpy" and isinstance(module, ModuleType):
            found += [
                (module, attribute, f"numpy.{attribute}")
                for attribute in NUMPY
                if callable(vars(module).get(attribute))
            ]
    found.append((importlib.import_module("_posixsubprocess"), "fork_exec", "process"))
    return tuple(found)


def _library(namespace: str) -> Any:
    """Return a library whose kernels nothing in this process can undo: no Python object leads to it later."""
    library = torch._C._dispatch_library("IMPL", namespace, "", __file__, 0)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(library))
    return library


@functools.cache
def _overload(operator: str) -> Any:
    namespace, _, name = operator.partition("::")
    packet, _, overload = name.partition(".")
    return getattr(getattr(getattr(torch.ops, namespace), packet), overload or "default")


def _public(operator: str) -> str:
    """Return an operator's name without its overload."""
    namespace, mark, name = operator.partition("::")
    return f"{namespace}::{name.partition('.')[0]}" if mark else operator
