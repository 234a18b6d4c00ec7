"""The walls around a worker: forbidden acts fail, allowed ones work, nothing is left behind.

Every experiment runs in a process of its own, under limits that are small enough for a hole to do no harm.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
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

from grader.paths import ROOT
from grader.sandbox import walls
from grader.sandbox.walls import Cage, Limits, cgroups
from grader.sandbox.walls.probes import PROBES, Probe

MIB = 1 << 20
SMALL = Limits(memory=128 * MIB, scratch=32 * MIB, processes=32, open_files=64, file_size=16 * MIB, cpu_seconds=2)
ORDINARY_USER = 1000
IDENTITIES = ("root", "user")
LEVELS = ("namespaces", "landlock")
# Sizes of the acts: above the limits, yet harmless if a wall does not hold.
AMOUNTS = {"many_processes": 100, "many_threads": 100, "many_descriptors": 200, "fill_disk": 128 * MIB,
           "large_file": 64 * MIB, "much_memory": 512 * MIB, "spread_memory": 768 * MIB, "cpu_time": 6}  # fmt: skip

# Only a cage, or the checker, counts what several processes take.
SPREAD = next(probe for probe in PROBES if probe.name == "spread_memory")

# A zygote in small: one worker per step, each answering with one line of JSON or dying.
ZYGOTE = """
import json, os, pathlib, select, signal, sys
sys.path.insert(0, sys.argv[1])
task = json.loads(sys.argv[2])
from grader.sandbox import walls
from grader.sandbox.walls import probes
visible = os.getpid()
walls.enter(task["level"])
if task["torch"]:
    import torch, torch.utils.data
path = lambda name: pathlib.Path(task[name]) if task.get(name) else None
house = walls.Walls(task["level"], data=path("data"), hidden=tuple(map(pathlib.Path, task["hidden"])),
                    readable=tuple(map(pathlib.Path, task["readable"])))
bounds = walls.Limits(**task["limits"])
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
            view = walls.lock_down(house, bounds, slot=slot, scratch=scratch, cage=cage)
            facts["data"] = str(view.data)
            if code:
                scope = {"view": view, "facts": facts}
                exec(code, scope)
                answer = scope["answer"]
            else:
                answer = probes.attempt(name, **facts)
        except BaseException as error:
            answer = ["raised", f"{type(error).__name__}: {error}"]
        os.write(writer, json.dumps(answer).encode())
        os._exit(0)
    os.close(writer)
    answer = b""
    if select.select([reader], [], [], task["patience"])[0]:
        answer = os.read(reader, 1 << 16)
    walls.end(pidfd)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(pidfd), os.close(reader)
    print(json.dumps([name, json.loads(answer) if answer else None, status]), flush=True)
"""


def python_for(identity: str) -> list[str]:
    """The command that starts Python as root or as an ordinary user; skips where there is none."""
    if os.geteuid() != 0:
        if identity == "root":
            pytest.skip("needs root")
        return [sys.executable]
    if identity == "root":
        return [sys.executable]
    if not shutil.which("setpriv"):
        pytest.skip("needs setpriv to become an ordinary user")
    become = ["setpriv", f"--reuid={ORDINARY_USER}", f"--regid={ORDINARY_USER}", "--clear-groups"]
    check = f"import sys; assert sys.version_info >= (3, 11); open({str(ROOT / 'grader/__init__.py')!r})"
    for python in (sys.executable, "/usr/bin/python3"):
        if Path(python).exists():
            command = [*become, python, "-c", check]
            tried = subprocess.run(command, capture_output=True, cwd="/", timeout=60, check=False)
            if tried.returncode == 0:
                return [*become, python]
    pytest.skip("no Python 3.11 that an ordinary user can start and that sees the kit")


@functools.cache
def _first_attempt(identity: str, level: str) -> str:
    """Why the bare walls of a level cannot be raised here; empty if they can."""
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        """
import os, pathlib
from grader.sandbox import walls
house, scratch = walls.Walls(sys.argv[1]), pathlib.Path(sys.argv[2])
try:
    walls.enter(house.level)
    pid, _ = walls.fork_worker(house)
    if pid:
        os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    walls.lock_down(house, walls.Limits(), scratch=scratch)
except walls.WallsUnavailable as error:
    print(error, flush=True)
    os._exit(3)
