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
from dataclasses import dataclass
from typing import BinaryIO

from kling_pipeline.media.formats import Unreadable

__all__ = ["read_png", "strip_png"]

_CUT = "This PNG picture is damaged or not whole."
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PIECE = 1 << 18
_MOST_EXIF = 1 << 16
_LONGEST = 768  # bytes of a palette of 256 colours
# Samples a pixel and the bits a sample may have, by colour type, and the seven passes of Adam7
# (PNG specification, parts 8 and 11).
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_BY_PALETTE = 3
_FILTERS = bytes(range(5))
_PASSES = (
    (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2),
)  # fmt: skip
_KEPT = {b"IHDR", b"PLTE", b"tRNS", b"IDAT"}


@dataclass(frozen=True)
class _Header:
    """`passes` are the begin, the end and the bytes a row of each in the inflated data, which has `size`."""

    width: int
    height: int
    colour: int
    passes: tuple[tuple[int, int, int], ...]
    size: int


def read_png(file: BinaryIO, most: int) -> tuple[int, int, bytes]:
    """Return width, height and EXIF data; Unreadable when over `most` pixels or when pixels are missing."""
    header: _Header | None = None
    got, palette, exif = 0, b"", b""
    packed = zlib.decompressobj()
    for kind, length, whole in _chunks(file):
        if kind == b"IHDR" and not header:
            header = _header(_checked(file, kind, length), most)
        elif kind == b"PLTE":
            palette = _checked(file, kind, length)
        elif kind == b"IDAT" and header and got < header.size:
            if header.colour == _BY_PALETTE and (not palette or len(palette) % 3):
                raise Unreadable("file_cut", _CUT)
            got = _inflated(file, length, whole, packed, header, got)
        elif kind == b"eXIf" and not exif and length <= _MOST_EXIF:
            exif = file.read(length)
    if not header or not header.size or got < header.size:
        raise Unreadable("file_cut", _CUT)
    return header.width, header.height, exif


def strip_png(file: BinaryIO) -> io.BytesIO:
    """Return a copy with the picture alone."""
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


def _checked(file: BinaryIO, kind: bytes, length: int) -> bytes:
    """Return the content of a short chunk without which there is no picture."""
    content = file.read(length) if length <= _LONGEST else b""
    if file.read(4) != struct.pack(">I", zlib.crc32(content, zlib.crc32(kind))):
        raise Unreadable("file_cut", _CUT)
    return content


def _header(content: bytes, most: int) -> _Header:
    try:
        width, height, depth, colour, *methods, interlaced = struct.unpack(">IIBBBBB", content)
    except struct.error:
        raise Unreadable("file_cut", _CUT) from None
    if depth not in _DEPTHS.get(colour, ()) or any(methods) or interlaced > 1:
        raise Unreadable("file_cut", _CUT)
    if width * height > most:
        message = f"{width * height / 1e6:.0f} megapixels; at most {most // 1_000_000}."
        raise Unreadable("image_too_large", message)
    passes, size = [], 0
    for left, top, right, down in _PASSES if interlaced else ((0, 0, 1, 1),):
        columns, rows = -(-(width - left) // right), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            row = 1 + (columns * depth * _SAMPLES[colour] + 7) // 8
            passes.append((size, size + rows * row, row))
            size += rows * row
    return _Header(width, height, colour, tuple(passes), size)


def _inflated(
    file: BinaryIO, length: int, whole: bool, packed: zlib._Decompress, header: _Header, got: int
) -> int:
    """Return how many bytes there are once a chunk is inflated too, counted up to all; nothing is kept."""
    left, check = length, zlib.crc32(b"IDAT")
    try:
        while left:
            piece = file.read(min(left, _PIECE))
            left -= len(piece)
            check = zlib.crc32(piece, check)
            while piece and got < header.size:
                data = packed.decompress(piece, min(_PIECE * 4, header.size - got))
                _check_filters(data, got, header)
                got += len(data)
                piece = packed.unconsumed_tail
    except zlib.error:
        raise Unreadable("file_cut", _CUT) from None
    if whole and file.read(4) != struct.pack(">I", check):
        raise Unreadable("file_cut", _CUT)
    return got


def _check_filters(data: bytes, place: int, header: _Header) -> None:
    """Unreadable when a row that begins in the inflated data at a place has a filter there is not."""
    for begin, end, row in header.passes:
        first = begin + max(0, -((begin - place) // row)) * row
        if data[max(0, first - place) : max(0, end - place) : row].translate(None, _FILTERS):
            raise Unreadable("file_cut", _CUT)
