"""The few Linux calls that Python 3.11 has no name for, each raising OSError like its cousins in os."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from typing import Final

CLONE_NEWNS: Final = 0x00020000
CLONE_NEWCGROUP: Final = 0x02000000
CLONE_NEWUTS: Final = 0x04000000
CLONE_NEWIPC: Final = 0x08000000
CLONE_NEWUSER: Final = 0x10000000
CLONE_NEWPID: Final = 0x20000000
CLONE_NEWNET: Final = 0x40000000
CLONE_THREAD: Final = 0x00010000

MS_RDONLY: Final = 1
MS_NOSUID: Final = 2
MS_NODEV: Final = 4
MS_NOEXEC: Final = 8
MS_REMOUNT: Final = 32
MS_BIND: Final = 4096
MS_REC: Final = 16384
MS_PRIVATE: Final = 1 << 18
MNT_DETACH: Final = 2

PR_SET_PDEATHSIG: Final = 1
PR_SET_DUMPABLE: Final = 4
PR_SET_KEEPCAPS: Final = 8
PR_CAPBSET_DROP: Final = 24
PR_SET_SECUREBITS: Final = 28
PR_SET_NO_NEW_PRIVS: Final = 38
PR_CAP_AMBIENT: Final = 47
PR_CAP_AMBIENT_CLEAR_ALL: Final = 4

_AT_EMPTY_PATH: Final = 0x1000
_AT_RECURSIVE: Final = 0x8000
_AT_FDCWD: Final = -100
_OPEN_TREE_CLONE: Final = 1
_MOVE_MOUNT_F_EMPTY_PATH: Final = 4

# Calls from 424 on have the same number on every architecture; pivot_root is older than that agreement.
_OPEN_TREE: Final = 428
_MOVE_MOUNT: Final = 429
_MOUNT_SETATTR: Final = 442
_PIVOT_ROOT: Final = {"x86_64": 155, "aarch64": 41}
_SECCOMP: Final = {"x86_64": 317, "aarch64": 277}

MACHINE: Final = platform.machine()


class _MountAttributes(ctypes.Structure):
    _fields_ = [("attr_set", ctypes.c_uint64), ("attr_clr", ctypes.c_uint64), ("propagation", ctypes.c_uint64),
                ("userns_fd", ctypes.c_uint64)]  # fmt: skip


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


# Resolved once, at import: a worker calls these when it can no longer open a library.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _check(result: int, what: str) -> int:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
    return result


def syscall(number: int, *arguments: int | bytes | ctypes.Array[ctypes.c_char] | None, what: str) -> int:
    """Call the kernel directly; ints are passed as 64-bit values, bytes as pointers."""
    if _libc is None:
        raise OSError(38, os.strerror(38), what)
    converted = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    return _check(_libc.syscall(ctypes.c_long(number), *converted), what)


def unshare(flags: int) -> None:
    """Move the calling process into namespaces of its own."""
    assert _libc is not None
    _check(_libc.unshare(flags), f"unshare({flags:#x})")


def setns(descriptor: int, kind: int) -> None:
    """Enter (for a pid namespace: let children enter) the namespace behind a descriptor."""
    assert _libc is not None
    _check(_libc.setns(descriptor, kind), f"setns({kind:#x})")


def prctl(option: int, first: int = 0, second: int = 0) -> None:
    """Set an option of the process, with the unused arguments zero, as newer options insist on."""
    assert _libc is not None
    arguments = [ctypes.c_ulong(value) for value in (first, second, 0, 0)]
    _check(_libc.prctl(option, *arguments), f"prctl({option})")


def mount(source: str, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    """Mount a file system, or change a mount."""
    assert _libc is not None
    texts = [text.encode() if text is not None else None for text in (source, target, kind, options)]
    result = _libc.mount(texts[0], texts[1], texts[2], ctypes.c_ulong(flags), texts[3])
    _check(result, f"mount {kind or ''} on {target}")


def copy_mount(path: str) -> int:
    """A detached copy of what is mounted at or below `path`, as a descriptor."""
    flags = _OPEN_TREE_CLONE | os.O_CLOEXEC | _AT_RECURSIVE
    return syscall(_OPEN_TREE, _AT_FDCWD, path.encode(), flags, what=f"open_tree {path}")


def restrict_mount(descriptor: int, attributes: int) -> None:
    """Add attributes such as read-only to a mount and all below it, before anyone can reach it."""
    wanted = bytes(_MountAttributes(attributes, 0, 0, 0))
    arguments = (descriptor, b"", _AT_EMPTY_PATH | _AT_RECURSIVE, wanted, len(wanted))
    syscall(_MOUNT_SETATTR, *arguments, what="mount_setattr")


def place_mount(descriptor: int, target: str) -> None:
    """Attach a detached mount at `target`."""
    arguments = (descriptor, b"", _AT_FDCWD, target.encode(), _MOVE_MOUNT_F_EMPTY_PATH)
    syscall(_MOVE_MOUNT, *arguments, what=f"move_mount to {target}")


def pivot_into(folder: str) -> None:
    """Make `folder` the root of this mount namespace and let go of everything else."""
    assert _libc is not None
    os.chdir(folder)
    syscall(_PIVOT_ROOT[MACHINE], b".", b".", what="pivot_root")
    # The old root now lies on top of the new one, at the same place: this takes it away.
    _check(_libc.umount2(b".", MNT_DETACH), "umount2 of the old root")
    os.chdir("/")


def install_filter(program: bytes) -> None:
    """Bind the calling process, and all it will start, to a seccomp filter (8 bytes per instruction)."""
    instructions = ctypes.create_string_buffer(program, len(program))
    described = _Program(len(program) // 8, ctypes.addressof(instructions))
    set_mode_filter = 1
    syscall(_SECCOMP[MACHINE], set_mode_filter, 0, bytes(described), what="seccomp")


def set_capabilities(effective: int, permitted: int) -> None:
    """Replace the capability sets of the calling thread; nothing is inheritable."""
    assert _libc is not None
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3, this thread
    low, high = 0xFFFFFFFF, 32
    data = (ctypes.c_uint32 * 6)(effective & low, permitted & low, 0, effective >> high, permitted >> high, 0)
    _check(_libc.capset(header, data), "capset")


def effective_capabilities() -> int:
    """The effective capability set, as a bit mask."""
    assert _libc is not None
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    data = (ctypes.c_uint32 * 6)()
    _check(_libc.capget(header, data), "capget")
    return int(data[0]) | int(data[3]) << 32
