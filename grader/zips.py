"""Zips that are the same, byte for byte, whenever their files are."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from types import MappingProxyType

_PLAIN: Mapping[str, int] = MappingProxyType({})


def zipped(files: Mapping[str, bytes], modes: Mapping[str, int] = _PLAIN) -> bytes:
    """Return a zip of files, all of the same date.

    Args:
        files: by their paths in it, with slashes.
        modes: of files that are more than to be read and written, such as 0o755 for a script.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in sorted(files.items()):
            info = zipfile.ZipInfo(name)  # of 1980
            info.compress_type = zipfile.ZIP_STORED if name.endswith(".gz") else zipfile.ZIP_DEFLATED
            info.external_attr = modes.get(name, 0o644) << 16
            archive.writestr(info, data)
    return buffer.getvalue()
