"""Who runs a test's commands: root, or an ordinary user with a usable Python that sees the kit."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import pytest
from needs import need

from grader.paths import ROOT

IDENTITIES = ("root", "user")
OWN = "root" if os.geteuid() == 0 else "user"
"""Who runs the tests."""

ORDINARY_USER = 1000
BECOME = ("setpriv", f"--reuid={ORDINARY_USER}", f"--regid={ORDINARY_USER}", "--clear-groups")
BASES = (sys.executable, "/usr/local/bin/python3", "/usr/bin/python3")


def python_of(identity: str, *, torch: bool = True) -> list[str]:
    """Return the command that starts Python as "root" or as an ordinary "user"; skip if there is none.

    Args:
        identity: who.
        torch: whether it must have the kit's packages and the Python version of the tests.
    """
    if identity == OWN:
        return [sys.executable]
    if identity == "root":
        pytest.skip("needs root")
    found = ordinary_python(torch=torch)
    if not found:
        with_torch = " with torch" if torch else ""
        pytest.skip(f"no Python{with_torch} that an ordinary user can start and that sees the kit")
    return [*BECOME, found]


@functools.cache
def ordinary_python(*, torch: bool = True) -> str:
    """Return an interpreter for the ordinary user, "" if there is none; make one if root's is closed to them.

    Skips without setpriv, which starts it.

    Args:
        torch: as above.
    """
    need("setpriv")
    if torch:
        # setpriv starts it with root's permissions: it must be able to start itself again.
        same = f"assert sys.version_info[:2] == {sys.version_info[:2]}"
        check = f"import os, sys, torch, grader; assert os.access(sys.executable, os.X_OK); {same}"
    else:
        check = f"import sys; assert sys.version_info >= (3, 11); open({str(ROOT / 'grader' / '__init__.py')!r})"
    for base in filter(os.path.exists, BASES):
        python = _environment(base) if torch and base != sys.executable else base
        tried = subprocess.run([*BECOME, python, "-c", check], capture_output=True, cwd="/", timeout=200, check=False)
        if tried.returncode == 0:
            return python
    return ""


def _environment(base: str) -> str:
    """Return the interpreter of a new environment over this one's packages, wherever they are."""
    folder = Path(tempfile.mkdtemp(prefix="cnn-kit-python-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    if subprocess.run([base, "-m", "venv", "--without-pip", folder], capture_output=True, check=False).returncode:
        return base
    packages = dict.fromkeys([sysconfig.get_path("purelib"), *(one for one in sys.path if one.endswith("-packages"))])
    (own,) = folder.glob("lib/python3*/site-packages")
    (own / "kit.pth").write_text("\n".join([*packages, str(ROOT)]))
    return str(folder / "bin" / "python")
