"""Builders of the hostile submissions that cannot lie in a repository: see tests/submissions/hostile.toml."""

from tests.hostile import archives, files, names, networks
from tests.hostile.registry import BUILDERS

__all__ = ["BUILDERS", "archives", "files", "names", "networks"]
