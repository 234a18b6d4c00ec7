"""The fork server's memory lies in large pages: a fork copies fewer entries, and values stay as they are."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("workers are forked on Linux alone", allow_module_level=True)

LARGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage")
PROGRAM = """
import os, re
from pathlib import Path
from grader.sandbox import hugepages

content = os.urandom(1 << 20) * 32
held = bytearray(content)
pages = hugepages.collapse()
kib = int(re.search(r"AnonHugePages:\\s+(\\d+)", Path("/proc/self/smaps_rollup").read_text())[1])
child = os.fork()
if child == 0:
    held[5] ^= 1
    os._exit(0 if held[6:] == content[6:] and held[5] != content[5] else 1)
status = os.waitpid(child, 0)[1]
print(pages, kib, held == content, status)
"""


def kernel() -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", os.uname().release)[:2])


def test_collapse_puts_memory_into_large_pages_and_changes_no_value() -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    pages, kib, same, status = run.stdout.split()
    if pages == "0" and (not LARGE_PAGES.exists() or kernel() < (6, 1)):
        pytest.skip("a kernel without large pages, or before Linux 6.1")
    assert int(kib) >= 28 << 10  # of 32 MiB, which need not begin where a large page may
    assert (same, status) == ("True", "0")
