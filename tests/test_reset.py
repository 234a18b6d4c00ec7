"""`grader reset`: one stub comes back, everything else stays, and the student's text is kept."""

from pathlib import Path

import pytest
from handout import grader, hand_out, write_function

from grader import paths
from grader.authoring.release import release_stubs
from grader.course import Task, course
from grader.errors import GraderError
from grader.public.progress import unwritten_symbols
from grader.student import CannotError
from grader.student.reset import reset_task
from grader.student.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(hand_out(tmp_path))


@pytest.mark.parametrize("task", course().tasks, ids=lambda task: task.id)
def test_each_task_of_a_solved_module_can_be_put_back_alone(workspace: Workspace, task: Task) -> None:
    path = workspace.module(task.module)
    solved = (paths.SOLUTIONS / path.name).read_text(encoding="utf-8")
    path.write_text(solved, encoding="utf-8")
    backup = reset_task(workspace, task)
    assert unwritten_symbols(path, task.symbols) == set(task.symbols)
    others = {symbol for other in course().tasks if other.module == task.module for symbol in other.symbols}
    assert not unwritten_symbols(path, others - set(task.symbols))
    assert backup is not None
    assert backup.read_text(encoding="utf-8") == solved
    compile(path.read_text(encoding="utf-8"), path.name, "exec")


def test_what_the_student_added_elsewhere_stays(workspace: Workspace) -> None:
    path = workspace.module("convolution")
    before = path.read_text(encoding="utf-8")
    write_function(path, "convolve", "    return image")
    path.write_text(
        path.read_text(encoding="utf-8") + "\n\ndef mine() -> int:\n    return 7  # kept\n", encoding="utf-8"
    )
    reset_task(workspace, course().task("convolve"))
    assert path.read_text(encoding="utf-8") == before + "\n\ndef mine() -> int:\n    return 7  # kept\n"


def test_a_function_that_was_deleted_comes_back(workspace: Workspace) -> None:
    path = workspace.module("summary")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("def unfreeze(", "def thaw("), encoding="utf-8")
    reset_task(workspace, course().task("freeze"))
    assert unwritten_symbols(path, ["freeze", "unfreeze"]) == {"freeze", "unfreeze"}


def test_a_module_that_was_deleted_comes_back(workspace: Workspace) -> None:
    path = workspace.module("summary")
    text = path.read_text(encoding="utf-8")
    path.unlink()
    assert reset_task(workspace, course().task("freeze")) is None
    assert path.read_text(encoding="utf-8") == text


def test_an_untouched_stub_is_left_alone(workspace: Workspace) -> None:
    assert reset_task(workspace, course().task("conv2d")) is None
    assert not (workspace.folder / ".backups").exists()


def test_line_ends_of_windows_stay(workspace: Workspace) -> None:
    path = workspace.module("convolution")
    stub = path.read_bytes()
    write_function(path, "convolve", "    return image")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    reset_task(workspace, course().task("convolve"))
    assert path.read_bytes() == stub.replace(b"\n", b"\r\n")


def test_two_resets_in_a_second_keep_both_texts(workspace: Workspace) -> None:
    path = workspace.module("convolution")
    backups = set()
    for body in ("    return image", "    return kernel"):
        write_function(path, "convolve", body)
        backups.add(reset_task(workspace, course().task("convolve")))
    assert len({backup.read_text(encoding="utf-8") for backup in backups if backup}) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def convolve(:\n", "line 1"),
        ("x = 1; y = '''\n", "cannot be read"),
        ("b = 1; convolve = None", "expected convolve"),
    ],
    ids=["signature", "string", "shares a line"],
)
def test_an_unparsable_file_can_only_be_reset_whole(workspace: Workspace, text: str, words: str) -> None:
    path = workspace.module("convolution")
    stub = path.read_text(encoding="utf-8")
    path.write_text(f"{text}\n", encoding="utf-8")
    with pytest.raises(CannotError, match=words) as caught:
        reset_task(workspace, course().task("convolve"))
    assert "--whole-file" in str(caught.value)
    assert path.read_text(encoding="utf-8") == f"{text}\n"
    backup = reset_task(workspace, course().task("convolve"), whole_file=True)
    assert path.read_text(encoding="utf-8") == stub
    assert backup is not None


def test_a_binary_file_can_be_reset_whole(workspace: Workspace) -> None:
    path = workspace.module("convolution")
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CannotError):
        reset_task(workspace, course().task("convolve"))
    backup = reset_task(workspace, course().task("convolve"), whole_file=True)
    assert backup is not None
    assert backup.read_bytes() == b"\xff\xfe\x00"


def test_a_hand_out_needs_no_solutions(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(paths, "SOLUTIONS", tmp_path / "nowhere")
    write_function(workspace.module("convolution"), "convolve", "    return image")
    assert reset_task(workspace, course().task("convolve"))
    (workspace.folder / ".stubs" / "convolution.py").unlink()
    with pytest.raises(GraderError, match=r"\.stubs/convolution\.py"):
        workspace.stub("convolution")


def test_the_kit_itself_keeps_no_second_copy_of_the_stubs(tmp_path: Path) -> None:
    (tmp_path / "solutions").mkdir()
    for path in paths.SOLUTIONS.glob("*.py"):
        (tmp_path / "solutions" / path.name).write_bytes(path.read_bytes())
    release_stubs(tmp_path, solutions=tmp_path / "solutions")
    assert not (tmp_path / "exercises" / ".stubs").exists()


def test_the_verb_says_where_the_text_is_kept(tmp_path: Path) -> None:
    folder = hand_out(tmp_path)
    write_function(folder / "convolution.py", "convolve", "    return image  # precious")
    done = grader(tmp_path, "reset", "convolve")
    assert done.returncode == 0
    kept = tmp_path / done.stdout.split("Your text is kept: ")[1].strip()
    assert "precious" in kept.read_text(encoding="utf-8")
    assert "precious" not in (folder / "convolution.py").read_text(encoding="utf-8")


def test_the_verb_refuses_in_one_line(tmp_path: Path) -> None:
    (hand_out(tmp_path) / "convolution.py").write_text("def (\n")
    done = grader(tmp_path, "reset", "convolve")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "line 1" in done.stderr
