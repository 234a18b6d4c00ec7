"""A world of its own: a file system with only what a worker needs, no network, no other processes."""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import signal
import sys
import sysconfig
from pathlib import Path
from typing import Final

from grader.sandbox.walls import _libc, privileges
from grader.sandbox.walls.model import Walls, WallsUnavailable

# Mounted over while the new root is built: it exists everywhere, and what lies below it has been opened before.
_BUILDING_SITE: Final = "/tmp"  # noqa: S108 - in a mount namespace that nobody else sees
_SCRATCH: Final = Path("/tmp")  # noqa: S108 - the worker's own
_SHARED_MEMORY: Final = "/dev/shm"  # noqa: S108 - the worker's own
_DEVICES: Final = ("null", "zero", "random", "urandom")
_RDONLY, _NOSUID, _NODEV, _NOEXEC = 1, 2, 4, 8  # MOUNT_ATTR_*
_FILES_PER_MIB: Final = 64
_FLAGS: Final = _libc.MS_NOSUID | _libc.MS_NODEV | _libc.MS_NOEXEC

PACKAGES: Final = ("site-packages", "dist-packages")
"""Names of the folders that installed packages lie in."""


@functools.cache
def system_folders() -> tuple[Path, ...]:
    """What Python, torch and the shared libraries behind them read: nothing of the user's."""
    python = [sys.prefix, sys.base_prefix, *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))]
    python += [entry for entry in sys.path if Path(entry).name in PACKAGES]  # a path file may name others
    system = ["/usr", "/lib", "/lib64", "/lib32", "/etc/ld.so.cache", "/etc/localtime", "/sys/devices/system/cpu"]
    found = {Path(name) for name in [*python, *system] if Path(name).exists()}
    return tuple(sorted(found))


