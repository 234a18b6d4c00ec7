"""The walls around a worker: what stands between a student's code and the machine.

In the zygote: `enter`, then `fork_worker` per worker. In the child: `lock_down`. In the checker: `die_with_parent`,
`Cage`, `tree_memory`, `kill`. Around whoever reads submissions: `only_read`. Whether the walls hold is found out by
attacking them: `attacks`.
"""

from grader.sandbox.walls.cgroups import Cage, sweep
from grader.sandbox.walls.detect import available_levels
from grader.sandbox.walls.lockdown import enter, fork_worker, lock_down, only_read
from grader.sandbox.walls.model import LANDLOCK, NAMESPACES, NONE, Level, Resources, Walls, WallsUnavailable
from grader.sandbox.walls.privileges import die_with_parent
from grader.sandbox.walls.processes import (
    folder_size,
    gone,
    kill,
    pid_behind,
    tree_memory,
    tree_processor_seconds,
    tree_queued_seconds,
)

__all__ = [
    "LANDLOCK", "NAMESPACES", "NONE", "Cage", "Level", "Resources", "Walls", "WallsUnavailable",
    "available_levels", "die_with_parent", "enter", "folder_size", "fork_worker", "gone", "kill",
    "lock_down", "only_read", "pid_behind", "sweep", "tree_memory", "tree_processor_seconds", "tree_queued_seconds",
]  # fmt: skip
