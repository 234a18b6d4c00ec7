"""A house with walls to try: a canary, data, scratch folders, and small workers that commit one act each.

For Linux alone, where there are walls.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from identities import ORDINARY_USER, python_of

from grader.paths import ROOT
from grader.sandbox.walls import Resources
from grader.sandbox.walls.attacks import ATTACKS

MIB = 1 << 20
SMALL = Resources(memory=128 * MIB, scratch=32 * MIB, processes=32, open_files=128, file_size=16 * MIB, cpu_seconds=2)
# Sizes of the acts: above the limits, yet harmless if a wall does not hold.
AMOUNTS = {"many_processes": 100, "many_threads": 100, "many_descriptors": 200, "fill_disk": 128 * MIB,
           "large_file": 64 * MIB, "much_memory": 512 * MIB, "spread_memory": 768 * MIB, "socket_memory": 768 * MIB,
           "cpu_time": 6}  # fmt: skip

# Only a cage, or the checker, adds up what several processes use.
COUNTED = tuple(attack for attack in ATTACKS if attack.name in ("spread_memory", "socket_memory"))

# A small zygote: one worker per step, each answering with one line of JSON or dying.
ZYGOTE = """
import json, os, pathlib, select, signal, sys
sys.path.insert(0, sys.argv[1])
task = json.loads(sys.argv[2])
from grader.sandbox import walls
from grader.sandbox.walls import attacks
visible = os.getpid()
walls.enter(task["level"])
if task["torch"]:
    import torch, torch.utils.data
house = walls.Walls(task["level"], pathlib.Path(task["data"]), hidden=tuple(map(pathlib.Path, task["hidden"])),
                    readable=tuple(map(pathlib.Path, task["readable"])))
bounds = walls.Resources(**task["limits"])
cage = walls.Cage(tuple(map(pathlib.Path, task["cage"]))) if task["cage"] else None
for slot, (name, code, facts) in enumerate(task["steps"]):
    reader, writer = os.pipe()
    scratch = pathlib.Path(task["scratch"], str(slot))
    scratch.mkdir(parents=True)
    pid, pidfd = walls.fork_worker(house)
    if not pid:
        os.close(reader)
        facts.update(expected=[0, 1, 2, writer], process=facts.get("process", visible))
        try:
            scratch = walls.lock_down(house, bounds, slot=slot, scratch=scratch, cage=cage)
            facts["data"] = str(house.data_inside)
            if code:
                scope = {"data": house.data_inside, "scratch": scratch, "facts": facts}
                exec(code, scope)
                answer = scope["answer"]
            else:
                answer = attacks.attempt(name, **facts)
        except BaseException as error:
            answer = ["raised", f"{type(error).__name__}: {error}"]
        os.write(writer, json.dumps(answer).encode())
        os._exit(0)
    os.close(writer)
    answer = b""
    if select.select([reader], [], [], task["patience"])[0]:
        answer = os.read(reader, 1 << 16)
    walls.kill(pidfd)
    walls.gone(pidfd, 5)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(pidfd), os.close(reader)
    print(json.dumps([name, json.loads(answer) if answer else None, status]), flush=True)
"""


@functools.cache
def _first_attempt(identity: str, level: str) -> str:
    """Why the bare walls of a level cannot be set up here; empty if they can."""
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        """
import os, pathlib
from grader.sandbox import walls
scratch = pathlib.Path(sys.argv[2])
house = walls.Walls(sys.argv[1], scratch)
try:
    walls.enter(house.level)
    pid, _ = walls.fork_worker(house)
    if pid:
        os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    walls.lock_down(house, walls.Resources(), scratch=scratch)
except walls.WallsUnavailable as error:
    print(error, flush=True)
    os._exit(3)
os._exit(0)
"""
    )
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch).chmod(0o777)
        command = [*python_of(identity, torch=False), "-c", code, level, scratch]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", timeout=60, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def skip_without(identity: str, level: str) -> None:
    reason = _first_attempt(identity, level) if level != "none" else ""
    if reason:
        pytest.skip(f"this machine has no {level}: {reason[-400:]}")


class House:
    """A place on disk with a canary, a data folder and scratch folders, and a way to run workers in it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.canary = place / "secrets" / "canary"
        self.data = place / "data"
        self.scratch = place / "scratch"
        for folder in (place, self.canary.parent, self.data, self.scratch):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o777)  # the walls must hold where file permissions would not
        self.canary.write_text("canary")
        (self.data / "digits").write_text("data")
        (self.data / "digits").chmod(0o666)

    def run(self, identity: str, level: str, steps: list[list[Any]], **settings: Any) -> dict[str, list[Any]]:
        """Run each step in a worker of its own; answers and exit codes by the name of the step."""
        scratch = Path(tempfile.mkdtemp(dir=self.scratch))
        scratch.chmod(0o777)
        task = {"level": level, "steps": steps, "data": str(self.data), "scratch": str(scratch), "torch": False,
                "limits": asdict(SMALL), "hidden": [], "readable": [str(ROOT / "grader")], "cage": [],
                "patience": 20} | settings  # fmt: skip
        python = task.pop("python", None) or python_of(identity, torch=False)
        command = [*python, "-c", ZYGOTE, str(ROOT), json.dumps(task)]
        skip_without(identity, level)
        if os.geteuid() == 0:  # a file's owner may do more with it than others
            os.chown(self.canary, ORDINARY_USER if identity == "user" else 0, -1)
        environment = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", env=environment,
                              timeout=200, check=False)  # fmt: skip
        assert done.returncode == 0, done.stderr
        return {name: [answer, status] for name, answer, status in map(json.loads, done.stdout.splitlines())}


def steps_of(house: House, listeners: dict[str, Any], level: str) -> list[list[Any]]:
    facts = {"canary": str(house.canary), "folder": str(house.canary.parent), **listeners}
    return [
        [attack.name, None, facts | dict.fromkeys(("count", "size", "seconds"), AMOUNTS.get(attack.name, 0))]
        for attack in ATTACKS
        if level in attack.levels and attack not in COUNTED
    ]
