"""bubblewrap around the fork server: the same walls hold inside it, and grading works without it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("bubblewrap is for Linux alone", allow_module_level=True)

from houses import House, skip_without, steps_of
from identities import IDENTITIES, python_of
from needs import do_without

from grader.paths import ROOT
from grader.sandbox import outer, walls
from grader.sandbox.levels import start_behind_walls
from grader.sandbox.walls import NAMESPACES, Walls

pytestmark = pytest.mark.slow

needs_bubblewrap = pytest.mark.usefixtures("bubblewrap")
needs_namespaces = pytest.mark.skipif(NAMESPACES not in walls.available_levels(), reason="no namespaces here")


@pytest.fixture(scope="module")
def bubblewrap() -> None:
    if not outer.program():
        do_without("bubblewrap")


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with tempfile.TemporaryDirectory() as folder:
        yield House(Path(folder))


def wrapped(identity: str, readable: Path) -> list[str]:
    """Return the command that starts Python in bubblewrap, as built by the identity's own Python."""
    *become, own = python_of(identity, torch=False)
    code = (
        f"import json, sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from pathlib import Path\n"
        "from grader.sandbox import outer\n"
        "print(json.dumps(outer.command([Path(sys.argv[1])])))"
    )
    trouble = ""
    for python in (own, "/usr/bin/python3"):
        asked = [*become, python, "-c", code, str(readable)]
        done = subprocess.run(asked, capture_output=True, text=True, cwd="/", timeout=60, check=False)
        command = [*become, *(json.loads(done.stdout) if done.returncode == 0 else ["false"]), python]
        tried = subprocess.run([*command, "-c", ""], capture_output=True, text=True, cwd="/", timeout=60, check=False)
        if tried.returncode == 0:
            return command
        trouble += done.stderr[-300:] + tried.stderr[-300:]
    pytest.skip(f"bubblewrap does not work here as {identity}: {trouble}")


@needs_bubblewrap
@pytest.mark.parametrize("identity", IDENTITIES)
def test_every_wall_of_a_worker_holds_inside(identity: str, house: House) -> None:
    skip_without(identity, NAMESPACES)
    steps = steps_of(house, {"port": 9, "service": str(house.place / "service")}, NAMESPACES)

    seen = house.run(identity, NAMESPACES, steps, python=wrapped(identity, house.data))

    died = {name for name, (answer, _) in seen.items() if answer is None}
    assert {name: answer for name, (answer, _) in seen.items() if answer and answer[0] is not True} == {}
    assert died <= {"much_memory", "cpu_time"}
    assert len(seen) == len(steps)


@needs_bubblewrap
@pytest.mark.parametrize("identity", IDENTITIES)
def test_the_fork_server_sees_neither_hidden_tests_nor_other_folders(identity: str, house: House) -> None:
    command = wrapped(identity, house.data)
    code = (
        "import json, os; from pathlib import Path\n"
        f"seen = [Path(one).exists() for one in ({str(ROOT / 'grader')!r}, {str(house.data)!r})]\n"
        f"unseen = [Path(one).exists() for one in ({str(ROOT / 'tests')!r}, {str(house.canary)!r}, '/home', '/var')]\n"
        f"written = [os.access(one, os.W_OK) for one in ({str(ROOT / 'grader')!r}, {str(house.data)!r}, '/usr')]\n"
        "print(json.dumps([seen, unseen, written, os.stat('/proc/self/ns/net').st_ino]))"
    )

    done = subprocess.run([*command, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    *found, network = json.loads(done.stdout)
    assert found == [[True, True], [False] * 4, [False] * 3]
    assert network != Path("/proc/self/ns/net").stat().st_ino


def started(data: Path) -> bool:
    """Start a fork server whose walls hold; return whether it is in an outer wall."""
    server, place = start_behind_walls(1, data, (NAMESPACES,))
    server.close()
    assert place == Walls(NAMESPACES, data)
    return server._process.args[0] != sys.executable


@needs_bubblewrap
@needs_namespaces
def test_it_is_used_if_it_is_installed(house: House) -> None:
    assert started(house.data)


@needs_namespaces
def test_a_broken_one_is_left_out(house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(outer, "program", lambda: str(broken))
    assert not started(house.data)


def test_at_other_levels_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outer, "program", lambda: "/usr/bin/bwrap")
    assert outer.commands("landlock", []) == [[]]
    assert [bool(command) for command in outer.commands(NAMESPACES, [])] == [True, False]


def test_without_it_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outer, "program", lambda: "")
    assert outer.commands(NAMESPACES, []) == [[]]
