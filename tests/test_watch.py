"""`grader watch`: every save is checked, whatever the student's code does meanwhile."""

import os
import pty
import queue
import re
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from handout import hand_out, write_function

from grader import paths
from grader.errors import GraderError
from grader.public.memory import Memory
from grader.student import watch
from grader.student.runner import CAN_FORK, Runner, Warm
from grader.student.touched import touched_modules
from grader.student.warm import States
from grader.student.workspace import Workspace

pytestmark = pytest.mark.slow

PATIENCE = 180.0
RIGHT = "    return (size + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1"
WRONG = RIGHT.removesuffix(" + 1")
FOREVER = "    while True:\n        pass"


class Session:
    """A running `grader watch`, and its output."""

    def __init__(self, root: Path, limit: str, terminal: bool = False) -> None:
        self.workspace = Workspace(hand_out(root))
        self.stubs = {path: path.read_text("utf-8") for path in self.workspace.folder.glob("[a-z]*.py")}
        self.output = ""
        self._read = 0
        environment = {**os.environ, "PYTHONPATH": str(paths.ROOT), "CNN_DATA": str(paths.DATA), "COLUMNS": "100"}
        mine, its = pty.openpty() if terminal else os.pipe()
        self.terminal = mine
        self.before = termios.tcgetattr(its) if terminal else []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "grader", "watch", "--limit", limit],
            cwd=root,
            env=environment,
            stdin=its if terminal else subprocess.DEVNULL,
            stdout=its,
            stderr=subprocess.STDOUT,
        )
        self.its = its
        threading.Thread(target=self._collect, daemon=True).start()

    def _collect(self) -> None:
        while data := os.read(self.terminal, 65536):
            self.output += data.decode("utf-8", "replace").replace("\r\n", "\n")

    def wait_for(self, words: str) -> str:
        """Return the output since the last call, as soon as it matches a regular expression."""
        began = time.monotonic()
        while not (found := re.search(words, self.output[self._read :])):
            assert time.monotonic() - began < PATIENCE, self.output
            assert self.process.poll() is None, self.output
            time.sleep(0.02)
        text = self.output[self._read : self._read + found.end()]
        self._read += found.end()
        return text

    def save(self, body: str, name: str = "output_size") -> str:
        """Write a function, and return the report on it."""
        path = self.workspace.module("convolution")
        draft = self.workspace.folder / ".draft" / path.name
        draft.parent.mkdir(exist_ok=True)
        draft.write_text(self.stubs[path], "utf-8")
        write_function(draft, name, body)
        draft.replace(path)
        return self.verdict("convolution.py")

    def verdict(self, name: str) -> str:
        """Return the output from the start of the checks to their end."""
        self.wait_for(rf"{name}: checking")
        return self.wait_for(r"\(\d+\.\d\d s\)")

    def close(self) -> None:
        """End it if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    running = Session(tmp_path_factory.mktemp("watch"), "120")
    running.wait_for(r"\(\d+\.\d\d s\)")
    yield running
    running.close()


def test_at_the_start_the_first_task_is_shown(session: Session) -> None:
    assert "output_size, 3 points: The length of a convolution's output." in session.output
    assert re.search(r"not started +output_size", session.output)
    assert "\x1b" not in session.output


def test_a_wrong_answer_and_then_a_right_one(session: Session) -> None:
    wrong = session.save(WRONG)
    assert re.search(r"failed +output_size", wrong)
    assert "expected 26, got 25" in wrong
    assert "hidden checks" not in wrong  # what never changes is not repeated at every save
    right = session.save(f"    if kernel_size > size + 2 * padding:\n        raise ValueError(size)\n{RIGHT}")
    assert re.search(r"green +output_size", right)
    assert "Next: convolve, 8 points: exercises/convolution.py, line" in right
    assert "output_size" in Memory.load(session.workspace.folder).passed


def test_a_syntax_error_is_one_sentence(session: Session) -> None:
    told = session.save("    return (size")
    assert re.search(r"exercises/convolution.py cannot be read: line \d+: '\(' was never closed", told)
    assert "Traceback" not in told


def test_prints_and_exits_of_the_student_do_no_harm(session: Session) -> None:
    told = session.save('    import os\n    os.write(1, b"{nonsense")\n    print("xxxx")\n    raise SystemExit(0)')
    assert "xxxx" not in told
    assert re.search(r"failed +output_size", told)
    assert re.search(r"failed +output_size", session.save(WRONG))


def test_a_dying_process_does_not_end_watching(session: Session) -> None:
    session.save("    import os\n    os._exit(0)")
    assert "expected 26, got 25" in session.save(WRONG)


def test_an_endless_loop_is_ended_by_the_next_save(session: Session) -> None:
    path = session.workspace.module("convolution")
    path.write_text(session.stubs[path], "utf-8")
    session.verdict("convolution.py")
    write_function(path, "output_size", FOREVER)
    session.wait_for("checking")
    time.sleep(1)
    began = time.monotonic()
    assert "expected 26, got 25" in session.save(WRONG)
    assert time.monotonic() - began < 100  # the limit of one check is 120


def test_modules_that_use_a_saved_one_are_checked_after_it(session: Session) -> None:
    transforms = session.workspace.module("transforms")
    write_function(transforms, "show_image", "    from .convolution import output_size\n    return output_size")
    session.verdict("transforms.py")
    told = session.save(f"    if kernel_size > size + 2 * padding:\n        raise ValueError(size)\n{RIGHT}")
    assert "transforms" not in told
    again = session.verdict(r"what uses it \(transforms.py\)")
    assert re.search(r"failed +show_image", again)
    session.save(WRONG)
    transforms.write_text(session.stubs[transforms], "utf-8")
    assert not re.search(r"uses it", session.verdict("transforms.py"))


def test_if_only_stubs_use_it_nothing_else_is_checked(session: Session) -> None:
    session.save(RIGHT)
    time.sleep(1)
    assert "uses it" not in session.output.rsplit("convolution.py: checking", 1)[1]


def children(pid: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == pid:
            found.append(int(status.parent.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_the_end_leaves_no_process_behind(tmp_path: Path, number: int, status: int) -> None:
    session = Session(tmp_path, "120")
    try:
        path = session.workspace.module("convolution")
        session.wait_for(r"\(\d+\.\d\d s\)")
        write_function(path, "output_size", FOREVER)
        session.wait_for("checking")
        time.sleep(1)
        warm = children(session.process.pid)
        below = [child for pid in warm for child in children(pid)]
        assert below if CAN_FORK else warm
        session.process.send_signal(number)
        assert session.process.wait(timeout=60) == status
        began = time.monotonic()
        while any(Path(f"/proc/{pid}").exists() for pid in warm + below):
            assert time.monotonic() - began < 30
            time.sleep(0.05)
    finally:
        session.close()


def test_an_endless_loop_is_ended_by_the_clock(tmp_path: Path) -> None:
    session = Session(tmp_path, "2")
    try:
        session.wait_for(r"\(\d+\.\d\d s\)")
        told = session.save(FOREVER)
        assert "expected an answer within 2 seconds, got none" in told
        assert re.search(r"not started +convolve ", told)
    finally:
        session.close()


def test_a_hang_that_no_signal_reaches_is_ended_too(tmp_path: Path) -> None:
    session = Session(tmp_path, "1")
    try:
        session.wait_for(r"\(\d+\.\d\d s\)")
        deaf = "    import signal\n    signal.signal(signal.SIGALRM, signal.SIG_IGN)\n"
        path = session.workspace.module("convolution")
        write_function(path, "output_size", deaf + FOREVER)
        session.wait_for("No check has ended for")
        assert "expected 26, got 25" in session.save(WRONG)
    finally:
        session.close()


# keys


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    running = Session(tmp_path_factory.mktemp("keys"), "60", terminal=True)
    running.wait_for("q quit")
    yield running
    running.close()


def press(session: Session, key: str) -> None:
    os.write(session.terminal, key.encode())


def test_keys_for_hints_list_next_reset_and_quit(keyed: Session) -> None:
    press(keyed, "h")
    keyed.wait_for("output_size, hint 1 of 3: ")
    press(keyed, "h")
    keyed.wait_for("output_size, hint 2 of 3: ")
    press(keyed, "l")
    listed = keyed.wait_for("summarize .*table")
    assert re.search(r"> not started +output_size", listed)
    press(keyed, "n")
    keyed.wait_for("convolve, 8 points: One image, one filter, by hand.")
    keyed.wait_for("q quit")
    path = keyed.workspace.module("convolution")
    write_function(path, "convolve", "    return image")
    keyed.wait_for("q quit")
    for answer, words in (("x", "Nothing was changed"), ("y", "Your text is kept: exercises/.backups/")):
        press(keyed, "r")
        keyed.wait_for("Put convolve back to its stub.*y/n")
        press(keyed, answer)
        keyed.wait_for(words)
    keyed.wait_for("q quit")
    assert path.read_text("utf-8") == keyed.stubs[path]
    press(keyed, "q")
    assert keyed.process.wait(timeout=60) == 0
    assert termios.tcgetattr(keyed.its) == keyed.before


# the runner, with and without fork


class Answers:
    """Collects the messages of a runner's processes."""

    def __init__(self, root: Path, *, fork: bool) -> None:
        self.queue: queue.Queue[tuple[Warm, Any]] = queue.Queue()
        self.runner = Runner(root, lambda process, said: self.queue.put((process, said)), fork=fork)

    def next(self) -> States:
        """Return the results of the running checks."""
        while (states := self.handle()) is None:
            pass
        return states

    def handle(self) -> States | None:
        """Handle one message of a process."""
        return self.runner.handle(*self.queue.get(timeout=PATIENCE))


