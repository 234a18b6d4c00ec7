"""The list of kernel calls that a worker may not make.

The filter is written by hand: it is call numbers for two architectures, needs no library (libseccomp is absent from
slim containers), and is one kernel call to install. Whatever is denied fails with EPERM, so that a student sees an
ordinary PermissionError and not a dead process.
"""

from __future__ import annotations

import errno
import functools
import socket
import struct
from typing import Final

from grader.sandbox.walls import _libc
from grader.sandbox.walls.model import LANDLOCK, Level, WallsUnavailable

# name: (x86_64, aarch64); None where the architecture never had the call.
_NUMBERS: Final[dict[str, tuple[int | None, int | None]]] = {
    # looking into, or steering, another process
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424),
    "process_madvise": (440, 440), "process_mrelease": (448, 448), "perf_event_open": (298, 241),
    # another view of the file system, or a way around the one there is
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "open_tree": (428, 428),
    "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432),
    "fspick": (433, 433), "mount_setattr": (442, 442), "open_tree_attr": (467, 467),
    "open_by_handle_at": (304, 265), "quotactl": (179, 60), "quotactl_fd": (443, 443), "swapon": (167, 224),
    "fanotify_init": (300, 262),
    # new namespaces: a place where the worker would be root again
    "unshare": (272, 97), "setns": (308, 268),
    # parts of the kernel with a history of holes, and none of a student's business
    "bpf": (321, 280), "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "userfaultfd": (323, 282), "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218),
    "personality": (135, 92), "modify_ldt": (154, None), "iopl": (172, None), "ioperm": (173, None),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "syslog": (103, 116), "acct": (163, 89), "reboot": (169, 142),
    # memory and objects that no limit counts and that outlive a process
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "mq_open": (240, 180),
    # System V's shared memory, queues and semaphores: whoever knows a number may use those of the same user
    "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195), "shmdt": (67, 197),
    "msgget": (68, 186), "msgsnd": (69, 189), "msgrcv": (70, 188), "msgctl": (71, 187),
    "semget": (64, 190), "semop": (65, 193), "semctl": (66, 191), "semtimedop": (220, 192),
    # what happens in folders of others
    "inotify_init": (253, None), "inotify_init1": (294, 26), "inotify_add_watch": (254, 27),
    # another program
    "execve": (59, 221), "execveat": (322, 281),
}  # fmt: skip
# Where there is no process namespace: other processes of the same user, and a tree that could outlive its worker.
_SAME_USER: Final[dict[str, tuple[int | None, int | None]]] = {
    "tkill": (200, 130), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240), "setpriority": (141, 140),
    "ioprio_set": (251, 30), "sched_setaffinity": (203, 122), "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118), "sched_setattr": (314, 274), "migrate_pages": (256, 238), "move_pages": (279, 239),
    "fork": (57, None), "vfork": (58, None),
    # Landlock does not govern what a file's owner may do to it wherever it lies
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "chown": (92, None), "lchown": (94, None), "fchown": (93, 55), "fchownat": (260, 54),
    "utime": (132, None), "utimes": (235, None), "futimesat": (261, None), "utimensat": (280, 88),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "setxattrat": (463, 463),
    "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16), "removexattrat": (466, 466),
    "file_setattr": (469, 469),
}  # fmt: skip
# Looked at more closely: the answer depends on an argument.
_BY_ARGUMENT: Final = {"clone": (56, 220), "clone3": (435, 435), "socket": (41, 198), "socketpair": (53, 199),
                       "ioctl": (16, 29), "prlimit64": (302, 261), "kill": (62, 129), "tgkill": (234, 131),
                       "fcntl": (72, 25), "prctl": (157, 167)}  # fmt: skip

_AUDIT_ARCHITECTURE: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32_BIT: Final = 0x4000_0000
_NAMESPACE_FLAGS: Final = 0x7E02_0000
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C  # put words into the terminal's mouth
_F_SETOWN, _F_SETSIG, _F_SETOWN_EX = 8, 10, 15  # have the kernel signal somebody else
_FIOASYNC, _FIOSETOWN, _SIOCSPGRP = 0x5452, 0x8901, 0x8902  # and so do these

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _DENY = 0x7FFF_0000, 0x8000_0000, 0x0005_0000 | errno.EPERM
_UNKNOWN: Final = 0x0005_0000 | errno.ENOSYS
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16

Instruction = tuple[int, int, int, int]


