"""The filter of kernel calls around a worker: what `calls` does not list is denied.

The filter is written by hand: it is call numbers for two architectures, needs no library (libseccomp is absent from
slim containers), and is one kernel call to install. Whatever is denied fails with EPERM, so that a student sees an
ordinary PermissionError and not a dead process, and a library goes on without.
"""

from __future__ import annotations

import errno
import functools
import socket
import struct
from collections.abc import Iterable
from typing import Final

from grader.sandbox.walls import _libc, calls
from grader.sandbox.walls.model import LANDLOCK, Level, WallsUnavailable

_AUDIT_ARCHITECTURE: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32_BIT: Final = 0x4000_0000
_NAMESPACE_FLAGS: Final = 0x7E02_0000

_TERMINAL: Final = (0x5401, 0x802C_542A, 0x5413)  # is it one (TCGETS, TCGETS2), and how large (TIOCGWINSZ)
_DESCRIPTORS: Final = (0x541B, 0x5421, 0x5450, 0x5451)  # FIONREAD, FIONBIO, FIONCLEX, FIOCLEX
_FCNTL: Final = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1031, 1032)
"""Copies, flags, locks, size of pipes; not who gets a signal (8, 10, 15), nor what happens in folders (1026)."""
_BUFFERS: Final = (7, 8, 32, 33)  # how much a socket holds, in memory that is nobody's (SO_SNDBUF, SO_RCVBUF, ...FORCE)
_PEER: Final = 77  # a handle to the process at the other end (SO_PEERPIDFD)
_PRCTL: Final = (3, 15, 16, 0x5356_4D41)  # is it dumpable, name of the thread, name of a mapping

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


def _column() -> int:
    if _libc.MACHINE not in _AUDIT_ARCHITECTURE:
        raise WallsUnavailable(f"seccomp: expected an x86_64 or aarch64 machine, got {_libc.MACHINE}. Another host?")
    return 0 if _libc.MACHINE == "x86_64" else 1


def numbers(listed: calls.Numbers) -> list[int]:
    """Return the numbers that calls have on this machine."""
    return [number for both in listed.values() if (number := both[_column()]) is not None]


def _allow_all(listed: calls.Numbers) -> list[Instruction]:
    return [instruction for number in numbers(listed) for instruction in _when(_EQUAL, number, _ALLOW)]


def _for_call(name: str, argument: int, checks: list[Instruction], last: int) -> list[Instruction]:
    """Run `checks` on the low half of an argument of the call `name`, and answer with `last` if none of them does."""
    block = [(_LOAD, 0, 0, _ARGUMENTS_AT + 8 * argument), *checks, (_RETURN, 0, 0, last)]
    return [(_EQUAL, 0, len(block), calls.BY_ARGUMENT[name][_column()]), *block]


def _one_of(name: str, argument: int, values: Iterable[int]) -> list[Instruction]:
    """Allow the call `name` for these values of an argument."""
    allowed = [instruction for value in values for instruction in _when(_EQUAL, value, _ALLOW)]
    return _for_call(name, argument, allowed, _DENY)


@functools.cache
def _fixed() -> bytes:
    """The part that is the same in every worker, made once by the zygote."""
    column = _column()
    return _pack([
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        *_unless(_EQUAL, _AUDIT_ARCHITECTURE[_libc.MACHINE], _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
        *_allow_all(calls.ALWAYS),
        *(_when(_AT_LEAST, _X32_BIT, _UNKNOWN) if _libc.MACHINE == "x86_64" else []),
        *_when(_AT_LEAST, calls.LAST_KNOWN + 1, _UNKNOWN),
        # clone3 hides its flags in memory that no filter can read; libc falls back to clone.
        *_when(_EQUAL, calls.BY_ARGUMENT["clone3"][column], _UNKNOWN),
        *_one_of("ioctl", 1, (*_TERMINAL, *_DESCRIPTORS)),
        *_one_of("fcntl", 1, _FCNTL),
        *_one_of("prlimit64", 0, [0]),
        *_one_of("socketpair", 0, [socket.AF_UNIX]),
        *_for_call("setsockopt", 2, [step for option in _BUFFERS for step in _when(_EQUAL, option, _DENY)], _ALLOW),
        *_for_call("getsockopt", 2, _when(_EQUAL, _PEER, _DENY), _ALLOW),
    ])  # fmt: skip


def _among_others(process: int) -> list[Instruction]:
    """What a process may that has no tree of its own: threads, but no further processes, and signals to itself."""
    # A named socket leads to other programs' servers (a message bus, a container manager): none is made.
    thread = [*_when(_ANY_BIT, _NAMESPACE_FLAGS, _DENY), *_when(_ANY_BIT, _libc.CLONE_THREAD, _ALLOW)]
    return [
        *_for_call("clone", 0, thread, _DENY),
        *_one_of("kill", 0, [process]),
        *_one_of("tgkill", 0, [process]),
        *_one_of("prctl", 0, _PRCTL),
    ]


def _in_a_tree_of_its_own() -> list[Instruction]:
    return [
        *_allow_all(calls.IN_A_TREE_OF_ITS_OWN),
        *_for_call("clone", 0, _when(_ANY_BIT, _NAMESPACE_FLAGS, _DENY), _ALLOW),
        *_for_call("kill", 0, [], _ALLOW),
        *_for_call("tgkill", 0, [], _ALLOW),
        *_one_of("prctl", 0, (*_PRCTL, _libc.PR_SET_PDEATHSIG)),
        *_one_of("socket", 0, [socket.AF_UNIX]),
    ]


@functools.cache
def _rest(level: Level, process: int) -> bytes:
    return _pack([
        *(_among_others(process) if level == LANDLOCK else _in_a_tree_of_its_own()),
        (_RETURN, 0, 0, _DENY),
    ])  # fmt: skip


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