FORKS = [pytest.param(True, marks=pytest.mark.skipif(not CAN_FORK, reason="cannot fork here")), False]


@pytest.mark.parametrize("fork", FORKS, ids=["fork", "once"])
def test_a_runner_answers_again_and_again(tmp_path: Path, fork: bool) -> None:
    folder = hand_out(tmp_path)
    answers = Answers(tmp_path, fork=fork)
    request = ["--timeout=60", "-k", "output_size", "exercises/test_convolution.py"]
    try:
        for body, state in ((None, "not started"), (WRONG, "failed")):
            if body:
                write_function(folder / "convolution.py", "output_size", body)
            answers.runner.check(request)
            assert answers.next() == {"output_size": state}
    finally:
        answers.runner.close()


@pytest.mark.parametrize("fork", FORKS, ids=["fork", "once"])
def test_a_new_request_ends_what_still_runs(tmp_path: Path, fork: bool) -> None:
    folder = hand_out(tmp_path)
    stub = (folder / "convolution.py").read_text("utf-8")
    write_function(folder / "convolution.py", "output_size", FOREVER)
    answers = Answers(tmp_path, fork=fork)
    request = ["--timeout=600", "-k", "output_size", "exercises/test_convolution.py"]
    try:
        answers.runner.check(request)
        while not answers.runner.busy:
            assert answers.handle() is None
        time.sleep(2)
        (folder / "convolution.py").write_text(stub, "utf-8")
        answers.runner.check(request)
        assert answers.next() == {"output_size": "not started"}
    finally:
        answers.runner.close()


