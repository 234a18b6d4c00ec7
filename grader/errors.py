"""Trouble of the grader's own: never a student's fault, and never a zero."""

import sys


class GraderError(Exception):
    """The grader cannot work; ends a verb with exit status 3."""


class WrongTerm(GraderError):
    """A term.toml says what cannot be; ends a verb with exit status 2."""


def require_linux() -> None:
    """Refuse to grade elsewhere, before anything is imported that is not there.

    Raises:
        GraderError: on another system, or where the package alone is installed.
    """
    if sys.platform != "linux":
        raise GraderError(
            f"sandbox: expected Linux, got {sys.platform}. Grading needs Linux; `pytest exercises/` does not."
        )
    require_kit()


def require_kit() -> None:
    """Refuse what needs solutions and hidden checks where the package alone is installed.

    Raises:
        GraderError: if they are not there.
    """
    from grader.paths import HIDDEN_SUITES, SOLUTIONS  # noqa: PLC0415 - which course it is may not be known before

    missing = [path for path in (SOLUTIONS, HIDDEN_SUITES) if not path.is_dir()]
    if missing:
        raise GraderError(
            f"kit: expected the folder {missing[0]}, got none. The installed package is the students' part; what "
            "grades or releases needs a clone of the repository: pip install -c constraints.txt -e . in it."
        )