os._exit(0)
"""
    )
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch).chmod(0o777)
        command = [*python_for(identity), "-c", code, level, scratch]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", timeout=60, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def skip_without(identity: str, level: str) -> None:
    reason = _first_attempt(identity, level) if level != "none" else ""
    if reason:
        pytest.skip(f"this machine has no {level}: {reason[-400:]}")


class House:
    """A place on disk with a canary, a data folder and scratch folders, and a way to run workers over it."""

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
        python = task.pop("python", None) or python_for(identity)
        command = [*python, "-c", ZYGOTE, str(ROOT), json.dumps(task)]
        skip_without(identity, level)
        environment = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", env=environment,
                              timeout=200, check=False)  # fmt: skip
        assert done.returncode == 0, done.stderr
        return {name: [answer, status] for name, answer, status in map(json.loads, done.stdout.splitlines())}


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
        yield {"port": tcp.getsockname()[1], "socket": str(path)}


@pytest.fixture(scope="module")
def outcomes(house: House, listeners: dict[str, Any]) -> dict[tuple[str, str], dict[str, list[Any]]]:
    """What every probe saw, filled per identity and level when it is first asked for."""
    return {}


def steps_of(house: House, listeners: dict[str, Any], level: str) -> list[list[Any]]:
    facts = {"canary": str(house.canary), "folder": str(house.canary.parent), **listeners}
    return [
        [probe.name, None, facts | dict.fromkeys(("count", "size", "seconds"), AMOUNTS.get(probe.name, 0))]
        for probe in PROBES
        if level in probe.levels and probe != SPREAD
    ]


@pytest.mark.parametrize("probe", [probe for probe in PROBES if probe != SPREAD], ids=lambda probe: probe.name)
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("identity", IDENTITIES)
def test_forbidden_act_fails(
    identity: str,
    level: str,
    probe: Probe,
    house: House,
    listeners: dict[str, Any],
    outcomes: dict[tuple[str, str], dict[str, list[Any]]],
) -> None:
    if level not in probe.levels:
        pytest.skip(f"not promised at the level {level}")
    if (identity, level) not in outcomes:
        outcomes[identity, level] = house.run(identity, level, steps_of(house, listeners, level))

    answer, status = outcomes[identity, level][probe.name]

    if answer is None:
        assert probe.may_die, f"the worker died with {status}"
        assert status == -signal.SIGKILL
    else:
        assert answer[0] is True, answer[1]


def test_probes_succeed_where_there_are_no_walls(house: House, listeners: dict[str, Any]) -> None:
    identity = "root" if os.geteuid() == 0 else "user"
    steps = [step for step in steps_of(house, listeners, "landlock") if step[0] in {
        "read_canary", "list_folder", "write_outside", "connect", "connect_unix", "see_processes", "signal_process",
        "run_program", "hidden_memory"}]  # fmt: skip

    seen = house.run(identity, "none", steps)

    assert [name for name, (answer, _) in seen.items() if answer and answer[0]] == []


ALLOWED = {
    "reads its data": "answer = (view.data / 'digits').read_text() == 'data'",
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
answer = bool(getpass.getuser()) and os.path.expanduser('~') == str(view.scratch)
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
    time.sleep(0.2)
    assert marker[-15:] not in {_name(pid) for pid in Path("/proc").iterdir() if pid.name.isdigit()}


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text().strip()
    except OSError:
        return ""


def test_killing_the_zygote_takes_its_workers_along(house: House) -> None:
    identity = "root" if os.geteuid() == 0 else "user"
    skip_without(identity, "namespaces")
    marker = f"zygote-{os.getpid()}"[-15:]
    code = f"import ctypes, time; ctypes.CDLL(None).prctl(15, {marker.encode()!r}, 0, 0, 0); time.sleep(60)"
    task = {"level": "namespaces", "steps": [["sleep", code, {}]], "data": str(house.data), "cage": [], "hidden": [],
            "scratch": tempfile.mkdtemp(dir=house.scratch), "torch": False, "limits": asdict(SMALL),
            "readable": [], "patience": 60}  # fmt: skip
    watchman = subprocess.Popen([*python_for(identity), "-c", ZYGOTE, str(ROOT), json.dumps(task)], cwd="/")
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


def test_cage_ends_a_tree_that_takes_too_much_memory_and_is_removed(house: House) -> None:
    cage = Cage.make(SMALL, "test")
    if cage is None:
        pytest.skip("control groups cannot be written here")
    identity = "root" if os.geteuid() == 0 else "user"
    step = [SPREAD.name, None, {"size": AMOUNTS[SPREAD.name]}]

    held = house.run(identity, "namespaces", [step], cage=[str(folder) for folder in cage.folders])[SPREAD.name]
    killed = cage.ran_out_of_memory()

    assert cage.remove()
    assert held[0] in (None, [True, "held"])
    assert killed
    assert not any(folder.exists() for folder in cage.folders)


def test_memory_in_several_processes_is_not_held_where_nothing_counts_it(house: House) -> None:
    identity = "root" if os.geteuid() == 0 else "user"
    step = [SPREAD.name, None, {"size": AMOUNTS[SPREAD.name]}]
    assert house.run(identity, "namespaces", [step])[SPREAD.name][0] == [False, "took 256 MiB"]


@pytest.mark.parametrize("missing", ["memory", "pids"])
def test_there_is_no_cage_that_counts_one_thing_alone(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
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
    for one in reversed(list(walls.watch.tree(pid))):
        os.kill(one, signal.SIGKILL)
    assert walls.end(pidfd)
    process.wait()
    os.close(pidfd)

    assert 64 * MIB <= measured <= 100 * MIB
    assert walls.private_memory(pid) == 0


def test_nothing_is_left_behind(house: House) -> None:
    identity = "root" if os.geteuid() == 0 else "user"
    before = Path("/proc/self/mountinfo").read_text()

    house.run(identity, "namespaces", [["write", "open('/tmp/left', 'w').write('x'); answer = True", {}]])

    assert Path("/proc/self/mountinfo").read_text() == before
    assert not Path("/tmp/left").exists()
    assert list(Path("/sys/fs/cgroup").glob(f"**/cnn-grader-{os.getpid()}-*")) == []


def test_fork_is_refused_where_a_tree_could_not_be_held_together(house: House) -> None:
    code = "import os\ntry: os.fork() or os._exit(0)\nexcept PermissionError: answer = True"
    identity = "root" if os.geteuid() == 0 else "user"

    assert house.run(identity, "landlock", [["fork", code, {}]])["fork"][0] is True


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
    identity = "root" if os.geteuid() == 0 else "user"
    limits = asdict(Limits(memory=1024 * MIB, cpu_seconds=60))

    seen = house.run(identity, level, [["learn", LEARN, {"workers": workers}]], torch=True, limits=limits, patience=90)

    assert seen["learn"][0] is True, seen


def test_levels_named_here_are_known() -> None:
    assert set(walls.available_levels()) <= {"namespaces", "landlock"}
