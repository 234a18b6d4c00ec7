"""Reads a submission's zip member by member, in memory; nothing is ever extracted to disk."""

import io
import re
import stat
import struct
import zipfile
from pathlib import Path

from grader.intake import sizes
from grader.intake.folders import read_regular
from grader.intake.sizes import RejectedError
from grader.intake.tree import Tree, cap, is_hidden, too_much
from grader.text import clean

CENTRAL_ENTRY = b"PK\x01\x02"
LOCAL_HEADER = struct.Struct("<4s22xHH")
NESTED = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".7z", ".rar")
CHUNK = 64 * 1024


def read_archive(path: Path) -> Tree:
    """Return what a submission's zip holds.

    Raises:
        RejectedError: if it is damaged, encrypted, hostile, or holds too much; the text says which.
        OSError: if the file itself cannot be read.
    """
    data = read_regular(str(path), sizes.MAX_UNPACKED)
    if len(data) > sizes.MAX_UNPACKED:
        raise too_much("a zip", sizes.in_words(sizes.MAX_UNPACKED), "more")
    # zipfile builds an object for each of these before anything can be asked of it.
    if data.count(CENTRAL_ENTRY) > sizes.MAX_FILES:
        raise too_much("a number of files", f"{sizes.MAX_FILES:,}", "more")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _read_members(archive, data)
    except RejectedError:
        raise
    except UnicodeDecodeError as error:
        raise RejectedError("zip: expected file names in UTF-8, got other bytes. Can you zip it again?") from error
    except Exception as error:  # zipfile raises many kinds for a damaged file, and none may stop a batch
        reason = clean(str(error) or type(error).__name__, 120)
        raise RejectedError(
            f"zip: expected a zip that can be read, got a damaged one ({reason}). Can you zip it again?"
        ) from error


def _read_members(archive: zipfile.ZipFile, data: bytes) -> Tree:
    members = {_safe_path(member): member for member in archive.infolist()}
    if len(members) != len(archive.infolist()):
        raise RejectedError("zip: expected each file once, got a name twice. Can you zip it again?")
    _refuse_overlap(list(members.values()), data)
    if sum(member.file_size for member in members.values()) > sizes.MAX_UNPACKED:
        raise too_much("an unpacked size", sizes.in_words(sizes.MAX_UNPACKED), "more")
    tree = Tree()
    for path, member in sorted(members.items()):
        _refuse_kind(path, member)
        if not member.is_dir() and not path.endswith("/"):
            _read_member(archive, path, member, tree)
    return tree


def _safe_path(member: zipfile.ZipInfo) -> str:
    """Return a member's path with ``/`` between folders; names are never used to write, but some betray intent."""
    name = member.orig_filename.replace("\\", "/")
    parts = name.split("/")
    if "\0" in name or ".." in parts or name.startswith("/") or re.match(r"[A-Za-z]:", name):
        shown = clean(member.orig_filename, 80)
        raise RejectedError(
            f"zip: expected file names inside the submission, got {shown!r}. Can you zip the folder itself?"
        )
    if len(parts) > sizes.MAX_DEPTH:
        raise too_much("a depth", f"{sizes.MAX_DEPTH} folders", f"{len(parts)}")
    folder_mark = "/" if name.endswith("/") else ""
    return "/".join(part for part in parts if part not in ("", ".")) + folder_mark


def _refuse_overlap(members: list[zipfile.ZipInfo], data: bytes) -> None:
    """Refuse members that share their bytes: that is how a small zip unpacks to a huge one."""
    end = 0
    for member in sorted(members, key=lambda member: member.header_offset):
        if member.header_offset < 0:
            raise zipfile.BadZipFile("its beginning is missing")
        if member.header_offset < end:
            raise RejectedError("zip: expected files side by side, got files that overlap. Can you zip it again?")
        _, name_length, extra_length = LOCAL_HEADER.unpack_from(data, member.header_offset)
        end = member.header_offset + LOCAL_HEADER.size + name_length + extra_length + member.compress_size


def _refuse_kind(path: str, member: zipfile.ZipInfo) -> None:
    shown, method = clean(path, 80), member.compress_type
    expected = ""
    if member.flag_bits & 0x41:
        expected = f"files without a password, got {shown!r} encrypted. Can you zip it without one?"
    elif method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        expected = f"files stored or deflated, got {shown!r} with method {method}. Can you use an ordinary zip program?"
    elif member.file_size > sizes.MIB and member.file_size > sizes.MAX_RATIO * max(member.compress_size, 1):
        expected = f"files as large as they seem, got {shown!r}, packed more than {sizes.MAX_RATIO} to 1."
    elif path.casefold().endswith(NESTED) and not _is_ignored(path):
        expected = f"no archive within the archive, got {shown!r}. Can you leave it out?"
    if expected:
        raise RejectedError(f"zip: expected {expected}")


def _read_member(archive: zipfile.ZipFile, path: str, member: zipfile.ZipInfo, tree: Tree) -> None:
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        tree.special.append(path)
    elif _is_ignored(path) or (most := cap(path)) is None:
        tree.others.append(path)
        _unpacked(archive, member, 0)
    else:
        tree.files[path] = _unpacked(archive, member, most)


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> bytes:
    """Return the member's first bytes, one more than ``most`` if it has them; all of it is unpacked and checked."""
    kept = bytearray()
    with archive.open(member) as stream:  # gives at most the declared size, and then compares the checksum
        while chunk := stream.read(CHUNK):
            kept += chunk[: most + 1 - len(kept)] if most else b""
    return bytes(kept)


def _is_ignored(path: str) -> bool:
    return any(is_hidden(part) for part in path.split("/")[:-1])
