"""Submissions as they come: names, places, links, limits and encodings."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from submitting import SOURCE, Members, notebook, read_folder, write

from grader import intake
from grader.course import course
from grader.intake import folders, sizes
from grader.intake.names import folder
from grader.text import escape

# A class


def test_find_gives_folders_and_zips_in_order_and_notes_the_rest(tmp_path: Path) -> None:
    write(tmp_path, {"bob/convolution.py": SOURCE, ".git/x": b"", "list.xlsx": b"", "ada.zip": b"", "__MACOSX/x": b""})
    entries, notes = intake.find(tmp_path)
    assert [entry.student for entry in entries] == ["ada", "bob"]
    assert sorted(note.partition(":")[0] for note in notes) == [".git", "__MACOSX", "list.xlsx"]


def test_a_folder_comes_before_a_zip_of_the_same_name(tmp_path: Path) -> None:
    write(tmp_path, {"ada/convolution.py": SOURCE, "ada.zip": b""})
    (entry,), notes = intake.find(tmp_path)
    assert entry.path.name == "ada"
    assert notes == ["ada.zip: skipped: ada/ comes first"]


@pytest.mark.parametrize("missing", ["nowhere", "file"])
def test_find_refuses_anything_but_a_folder(tmp_path: Path, missing: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ValueError, match="submissions: expected a folder"):
        intake.find(tmp_path / missing)


def test_a_linked_submission_is_skipped(tmp_path: Path) -> None:
    write(tmp_path, {"elsewhere/convolution.py": SOURCE, "class/bob/convolution.py": SOURCE})
    (tmp_path / "class" / "ada").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "class" / "eve.zip").symlink_to(tmp_path / "elsewhere" / "convolution.py")
    entries, notes = intake.find(tmp_path / "class")
    assert [entry.student for entry in entries] == ["bob"]
    assert len(notes) == 2


@pytest.mark.parametrize("name", ["ada", "Ada Lovelace", "Zoë", "李雷", "ada.l", "=cmd", "a&b"])
def test_a_harmless_name_stays_as_it_is(name: str) -> None:
    assert (escape(name), folder(name)) == (name, name)


UNSAFE = [
    ".",
    "..",
    "",
    ".x",
    "a\nb",
    "a\x1b[31m",
    "a\u202eb",
    "a\udcff",
    "x" * 250,
    "grades.csv",
    "Report.HTML",
    "a/b",
]
UNSAFE += ["gradebook.sqlite", "gradebook.sqlite-journal", "junit.xml", "nul", "COM1.x", "a\\b", "ada ", "ada."]


@pytest.mark.parametrize("name", UNSAFE)
def test_an_unsafe_name_gets_a_safe_folder_and_is_shown(name: str) -> None:
    safe = folder(name)
    assert safe == folder(safe) != name
    assert safe.isascii()
    assert all(character.isprintable() for character in escape(name))


def test_no_two_submissions_share_a_folder(tmp_path: Path) -> None:
    odd = "a\nb"
    write(tmp_path, {f"{name}/convolution.py": SOURCE for name in (odd, "a\tb", folder(odd), "a-b")})
    entries, _ = intake.find(tmp_path)
    assert len({entry.folder for entry in entries}) == 4
    assert folder(odd) in {entry.folder for entry in entries if entry.student == folder(odd)}


def test_an_undecodable_name_is_shown_escaped(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/a\xff")).mkdir()
    (entry,), _ = intake.find(tmp_path)
    assert entry.student == "a\\xff"
    entry.folder.encode()


# Where files lie


def test_exercises_comes_before_the_top_and_a_module_before_a_notebook(tmp_path: Path) -> None:
    write(
        tmp_path, {"convolution.py": b"top = 1\n", "exercises/convolution.py": b"inner = 1\n", "model.py": b"m = 1\n"}
    )
    write(
        tmp_path, {"exercises/model.ipynb": notebook("def f(): pass"), "convolution.ipynb": notebook("def f(): pass")}
    )
    snapshot = read_folder(tmp_path)
    assert snapshot.modules == {"convolution": b"inner = 1\n", "model": b"m = 1\n"}
    assert "convolution.ipynb" in snapshot.notes[0]


@pytest.mark.parametrize("place", ["", "exercises/"])
def test_weights_are_found_beside_the_modules_and_at_the_top(tmp_path: Path, place: str) -> None:
    write(tmp_path, {"exercises/model.py": b"", f"{place}fashion_cnn.safetensors": b"weights"})
    assert read_folder(tmp_path).weights == b"weights"


def test_weights_beyond_the_limit_are_cut_one_byte_after_it(tmp_path: Path) -> None:
    write(tmp_path, {"model.py": b"", "fashion_cnn.safetensors": bytes(sizes.MAX_WEIGHTS + 9)})
    snapshot = read_folder(tmp_path)
    assert snapshot.weights is not None
    assert len(snapshot.weights) == sizes.MAX_WEIGHTS + 1


def test_the_kits_own_files_cause_no_note(tmp_path: Path) -> None:
    kit = {path.name: path.read_bytes() for path in (Path(__file__).parent.parent / "exercises").glob("*.py")}
    write(tmp_path, {f"exercises/{name}": content for name, content in kit.items()} | {"exercises/model.py": b""})
    snapshot = read_folder(tmp_path)
    assert snapshot.notes == ()
    assert set(snapshot.modules) <= set(course().modules)


DROPPED = [
    "conftest.py",
    "pytest.ini",
    "pyproject.toml",
    "sitecustomize.py",
    "x.pth",
    "torch.so",
    "a.cpython-311.so",
    "b.pyc",
]


@pytest.mark.parametrize("name", DROPPED)
def test_configuration_and_compiled_files_are_dropped_with_a_note(tmp_path: Path, name: str) -> None:
    write(tmp_path, {"convolution.py": SOURCE, name: b"\0"})
    snapshot = read_folder(tmp_path)
    assert list(snapshot.modules) == ["convolution"]
    assert any("dropped" in note and name in note for note in snapshot.notes)


@pytest.mark.parametrize(
    "name", ["Transforms.py", "transform.py", "transforms (1).py", "transforms.py.txt", "trasforms.py"]
)
def test_a_near_miss_is_reported_with_what_was_expected(tmp_path: Path, name: str) -> None:
    write(tmp_path, {"convolution.py": SOURCE, name: b""})
    assert any(name in note and "Expected transforms.py" in note for note in read_folder(tmp_path).notes)


def test_unknown_files_are_named_in_one_note(tmp_path: Path) -> None:
    write(tmp_path, {"convolution.py": SOURCE} | {f"notes{n}.md": b"" for n in range(30)})
    (note,) = read_folder(tmp_path).notes
    assert note.endswith("and 24 more")


@pytest.mark.parametrize(
    ("files", "found"), [({}, "got nothing"), ({"homework/convolution.py": SOURCE}, "homework/convolution.py")]
)
def test_a_folder_without_modules_is_rejected_with_what_was_found_and_expected(
    tmp_path: Path, files: Members, found: str
) -> None:
    rejected = read_folder(write(tmp_path, files)).rejected
    assert rejected is not None
    assert found in rejected
    assert "convolution.py, transforms.py" in rejected


def test_names_in_notes_cannot_steer_a_terminal(tmp_path: Path) -> None:
    write(tmp_path, {"convolution.py": SOURCE, "a\x1b[2Jb\u202e.md": b""})
    assert all(character.isprintable() for note in read_folder(tmp_path).notes for character in note)


def test_the_hash_covers_only_what_counts(tmp_path: Path) -> None:
    first = read_folder(write(tmp_path / "a", {"convolution.py": SOURCE, "model.py": b"x = 1\n"}))
    second = read_folder(
        write(tmp_path / "b", {"exercises/model.py": b"x = 1\n", "exercises/convolution.py": SOURCE, "n.md": b""})
    )
    other = read_folder(write(tmp_path / "c", {"convolution.py": SOURCE, "model.py": b"x = 2\n"}))
    assert first.sha256 == second.sha256 != other.sha256


# Links, special files, limits


def test_links_are_ignored_and_the_file_counts_as_missing(tmp_path: Path) -> None:
    write(tmp_path, {"secret.py": b"secret = 1\n", "ada/model.py": b"", "ada/exercises/transforms.py": b""})
    (tmp_path / "ada" / "convolution.py").symlink_to(tmp_path / "secret.py")
    (tmp_path / "ada" / "exercises" / "summary.py").symlink_to("/dev/zero")
    snapshot = read_folder(tmp_path / "ada")
    assert sorted(snapshot.modules) == ["model", "transforms"]
    assert any("links" in note and "convolution.py" in note for note in snapshot.notes)


def test_a_linked_exercises_folder_is_not_entered(tmp_path: Path) -> None:
    write(tmp_path, {"other/convolution.py": b"theirs = 1\n", "ada/convolution.py": b"mine = 1\n"})
    (tmp_path / "ada" / "exercises").symlink_to(tmp_path / "other")
    assert read_folder(tmp_path / "ada").modules == {"convolution": b"mine = 1\n"}


@pytest.mark.timeout(20)
def test_a_pipe_or_socket_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"model.py": b""})
    os.mkfifo(tmp_path / "convolution.py")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("summary.py")
        snapshot = read_folder(tmp_path)
    assert list(snapshot.modules) == ["model"]


def test_a_folder_named_like_a_module_counts_as_missing(tmp_path: Path) -> None:
    write(tmp_path, {"model.py": b"", "convolution.py/x": b""})
    assert list(read_folder(tmp_path).modules) == ["model"]


def test_an_unreadable_module_breaks_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, most: int, dir_fd: int | None = None) -> bytes:
        if name == "convolution.py":  # as a file without permissions is to everyone but root
            raise PermissionError(13, "Permission denied")
        return folders_read(name, most, dir_fd)

    folders_read = folders.read_regular
    monkeypatch.setattr(folders, "read_regular", refuse)
    write(tmp_path, {"model.py": b"", "convolution.py": SOURCE})
    snapshot = read_folder(tmp_path)
    assert (list(snapshot.modules), list(snapshot.broken)) == (["model"], ["convolution"])
    assert "Permission denied" in snapshot.broken["convolution"]


def test_a_missing_folder_is_rejected(tmp_path: Path) -> None:
    assert read_folder(tmp_path / "gone").rejected


def test_too_many_files_are_rejected(tmp_path: Path) -> None:
    write(tmp_path, {"convolution.py": SOURCE} | {f"junk/{n}": b"" for n in range(sizes.MAX_FILES)})
    assert "number of files" in str(read_folder(tmp_path).rejected)


def test_a_huge_sparse_file_is_rejected(tmp_path: Path) -> None:
    write(tmp_path, {"convolution.py": SOURCE})
    with (tmp_path / "big.bin").open("wb") as stream:
        stream.truncate(2**40)
    assert "a size" in str(read_folder(tmp_path).rejected)


def test_endlessly_nested_folders_are_rejected(tmp_path: Path) -> None:
    write(tmp_path, {"convolution.py": SOURCE, "a/" * (sizes.MAX_DEPTH + 5) + "x": b""})
    assert "a depth" in str(read_folder(tmp_path).rejected)


def test_a_module_beyond_the_limit_breaks_alone(tmp_path: Path) -> None:
    write(tmp_path, {"model.py": b"", "convolution.py": b"#" * (sizes.MAX_SOURCE + 1)})
    snapshot = read_folder(tmp_path)
    assert (list(snapshot.modules), list(snapshot.broken)) == (["model"], ["convolution"])


# Encodings


DECODED = {
    "byte order mark": (b"\xef\xbb\xbfx = 1\n", "x = 1\n"),
    "Windows lines": (b"x = 1\r\ny = 2\r", "x = 1\ny = 2\n"),
    "latin-1": ("# -*- coding: latin-1 -*-\nx = 'é'\n".encode("latin-1"), "# -*- coding : latin-1 -*-\nx = 'é'\n"),
    "cp1252 in line 2": ("#!x\n# coding=cp1252\nx = '€'\n".encode("cp1252"), "#!x\n# coding =cp1252\nx = '€'\n"),
    "utf-8 named": ("# coding: utf-8\nx = 'é'\n".encode(), "# coding: utf-8\nx = 'é'\n"),
    "gbk": ("# coding: gbk\nx = '卷积'\n".encode("gbk"), "# coding : gbk\nx = '卷积'\n"),
    "empty": (b"", ""),
}


@pytest.mark.parametrize(("data", "text"), DECODED.values(), ids=DECODED)
def test_source_is_decoded_as_python_would(tmp_path: Path, data: bytes, text: str) -> None:
    source = read_folder(write(tmp_path, {"convolution.py": data})).modules["convolution"]
    assert source == text.encode()
    compile(source, "convolution.py", "exec")


UNDECODABLE = {
    "utf-16": "x = 1\n".encode("utf-16"),
    "no utf-8": b"x = '\xff'\n",
    "null": b"x = 1\0\n",
    "unknown": b"# coding: klingon\n",
    "no text": b"# coding: zlib\nx\n",
    "slow": b"# coding: punycode\nx-y\n",
    "rot13": b"# coding: rot13\nk = 1\n",
    "contradiction": b"\xef\xbb\xbf# coding: latin-1\n",
    "escapes": b"# coding: unicode_escape\nx\n",
}


@pytest.mark.parametrize("data", UNDECODABLE.values(), ids=UNDECODABLE)
def test_source_that_cannot_be_decoded_breaks_only_its_module(tmp_path: Path, data: bytes) -> None:
    snapshot = read_folder(write(tmp_path, {"convolution.py": data, "model.py": b"x = 1\n"}))
    assert (list(snapshot.modules), list(snapshot.broken)) == (["model"], ["convolution"])
    assert snapshot.rejected is None
