"""The fork server's memory is in large pages and is kept when freed; values do not change."""

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
from grader.sandbox import paging

content = os.urandom(1 << 20) * 32
held = bytearray(content)
pages = paging.collapse()
kib = int(re.search(r"AnonHugePages:\\s+(\\d+)", Path("/proc/self/smaps_rollup").read_text())[1])
child = os.fork()
if child == 0:
    held[5] ^= 1
    os._exit(0 if held[6:] == content[6:] and held[5] != content[5] else 1)
status = os.waitpid(child, 0)[1]
print(pages, kib, held == content, status)
"""

REUSE = """
import resource
import torch
from grader.sandbox import paging

torch.set_num_threads(1)
net = torch.nn.Sequential(torch.nn.Conv2d(1, 32, 3), torch.nn.MaxPool2d(2), torch.nn.Conv2d(32, 16, 3))

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        net(torch.ones(64, 1, 28, 28)).sum().backward()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults()
before, known = faults(), paging.keep_freed()
faults()
print(before, known, faults())
"""


def kernel() -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", os.uname().release)[:2])


def test_collapse_puts_memory_into_large_pages_and_changes_no_value() -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    pages, kib, same, status = run.stdout.split()
    if pages == "0" and (not LARGE_PAGES.exists() or kernel() < (6, 1)):
        pytest.skip("a kernel without large pages, or before Linux 6.1")
    assert int(kib) >= 28 << 10  # of 32 MiB, which need not start at a large page
    assert (same, status) == ("True", "0")


def test_freed_memory_is_reused() -> None:
    run = subprocess.run([sys.executable, "-c", REUSE], capture_output=True, text=True, check=True)
    before, known, after = run.stdout.split()
    if known == "False":
        pytest.skip("a C library without mallopt")
    assert int(after) * 20 < int(before)
