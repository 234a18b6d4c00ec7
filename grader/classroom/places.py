"""Where a course keeps its files, as nbgrader's configuration says."""

from __future__ import annotations

from typing import Any


def coursedir_of(preprocessor: Any) -> Any:
    """Return nbgrader's ``CourseDirectory``: that of the converter whose exporter the preprocessor belongs to."""
    return preprocessor.parent.parent.coursedir
