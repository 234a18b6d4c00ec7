"""How much a submission may hold, and how the reader says no."""

MIB = 2**20

MAX_UNPACKED = 200 * MIB
"""Bytes of all files of a submission together, unpacked."""

MAX_FILES = 2_000
"""Files and folders of a submission."""

MAX_DEPTH = 32
"""Folders within folders."""

MAX_RATIO = 200
"""Unpacked bytes for each packed byte of a zip's member, once it holds more than one MiB."""

MAX_SOURCE = 1 * MIB
"""Bytes of one module."""

MAX_NOTEBOOK = 128 * MIB
"""Bytes of one notebook, outputs and pictures included."""

MAX_NOTEBOOK_CODE = 128 * 1024
"""Characters of code in one notebook."""

MAX_STATEMENTS = 5_000
"""Statements at the top of a module that are looked through for what they need."""

MAX_NOTEBOOK_NODES = 500_000
"""JSON objects and lists in one notebook."""

MAX_WEIGHTS = 16 * MIB
"""Bytes of the weights file."""

MAX_NOTES = 20
MAX_NOTE = 400


class RejectedError(Exception):
    """Nothing of this submission can be run; the text says why."""


class UnreadableError(Exception):
    """This one file cannot be read; the text says why."""


def in_words(size: int) -> str:
    """Return a number of bytes as people write it."""
    return f"{size / MIB:.1f} MiB" if size >= MIB else f"{size:,} bytes"
