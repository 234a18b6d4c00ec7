"""Which versions of packages the kit was tried with, and which of those that are installed differ from them."""

from __future__ import annotations

import importlib.metadata
from functools import cache
from typing import Final

from packaging.requirements import Requirement
from packaging.version import Version

from grader.course import course
from grader.paths import ROOT

TRIED: Final = ROOT / "constraints.txt"
NOTE: Final = "versions: "
"""How a note begins about other versions."""


@cache
def tried_versions() -> dict[str, str]:
    """Return package -> version of what the kit was tried with on this system; empty where no list of them is."""
    if not TRIED.is_file():
        return {}
    lines = (line.partition("#")[0].strip() for line in TRIED.read_text(encoding="utf-8").splitlines())
    pins = [Requirement(line) for line in lines if line]
    return {pin.name: next(iter(pin.specifier)).version for pin in pins if pin.marker is None or pin.marker.evaluate()}


def installed_version(package: str) -> str:
    """Return the version of a package, "" where it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def other_version(package: str) -> str:
    """Return the version that was tried where another one is installed, "" where that is not so.

    How a version was built counts for nothing: 2.9.1+cpu is 2.9.1.
    """
    tried, installed = tried_versions().get(package, ""), installed_version(package)
    return tried if tried and installed and Version(installed).public != Version(tried).public else ""


def version_notes() -> tuple[str, ...]:
    """Return a note for instructors where other versions grade than those that were tried; none where none do."""
    others = {package: tried for package in course().packages if (tried := other_version(package))}
    if not others:
        return ()
    differing = ", ".join(f"{package} {tried}, got {installed_version(package)}" for package, tried in others.items())
    return (f"{NOTE}expected those of constraints.txt, {differing}. Is a grade to be compared with earlier ones?",)
