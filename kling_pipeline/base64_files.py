"""Files as text: raw Base64, in the writings of it that programs and people send."""

from __future__ import annotations

import base64
import binascii

from kling_pipeline.errors import InputError
from kling_pipeline.formats import HEAD, sniff

__all__ = ["decode_base64"]

_AROUND = " \t\r\n\ufeff\"'"  # what a terminal or a table puts around a value


def decode_base64(text: str) -> bytes | None:
    """The bytes of raw Base64; None when it is something else.

    Besides what Kling takes, other writings of it: lines, quotes around it, no padding, and the
    alphabet of addresses; the last two only where the bytes are a file, since a word may look so.

    InputError `data_prefix` for a data: address: Kling wants what follows its comma.
    """
    text = "".join(line.strip() for line in text.strip(_AROUND).splitlines()).strip(_AROUND)
    if text[:5].lower() == "data:":
        raise InputError(
            "Leave the data:…;base64, prefix away: only the Base64 itself is taken.",
            code="data_prefix",
        )
    try:
        return base64.b64decode(text, validate=True) or None
    except (binascii.Error, ValueError):
        pass
    digits = text.rstrip("=")
    altchars = None if {"+", "/"} & set(digits) else b"-_"
    try:
        found = base64.b64decode(digits + "=" * (-len(digits) % 4), altchars, validate=True)
    except (binascii.Error, ValueError):
        return None
    return found if sniff(found[:HEAD]) else None
