"""A packed body comes out in small pieces, whole or not at all, and what is no packing comes out as it is."""

from __future__ import annotations

import gzip
import zlib

import pytest

from kling_pipeline.kling.content_encoding import CHUNK, PackedError, unpack

TEXT = b"a film " * 50_000
FILM = b"\0\0\0\x20ftypisom" + TEXT


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
def test_what_cannot_be_undone_is_named_by_its_first_bytes(word: str) -> None:
    asked: list[int] = []
    with pytest.raises(PackedError, match="which was not asked for"):
        next(unpack(word, (asked.append(9) or b"x" * 400 for _ in range(300))))
    assert len(asked) == 2


@pytest.mark.parametrize("word", ["br", "zstd", "compress", "gzip, br", "gzip,gzip", "deflate"])
@pytest.mark.parametrize("data", [FILM, b' {"code": 0}', b"[]"])
def test_a_word_on_what_never_was_packed_changes_no_byte(word: str, data: bytes) -> None:
    assert b"".join(unpack(word, pieces(data, 5000))) == data


@pytest.mark.parametrize("data", [FILM, b'{"code": 0, "data": {}}'])
@pytest.mark.parametrize("tail", [b"", b"\0", b"\0" * 999, b"\x1f", b"a line at the end\r\n"])
@pytest.mark.parametrize("kind", ["gzip", "zlib", "raw"])
def test_deflate_has_three_heads_and_what_stands_behind_its_end_is_nobody_s(
    kind: str, tail: bytes, data: bytes
) -> None:
    """Servers mean zlib or nothing by `deflate`, and some pad what they packed."""
    packer = zlib.compressobj(wbits={"gzip": 31, "zlib": 15, "raw": -15}[kind])
    packed = packer.compress(data) + packer.flush() + tail
    for word in ("gzip", "deflate"):
        for size in (1, 10**9):
            assert b"".join(unpack(word, pieces(packed, size))) == data


@pytest.mark.parametrize("data", [gzip.compress(TEXT)[:-1], gzip.compress(TEXT)[:60] + b"x" * 60])
def test_a_packed_body_that_is_cut_or_damaged_is_none(data: bytes) -> None:
    with pytest.raises(PackedError):
        list(unpack("gzip", [data]))
