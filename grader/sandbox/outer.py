"""bubblewrap around the fork server, where it is installed: a wall outside the workers' own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from grader.paths import COURSE, COURSE_FILE, LESSON, ROOT
from grader.sandbox.walls import NAMESPACES, Level, namespaces

# Besides what workers see: fonts for matplotlib, and the control groups that a worker joins.
_FONTS = Path("/etc/fonts")
_CGROUPS = Path("/sys/fs/cgroup")


def program() -> str:
    """Where bubblewrap is; empty if it is not installed."""
    return shutil.which("bwrap") or ""


def commands(level: Level, readable: Sequence[Path]) -> list[list[str]]:
    """Return the command lines to start the fork server behind, the best first; the last one is none.

    Args:
        level: of the walls inside. At `landlock` workers write to folders of this machine: there is no wall outside.
        readable: folders that workers may read.
    """
    return [command(readable), []] if level == NAMESPACES and program() else [[]]


def command(readable: Sequence[Path]) -> list[str]:
    """Return the words before the fork server's own command line.

    Inside, it sees the system's folders, Python, the grader, the course's own package and what is readable, all of it
    read-only, an empty /tmp, devices and /proc; there is no network. It keeps what it walls its workers in with: as
    root its capabilities and the control groups, as an ordinary user the namespaces that everybody may make.
    """
    links = [(place, target) for place, target in namespaces.top_links() if not place.startswith("/dev/")]
    package = Path(__file__).resolve().parent.parent
    shown = [*namespaces.system_folders(), _FONTS, package, COURSE / COURSE_FILE, LESSON, *readable]
    return [
        program(),
        *("--die-with-parent", "--unshare-net", "--unshare-ipc", "--unshare-uts"),
        *(("--cap-add", "ALL") if os.geteuid() == 0 else ()),
        *("--tmpfs", "/tmp", "--dev", "/dev", "--bind", "/proc", "/proc"),  # noqa: S108 - its own, not the machine's
        *(word for place, target in links for word in ("--symlink", target, place)),
        *(word for path in shown for word in ("--ro-bind-try", str(path), str(path)) if str(path) not in dict(links)),
        *("--bind-try", str(_CGROUPS), str(_CGROUPS), "--chdir", str(ROOT), "--"),
    ]
