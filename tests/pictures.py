"""Pictures made for tests."""

from __future__ import annotations

import io
import random
import struct
import zlib

from PIL import Image, ImageDraw


def picture(width: int = 1280, height: int = 720, kind: str = "PNG", hue: int = 20) -> bytes:
    """A small landscape: two bands and a disc, so that a clip of it can be recognised."""
    image = Image.new("RGB", (width, height), (hue, 60, 110))
    draw = ImageDraw.Draw(image)
    draw.rectangle([0, height // 2, width, height], fill=(190, hue, 60))
    draw.ellipse([width // 3, height // 4, width // 2, height // 2], fill=(250, 240, 200))
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


def bomb(width: int = 30_000, height: int = 30_000) -> bytes:
    """A PNG of a few bytes that would unpack to gigabytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 10_000))
        + chunk(b"IEND", b"")
    )


def noise(width: int, height: int) -> bytes:
    """A PNG that no packing makes smaller: three bytes a pixel."""
    data = random.Random(1).randbytes(width * height * 3)
    out = io.BytesIO()
    Image.frombytes("RGB", (width, height), data).save(out, "PNG", compress_level=0)
    return out.getvalue()
