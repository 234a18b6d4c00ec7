"""Attacks on the walls, to be tried from inside a worker: a wall is believed when it has been run against.

`attempt(name, **facts)` runs in the worker and says whether the wall held. Some attacks end the worker when the wall
holds; for these (`Attack.may_die`) the checker takes the worker's death for "held". Silence is "not held". Each is
tried in a worker of its own, which ends with all that it has started and made.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import inspect
import os
import resource
import signal
import socket
import stat
import struct
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from grader.sandbox.walls import _libc, calls, namespaces, seccomp
from grader.sandbox.walls.model import LANDLOCK, MIB, NAMESPACES, Level

HELD: Final = "held"


@dataclass(frozen=True)
class Attack:
    """A forbidden act.

    Attributes:
        name: what `attempt` takes.
        title: what is tried, for `grader doctor`.
        act: does it. Its parameters are names of facts (a path, a process id, a port, a number of bytes). Where the
            wall holds it raises, or returns `HELD`; whatever else it returns says how it got through.
        may_die: the worker may be killed by the wall that holds.
        levels: where the wall must hold.
    """

    name: str
    title: str
    act: Callable[..., object]
    may_die: bool = False
    levels: tuple[Level, ...] = (NAMESPACES, LANDLOCK)


def attempt(name: str, **facts: Any) -> tuple[bool, str]:
    """Try one forbidden act in this process.

    Args:
        name: of one of the `ATTACKS`.
        **facts: what the act needs; unknown names are ignored.

    Returns:
        Whether the wall held, and what was seen.
    """
    act = next(one.act for one in ATTACKS if one.name == name)
    try:
        seen = act(*(facts[need] for need in inspect.signature(act).parameters))
    except (OSError, MemoryError, RuntimeError) as error:
        return True, f"{type(error).__name__}: {error}"
    return seen == HELD, seen if isinstance(seen, str) else "done"


def _of_machine(on_x86_64: int, on_aarch64: int) -> int:
    return on_x86_64 if _libc.MACHINE == "x86_64" else on_aarch64


def _errno(act: Callable[..., object], *arguments: Any, **options: Any) -> int:
    """Return the number of the error that a call fails with, 0 if it does not."""
    try:
        act(*arguments, **options)
    except OSError as error:
        return error.errno or 0
    return 0


def _fork(act: Callable[[], object]) -> int:
    """Start a process whose exit status is 0 if the act says that it succeeded."""
    child = os.fork()
    if not child:
        try:
            os._exit(0 if act() else 1)
        finally:
            os._exit(1)
    return child


def _read_home() -> str:
    found: list[Path] = []
    for place in ("/home", "/root", "/var", "/mnt", "/run"):
        with contextlib.suppress(OSError):
            found += Path(place).iterdir()
    # Names of the folders above the interpreter are not secret.
    others = [str(one) for one in found if not any(read.is_relative_to(one) for read in namespaces.system_folders())]
    return f"can see {', '.join(others[:3])}" if others else HELD


def _write_into(folder: str) -> str:
    place = Path(folder) / f"attack-{os.getpid()}"
    place.write_text("attack")
    place.unlink()
    return "wrote a file"


def _share_memory() -> str:
    calls_made = (("shmat", 0, None, 0), ("msgrcv", 0, None, 0, 0, 0), ("semop", 0, None, 0))
    made = [name for name, *arguments in calls_made if _errno(_libc.call, name, *arguments) != errno.EPERM]
    return f"the kernel looked for it: {', '.join(made)}" if made else HELD


def _borrow_signal(process: int) -> str:
    pipe, _ = os.pipe()
    for act in (
        lambda: fcntl.fcntl(pipe, fcntl.F_SETSIG, signal.SIGKILL),
        lambda: fcntl.fcntl(pipe, fcntl.F_SETOWN, process),
        lambda: fcntl.ioctl(pipe, 0x8901, struct.pack("i", process)),  # FIOSETOWN
    ):
        with contextlib.suppress(PermissionError):
            act()
            return "the kernel took it"
    return HELD


def _connect(family: int, address: Any) -> str:
    with socket.socket(family, socket.SOCK_STREAM) as link:
        link.settimeout(1)
        link.connect(address)
    return "connected"


def _see_process(process: int) -> str:
    text = Path(f"/proc/{process}/cmdline").read_bytes()
    return HELD if process == os.getpid() else f"read {len(text)} bytes of its command line"


def _clone_namespace() -> str:
    if not _libc.syscall(_of_machine(56, 220), _libc.CLONE_NEWUSER | signal.SIGCHLD, 0, 0, 0, 0, what="clone"):
        os._exit(0)
    return "made one"


def _make_unlisted_calls() -> str:
    """Make every call that the worker may not, but for two that the kernel filters for nobody."""
    may = {number for listed in (calls.ALWAYS, calls.IN_A_TREE_OF_ITS_OWN) for number in seccomp.numbers(listed)}
    may |= {*seccomp.numbers(dict(calls.BY_ARGUMENT)), *calls.UPROBES}
    refused = errno.EPERM, errno.ENOSYS
    others = sorted({*range(calls.LAST_KNOWN + 50)} - may)
    made = [str(number) for number in others if _errno(_libc.syscall, number, *[-1] * 6, what="") not in refused]
    return f"made calls {', '.join(made)}" if made else HELD


def _find_descriptors(expected: list[int]) -> str:
    found = [one for one in range(4096) if one not in expected and _errno(os.fstat, one) != errno.EBADF]
    return f"holds {found}" if found else HELD


def _start_processes(count: int) -> str:
    for _ in range(count):
        _fork(lambda: time.sleep(30))
    return f"{count} at once"


def _start_threads(count: int) -> str:
    for _ in range(count):
        threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
    return f"{count} at once"


def _open_files(count: int) -> str:
    return f"{len([Path('/dev/null').open('rb') for _ in range(count)])} at once"


def _fill_disk(size: int) -> str:
    """Many files, so that the limit on a single one does not decide."""
    for number in range(size // (4 * MIB)):
        Path(os.environ["TMPDIR"], f"fill-{number}").write_bytes(bytes(4 * MIB))
    return f"wrote {size >> 20} MiB"


def _write_large_file(size: int) -> str:
    with Path(os.environ["TMPDIR"], "large").open("wb") as file:
        os.truncate(file.fileno(), size)
    return f"made one of {size >> 20} MiB"


def _take_memory(size: int) -> list[bytearray]:
    return [bytearray(b"\1") * (8 * MIB) for _ in range(size // (8 * MIB))]


def _spread_memory(size: int) -> str:
    """A third of it, in four processes: so little in each that no limit on a single one decides."""

    def hold() -> bool:
        held = _take_memory(size // 12)
        time.sleep(3)  # long enough for all four, and for a watchman
        return bool(held)

    for _ in range(4):
        _fork(hold)
    _, status = os.wait()
    return HELD if status else f"took {size // 3 >> 20} MiB"


def _spread_over_sockets(size: int) -> str:
    """Fill sockets with a sixtieth of it in each of as many processes as may be: in ten of them is too much."""
    children: list[int] = []
    with contextlib.suppress(OSError):  # no more may be: these will do
        while len(children) < 30:  # more than may be
            children.append(_fork(lambda: _fill_sockets(size // 60)))
    full = sum(not os.waitpid(child, 0)[1] for child in children)
    return f"held {full * size // 60 >> 20} MiB" if full >= 10 else HELD


def _fill_sockets(size: int) -> bool:
    pairs, filled = [], 0
    with contextlib.suppress(OSError):
        while filled < size:
            pairs.append(socket.socketpair())
            for end in pairs[-1]:
                end.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    while True:
                        filled += end.send(bytes(1 << 16))
    time.sleep(3)  # long enough for all of them, and for a watchman
    return filled >= size


def _enlarge_socket() -> str:
    one, _other = socket.socketpair()
    before = one.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * before)
    after = one.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    return f"made one of {after} bytes in place of {before}" if after > before else HELD


def _compute(seconds: float) -> str:
    while time.process_time() < seconds:
        pass
    return f"computed for {seconds:g} s"


ATTACKS: Final = (
    Attack("read_canary", "read a file outside", lambda canary: f"read {len(Path(canary).read_bytes())} bytes"),
    Attack("list_folder", "look into the kit's hidden tests",
           lambda folder: f"{len([*Path(folder).iterdir()])} entries"),
    Attack("read_home", "look into home folders", _read_home),
    Attack("write_outside", "write outside its own folder", _write_into),
    Attack("write_data", "change the data", lambda data: _write_into(data)),  # noqa: PLW0108 - it names the fact
    Attack("change_mode", "change the mode of a file outside",
           lambda canary: Path(canary).chmod(stat.S_IMODE(Path(canary).stat().st_mode))),
    Attack("change_times", "change the times of a file outside", lambda canary: os.utime(canary, None)),
    Attack("change_attributes", "change the attributes of a file outside",
           lambda canary: os.setxattr(canary, "user.attack", b"")),
    Attack("watch_folder", "watch a folder outside",
           lambda folder: _libc.call("inotify_add_watch", _libc.call("inotify_init1", 0), folder.encode(), 0xFFF)),
    Attack("shared_memory", "share memory with other programs", _share_memory),
    Attack("borrowed_signal", "have the kernel signal another process", _borrow_signal, levels=(LANDLOCK,)),
    Attack("connect", "open a network connection to this machine",
           lambda port: _connect(socket.AF_INET, ("127.0.0.1", port))),
    Attack("connect_unix", "connect to a service's socket file", lambda service: _connect(socket.AF_UNIX, service)),
    Attack("see_processes", "see another process", _see_process),
    Attack("signal_process", "signal another process", lambda process: os.kill(process, 0)),
    Attack("trace_process", "trace another process",  # PTRACE_SEIZE
           lambda process: _libc.syscall(_of_machine(101, 117), 0x4206, process, 0, 0, what="ptrace")),
    Attack("read_process_memory", "read another process's memory",
           lambda process: os.open(f"/proc/{process}/mem", os.O_RDONLY)),
    Attack("limit_process", "change another process's limits",
           lambda process: resource.prlimit(process, resource.RLIMIT_CPU)),
    Attack("mount", "mount a file system", lambda: _libc.mount("tmpfs", os.environ["TMPDIR"], "tmpfs", 0)),
    Attack("user_namespace", "become root in a namespace of its own", lambda: _libc.unshare(_libc.CLONE_NEWUSER)),
    Attack("clone_namespace", "clone into a namespace of its own", _clone_namespace, levels=(NAMESPACES,)),
    Attack("regain_root", "become root", lambda: os.setresuid(0, 0, 0)),
    Attack("run_program", "run another program",
           lambda: os.execv(sys.executable, [sys.executable, "-c", ""])),  # noqa: S606 - it must fail
    Attack("io_uring", "use io_uring", lambda: _libc.syscall(425, 1, bytes(120), what="io_uring_setup")),
    Attack("hidden_memory", "take memory that no limit counts", lambda: os.memfd_create("attack")),
    Attack("unlisted_calls", "make kernel calls that nobody needs", _make_unlisted_calls),
    Attack("foreign_descriptors", "find descriptors that it was not given", _find_descriptors),
    Attack("many_processes", "start more processes than allowed", _start_processes),
    Attack("many_threads", "start more threads than allowed", _start_threads),
    Attack("many_descriptors", "open more files than allowed", _open_files),
    Attack("fill_disk", "fill the disk", _fill_disk, levels=(NAMESPACES,)),
    Attack("large_file", "write a large file", _write_large_file),
    Attack("much_memory", "take more memory than allowed",
           lambda size: f"took {sum(map(len, _take_memory(size))) >> 20} MiB", may_die=True),
    Attack("spread_memory", "take more memory than allowed, in several processes", _spread_memory, may_die=True,
           levels=(NAMESPACES,)),
    Attack("socket_memory", "take more memory than allowed, in sockets", _spread_over_sockets, may_die=True,
           levels=(NAMESPACES,)),
    Attack("peer_process", "get a handle to the process at the other end of a socket",
           lambda: socket.socketpair()[0].getsockopt(socket.SOL_SOCKET, 77)),  # SO_PEERPIDFD
    Attack("large_socket", "make a socket that holds more than others", _enlarge_socket),
    Attack("cpu_time", "compute longer than allowed", _compute, may_die=True),
)  # fmt: skip
