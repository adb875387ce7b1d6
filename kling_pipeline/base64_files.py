"""Files as text: raw Base64, in the writings of it that programs and people send."""

from __future__ import annotations

import base64
import binascii
import contextlib
import json

from kling_pipeline.errors import InputError
from kling_pipeline.formats import HEAD, sniff

__all__ = ["decode_base64"]

_AROUND = " \t\r\n\ufeff\u200b\u2060\"'"  # what a terminal or a table puts around a value
_LEAST_WIDTH = 16  # of a line; words may have one width too


def decode_base64(text: str) -> bytes | None:
    """The bytes of raw Base64; None when it is something else.

    Besides what Kling takes, other writings of it: lines, as JSON or a shell may make them, quotes
    around it, no padding, and the alphabet of addresses; the last two only where the bytes are a
    file, since a word may look so.

    InputError `data_prefix` for a data: address: Kling wants what follows its comma.
    """
    text = _unescaped(text).strip(_AROUND)
    pieces = text.split()
    text = "".join(line.strip() for line in text.splitlines()).strip(_AROUND)
    if text[:5].lower() == "data:":
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
    """What was written as JSON twice, read a second time."""
    if "\\" in text:
        inner = text.strip()
        with contextlib.suppress(ValueError):
            return str(json.loads(inner if inner[:1] == '"' else f'"{inner}"', strict=False))
    return text


def _joined(pieces: list[str]) -> str:
    """Pieces of one width, as a shell makes of lines; empty for others, whose spaces may have been a +."""
    widths = set(map(len, pieces[:-1]))
    if len(widths) != 1 or not _LEAST_WIDTH <= max(widths) >= len(pieces[-1]):
        return ""
    return "".join(pieces)
