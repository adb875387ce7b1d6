"""PNG files chunk by chunk: whole or not without building the picture, and bare of side data.

A reader of ours for two reasons: a large picture is proven whole in a constant amount of memory,
and what stands beside the pixels (text, profiles) is skipped and never judged.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from kling_pipeline.formats import Unreadable

__all__ = ["read_png", "strip_png"]

_CUT = "This PNG picture is damaged or not whole."
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PIECE = 1 << 18
_MOST_EXIF = 1 << 16
# Samples a pixel by colour type, and the seven passes of Adam7 (PNG specification, parts 8 and 11).
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PASSES = (
    (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2),
)  # fmt: skip
_KEPT = {b"IHDR", b"PLTE", b"tRNS", b"IDAT"}


def read_png(file: BinaryIO, most: int) -> tuple[int, int, bytes]:
    """Width, height and EXIF data; Unreadable when over `most` pixels or when pixels are missing."""
    width, height, exif = 0, 0, b""
    wanted = got = 0
    packed = zlib.decompressobj()
    for kind, length, whole in _chunks(file):
        if kind == b"IHDR" and not width:
            width, height, wanted = _header(file.read(length), most)
        elif kind == b"IDAT" and got < wanted:
            got += _inflated(file, length, whole, packed, wanted - got)
        elif kind == b"eXIf" and not exif and length <= _MOST_EXIF:
            exif = file.read(length)
    if not wanted or got < wanted:
        raise Unreadable("file_cut", _CUT)
    return width, height, exif


def strip_png(file: BinaryIO) -> io.BytesIO:
    """A copy with the picture alone."""
    bare = io.BytesIO()
    bare.write(_SIGNATURE)
    for kind, length, _ in _chunks(file):
        if kind in _KEPT:
            content = file.read(length)
            bare.write(struct.pack(">I", len(content)) + kind + content)
            bare.write(struct.pack(">I", zlib.crc32(content, zlib.crc32(kind))))
    bare.write(b"\0\0\0\0IEND\xaeB`\x82")
    bare.seek(0)
    return bare


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, bool]]:
    """Each chunk as (type, length that is there, whole), the file standing at its content."""
    end = file.seek(0, os.SEEK_END)
    place = len(_SIGNATURE)
    while place + 8 <= end:
        file.seek(place)
        length, kind = struct.unpack(">I4s", file.read(8))
        if kind == b"IEND":
            return
        left = end - place - 8
        yield kind, min(length, left), length + 4 <= left
        place += length + 12


def _header(content: bytes, most: int) -> tuple[int, int, int]:
    """Width, height, and how many bytes the pixels are once inflated."""
    try:
        width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", content)
        bits = depth * _SAMPLES[colour]
    except (struct.error, KeyError):
        raise Unreadable("file_cut", _CUT) from None
    if width * height > most:
        said = f"{width * height / 1e6:.0f} megapixels; at most {most // 1_000_000}."
        raise Unreadable("image_too_large", said)
    passes = _PASSES if interlaced else ((0, 0, 1, 1),)
    wanted = 0
    for left, top, right, down in passes:
        columns, rows = -(-(width - left) // right), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            wanted += rows * (1 + (columns * bits + 7) // 8)
    return width, height, wanted


def _inflated(file: BinaryIO, length: int, whole: bool, packed: zlib._Decompress, most: int) -> int:
    """How many bytes a chunk holds once inflated, counted up to `most`; nothing is kept."""
    got, check = 0, zlib.crc32(b"IDAT")
    left = length
    try:
        while left:
            piece = file.read(min(left, _PIECE))
            left -= len(piece)
            check = zlib.crc32(piece, check)
            while piece and got < most:
                got += len(packed.decompress(piece, min(_PIECE * 4, most - got)))
                piece = packed.unconsumed_tail
    except zlib.error:
        raise Unreadable("file_cut", _CUT) from None
    if whole and file.read(4) != struct.pack(">I", check):
        raise Unreadable("file_cut", _CUT)
    return got
