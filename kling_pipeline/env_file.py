"""The file of settings as text: editors and consoles save it in more ways than one."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from kling_pipeline.errors import StudioError

__all__ = ["find_encoding"]

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What was put behind the text by another program: every second byte is zero, or a mark stands before a name.
_WIDE = re.compile(
    r"\0|(?:^|(?<![=\s\"']))\ufeff(?=[ \t]*(?:export[ \t]+)?\w+[ \t]*=)", re.MULTILINE
)
_NARROW = re.compile(
    rb"[A-Z_]{4,}="
)  # a name whose bytes stand side by side in a file of wide letters


def find_encoding(file: Path | None) -> str:
    """Return how the letters of `.env` are written; StudioError, which names the file, when it cannot be read."""
    data = _read(file) if file else b""
    encoding = _guess(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        before, problem = data[: error.start].count(b"\n"), "this is not UTF-8. Save the file"
    else:
        if odd := _WIDE.search(text):
            before = text.count("\n", 0, odd.start())
        elif encoding != "utf-8-sig" and (narrow := _NARROW.search(data)):
            before = data.count(b"\n", 0, narrow.start())
        else:
            return encoding
        problem = "this file is written in two ways at once. Save it"
    raise StudioError(
        f"{file}, line {before + 1}: {problem} as UTF-8 in your editor, then start again.",
        code="bad_settings",
    )


def _read(file: Path) -> bytes:
    try:
        if file.is_dir():
            raise StudioError(
                f"{file} is a folder; settings are read from a file of this name. Remove it, or put the file there.",
                code="bad_settings",
            )
        # A pipe gives what it holds once.
        return file.read_bytes() if file.is_file() else b""
    except OSError as error:
        raise StudioError(
            f"{file} cannot be read: {error.strerror}. Give this user the right to read it, or remove it.",
            code="bad_settings",
        ) from None


def _guess(data: bytes) -> str:
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name
    # Text has no zero bytes; every second one of plain letters in UTF-16 is zero.
    if b"\0" in data[:2]:
        return "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
    return "utf-8-sig"
