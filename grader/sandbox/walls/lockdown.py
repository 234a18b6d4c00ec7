"""The order in which a worker's walls go up, from the fork to the first line of student code."""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from grader.sandbox.walls import _libc, landlock, namespaces, privileges, rlimits, seccomp
from grader.sandbox.walls.cgroups import Cage
from grader.sandbox.walls.model import LANDLOCK, NAMESPACES, NONE, Level, Resources, Walls, WallsUnavailable


def enter(level: Level) -> None:
    """Prepare the calling process to be a zygote; call it first of all, before torch is imported.

    At `namespaces` the process forks, and returns in the child alone (see `namespaces.enter_private_tree`): it is
    process 1 of a tree of its own, keeps descriptors, files and arguments, and is ended by SIGKILL or of its own
    accord only.
    """
    if level == NAMESPACES:
        namespaces.enter_private_tree()


def fork_worker(walls: Walls) -> tuple[int, int]:
    """Fork a worker-to-be.

    Args:
        walls: what will stand around it; whatever can be worked out before the fork is worked out once, here.

    Returns:
        (0, -1) in the child, which goes on to `lock_down`; in the zygote the child's process id, as the zygote
        numbers it, and a pidfd that any process can be handed.
    """
    _work_out(walls)
    pid = namespaces.fork_in_new_tree() if walls.level == NAMESPACES else os.fork()
    return (pid, os.pidfd_open(pid)) if pid else (0, -1)


def _work_out(walls: Walls) -> None:
    _mapped()
    _in_user_namespace()
    if walls.level == NAMESPACES:
        namespaces.plan(walls)
        namespaces.top_links()
    if walls.level == LANDLOCK:
        _host_rules(walls)
    if walls.level != NONE:
        landlock.version()
        seccomp.program(walls.level, process=0)


def lock_down(walls: Walls, resources: Resources, *, scratch: Path, slot: int = 0, cage: Cage | None = None) -> Path:
    """Raise all walls around the calling process, which `fork_worker` has just made. There is no way back.

    Modules that the worker still needs must have been imported; descriptors that it must not have are the caller's
    to close. The environment is left as it is but for HOME, TMPDIR and the like.

    Args:
        walls: what the worker sees.
        resources: what it may use.
        scratch: an empty folder of the worker's own; at `namespaces` it gets a file system in place of it.
        slot: number of the worker among those that run, or ran, at the same time: as root it decides the user.
        cage: control groups made for this worker.

    Returns:
        The only folder that can be written, as seen from inside; also HOME, TMPDIR and the working directory.
    """
    os.setsid()
    if cage:
        cage.join()
    if walls.level == NAMESPACES:
        scratch = _in_namespaces(walls, resources, slot)
    else:
        scratch = scratch.resolve(strict=True)
        os.chdir(scratch)
        {LANDLOCK: _under_landlock, NONE: _in_the_open}[walls.level](walls, resources, slot, scratch)
    os.environ.update(HOME=str(scratch), TMPDIR=str(scratch), USER="student", LOGNAME="student")
    tempfile.tempdir = None
    return scratch


def only_read(paths: Iterable[Path], memory: int, cpu_seconds: int) -> None:
    """Bind the calling process to reading these paths, and what Python needs: as far as this machine's kernel can.

    It writes no file, opens no connection, starts no process and no program from then on, and ends with its parent.

    Args:
        paths: files and folders.
        memory: bytes that it may take beside what it has already.
        cpu_seconds: of processor that it may use.
    """
    privileges.die_with_parent()
    rlimits.impose(rlimits.of_reader(memory, cpu_seconds))
    with contextlib.suppress(OSError, WallsUnavailable):
        privileges.forbid_new_privileges()
        if landlock.version():
            landlock.restrict([(path, landlock.READ) for path in (*namespaces.system_folders(), *paths)])
        _libc.install_filter(seccomp.program(LANDLOCK, process=os.getpid()))


_mapped = functools.cache(rlimits.mapped)
"""What the zygote has mapped: it looks once, its workers inherit the answer."""


def _limit(resources: Resources, threads_counted: int = 0) -> None:
    rlimits.impose(rlimits.of_worker(resources, _mapped(), threads_counted))


def _in_namespaces(walls: Walls, resources: Resources, slot: int) -> Path:
    as_root = os.geteuid() == 0 and privileges.has_capability(privileges.CAP_SETUID) and not _in_user_namespace()
    uid, gid = (privileges.worker_uid(slot),) * 2 if as_root else (os.geteuid(), os.getegid())
    process = os.open("/proc/self", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    scratch = namespaces.build(walls, resources.scratch, uid, gid)
    if not as_root:
        # One more user namespace, in which its limits are counted apart from all others': the worker has no power in
        # it over the mounts made before.
        _libc.unshare(_libc.CLONE_NEWUSER)
        privileges.map_only_me(process, uid, gid)
    os.close(process)
    privileges.become(uid, gid)
    _limit(resources)
    rules = [(Path("/"), landlock.READ), (scratch, landlock.WRITE), (Path("/dev/shm"), landlock.WRITE),  # noqa: S108
             (Path("/dev/null"), landlock.READ | landlock.WRITE)]  # fmt: skip
    _close_the_door(walls, rules if landlock.version() else None)
    return scratch


def _under_landlock(walls: Walls, resources: Resources, slot: int, folder: Path) -> None:
    as_root = os.geteuid() == 0 and privileges.has_capability(privileges.CAP_SETUID)
    uid, gid = (privileges.worker_uid(slot),) * 2 if as_root else (os.geteuid(), os.getegid())
    counted = 0 if as_root else rlimits.threads_of_user(uid)
    if as_root:
        os.chown(folder, uid, gid)
    # Python may live where only root can look; Landlock says what can be read, so this opens nothing more.
    privileges.become(uid, gid, keep=1 << privileges.CAP_DAC_READ_SEARCH if as_root else 0)
    _limit(resources, counted)
    _close_the_door(walls, [*_host_rules(walls), (folder, landlock.WRITE)])


def _in_the_open(_walls: Walls, resources: Resources, _slot: int, _folder: Path) -> None:
    """No walls, only limits: for those who typed --unsafe."""
    privileges.die_with_parent()
    _limit(resources, rlimits.threads_of_user(os.geteuid()))


@functools.cache
def _host_rules(walls: Walls) -> list[tuple[Path, int]]:
    read_only = [*namespaces.system_folders(), *walls.readable, walls.data]
    files = [Path(name) for name in ("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/dev/zero",
                                     "/dev/random", "/dev/urandom")]  # fmt: skip
    rules = landlock.spare_the_hidden(read_only, walls.hidden)
    rules += [(path, landlock.READ) for path in files]
    rules.append((Path("/dev/null"), landlock.READ | landlock.WRITE))
    return rules


def _close_the_door(walls: Walls, rules: list[tuple[Path, int]] | None) -> None:
    """What is the same at both levels; the filter comes last, since it forbids what the rest is done with."""
    privileges.die_with_parent()
    privileges.forbid_new_privileges()
    if rules is not None:
        landlock.restrict(rules)
    _libc.prctl(_libc.PR_SET_DUMPABLE, 0)  # no core file, and no debugger of the same user
    process = os.getpid() if walls.level == LANDLOCK else 0
    _libc.install_filter(seccomp.program(walls.level, process=process))


@functools.cache
def _in_user_namespace() -> bool:
    """Whether user 0 here is somebody else outside, who could not become a worker's user."""
    return Path("/proc/self/uid_map").read_text().split() != ["0", "0", "4294967295"]
