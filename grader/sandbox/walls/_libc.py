"""The few Linux calls that Python 3.11 has no name for, each raising OSError like its cousins in os."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from typing import Any, Final

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
_MNT_DETACH: Final = 2

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


# Loaded at import: a worker calls these when it can no longer open a library.
_libc = ctypes.CDLL(None, use_errno=True)

Argument = int | bytes | ctypes.Array[Any] | None


def call(name: str, *arguments: Argument, what: str = "") -> int:
    """Call a function of the C library; ints are passed as 64-bit values, bytes as pointers.

    Raises:
        OSError: if it returns -1; ``what`` names what was tried.
    """
    converted = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    result = int(getattr(_libc, name)(*converted))
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what or name)
    return result


def syscall(number: int, *arguments: Argument, what: str) -> int:
    """Call the kernel directly."""
    return call("syscall", number, *arguments, what=what)


def unshare(flags: int) -> None:
    """Move the calling process into namespaces of its own."""
    call("unshare", flags, what=f"unshare({flags:#x})")


def setns(descriptor: int, kind: int) -> None:
    """Enter (for a pid namespace: let children enter) the namespace behind a descriptor."""
    call("setns", descriptor, kind, what=f"setns({kind:#x})")


def prctl(option: int, first: int = 0, second: int = 0) -> None:
    """Set an option of the process, with the unused arguments zero, as newer options insist on."""
    call("prctl", option, first, second, 0, 0, what=f"prctl({option})")


def mount(source: str, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    """Mount a file system, or change a mount."""
    texts = [text if text is None else text.encode() for text in (kind, options)]
    call("mount", source.encode(), target.encode(), texts[0], flags, texts[1], what=f"mount {kind or ''} on {target}")


def copy_mount(path: str, attributes: int) -> int:
    """A detached copy of what is mounted at or below `path`, as a descriptor.

    Attributes such as read-only are added to it and all below it, before anyone can reach it.
    """
    flags = _OPEN_TREE_CLONE | os.O_CLOEXEC | _AT_RECURSIVE
    descriptor = syscall(_OPEN_TREE, _AT_FDCWD, path.encode(), flags, what=f"open_tree {path}")
    wanted = struct.pack("4Q", attributes, 0, 0, 0)  # set, clear, propagation, user namespace
    arguments = (descriptor, b"", _AT_EMPTY_PATH | _AT_RECURSIVE, wanted, len(wanted))
    syscall(_MOUNT_SETATTR, *arguments, what="mount_setattr")
    return descriptor


def place_mount(descriptor: int, target: str) -> None:
    """Attach a detached mount at `target`."""
    arguments = (descriptor, b"", _AT_FDCWD, target.encode(), _MOVE_MOUNT_F_EMPTY_PATH)
    syscall(_MOVE_MOUNT, *arguments, what=f"move_mount to {target}")


def pivot_into(folder: str) -> None:
    """Make `folder` the root of this mount namespace and let go of everything else."""
    os.chdir(folder)
    syscall(_PIVOT_ROOT[MACHINE], b".", b".", what="pivot_root")
    # The old root now lies on top of the new one, at the same place: this takes it away.
    call("umount2", b".", _MNT_DETACH, what="umount2 of the old root")
    os.chdir("/")


def install_filter(program: bytes) -> None:
    """Bind the calling process, and all it will start, to a seccomp filter (8 bytes per instruction)."""
    instructions = ctypes.create_string_buffer(program, len(program))
    described = struct.pack("HP", len(program) // 8, ctypes.addressof(instructions))
    set_mode_filter = 1
    syscall(_SECCOMP[MACHINE], set_mode_filter, 0, described, what="seccomp")


def _this_thread() -> ctypes.Array[ctypes.c_uint32]:
    return (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3 of the capability sets


def set_capabilities(kept: int) -> None:
    """Leave the calling thread these capabilities, effective and permitted; nothing is inheritable."""
    low, high = kept & 0xFFFFFFFF, kept >> 32
    data = (ctypes.c_uint32 * 6)(low, low, 0, high, high, 0)
    call("capset", _this_thread(), data)


def effective_capabilities() -> int:
    """The effective capability set, as a bit mask."""
    data = (ctypes.c_uint32 * 6)()
    call("capget", _this_thread(), data)
    return int(data[0]) | int(data[3]) << 32
