"""Decodes Python source as Python would, and gives it back as UTF-8."""

import io
import re
import tokenize

from grader.intake import sizes
from grader.intake.sizes import UnreadableError
from grader.text import clean

COOKIE = re.compile(r"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", re.ASCII)
COOKIE_MARK = re.compile(r"coding(?=[:=])")
ENCODINGS = re.compile(
    r"utf-?8(-sig)?|(us-)?ascii|iso-?(8859-?)?\d+(-\d+)?|latin-?\d+|(cp|windows-?)\d+|koi8-[rut]|mac-?roman"
    r"|gb2312|gbk|gb18030|big5(hkscs)?|shift-?jis|sjis|euc-?(jp|kr)"
)
"""Those that people write in; Python knows more, and some of them take minutes for a megabyte."""


def decode(data: bytes) -> str:
    """Return the text of a module, its lines ended as Python ends them.

    Raises:
        UnreadableError: if Python could not read it either, or it is too large.
    """
    if len(data) > sizes.MAX_SOURCE:
        raise UnreadableError(f"expected at most {sizes.in_words(sizes.MAX_SOURCE)} of source, got more")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableError("expected UTF-8, got UTF-16. Can you save it as UTF-8?")
    encoding = _encoding(data)
    try:
        text = data.decode(encoding)
    except (UnicodeError, LookupError) as error:
        raise UnreadableError(f"expected {encoding}, got other bytes. Can you save it as UTF-8?") from error
    if "\0" in text:
        raise UnreadableError("expected text, got a null character. Is it a Python source file?")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def normalise(data: bytes) -> bytes:
    """Return a module's source as UTF-8 that no line claims to be anything else.

    Raises:
        UnreadableError: if it cannot be decoded.
    """
    lines = decode(data).split("\n")
    for index, line in enumerate(lines[:2]):
        cookie = COOKIE.match(line)
        if cookie and cookie[1].lower().replace("_", "-") not in ("utf-8", "utf8"):
            lines[index] = COOKIE_MARK.sub("coding ", line)
    return "\n".join(lines).encode("utf-8")


def _encoding(data: bytes) -> str:
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")).readline)
    except SyntaxError as error:
        raise UnreadableError(f"{clean(str(error.msg), 120)}. Can you save it as UTF-8?") from error
    if not ENCODINGS.fullmatch(encoding.lower().replace("_", "-")):
        raise UnreadableError(f"expected UTF-8 or another text encoding, got {clean(encoding, 40)!r}")
    return encoding
