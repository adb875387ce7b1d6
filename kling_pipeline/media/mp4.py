"""The boxes of an MP4 or MOV file: whether it is whole, and whether its promises are sane.

FFmpeg takes memory by these promises, so they are read before it is asked (ISO/IEC 14496-12).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

from kling_pipeline.media.formats import Unreadable
from kling_pipeline.media.mp4_tracks import find_end

__all__ = ["MAX_PIXELS", "check_boxes"]

MAX_PIXELS = 40_000_000
MAX_SAMPLES = 5_000_000  # a track of 24 hours at 50 frames has 4.3 million
MAX_DEPTH = 8
# A minute with a fragment for each frame has 50,000; a file of nothing but empty boxes would take minutes.
MAX_BOXES = 200_000
_NESTED = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf"}
_CHECKED = {b"tkhd", b"stsd", b"stsz", b"stz2", b"trun"}
_TABLES = {b"stco", b"co64", b"stsc", b"stsz"}
_CUT = "This video is damaged or not whole."


def check_boxes(file: BinaryIO) -> None:
    """Unreadable when the file is cut, or promises a picture or a number of samples beyond sense.

    What stands behind the last whole box is nobody's: cameras and editors leave their own there.
    """
    size = file.seek(0, os.SEEK_END)
    seen: set[bytes] = set()
    tracks: list[dict[bytes, bytes]] = []
    data_ends, last_part, indexed = 0, b"", False
    for count, (kind, start, end, promised, depth) in enumerate(_walk(file, 0, size)):
        if kind == b"moov" and not depth:
            if indexed:
                break  # FFmpeg skips a second one: another file, or a part of it, stands behind this one
            indexed = True
        if count > MAX_BOXES or (kind in (b"moov", b"moof") and promised > end):
            raise Unreadable("file_cut", _CUT)
        seen.add(kind)
        last_part = kind if kind in (b"moof", b"mdat") else last_part
        file.seek(start)
        if kind in _CHECKED:
            _check(kind, file.read(min(end - start, 128)))
            file.seek(start)
        if kind == b"trak" and depth:
            tracks.append({})
        elif kind in _TABLES and tracks:
            tracks[-1].setdefault(kind, file.read(end - start))
        elif kind == b"mdat":
            data_ends = max(data_ends, promised)
    if b"moov" not in seen:
        raise Unreadable("file_cut", _CUT)
    # A whole file names where each sample lies; of fragments each has its data, and all of it.
    last = max(map(find_end, tracks), default=0)
    if last > size or last_part == b"moof" or (b"moof" in seen and data_ends > size):
        raise Unreadable("file_cut", _CUT)


def _walk(
    file: BinaryIO, start: int, end: int, depth: int = 0
) -> Iterator[tuple[bytes, int, int, int, int]]:
    """Every box as (type, begin and end of its content, the end it promises, depth), outer before inner.

    A box that promises more than there is ends with what it lies in, as FFmpeg has it; one that
    is shorter than its own head ends the walk.
    """
    while end - start >= 8:
        file.seek(start)
        head = file.read(16)
        size, kind = struct.unpack_from(">I4s", head)
        begin = start + 8
        if size == 1 and len(head) == 16:
            size, begin = struct.unpack_from(">Q", head, 8)[0], start + 16
        elif size == 0:
            size = end - start
        if size < begin - start:
            return
        yield kind, begin, min(start + size, end), start + size, depth
        if kind in _NESTED and depth < MAX_DEPTH:
            yield from _walk(file, begin, min(start + size, end), depth + 1)
        start += size


def _check(kind: bytes, content: bytes) -> None:
    try:
        if kind == b"tkhd":
            # Width and height stand last, as 16.16 fixed point; the box is longer in version 1.
            place = 88 if content[0] == 1 else 76
            width, height = (side >> 16 for side in struct.unpack_from(">II", content, place))
        elif kind == b"stsd":
            # Only a picture's entry has a size there; the same place of a sound's is small or 0.
            width, height = struct.unpack_from(">HH", content, 40) if len(content) > 86 else (0, 0)
        else:
            samples = struct.unpack_from(">I", content, 4 if kind == b"trun" else 8)[0]
            if samples > MAX_SAMPLES:
                raise Unreadable("file_cut", _CUT)
            return
    except (struct.error, IndexError):
        raise Unreadable("file_cut", _CUT) from None
    if width * height > MAX_PIXELS:
        raise Unreadable(
            "video_too_large",
            f"{width} x {height} px; at most {MAX_PIXELS // 1_000_000} megapixels.",
        )
