"""Builders of hostile submissions that cannot be kept in a repository: see tests/submissions/hostile.toml."""

from tests.hostile import archives, files, names, networks
from tests.hostile.registry import BUILDERS

__all__ = ["BUILDERS", "archives", "files", "names", "networks"]
