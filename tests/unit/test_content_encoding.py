"""A packed body comes out in small pieces, whole or not at all, and what is no packing comes out as it is."""

from __future__ import annotations

import gzip
import zlib

import pytest

from kling_pipeline.content_encoding import CHUNK, PackedError, unpack

TEXT = b"a film " * 50_000


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


@pytest.mark.parametrize("size", [1, 7, 10**9])
@pytest.mark.parametrize(
    ("word", "data"),
    [
        ("gzip", gzip.compress(TEXT)),
        ("GZip , identity", gzip.compress(TEXT)),
        ("gzip", gzip.compress(TEXT[:9]) + gzip.compress(TEXT[9:])),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", TEXT),
        ("gzip", TEXT),
        ("aws-chunked", TEXT),
    ],
)
def test_every_byte_comes_and_never_many_at_once(word: str, data: bytes, size: int) -> None:
    if len(data) > 10_000 and size < 10**9:
        size = 1000
    found = list(unpack(word, pieces(data, size)))
    assert b"".join(found) == TEXT
    assert max(map(len, found)) <= CHUNK


@pytest.mark.parametrize("data", [b"", b"x", b"\x1f"])
def test_a_body_of_a_byte_or_none_is_as_it_is(data: bytes) -> None:
    assert b"".join(unpack("gzip", [data, b""])) == data


@pytest.mark.parametrize(
    "word", ["br", "ZSTD", "compress", "gzip, br", "gzip,gzip", "br, identity"]
)
def test_what_cannot_be_undone_is_named_before_a_byte_is_read(word: str) -> None:
    asked: list[bytes] = []
    with pytest.raises(PackedError, match="which was not asked for"):
        unpack(word, (asked.append(b"x") or b"x" for _ in range(3)))
    assert asked == []


@pytest.mark.parametrize("data", [gzip.compress(TEXT)[:-1], gzip.compress(TEXT)[:60] + b"x" * 60])
def test_a_packed_body_that_is_cut_or_damaged_is_none(data: bytes) -> None:
    with pytest.raises(PackedError):
        list(unpack("gzip", [data]))
