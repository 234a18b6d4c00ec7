"""The walls around a worker: forbidden acts fail, allowed ones work, nothing is left behind.

Every experiment runs in a process of its own, under limits that are small enough for a hole to do no harm.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

if sys.platform != "linux":
    pytest.skip("walls are raised on Linux alone", allow_module_level=True)

from houses import AMOUNTS, COUNTED, MIB, SMALL, ZYGOTE, House, skip_without, steps_of
from identities import IDENTITIES, OWN, python_of

from grader.paths import ROOT
from grader.sandbox import walls
from grader.sandbox.walls import Cage, Resources, cgroups
from grader.sandbox.walls.attacks import ATTACKS, Attack

LEVELS = ("namespaces", "landlock")


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with tempfile.TemporaryDirectory() as folder:
        yield House(Path(folder))


@pytest.fixture(scope="module")
def listeners(house: House) -> Iterator[dict[str, Any]]:
    """A TCP port and a socket file of a service that a worker must not reach."""
    path = house.place / "service"
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(path))
        unix.listen()
        path.chmod(0o777)
        yield {"port": tcp.getsockname()[1], "service": str(path)}


@pytest.fixture(scope="module")
def outcomes(house: House, listeners: dict[str, Any]) -> dict[tuple[str, str], dict[str, list[Any]]]:
    """What every attack saw, filled per identity and level on first use."""
    return {}


@pytest.mark.parametrize(
    "attack", [attack for attack in ATTACKS if attack not in COUNTED], ids=lambda attack: attack.name
)
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("identity", IDENTITIES)
def test_forbidden_act_fails(
    identity: str,
    level: str,
    attack: Attack,
    house: House,
    listeners: dict[str, Any],
    outcomes: dict[tuple[str, str], dict[str, list[Any]]],
) -> None:
    if level not in attack.levels:
        pytest.skip(f"not promised at the level {level}")
    if (identity, level) not in outcomes:
        outcomes[identity, level] = house.run(identity, level, steps_of(house, listeners, level))

    answer, status = outcomes[identity, level][attack.name]

    if answer is None:
        assert attack.may_die, f"the worker died with {status}"
        assert status == -signal.SIGKILL
    else:
        assert answer[0] is True, answer[1]


def test_attacks_succeed_where_there_are_no_walls(house: House, listeners: dict[str, Any]) -> None:
    steps = [step for step in steps_of(house, listeners, "landlock") if step[0] in {
        "read_canary", "list_folder", "write_outside", "connect", "connect_unix", "see_processes", "signal_process",
        "run_program", "hidden_memory"}]  # fmt: skip

    seen = house.run(OWN, "none", steps)

    assert [name for name, (answer, _) in seen.items() if answer and answer[0]] == []


ALLOWED = {
    "reads its data": "answer = (data / 'digits').read_text() == 'data'",
    "writes and renames in scratch": """
import os, tempfile
with tempfile.TemporaryDirectory() as folder:
    open(folder + '/a', 'w').write('x'); os.rename(folder + '/a', folder + '/b'); answer = os.listdir(folder) == ['b']
""",
    "imports what was not imported before": "import sqlite3, decimal, wave; answer = True",
    "starts threads": """
import threading
seen = []; threads = [threading.Thread(target=seen.append, args=(n,)) for n in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]; answer = len(seen) == 8
""",
    "draws random bytes": "import os; answer = len(open('/dev/urandom', 'rb').read(8) + os.urandom(8)) == 16",
    "knows its user and home": """
import getpass, os
answer = bool(getpass.getuser()) and os.path.expanduser('~') == str(scratch)
""",
    "signals itself": "import os, signal; os.kill(os.getpid(), 0); answer = True",
    "reads its own /proc": "answer = 'VmRSS' in open('/proc/self/status').read()",
    "gets EPERM for another program": """
import subprocess
try: subprocess.run(['/bin/true'])
except PermissionError: answer = True
""",
}  # fmt: skip
PROCESSES = {
    "forks": """
import os
pid = os.fork() or os._exit(7)
answer = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
""",
    "uses a pool of processes": """
import multiprocessing
with multiprocessing.get_context('fork').Pool(2) as pool: answer = pool.map(abs, [-1, -2]) == [1, 2]
""",
    "sees its own processes alone": """
import os
answer = [name for name in os.listdir('/proc') if name.isdigit()] == ['1'] and os.getpid() == 1
""",
    "sees a bare file system": """
