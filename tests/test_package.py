"""What is published: the sdist is the whole kit, and the wheel made from it works in a separate environment."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

from grader.paths import ROOT

pytestmark = pytest.mark.slow

PACKAGES = [path for path in sys.path if path.endswith("site-packages")]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the sdist, and the wheel from what is in it."""
    folder = tmp_path_factory.mktemp("dist")
    build(ROOT, "sdist", folder)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as files:
        if hasattr(tarfile, "data_filter"):  # since Python 3.11.4
            files.extraction_filter = tarfile.data_filter
        files.extractall(folder / "unpacked")
    (source,) = (folder / "unpacked").iterdir()
    build(source, "wheel", folder)
    return folder


def build(source: Path, kind: str, to: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(to)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (path,) = built.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel in a new environment that has the libraries, but not the kit; return its programs."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=120)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "libraries.pth").write_text("\n".join(PACKAGES))
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install", "--no-index"]
    subprocess.run([*pip, "--no-deps", "--force-reinstall", "--quiet", str(wheel)], check=True, timeout=300)
    return folder / "bin"


def run(installed: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"COLUMNS": "200"}
    command = [str(installed / "python"), "-P", "-m", "grader", *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False)


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as files:
        (name,) = (name for name in files.namelist() if name.endswith(".dist-info/METADATA"))
        return message_from_bytes(files.read(name))


def test_the_wheel_names_the_licences_of_code_and_data(wheel: Path) -> None:
    found = metadata(wheel)
    assert found["License-Expression"] == "MIT AND CC-BY-SA-3.0"
    assert found.get_all("License-File") == ["LICENSE", "data/README.md"]


def test_the_sdist_is_the_whole_kit(built: Path) -> None:
    (source,) = (built / "unpacked").iterdir()
    for name in ("solutions/convolution.py", "tests/hidden/test_convolution.py", "data/FashionMNIST/raw",
                 "docs/index.md", "constraints.txt", "LICENSE", "SECURITY.md"):  # fmt: skip
        assert (source / name).exists(), name


def test_the_wheel_holds_no_solution_and_no_hidden_check(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as files:
        tops = {name.partition("/")[0] for name in files.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"grader", "exercises", "lesson", "course.toml"}


def test_the_doctor_works_outside_the_clone_and_lists_what_is_missing(installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, "doctor")
    assert "Packages" in done.stdout, done.stderr
    assert done.returncode == 1
    assert "missing: expected MD5" in done.stdout
    assert str(ROOT) not in done.stdout


@pytest.mark.parametrize(
    "arguments", [("demo",), ("verify", "--quick"), ("release", "--to", "to"), ("grade", ".", "--out", "out")]
)
def test_verbs_that_need_the_clone_say_so(arguments: tuple[str, ...], installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, *arguments)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "needs a clone of the repository" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
