"""A PNG that a strict reader refuses is refused here, before anything is paid for it."""

from __future__ import annotations

import io
import itertools
import struct
import zlib
from collections.abc import Iterator

import pytest
from PIL import Image

from kling_pipeline.media.files import inspect_upload
from tests.unit.samples import chunk, refused

SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
# The first column and row of each pass of Adam7 and the steps to the next (PNG specification, 8.2).
ADAM7 = [
    (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2),
]  # fmt: skip
WIDTH, HEIGHT = 21, 19


def rows(colour: int, depth: int, interlaced: int) -> Iterator[int]:
    """The bytes of each row."""
    for left, top, right, down in ADAM7 if interlaced else [(0, 0, 1, 1)]:
        columns = len(range(left, WIDTH, right))
        for _ in range(top, HEIGHT, down):
            yield 1 + (columns * depth * SAMPLES[colour] + 7) // 8


def made(
    colour: int = 2, depth: int = 8, methods: tuple[int, int, int] = (0, 0, 0),
    *, bad_row: int = -1, palette: bytes | None = b"\0\1\2", one_by_one: bool = False,
) -> bytes:  # fmt: skip
    """A small PNG; the filter of `bad_row` is 9, those of the others are all there are."""
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, colour, *methods)
    data = b"".join(
        bytes([9 if number == bad_row else number % 5]) + b"\0" * (length - 1)
        for number, length in enumerate(rows(colour, depth, methods[2] % 2))
    )
    packed = zlib.compress(data)
    parts = [packed[n : n + 1] for n in range(len(packed))] if one_by_one else [packed]
    chunks = [chunk(b"IHDR", head)]
    if palette is not None and colour in (2, 3, 6):
        chunks.append(chunk(b"PLTE", palette))
    chunks += [*(chunk(b"IDAT", part) for part in parts), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


KINDS = [(colour, depth) for colour, depths in DEPTHS.items() for depth in depths]


@pytest.mark.parametrize("interlaced", [0, 1])
@pytest.mark.parametrize(("colour", "depth"), KINDS)
def test_each_row_has_a_filter_that_there_is(colour: int, depth: int, interlaced: int) -> None:
    whole = made(colour, depth, (0, 0, interlaced))
    assert inspect_upload(whole).width == WIDTH
    with Image.open(io.BytesIO(whole)) as picture:
        picture.load()
    last = len([*rows(colour, depth, interlaced)]) - 1
    for row in (0, 1, last // 2, last):
        data = made(colour, depth, (0, 0, interlaced), bad_row=row, one_by_one=row == 1)
        assert refused(data).code == "file_cut"


@pytest.mark.parametrize(
    ("colour", "depth"), {*itertools.product(range(8), (0, 1, 2, 3, 4, 8, 16, 32))} - {*KINDS}
)
def test_a_depth_that_a_colour_type_has_not_is_refused(colour: int, depth: int) -> None:
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, colour, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"PLTE", b"\0\1\2")
    assert refused(data + chunk(b"IDAT", zlib.compress(b"\0" * 9999))).code == "file_cut"


@pytest.mark.parametrize("methods", [(7, 0, 0), (0, 1, 0), (0, 64, 0), (0, 0, 2), (0, 0, 3)])
def test_a_method_that_there_is_not_is_refused(methods: tuple[int, int, int]) -> None:
    assert refused(made(methods=methods)).code == "file_cut"


@pytest.mark.parametrize("kind", [b"IHDR", b"PLTE"])
@pytest.mark.parametrize("colour", [2, 3])
def test_a_bit_of_what_the_pixels_need_is_not_flipped(kind: bytes, colour: int) -> None:
    data = made(colour)
    place = data.index(kind)
    length = int.from_bytes(data[place - 4 : place], "big")
    for bit in range((length + 4) * 8):
        flipped = bytearray(data)
        flipped[place + 4 + bit // 8] ^= 1 << bit % 8
        assert refused(bytes(flipped)).code == "file_cut"


@pytest.mark.parametrize("palette", [None, b"", b"\0\1", b"\0" * 771])
def test_what_is_coloured_by_a_palette_has_one(palette: bytes | None) -> None:
    assert refused(made(3, palette=palette)).code == "file_cut"
    late = made(3, palette=None)[:-12] + chunk(b"PLTE", b"\0\1\2") + chunk(b"IEND", b"")
    assert refused(late).code == "file_cut"
