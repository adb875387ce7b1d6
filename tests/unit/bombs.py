"""Small files that ask a reader for much, and files with things beside what they are."""

from __future__ import annotations

import functools
import io
import struct

from PIL import Image


@functools.cache
def scans(width: int = 6300, height: int = 6300, count: int = 2365) -> bytes:
    """A progressive JPG with many tiny scans behind its picture: a pass over all of it for each."""
    file = io.BytesIO()
    Image.new("RGB", (16, 16), 90).save(file, "JPEG", progressive=True, subsampling=0)
    data = bytearray(file.getvalue()[:-2])
    # It says that it is larger than it is; what is missing are zeros.
    struct.pack_into(">HH", data, data.index(b"\xff\xc2") + 5, height, width)
    # One more bit of the first coefficient of each block of each colour.
    scan = segment(0xDA, bytes([3, 1, 0, 2, 0, 3, 0, 0, 0, 0x10])) + b"\0" * 110
    return bytes(data) + scan * count + b"\xff\xd9"


def segment(code: int, content: bytes) -> bytes:
    return b"\xff" + bytes([code]) + struct.pack(">H", len(content) + 2) + content


def with_segments(jpg: bytes, *segments: bytes) -> bytes:
    """The JPG with segments behind its first marker."""
    return jpg[:2] + b"".join(segments) + jpg[2:]


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind) + content