def _when(test: int, value: int, answer: int) -> list[Instruction]:
    """Answer if what is loaded passes the test, else go on."""
    return [(test, 0, 1, value), (_RETURN, 0, 0, answer)]


def _unless(test: int, value: int, answer: int) -> list[Instruction]:
    return [(test, 1, 0, value), (_RETURN, 0, 0, answer)]


def _number(name: str) -> int | None:
    column = 0 if _libc.MACHINE == "x86_64" else 1
    return {**_NUMBERS, **_SAME_USER, **_BY_ARGUMENT}[name][column]


def _deny(names: list[str]) -> list[Instruction]:
    numbers = [number for number in map(_number, names) if number is not None]
    return [instruction for number in numbers for instruction in _when(_EQUAL, number, _DENY)]


def _for_call(name: str, argument: int, checks: list[Instruction]) -> list[Instruction]:
    """Run `checks` on the low half of an argument of the call `name`; the call is allowed if none answers."""
    number = _number(name)
    assert number is not None
    block = [(_LOAD, 0, 0, _ARGUMENTS_AT + 8 * argument), *checks, (_LOAD, 0, 0, _NUMBER_AT)]
    return [(_EQUAL, 0, len(block), number), *block]


def _everywhere() -> list[Instruction]:
    terminal = [*_when(_EQUAL, _TIOCSTI, _DENY), *_when(_EQUAL, _TIOCLINUX, _DENY)]
    clone3 = _number("clone3")
    assert clone3 is not None
    return [
        # clone3 hides its flags in memory that no filter can read; libc falls back to clone.
        *_when(_EQUAL, clone3, _UNKNOWN),
        *_for_call("clone", 0, _when(_ANY_BIT, _NAMESPACE_FLAGS, _DENY)),
        *_for_call("ioctl", 1, terminal),
        *_for_call("prlimit64", 0, _unless(_EQUAL, 0, _DENY)),
        *_for_call("socketpair", 0, _unless(_EQUAL, socket.AF_UNIX, _DENY)),
    ]


def _for_same_user(process: int) -> list[Instruction]:
    owner = [step for command in (_F_SETOWN, _F_SETSIG, _F_SETOWN_EX) for step in _when(_EQUAL, command, _DENY)]
    signals = [step for request in (_FIOASYNC, _FIOSETOWN, _SIOCSPGRP) for step in _when(_EQUAL, request, _DENY)]
    return [
        *_deny(list(_SAME_USER)),
        *_for_call("clone", 0, _unless(_ANY_BIT, _libc.CLONE_THREAD, _DENY)),
        *_for_call("kill", 0, _unless(_EQUAL, process, _DENY)),
        *_for_call("tgkill", 0, _unless(_EQUAL, process, _DENY)),
        *_for_call("fcntl", 1, owner),
        *_for_call("ioctl", 1, signals),
        *_for_call("prctl", 0, _when(_EQUAL, _libc.PR_SET_PDEATHSIG, _DENY)),
        # A named socket leads to other programs' servers (a message bus, a container manager).
        *_for_call("socket", 0, [(_RETURN, 0, 0, _DENY)]),
    ]


@functools.cache
def _fixed() -> bytes:
    """The part that is the same in every worker, made once by the zygote."""
    if _libc.MACHINE not in _AUDIT_ARCHITECTURE:
        raise WallsUnavailable(f"seccomp: expected an x86_64 or aarch64 machine, got {_libc.MACHINE}. Another host?")
    return _pack([
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        *_unless(_EQUAL, _AUDIT_ARCHITECTURE[_libc.MACHINE], _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
        *(_when(_AT_LEAST, _X32_BIT, _UNKNOWN) if _libc.MACHINE == "x86_64" else []),
        *_deny(list(_NUMBERS)),
        *_everywhere(),
    ])  # fmt: skip


@functools.cache
def _rest(level: Level, process: int) -> bytes:
    sockets = _for_call("socket", 0, _unless(_EQUAL, socket.AF_UNIX, _DENY))
    return _pack([*(_for_same_user(process) if level == LANDLOCK else sockets), (_RETURN, 0, 0, _ALLOW)])


def _pack(steps: list[Instruction]) -> bytes:
    return b"".join(struct.pack("<HBBI", *step) for step in steps)


def program(level: Level, *, process: int) -> bytes:
    """The filter for a level, ready to install.

    Args:
        level: at `landlock` there is no process namespace, so that the filter must also hold one process
            together: threads, but no further processes, and signals to itself alone.
        process: the worker's own process id (0 at `namespaces`).
    """
    return _fixed() + _rest(level, process)