import os
answer = set(os.listdir('/etc')) <= {'passwd', 'group', 'ld.so.cache', 'localtime'}
answer = answer and sorted(os.listdir('/dev')) == ['fd', 'null', 'random', 'shm', 'urandom', 'zero']
""",
}  # fmt: skip


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("identity", IDENTITIES)
def test_allowed_acts_work(identity: str, level: str, house: House) -> None:
    acts = ALLOWED | (PROCESSES if level == "namespaces" else {})

    seen = house.run(identity, level, [[name, code, {}] for name, code in acts.items()])

    assert {name: answer for name, (answer, _) in seen.items() if answer is not True} == {}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("identity", IDENTITIES)
def test_hidden_folder_is_not_read_even_inside_a_readable_one(identity: str, level: str, house: House) -> None:
    code = f"""
try: open({str(house.canary)!r}).read(); answer = 'read the canary'
except OSError: answer = open({str(house.place / "open")!r}).read()
"""
    (house.place / "open").write_text("fine")

    settings = {"readable": [str(house.place)], "hidden": [str(house.canary.parent)]}
    seen = house.run(identity, level, [["look", code, {}]], **settings)

    assert seen["look"][0] == "fine"


@pytest.mark.parametrize("identity", IDENTITIES)
def test_killing_the_worker_takes_its_tree_along(identity: str, house: House) -> None:
    marker = f"walls-{os.getpid()}-{identity}"
    code = f"""
import ctypes, os, time
for _ in range(20):
    if not os.fork():
        os.setsid()
        ctypes.CDLL(None).prctl(15, {marker[-15:].encode()!r}, 0, 0, 0)
        time.sleep(60)
