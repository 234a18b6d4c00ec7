"""Giving up what a process can do: capabilities, user and group, and the right to get any of it back."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Final

from grader.sandbox.walls import _libc

CAP_DAC_READ_SEARCH: Final = 2
CAP_SETGID: Final = 6
CAP_SETUID: Final = 7
CAP_SETPCAP: Final = 8
CAP_SYS_ADMIN: Final = 21

# No distribution and no container manager hands out these numbers (systemd, "Users, Groups, UIDs and GIDs").
FIRST_WORKER_UID: Final = 1_879_048_192
_WORKER_UIDS: Final = 65_536
# Being user 0 means nothing, and no ambient capability can be raised: both locked.
_SECURE_BITS: Final = 0b1100_0011


def has_capability(capability: int) -> bool:
    """Whether the calling thread may use `capability` in its user namespace."""
    return bool(_libc.effective_capabilities() >> capability & 1)


def worker_uid(slot: int) -> int:
    """The user of the worker in `slot`, as root: its own, since root is bound by no limit on processes."""
    return FIRST_WORKER_UID + slot % _WORKER_UIDS


def map_only_me(process: int, uid: int, gid: int) -> None:
    """In a user namespace just made, be the same user as outside and nobody else.

    Args:
        process: descriptor of this process's folder in /proc.
        uid: user id outside and inside.
        gid: group id outside and inside.
    """
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        descriptor = os.open(name, os.O_WRONLY, dir_fd=process)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)


def _last_capability() -> int:
    try:
        return int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    except (OSError, ValueError):
        return 63


LAST_CAPABILITY: Final = _last_capability()


def _drop_bounding_set() -> None:
    if not has_capability(CAP_SETPCAP):
        return
    _libc.prctl(_libc.PR_SET_SECUREBITS, _SECURE_BITS)
    for capability in range(LAST_CAPABILITY + 1):
        _libc.prctl(_libc.PR_CAPBSET_DROP, capability)


def become(uid: int, gid: int, *, keep: int = 0) -> None:
    """Become an ordinary user for good, with no capability left but those in the mask `keep`.

    Without the capability to change users the user stays and only the capabilities go.
    """
    keep &= _libc.effective_capabilities()
    switching = has_capability(CAP_SETUID) and has_capability(CAP_SETGID) and uid != os.geteuid()
    _drop_bounding_set()
    if switching:
        _libc.prctl(_libc.PR_SET_KEEPCAPS, int(keep != 0))
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    _libc.prctl(_libc.PR_CAP_AMBIENT, _libc.PR_CAP_AMBIENT_CLEAR_ALL)
    _libc.set_capabilities(keep)


def die_with_parent(by: signal.Signals = signal.SIGKILL) -> None:
    """Get a signal when the parent ends. A change of user resets this, so it comes after `become`."""
    _libc.prctl(_libc.PR_SET_PDEATHSIG, by)


def forbid_new_privileges() -> None:
    """No set-uid program gives anything back; also what seccomp and Landlock ask for."""
    _libc.prctl(_libc.PR_SET_NO_NEW_PRIVS, 1)