def enter_private_tree() -> None:
    """Move the zygote into process (and, for an ordinary user, user) namespaces of its own.

    From there every worker costs one fork: a process namespace can be left again only towards one that the zygote has
    power over. It also means that the kernel ends all workers when the zygote ends. The calling process becomes a
    watchman that waits for the zygote, ends as it ended, and takes it along when it is killed.
    """
    uid, gid = os.geteuid(), os.getegid()
    as_user = not privileges.has_capability(privileges.CAP_SYS_ADMIN)
    process = os.open("/proc/self", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _libc.unshare(_libc.CLONE_NEWPID | (_libc.CLONE_NEWUSER if as_user else 0))
        if as_user:
            privileges.map_only_me(process, uid, gid)
    except OSError as error:
        raise WallsUnavailable(refusal(error)) from error
    finally:
        os.close(process)
    zygote = os.fork()
    if zygote:
        _watch_over(zygote)
    privileges.die_with_parent()


def refusal(error: OSError) -> str:
    """What to do when the kernel refuses a namespace."""
    advice = {errno.ENOSPC: "Is user.max_user_namespaces 0? Set it with sysctl",
              errno.ENOSYS: "Linux 5.12 or later is needed"}  # fmt: skip
    common = ("Allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, "
              "kernel.apparmor_restrict_unprivileged_userns=0; in a container --security-opt seccomp=unconfined "
              "or --cap-add SYS_ADMIN)")  # fmt: skip
    return f"namespaces: expected {error.filename} to work, got {error.strerror}. " + advice.get(
        error.errno or 0, common) + ", or use the landlock level."  # fmt: skip


def _watch_over(zygote: int) -> None:
    """Wait for the zygote and end the same way. Never returns."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.closerange(0, 1 << 16)
    _, status = os.waitpid(zygote, 0)
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def fork_in_new_tree() -> int:
    """Fork a child that is process 1 of a new process namespace; the caller stays in its own."""
    home = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    child = -1
    try:
        _libc.unshare(_libc.CLONE_NEWPID)
        child = os.fork()
    finally:
        if child:
            _libc.setns(home, _libc.CLONE_NEWPID)
        os.close(home)
    return child


def build(walls: Walls, scratch_bytes: int, uid: int, gid: int) -> Path:
    """Give the calling process its own mount, network, IPC, host-name and cgroup namespaces and a bare file system.

    Returns:
        The folder that can be written.
    """
    try:
        _libc.unshare(_libc.CLONE_NEWNS | _libc.CLONE_NEWNET | _libc.CLONE_NEWIPC | _libc.CLONE_NEWUTS
                      | _libc.CLONE_NEWCGROUP)  # fmt: skip
        _libc.mount("none", "/", None, _libc.MS_REC | _libc.MS_PRIVATE)
        _furnish(walls, scratch_bytes, uid, gid)
        _libc.pivot_into(_BUILDING_SITE)
    except OSError as error:
        raise WallsUnavailable(refusal(error)) from error
    os.chdir(_SCRATCH)
    return _SCRATCH


def _furnish(walls: Walls, scratch_bytes: int, uid: int, gid: int) -> None:
    """Put together the new root at the building site."""
    steps = plan(walls)
    copies = [_libc.copy_mount(source, _RDONLY | _NOSUID | _NODEV) if source else -1 for source, _, _ in steps]
    devices = [_libc.copy_mount(f"/dev/{name}", _NOSUID | _NOEXEC) for name in _DEVICES]
    _tmpfs(_BUILDING_SITE, 4 << 20, "0755")
    # Before the rest: a kit or a Python that is installed below /tmp is shown inside the worker's own.
    for target, share in ((str(_SCRATCH), 1), (_SHARED_MEMORY, 2)):
        _tmpfs(_make(target, folder=True), scratch_bytes // share, "1777")
    for (_, target, folder), copy in zip(steps, copies, strict=True):
        if copy < 0:
            _tmpfs(_make(target, folder=True), 1 << 20, "0755")
        else:
            _place(copy, target, folder=folder)
    for name, device in zip(_DEVICES, devices, strict=True):
        _place(device, f"/dev/{name}", folder=False)
    for place, target in top_links():
        Path(_BUILDING_SITE + place).symlink_to(target)
    _accounts(uid, gid)
    _proc()
    for place in ("", *(target for source, target, _ in steps if not source)):
        _seal(_BUILDING_SITE + place)


@functools.cache
def plan(walls: Walls) -> tuple[tuple[str, str, bool], ...]:
    """(source, place inside, is a folder) of all that is shown, in the order of mounting; no source for a mask.

    The zygote makes the plan before it forks: in a fresh child every step of Python costs page faults.
    """
    paths = sorted(path for path in {*system_folders(), *walls.readable} if not _is_top_link(path))
    kept: list[Path] = []
    for path in paths:
        above = [one for one in kept if path.is_relative_to(one)]
        masked = any(path.is_relative_to(one) and any(one.is_relative_to(top) for top in above) for one in walls.hidden)
        if path not in walls.hidden and (not above or masked):
            kept.append(path)
    masks = [one for one in walls.hidden if one.is_dir() and any(one.is_relative_to(top) for top in kept)]
    steps = [(str(path), str(path), path.is_dir()) for path in kept] + [("", str(mask), True) for mask in masks]
    steps.append((str(walls.data), str(walls.data_inside), True))
    return tuple(sorted(steps, key=lambda step: step[1]))


def _is_top_link(path: Path) -> bool:
    return path.parent == Path("/") and path.is_symlink()


@functools.cache
def top_links() -> tuple[tuple[str, str], ...]:
    """Links such as /lib -> usr/lib, and the descriptor folder that tools expect."""
    names = [name for name in ("/lib", "/lib64", "/lib32", "/bin") if _is_top_link(Path(name))]
    return (*((name, os.readlink(name)) for name in names), ("/dev/fd", "/proc/self/fd"))  # noqa: PTH115


def _make(target: str, *, folder: bool) -> str:
    """Create the place where something will be mounted."""
    place = Path(_BUILDING_SITE + target)
    (place if folder else place.parent).mkdir(parents=True, exist_ok=True)
    if not folder:
        os.close(os.open(place, os.O_CREAT | os.O_CLOEXEC, 0o444))
    return str(place)


def _place(copy: int, target: str, *, folder: bool) -> None:
    _libc.place_mount(copy, _make(target, folder=folder))
    os.close(copy)


def _tmpfs(target: str, size: int, mode: str) -> None:
    files = max(256, (size >> 20) * _FILES_PER_MIB)
    _libc.mount("tmpfs", target, "tmpfs", _FLAGS, f"size={size},nr_inodes={files},mode={mode}")


def _accounts(uid: int, gid: int) -> None:
    """One user, so that getpass.getuser() and os.path.expanduser() have an answer."""
    folder = _make("/etc", folder=True)
    for name, text in (("passwd", f"student:x:{uid}:{gid}::/tmp:/bin/false\n"), ("group", f"student:x:{gid}:\n")):
        Path(folder, name).write_text(text)
        Path(folder, name).chmod(0o444)


def _proc() -> None:
    """A fresh /proc with this tree's processes alone; an empty folder where a container forbids that."""
    target = _make("/proc", folder=True)
    for options in ("hidepid=2", None):
        with contextlib.suppress(OSError):
            _libc.mount("proc", target, "proc", _FLAGS, options)
            return


def _seal(place: str) -> None:
    """Make the root itself, or a mask, read-only now that everything is in its place."""
    _libc.mount("none", place, None, _FLAGS | _libc.MS_RDONLY | _libc.MS_REMOUNT | _libc.MS_BIND)
