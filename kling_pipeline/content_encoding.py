"""Content-Encoding of what was asked for unpacked: a word that is no packing is ignored, a packing undone or named."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

__all__ = ["PackedError", "unpack"]

CHUNK = 64 * 1024
_GZIP, _ZLIB = zlib.MAX_WBITS | 16, zlib.MAX_WBITS
_WINDOWS = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": _ZLIB}
# Registered packings that cannot be undone here; any other word (aws-chunked, utf-8, binary) changes no byte.
_OTHERS = {"br", "zstd", "dcb", "dcz", "compress", "x-compress", "exi", "pack200-gzip"}


class PackedError(ValueError):
    """A body that is packed in a way that cannot be undone, or is not what it says to be."""


def unpack(encoding: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The body in pieces of at most 64 KB, however much a few packed bytes stand for.

    PackedError, before the first byte is read where the word alone says so.
    """
    words = [word.strip().lower() for word in encoding.split(",")]
    packings = [word for word in words if word in _WINDOWS or word in _OTHERS]
    if not packings:
        return _cut(chunks)
    if len(packings) > 1 or packings[0] in _OTHERS:
        raise PackedError(f"packed ({', '.join(packings)}), which was not asked for")
    return _inflate(_WINDOWS[packings[0]], chunks)


def _cut(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        for start in range(0, len(chunk), CHUNK):
            yield chunk[start : start + CHUNK]


def _inflate(window: int, chunks: Iterable[bytes]) -> Iterator[bytes]:
    source = filter(None, chunks)
    head = b""
    while len(head) < 2 and (more := next(source, b"")):
        head += more
    if not _begins_packed(window, head):
        # A header that was set by hand on a file that never was packed.
        yield from _cut([head])
        yield from _cut(source)
        return
    inflater, rest = zlib.decompressobj(window), head
    try:
        while rest or (rest := next(source, b"")):
            if inflater.eof:  # the next member
                inflater = zlib.decompressobj(window)
            piece = inflater.decompress(rest, CHUNK)
            rest = inflater.unconsumed_tail or inflater.unused_data
            if piece:
                yield piece
        yield from _cut([inflater.flush()])
    except zlib.error:
        raise PackedError("packed (gzip or deflate), and damaged") from None
    if not inflater.eof:
        raise PackedError("packed (gzip or deflate), and cut")


def _begins_packed(window: int, head: bytes) -> bool:
    if window == _GZIP:
        return head[:2] == b"\x1f\x8b"
    return len(head) > 1 and head[0] & 15 == 8 and int.from_bytes(head[:2], "big") % 31 == 0
