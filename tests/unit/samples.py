"""Small pictures, clips and sounds, made on the spot."""

from __future__ import annotations

import functools
import io
import struct
import tempfile
import wave
import zlib
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from kling_pipeline.errors import InputError
from kling_pipeline.media.files import inspect_upload


def picture(kind: str = "JPEG", size: tuple[int, int] = (400, 300), **more: Any) -> bytes:
    file = io.BytesIO()
    noise = np.random.default_rng(1).integers(0, 255, (size[1], size[0], 3), np.uint8)
    Image.fromarray(noise).save(file, kind, **more)
    return file.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def png(width: int, height: int, *extra: bytes) -> bytes:
    """A black PNG of one bit a pixel, small however large it says it is."""
    packer, row = zlib.compressobj(9), b"\0" * ((width + 7) // 8 + 1)
    data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    parts = [chunk(b"IHDR", head), *extra, chunk(b"IDAT", data), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@functools.cache
def clip(suffix: str = "mp4", *, sound: bool = False, dark: int = 0, front: bool = False) -> bytes:
    """Two seconds of 320 x 240; the first `dark` frames are black."""
    options = {"movflags": "faststart"} if front else {}
    with tempfile.NamedTemporaryFile() as file:
        with av.open(file.name, "w", format=suffix, options=options) as container:
            video = container.add_stream("libx264", rate=24)
            video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
            track = container.add_stream("aac", rate=44100) if sound else None
            for number in range(48):
                frame = np.full((240, 320, 3), 0 if number < dark else 160, np.uint8)
                container.mux(video.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
            container.mux(video.encode(None))
            if track:
                tone(container, track)
        return Path(file.name).read_bytes()


@functools.cache
def sound(suffix: str, codec: str, rate: int = 44100) -> bytes:
    """About two seconds of silence."""
    file = io.BytesIO()
    with av.open(file, "w", format=suffix) as container:
        tone(container, container.add_stream(codec, rate=rate))
    return file.getvalue()


def tone(container: Any, track: Any) -> None:
    for number in range(86):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", layout="mono")
        frame.sample_rate, frame.pts = track.rate, number * 1024
        container.mux(track.encode(frame))
    container.mux(track.encode(None))


def wav() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(b"\0\0" * 8000)
    return file.getvalue()


def refused(data: bytes | Path, **more: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        inspect_upload(data, **more)
    assert caught.value.message.endswith(".")
    return caught.value
