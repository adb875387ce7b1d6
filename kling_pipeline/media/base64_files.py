"""Files as text: raw Base64, in the writings of it that programs and people send."""

from __future__ import annotations

import base64
import binascii
import contextlib
import html
import json
import re
from urllib.parse import unquote

from kling_pipeline.errors import InputError
from kling_pipeline.media.formats import HEAD, sniff

__all__ = ["decode_base64"]

_AROUND = " \t\r\n\0\"'`"  # what a terminal or a table puts around a value
# What a page puts in and nobody sees: breaks of long words, marks that turn text; and quotes of a word processor.
_ASIDE = dict.fromkeys(
    map(ord, "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u201c\u201d\u2018\u2019")
) | dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
_PREFIX = re.compile(r"data:|([\w.+-]+/[\w.+-]+;\s*)?base64,", re.IGNORECASE)
_BYTES = re.compile(r"\s*b(['\"])[^'\"]*\1\s*")  # as Python prints them
_LEAST_WIDTH = 16  # of a line; words may have one width too


def decode_base64(text: str) -> bytes | None:
    """Return the bytes of raw Base64; None when it is something else.

    Besides what Kling takes, other writings of it: lines, as JSON, XML, a shell or a page may make
    them, quotes around it, as Python prints it or an address bears it, no padding, and the alphabet
    of addresses; the last two only where the bytes are a file, since a word may look so.

    InputError `data_prefix` for a data: address: Kling wants what follows its comma.
    """
    text = _bare(_unescaped(text)).strip(_AROUND)
    pieces = text.split()
    text = "".join(line.strip() for line in text.splitlines()).strip(_AROUND)
    if _PREFIX.match(text):
        raise InputError(
            "Leave the data:…;base64, prefix away: only the Base64 itself is taken.",
            code="data_prefix",
        )
    try:
        return base64.b64decode(_joined(pieces) or text, validate=True) or None
    except (binascii.Error, ValueError):
        pass
    digits = text.rstrip("=")
    altchars = None if {"+", "/"} & set(digits) else b"-_"
    try:
        found = base64.b64decode(digits + "=" * (-len(digits) % 4), altchars, validate=True)
    except (binascii.Error, ValueError):
        return None
    return found if sniff(found[:HEAD]) else None


def _unescaped(text: str) -> str:
    """Return what was written as JSON twice, read a second time."""
    if "\\" in text:
        inner = text.strip()
        with contextlib.suppress(ValueError):
            return str(json.loads(inner if inner[:1] == '"' else f'"{inner}"', strict=False))
    return text


def _bare(text: str) -> str:
    """Without what a program wrote in place of its signs, or around them."""
    if "&#" in text:
        text = html.unescape(text)
    if "%" in text:
        text = unquote(text)
    if not text.isascii():
        text = text.translate(_ASIDE)
    if _BYTES.fullmatch(text):
        text = text.strip()[2:-1]
    return text


def _joined(pieces: list[str]) -> str:
    """Pieces of one width, as a shell makes of lines; empty for others, whose spaces may have been a +."""
    widths = set(map(len, pieces[:-1]))
    if len(widths) != 1 or not _LEAST_WIDTH <= max(widths) >= len(pieces[-1]):
        return ""
    return "".join(pieces)
