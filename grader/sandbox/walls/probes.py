"""Forbidden acts, to be tried from inside a worker: a wall is believed when it has been run against.

`attempt(name, **facts)` runs in the worker and says whether the wall held. Some acts end the worker when the wall
holds; for these (`Probe.may_die`) the checker takes the worker's death for "held". Silence is "not held".
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
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

Outcome = tuple[bool, str]


@dataclass(frozen=True)
class Probe:
    """A forbidden act.

    Attributes:
        name: what `attempt` takes.
        title: what is tried, for `grader doctor`.
        needs: names of the facts that `attempt` wants (a path, a process id, a port, a number of bytes).
        may_die: the worker may be killed by the wall that holds.
        levels: where the wall must hold.
    """

    name: str
    title: str
    needs: tuple[str, ...] = ()
    may_die: bool = False
    levels: tuple[Level, ...] = (NAMESPACES, LANDLOCK)


PROBES: Final = (
    Probe("read_canary", "read a file outside", ("canary",)),
    Probe("list_folder", "look into the kit's hidden tests", ("folder",)),
    Probe("read_home", "look into home folders"),
    Probe("write_outside", "write outside its own folder", ("folder",)),
    Probe("write_data", "change the data", ("data",)),
    Probe("change_mode", "change the mode of a file outside", ("canary",)),
    Probe("change_times", "change the times of a file outside", ("canary",)),
    Probe("change_attributes", "change the attributes of a file outside", ("canary",)),
    Probe("watch_folder", "watch a folder outside", ("folder",)),
    Probe("shared_memory", "share memory with other programs"),
    Probe("borrowed_signal", "have the kernel signal another process", ("process",), levels=(LANDLOCK,)),
    Probe("connect", "open a network connection to this machine", ("port",)),
    Probe("connect_unix", "connect to a service's socket file", ("socket",)),
    Probe("see_processes", "see another process", ("process",)),
    Probe("signal_process", "signal another process", ("process",)),
    Probe("trace_process", "trace another process", ("process",)),
    Probe("read_process_memory", "read another process's memory", ("process",)),
    Probe("limit_process", "change another process's limits", ("process",)),
    Probe("mount", "mount a file system"),
    Probe("user_namespace", "become root in a namespace of its own"),
    Probe("clone_namespace", "clone into a namespace of its own", levels=(NAMESPACES,)),
    Probe("regain_root", "become root"),
    Probe("run_program", "run another program"),
    Probe("io_uring", "use io_uring"),
    Probe("hidden_memory", "take memory that no limit counts"),
    Probe("unlisted_calls", "make kernel calls that nobody needs"),
    Probe("foreign_descriptors", "find descriptors that it was not given", ("expected",)),
    Probe("many_processes", "start more processes than allowed", ("count",)),
    Probe("many_threads", "start more threads than allowed", ("count",)),
    Probe("many_descriptors", "open more files than allowed", ("count",)),
    Probe("fill_disk", "fill the disk", ("size",), levels=(NAMESPACES,)),
    Probe("large_file", "write a large file", ("size",)),
    Probe("much_memory", "take more memory than allowed", ("size",), may_die=True),
    Probe("spread_memory", "take more memory than allowed, in several processes", ("size",), may_die=True,
          levels=(NAMESPACES,)),
    Probe("socket_memory", "take more memory than allowed, in sockets", ("size",), may_die=True, levels=(NAMESPACES,)),
    Probe("peer_process", "get a handle to the process at the other end of a socket"),
    Probe("large_socket", "make a socket that holds more than others"),
    Probe("cpu_time", "compute longer than allowed", ("seconds",), may_die=True),
)  # fmt: skip


def attempt(name: str, **facts: Any) -> Outcome:
    """Try one forbidden act in this process.

    Args:
        name: of one of the `PROBES`.
        **facts: what the probe needs; unknown names are ignored.

    Returns:
        Whether the wall held, and what was seen.
    """
    probe = next(one for one in PROBES if one.name == name)
    act = _ACTS[name]
    try:
        seen = act(*(facts[need] for need in probe.needs))
    except (OSError, MemoryError, RuntimeError) as error:
        return True, f"{type(error).__name__}: {error}"
    return (True, "held") if seen is None else (False, seen)


def _read_canary(canary: str) -> str | None:
    return f"read {len(Path(canary).read_bytes())} bytes"


def _list_folder(folder: str) -> str | None:
    return f"{len(list(Path(folder).iterdir()))} entries"


def _read_home() -> str | None:
    found = [str(one) for place in ("/home", "/root", "/var", "/mnt", "/run") for one in _below(place)]
    readable = [one for one in found if not _leads_to_python(one)]
    return f"can see {', '.join(readable[:3])}" if readable else None


def _below(place: str) -> list[Path]:
    try:
        return list(Path(place).iterdir())
    except OSError:
        return []


def _leads_to_python(path: str) -> bool:
    """Names of the folders above the interpreter are no secret."""
    return any(folder.is_relative_to(path) for folder in namespaces.system_folders())


def _write_outside(folder: str) -> str | None:
    place = Path(folder) / f"probe-{os.getpid()}"
    place.write_text("probe")
    place.unlink()
    return "wrote a file"


def _change_mode(path: str) -> str | None:
    os.chmod(path, stat.S_IMODE(os.stat(path).st_mode))  # noqa: PTH101, PTH116 - the calls that are meant
    return "set it to what it was"


def _change_times(path: str) -> str | None:
    os.utime(path)
    return "touched it"


def _change_attributes(path: str) -> str | None:
    os.setxattr(path, "user.probe", b"")
    return "set one"


def _watch_folder(folder: str) -> str | None:
    libc = ctypes.CDLL(None, use_errno=True)
    queue = libc.inotify_init1(0)
    if queue < 0 or libc.inotify_add_watch(queue, folder.encode(), 0xFFF) < 0:
        raise OSError(ctypes.get_errno(), "inotify")
    return "is told of its files"


def _shared_memory() -> str | None:
    libc = ctypes.CDLL(None, use_errno=True)
    for name, arguments in (("shmat", (0, None, 0)), ("msgrcv", (0, None, 0, 0, 0)), ("semop", (0, None, 0))):
        getattr(libc, name)(*arguments)
        if ctypes.get_errno() != errno.EPERM:
            return f"the kernel looked for it: {errno.errorcode[ctypes.get_errno()]}"
    return None


def _borrowed_signal(process: int) -> str | None:
    reading, writing = os.pipe()
    requests = struct.pack("i", process)
    for act in (
        lambda: fcntl.fcntl(reading, fcntl.F_SETSIG, signal.SIGKILL),
        lambda: fcntl.fcntl(reading, fcntl.F_SETOWN, process),
        lambda: fcntl.ioctl(reading, 0x8901, requests),  # FIOSETOWN
    ):
        try:
            act()
        except PermissionError:
            continue
        return "the kernel took it"
    os.close(reading)
    os.close(writing)
    return None


def _connect(port: int) -> str | None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as link:
        link.settimeout(1)
        link.connect(("127.0.0.1", port))
    return "connected"


def _connect_unix(path: str) -> str | None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(1)
        link.connect(path)
    return "connected"


def _see_processes(process: int) -> str | None:
    text = Path(f"/proc/{process}/cmdline").read_bytes()
    return None if process == os.getpid() else f"read {len(text)} bytes of its command line"


def _signal_process(process: int) -> str | None:
    os.kill(process, 0)
    return "may send signals"


def _trace_process(process: int) -> str | None:
    _libc.syscall(101 if _libc.MACHINE == "x86_64" else 117, 0x4206, process, 0, 0, what="ptrace")  # PTRACE_SEIZE
    return "attached"


def _read_process_memory(process: int) -> str | None:
    with Path(f"/proc/{process}/mem").open("rb", buffering=0):
        return "opened its memory"


def _limit_process(process: int) -> str | None:
    resource.prlimit(process, resource.RLIMIT_CPU)
    return "may read and set its limits"


def _mount() -> str | None:
    _libc.mount("tmpfs", os.environ.get("TMPDIR", "/tmp"), "tmpfs", 0)  # noqa: S108 - the worker's own
    return "mounted"


def _user_namespace() -> str | None:
    _libc.unshare(_libc.CLONE_NEWUSER)
    return "made one"


def _clone_namespace() -> str | None:
    clone = 56 if _libc.MACHINE == "x86_64" else 220
    child = _libc.syscall(clone, _libc.CLONE_NEWUSER | signal.SIGCHLD, 0, 0, 0, 0, what="clone")
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    return "made one"


def _regain_root() -> str | None:
    os.setresuid(0, 0, 0)
    return "is root"


def _run_program() -> str | None:
    os.execv(sys.executable, [sys.executable, "-c", ""])  # noqa: S606 - it must fail
    return "ran it"


def _io_uring() -> str | None:
    parameters = ctypes.create_string_buffer(120)
    os.close(_libc.syscall(425, 1, parameters, what="io_uring_setup"))
    return "set one up"


def _hidden_memory() -> str | None:
    os.close(os.memfd_create("probe"))
    return "made a file in memory"


def _unlisted_calls() -> str | None:
    """Make every call that the worker may not, but for two that the kernel filters for nobody."""
    may = {number for numbers in (calls.ALWAYS, calls.IN_A_TREE_OF_ITS_OWN) for number in seccomp.numbers(numbers)}
    may |= set(seccomp.numbers(dict(calls.BY_ARGUMENT)))
    made = []
    for number in set(range(calls.LAST_KNOWN + 50)) - may - set(calls.UPROBES):
        try:
            _libc.syscall(number, -1, -1, -1, -1, -1, -1, what="an unlisted call")
        except OSError as error:
            if error.errno in (errno.EPERM, errno.ENOSYS):
                continue
        made.append(number)
    return f"made calls {', '.join(map(str, sorted(made)))}" if made else None


def _foreign_descriptors(expected: list[int]) -> str | None:
    found = []
    for number in range(4096):
        try:
            os.fstat(number)
        except OSError as error:
            if error.errno != errno.EBADF:
                raise
            continue
        if number not in expected:
            found.append(number)
    return f"holds {found}" if found else None


def _many_processes(count: int) -> str | None:
    children: list[int] = []
    try:
        for _ in range(count):
            child = os.fork()
            if not child:
                time.sleep(30)
                os._exit(0)
            children.append(child)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    return f"{count} at once"


def _many_threads(count: int) -> str | None:
    done = threading.Event()
    threads = [threading.Thread(target=done.wait, args=(30,), daemon=True) for _ in range(count)]
    try:
        for thread in threads:
            thread.start()
    finally:
        done.set()
    return f"{count} at once"


def _many_descriptors(count: int) -> str | None:
    opened: list[int] = []
    try:
        opened.extend(os.open("/dev/null", os.O_RDONLY) for _ in range(count))
    finally:
        for descriptor in opened:
            os.close(descriptor)
    return f"{count} at once"


def _fill_disk(size: int) -> str | None:
    """Many files, so that the limit on a single one does not decide."""
    folder, chunk = Path(os.environ["TMPDIR"]), bytes(4 * MIB)
    written: list[Path] = []
    try:
        for number in range(size // len(chunk)):
            written.append(folder / f"fill-{number}")
            written[-1].write_bytes(chunk)
    finally:
        for path in written:
            path.unlink(missing_ok=True)
    return f"wrote {size >> 20} MiB"


def _large_file(size: int) -> str | None:
    path = Path(os.environ["TMPDIR"]) / "large"
    try:
        with path.open("wb") as file:
            os.truncate(file.fileno(), size)
    finally:
        path.unlink(missing_ok=True)
    return f"made one of {size >> 20} MiB"


def _touch_memory(size: int) -> list[bytearray]:
    return [bytearray(b"\1") * (8 * MIB) for _ in range(size // (8 * MIB))]


def _much_memory(size: int) -> str | None:
    return f"took {sum(map(len, _touch_memory(size))) >> 20} MiB"


def _spread_memory(size: int) -> str | None:
    """A third of it, in four processes: so little in each that no limit on a single one decides."""
    children: list[int] = []
    for _ in range(4):
        child = os.fork()
        if not child:
            os._exit(0 if _hold_memory(size // 12) else 1)
        children.append(child)
    first, status = os.waitpid(-1, 0)
    if not status:
        return f"took {size // 3 >> 20} MiB"
    for child in set(children) - {first}:
        os.kill(child, signal.SIGKILL)
    return None


def _hold_memory(size: int) -> bool:
    try:
        held = _touch_memory(size)
    except MemoryError:
        return False
    time.sleep(3)  # long enough for all four, and for a watchman
    return bool(held)


def _socket_memory(size: int) -> str | None:
    """Fill sockets with a sixtieth of it in each of as many processes as may be: in ten of them is too much."""
    children: list[int] = []
    try:
        while len(children) < 30:  # more than may be
            child = os.fork()
            if not child:
                os._exit(0 if _fill_sockets(size // 60) else 1)
            children.append(child)
    except OSError:
        pass  # no more may be: these will do
    statuses = [os.waitpid(child, 0)[1] for child in children]
    full = sum(not status for status in statuses)
    return f"held {full * size // 60 >> 20} MiB" if full >= 10 else None


def _fill_sockets(size: int) -> bool:
    pairs, filled = [], 0
    try:
        while filled < size:
            pairs.append(socket.socketpair())
            for end in pairs[-1]:
                end.setblocking(False)
                filled += _fill(end)
    except OSError:
        pass
    time.sleep(3)  # long enough for all of them, and for a watchman
    return filled >= size


def _fill(end: socket.socket) -> int:
    total = 0
    try:
        while True:
            total += end.send(bytes(1 << 16))
    except BlockingIOError:
        return total


def _peer_process() -> str | None:
    one, other = socket.socketpair()
    with one, other:
        try:
            os.close(one.getsockopt(socket.SOL_SOCKET, 77))  # SO_PEERPIDFD
        except OSError as error:
            if error.errno in (errno.EPERM, errno.ENOPROTOOPT):  # or too old a kernel
                return None
            raise
    return "got one"


def _large_socket() -> str | None:
    one, other = socket.socketpair()
    with one, other:
        before = one.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * before)
        after = one.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    return f"made one of {after} bytes in place of {before}" if after > before else None


def _cpu_time(seconds: float) -> str | None:
    while time.process_time() < seconds:
        pass
    return f"computed for {seconds:g} s"


_ACTS: Final[dict[str, Callable[..., str | None]]] = {
    "read_canary": _read_canary, "list_folder": _list_folder, "read_home": _read_home,
    "change_mode": _change_mode, "change_times": _change_times, "change_attributes": _change_attributes,
    "watch_folder": _watch_folder, "shared_memory": _shared_memory, "borrowed_signal": _borrowed_signal,
    "write_outside": _write_outside, "write_data": _write_outside, "connect": _connect,
    "connect_unix": _connect_unix, "see_processes": _see_processes, "signal_process": _signal_process,
    "trace_process": _trace_process, "read_process_memory": _read_process_memory, "limit_process": _limit_process,
    "mount": _mount, "user_namespace": _user_namespace, "clone_namespace": _clone_namespace,
    "regain_root": _regain_root, "run_program": _run_program, "io_uring": _io_uring,
    "hidden_memory": _hidden_memory, "unlisted_calls": _unlisted_calls,
    "foreign_descriptors": _foreign_descriptors,
    "many_processes": _many_processes, "many_threads": _many_threads, "many_descriptors": _many_descriptors,
    "fill_disk": _fill_disk, "large_file": _large_file, "much_memory": _much_memory,
    "spread_memory": _spread_memory, "socket_memory": _socket_memory, "large_socket": _large_socket,
    "peer_process": _peer_process,
    "cpu_time": _cpu_time,
}  # fmt: skip
