"""A tree that is written again and again without harming anybody's work."""

from pathlib import Path

from grader.authoring import delivery


def deliver(root: Path, files: dict[str, str]) -> delivery.Release:
    named = [(name, text.encode()) for name, text in files.items()]
    return delivery.deliver(root / "tree", root / "record.json", named)


def test_up_to_date_files_are_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "tree" / "a" / "b.txt"
    assert deliver(tmp_path, {"a/b.txt": "1"}).written == [path]
    assert deliver(tmp_path, {"a/b.txt": "1"}).unchanged == [path]


def test_unchanged_files_are_replaced(tmp_path: Path) -> None:
    deliver(tmp_path, {"a.txt": "1"})
    assert deliver(tmp_path, {"a.txt": "2"}).kept == []
    assert (tmp_path / "tree" / "a.txt").read_text() == "2"


def test_changed_files_are_kept_each_time(tmp_path: Path) -> None:
    path = tmp_path / "tree" / "a.txt"
    deliver(tmp_path, {"a.txt": "1"})
    path.write_text("mine")
    for text in ("1", "2", "2"):
        assert deliver(tmp_path, {"a.txt": text}).kept == [path]
    assert path.read_text() == "mine"


def test_existing_files_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "tree" / "a.txt"
    path.parent.mkdir()
    path.write_text("mine")
    assert deliver(tmp_path, {"a.txt": "1"}).kept == [path]


def test_files_no_longer_delivered_are_removed_unless_changed(tmp_path: Path) -> None:
    deliver(tmp_path, {"a.txt": "1", "b.txt": "1"})
    (tmp_path / "tree" / "b.txt").write_text("mine")
    deliver(tmp_path, {})
    assert [path.name for path in (tmp_path / "tree").iterdir()] == ["b.txt"]