answer = True
"""

    seen = house.run(identity, "namespaces", [["bomb", code, {}]])

    assert seen["bomb"][0] is True
    assert _wait_for(marker[-15:], there=False)


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text().strip()
    except OSError:
        return ""


def test_killing_the_zygote_takes_its_workers_along(house: House) -> None:
    skip_without(OWN, "namespaces")
    marker = f"zygote-{os.getpid()}"[-15:]
    code = f"import ctypes, time; ctypes.CDLL(None).prctl(15, {marker.encode()!r}, 0, 0, 0); time.sleep(60)"
    task = {"level": "namespaces", "steps": [["sleep", code, {}]], "data": str(house.data), "cage": [], "hidden": [],
            "scratch": tempfile.mkdtemp(dir=house.scratch), "torch": False, "limits": asdict(SMALL),
            "readable": [], "patience": 60}  # fmt: skip
    watchman = subprocess.Popen([*python_of(OWN), "-c", ZYGOTE, str(ROOT), json.dumps(task)], cwd="/")
    running = _wait_for(marker, there=True)

    watchman.kill()
    watchman.wait()

    assert running
    assert _wait_for(marker, there=False)


def _wait_for(name: str, *, there: bool, patience: float = 10) -> bool:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        names = {_name(pid) for pid in Path("/proc").iterdir() if pid.name.isdigit()}
        if (name in names) is there:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("attack", COUNTED, ids=lambda attack: attack.name)
def test_cage_ends_a_tree_that_takes_too_much_memory_and_is_removed(attack: Attack, house: House) -> None:
    cage = Cage.make(SMALL, "test")
    if cage is None:
        pytest.skip("control groups cannot be written here")
    step = [attack.name, None, {"size": AMOUNTS[attack.name]}]

    held = house.run(OWN, "namespaces", [step], cage=[str(folder) for folder in cage.folders])[attack.name]
    killed = cage.ran_out_of_memory()

    assert cage.remove()
    assert held[0] in (None, [True, "held"])
    assert killed
    assert not any(folder.exists() for folder in cage.folders)


@pytest.mark.parametrize(("attack", "seen"), [*zip(COUNTED, ("took 256 MiB", "held "), strict=True)])
def test_memory_in_several_processes_is_not_held_if_nothing_counts_it(attack: Attack, seen: str, house: House) -> None:
    step = [attack.name, None, {"size": AMOUNTS[attack.name]}]

    answer = house.run(OWN, "namespaces", [step])[attack.name][0]

    assert answer[0] is False
    assert answer[1].startswith(seen)


@pytest.mark.parametrize("missing", ["memory", "pids"])
def test_no_cage_counts_only_one_thing(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroups, "_version_2", lambda: None)
    monkeypatch.setattr(cgroups, "_version_1", lambda controller: None if controller == missing else Path("/tmp"))
    assert cgroups._parents() == []


def test_a_cage_is_removed_with_whatever_outlived_its_worker() -> None:
    cage = Cage.make(SMALL, "orphan")
    if cage is None:
        pytest.skip("control groups cannot be written here")
    with subprocess.Popen(["sleep", "60"]) as orphan:
        for folder in cage.folders:
            (folder / "cgroup.procs").write_text(str(orphan.pid))
        assert cage.remove()
        assert orphan.wait(timeout=10) == -signal.SIGKILL


def test_sweep_removes_what_a_killed_grader_left() -> None:
    cage = Cage.make(SMALL, "sweep")
    if cage is None:
        pytest.skip("control groups cannot be written here")
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    orphans = [one.parent / one.name.replace(str(os.getpid()), gone.stdout.decode().strip()) for one in cage.folders]
    for orphan in orphans:
        orphan.mkdir()

    walls.sweep()

    assert all(one.exists() for one in cage.folders), "a living grader's groups stay"
    assert not any(orphan.exists() for orphan in orphans)
    assert cage.remove()


def test_sweep_skips_groups_that_vanish_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_into = os.scandir

    def scandir(place: str | Path) -> Any:
        if Path(place).name == "gone":
            raise FileNotFoundError(place)
        return looked_into(place)

    for name in ("gone", "there"):
        (tmp_path / name / "cnn-grader-0-left").mkdir(parents=True)  # no process has the number 0
    monkeypatch.setattr(cgroups, "_mounted_at", lambda *_: tmp_path)
    monkeypatch.setattr(os, "scandir", scandir)

    assert walls.sweep() == 1


def test_tree_memory_counts_all_processes_beyond_what_they_inherited() -> None:
    code = "import os, time\npid = os.fork()\nkept = bytearray(b'x') * (40 << 20)\nprint(flush=True)\ntime.sleep(30)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    process.stdout.readline()
    pidfd = os.pidfd_open(process.pid)

    pid = walls.pid_behind(pidfd)
    assert pid == process.pid
    measured = walls.tree_memory(pid, baseline=8 * MIB)
    for one in reversed(list(walls.processes.tree(pid))):
        os.kill(one, signal.SIGKILL)
    assert walls.gone(pidfd, 5)
    process.wait()
    os.close(pidfd)

    assert 64 * MIB <= measured <= 100 * MIB
    assert walls.tree_memory(pid) == 0


def test_tree_memory_counts_what_sockets_may_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walls.processes, "FREE_DESCRIPTORS", 256)
    code = "import socket, time\nkept = [socket.socketpair() for _ in range(200)]\nprint(flush=True)\ntime.sleep(30)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        measured = walls.tree_memory(process.pid)
        process.kill()

    room = 512  # for 400 sockets; it doubles as it grows
    assert 0 < measured - walls.processes.SOCKET_BYTES * (room - walls.processes.FREE_DESCRIPTORS) < 32 * MIB


def test_nothing_is_left_behind(house: House) -> None:
    before = Path("/proc/self/mountinfo").read_text()

    house.run(OWN, "namespaces", [["write", "open('/tmp/left', 'w').write('x'); answer = True", {}]])

    assert Path("/proc/self/mountinfo").read_text() == before
    assert not Path("/tmp/left").exists()
    assert list(Path("/sys/fs/cgroup").glob(f"**/cnn-grader-{os.getpid()}-*")) == []


def test_fork_is_refused_if_a_tree_could_not_be_held_together(house: House) -> None:
    code = "import os\ntry: os.fork() or os._exit(0)\nexcept PermissionError: answer = True"

    assert house.run(OWN, "landlock", [["fork", code, {}]])["fork"][0] is True


LEARN = """
import torch, torch.utils.data
torch.set_num_threads(2)
images = torch.randn(8, 1, 12, 12, requires_grad=True)
torch.nn.functional.conv2d(images, torch.randn(3, 1, 3, 3)).sum().backward()
data = torch.utils.data.TensorDataset(torch.arange(20.0))
loader = torch.utils.data.DataLoader(data, batch_size=4, num_workers=facts['workers'])
answer = sum(float(batch.sum()) for batch, in loader) == 190.0
"""


@pytest.mark.parametrize(("level", "workers"), [("namespaces", 2), ("landlock", 0)])
def test_torch_computes_and_loads_data(level: str, workers: int, house: House) -> None:
    limits = asdict(Resources(memory=1024 * MIB, cpu_seconds=60))

    seen = house.run(OWN, level, [["learn", LEARN, {"workers": workers}]], torch=True, limits=limits, patience=90)

    assert seen["learn"][0] is True, seen


def test_levels_named_here_are_known() -> None:
    assert set(walls.available_levels()) <= {"namespaces", "landlock"}
