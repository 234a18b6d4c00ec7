"""A hand-out in its own folder, and the students' verbs in it."""

import os
import subprocess
import sys
from pathlib import Path

from copies import replace_text

from grader import paths
from grader.authoring.release import release_stubs


def hand_out(to: Path) -> Path:
    """Release the kit for a student, and return the folder `exercises`."""
    release_stubs(to)
    return to / "exercises"


def grader(cwd: Path, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run a verb beside the exercises, without a terminal."""
    environment = {**os.environ, "PYTHONPATH": str(paths.ROOT), "CNN_DATA": str(paths.DATA)}
    command = [sys.executable, "-m", "grader", *arguments]
    return subprocess.run(
        command, cwd=cwd, env=environment, input=typed, capture_output=True, text=True, timeout=300, check=False
    )


def write_function(module: Path, name: str, body: str) -> None:
    """Replace the line of a stub that says that a function is not written yet."""
    line = f'    raise NotImplementedError("{name} is not written yet: exercises/{module.name}")\n'
    replace_text(module, line, f"{body}\n")
