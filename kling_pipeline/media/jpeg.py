"""JPG files marker by marker: how many passes a decoder would make, and bare of side data.

A progressive picture may name thousands of scans, and each is a pass over all of it: 300 KB of
them decode for ten minutes (ITU-T T.81, annex B).
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from kling_pipeline.media.formats import Unreadable

__all__ = ["Jpeg", "read_jpeg"]

MAX_SCANS = 100  # programs write about ten, the finest known scripts under thirty
_CUT = "This JPG picture is damaged or not whole."
# In packed pixels FF is followed by 0 or by a restart; anything else is a marker.
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
_SOI, _EOI, _SOS, _TEM, _EXIF = 0xD8, 0xD9, 0xDA, 0x01, 0xE1


@dataclass(frozen=True)
class Jpeg:
    """Pixels as stored, whether it comes in passes, its EXIF data, and a copy of the picture alone."""

    width: int
    height: int
    progressive: bool
    exif: bytes
    bare: bytes


def read_jpeg(data: bytes) -> Jpeg:
    """Return what the markers say; Unreadable when one is missing or there are too many scans."""
    size: tuple[int, int] | None = None
    progressive, exif, scans = False, b"", 0
    kept, last, place = [], 0, 2
    while found := _MARKER.search(data, place):
        begin, code = found.start(), data[found.start() + 1]
        if code == _EOI:
            break
        if code == _SOI:
            raise Unreadable("file_cut", _CUT)
        place = begin + 2
        if code == _TEM:
            continue
        place = _end(data, place)
        content = data[begin + 4 : min(place, begin + 20)]
        if code in _FRAMES:
            if size is not None or len(content) < 5:
                raise Unreadable("file_cut", _CUT)
            height, width = struct.unpack_from(">HH", content, 1)
            size, progressive = (width, height), code in _PROGRESSIVE
        elif code == _SOS:
            scans += 1
            if scans > MAX_SCANS:
                message = f"This JPG picture comes in more than {MAX_SCANS} scans. Save it anew."
                raise Unreadable("file_too_complex", message)
        elif code == _EXIF and not exif and content.startswith(b"Exif\0\0"):
            exif = data[begin + 4 : place]
        if _is_aside(code, content):
            kept.append(data[last:begin])
            last = place
    else:
        raise Unreadable("file_cut", _CUT)
    if size is None or 0 in size or not scans:
        raise Unreadable("file_cut", _CUT)
    kept.append(data[last : begin + 2])
    return Jpeg(*size, progressive, exif, b"".join(kept))


def _end(data: bytes, place: int) -> int:
    length = int.from_bytes(data[place : place + 2], "big")
    if length < 2 or place + length > len(data):
        raise Unreadable("file_cut", _CUT)
    return place + length


def _is_aside(code: int, content: bytes) -> bool:
    """Comments and application data, but for the two that say what the colours mean."""
    if code == 0xFE:
        return True
    if not 0xE0 <= code <= 0xEF:
        return False
    return not content.startswith((b"JFIF\0", b"Adobe"))
