"""The words that the walls are described in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

Level = Literal["namespaces", "landlock", "none"]
NAMESPACES: Final = "namespaces"
LANDLOCK: Final = "landlock"
NONE: Final = "none"

MIB: Final = 1 << 20


class WallsUnavailable(RuntimeError):
    """This machine cannot raise the walls of a level; the text says what to install or enable."""


@dataclass(frozen=True)
class Resources:
    """What one worker may use.

    Attributes:
        memory: bytes, of all its processes together, beyond what it shares with the zygote.
        scratch: bytes, of all its files together.
        processes: processes and threads together.
        open_files: descriptors of each process.
        file_size: bytes of one file.
        cpu_seconds: CPU time of each process; the kernel kills it on the spot when they are spent.
    """

    memory: int = 2048 * MIB
    scratch: int = 128 * MIB
    processes: int = 64
    open_files: int = 256
    file_size: int = 64 * MIB
    cpu_seconds: int = 120


@dataclass(frozen=True)
class Walls:
    """What stands around a worker, and what it sees inside.

    Attributes:
        level: how strong it is.
        data: the data folder, read-only.
        hidden: folders it must not see even where a readable one contains them; the deeper path wins.
        readable: folders and files a worker may read, besides Python and the system's libraries.
    """

    level: Level
    data: Path
    hidden: tuple[Path, ...] = ()
    readable: tuple[Path, ...] = ()

    @property
    def data_inside(self) -> Path:
        """The data folder as the worker sees it."""
        return Path("/data") if self.level == NAMESPACES else self.data