def test_output_of_an_ended_run_is_not_shown(tmp_path: Path) -> None:
    hand_out(tmp_path)
    answers = Answers(tmp_path, fork=CAN_FORK)
    runner = answers.runner
    try:
        runner.check(["--timeout=60", "-k", "output_size", "exercises/test_convolution.py"])
        process, said = answers.queue.get(timeout=PATIENCE)
        assert runner.handle(process, said) is None
        assert runner.busy
        runner.stop()
        assert runner.handle(process, {}) is None
    finally:
        runner.close()


# what a save touches


@pytest.mark.parametrize(
    ("statement", "touched"),
    [
        ("from exercises.transforms import eval_transform", ["transforms", "summary"]),
        ("from .transforms import eval_transform", ["transforms", "summary"]),
        ("from . import transforms", ["transforms", "summary"]),
        ("from exercises import transforms", ["transforms", "summary"]),
        ("import exercises.transforms as t", ["transforms", "summary"]),
        ("def f():\n    from .transforms import x", ["transforms", "summary"]),
        ("import transforms_of_mine", ["transforms"]),
        ("from transforms import x", ["transforms"]),
        ("x = (", ["transforms"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_save_touches_what_imports_it(tmp_path: Path, statement: str, touched: list[str]) -> None:
    (tmp_path / "summary.py").write_text(f"{statement}\n")
    assert touched_modules(tmp_path, ["transforms"]) == touched


def test_a_save_touches_what_imports_what_imports_it(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("from .transforms import x\n")
    (tmp_path / "summary.py").write_text("from .model import x\n")
    (tmp_path / "transforms.py").write_text("from .datasets import x\n")
    assert touched_modules(tmp_path, ["datasets"]) == ["transforms", "model", "summary"]


def test_a_watch_that_cannot_see_saves_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deaf(*_: Any, **__: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(watch.watchfiles, "watch", deaf)
    monkeypatch.setattr(watch, "Runner", lambda *_, **__: None)
    watching = watch.Watch(Workspace(tmp_path), 1)
    watching._look()
    with pytest.raises(GraderError, match=r"got no space left\. Is the system's limit on watches reached"):
        watching._step()


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("model.py", True),
        ("fashion_cnn.safetensors", True),
        (".model.py.x1", False),
        (".#model.py", False),
        ("model.py~", False),
        ("curves.png", False),
        (".progress.json", False),
    ],
)
def test_only_some_files_count_as_a_save(name: str, counts: bool) -> None:
    assert watch._counts(None, f"/exercises/{name}") is counts  # type: ignore[arg-type]
