"""Content-Encoding of what was asked for unpacked: a word that is no packing is ignored, a packing undone or named."""

from __future__ import annotations

import itertools
import re
import zlib
from collections.abc import Iterable, Iterator

from kling_pipeline.media.formats import HEAD, sniff

__all__ = ["PackedError", "unpack"]

CHUNK = 64 * 1024
_GZIP, _ZLIB, _RAW = zlib.MAX_WBITS | 16, zlib.MAX_WBITS, -zlib.MAX_WBITS
_SUPPORTED = {"gzip", "x-gzip", "deflate"}
# Registered packings that cannot be undone here; any other word (aws-chunked, utf-8, binary) changes no byte.
_OTHERS = {"br", "zstd", "dcb", "dcz", "compress", "x-compress", "exi", "pack200-gzip"}
_MEMBER = b"\x1f\x8b"
_JSON = re.compile(rb"\s*(\{\s*[\"}]|\[\s*[\[{\]\"])")


class PackedError(ValueError):
    """A body that is packed in a way that cannot be undone, or is not what it says to be."""


def unpack(encoding: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The body in pieces of at most 64 KB, however much a few packed bytes stand for.

    PackedError, by its first bytes where the packing is none that can be undone.
    """
    words = [word.strip().lower() for word in encoding.split(",")]
    packings = [word for word in words if word in _SUPPORTED or word in _OTHERS]
    return _undo(packings, chunks) if packings else _cut(chunks)


def _undo(packings: list[str], chunks: Iterable[bytes]) -> Iterator[bytes]:
    source = filter(None, chunks)
    head = b""
    while len(head) < HEAD and (more := next(source, b"")):
        head += more
    body = itertools.chain(filter(None, [head]), source)
    if _is_bare(head):
        # A header that was set by hand on what never was packed.
        yield from _cut(body)
    elif len(packings) > 1 or packings[0] in _OTHERS:
        raise PackedError(f"packed ({', '.join(packings)}), which was not asked for")
    elif window := _window(head):
        yield from _inflate(window, body)
    else:
        yield from _cut(body)


def _cut(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        for start in range(0, len(chunk), CHUNK):
            yield chunk[start : start + CHUNK]


def _inflate(window: int, source: Iterator[bytes]) -> Iterator[bytes]:
    """What is packed; bytes behind its end are nobody's, as gzip and browsers have it."""
    inflater, rest = zlib.decompressobj(window), b""
    try:
        while rest or (rest := next(source, b"")):
            if inflater.eof:
                while len(rest) < len(_MEMBER) and (more := next(source, b"")):
                    rest += more
                if window != _GZIP or not rest.startswith(_MEMBER):
                    break
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
    # Read to its end, so that who counts bytes may end it.
    yield from (b"" for _ in source)


def _is_bare(head: bytes) -> bool:
    """Return whether bytes are the begin of a file or of JSON as they stand."""
    found = sniff(head)
    return bool(found and found.kind) or _JSON.match(head) is not None


def _window(head: bytes) -> int | None:
    """Return how a body is packed, by its first bytes; None when it is not. Some mean `deflate` without zlib's head."""
    if head.startswith(_MEMBER):
        return _GZIP
    if len(head) > 1 and head[0] & 15 == 8 and int.from_bytes(head[:2], "big") % 31 == 0:
        return _ZLIB
    try:
        return _RAW if _is_bare(zlib.decompressobj(_RAW).decompress(head, HEAD)) else None
    except zlib.error:
        return None
