"""Take in what a request carries: pictures, videos and sounds, measured and checked."""

from __future__ import annotations

import asyncio
import base64
import binascii
import ipaddress
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import av
import httpx
from av.container import InputContainer
from PIL import Image

from kling_pipeline.simulator.errors import ApiError, invalid
from kling_pipeline.simulator.rules.fields import MediaField

# The first name that FFmpeg gives a container, and the codecs where not any will do.
_FORMATS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "video": {"mov": ()},
    "audio": {"mp3": (), "wav": (), "aac": (), "mov": ("aac", "alac")},
}
_KINDS = {"video": "mp4 and mov", "audio": "mp3, wav, m4a and aac"}
_PNG = b"\x89PNG\r\n\x1a\n"
_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")  # the picture itself
_RATE_SLACK = 0.1  # frames a second: 23.976 is meant by 24, and no clock is exact
# Of Base64; a multiple of 4. Between two pieces other requests are answered.
_PIECE = 1 << 20
Finder = Callable[[str, str], Path]  # (kind, id) → the file; raises ApiError


@dataclass(frozen=True)
class Material:
    """One enclosure with its bytes (None: an address elsewhere, not fetched) and its measures.

    Lengths in seconds and pixels; 0 where unknown.
    """

    name: str
    role: str
    kind: str
    data: bytes | None = None
    width: int = 0
    height: int = 0
    seconds: float = 0
    fps: float = 0


async def take_in(media_fields: tuple[MediaField, ...], find: Finder) -> list[Material]:
    """Read and check all enclosures; raises ApiError 1201 for one that breaks its rule.

    The real service fetches every address and fails the task later ("Image pixel is invalid");
    here only loopback addresses are fetched, and refused at once.
    """
    taken = []
    for enclosure in media_fields:
        data = await _bytes(enclosure, find)
        kind = (
            enclosure.row.type.removesuffix("_id").removesuffix("_list").replace("media", "image")
        )
        if data is None:
            taken.append(Material(enclosure.name, enclosure.role, kind))
        elif kind == "image":
            taken.append(_picture(enclosure, data))
        else:
            taken.append(await asyncio.to_thread(_recording, enclosure, kind, data))
    return taken


async def _bytes(enclosure: MediaField, find: Finder) -> bytes | None:
    value, kind = enclosure.value, enclosure.row.type
    if kind in ("video_id", "audio_id"):
        return await asyncio.to_thread(find(kind, value).read_bytes)
    if value.startswith(("http://", "https://")):
        return await _fetch(value, enclosure) if _is_loopback(_host(enclosure)) else None
    if kind == "video":
        raise invalid(f"{enclosure.name} must be a URL")
    _check_size(enclosure, len(value) * 3 // 4 - 2)
    data = await asyncio.to_thread(_decode, value)
    _check_size(enclosure, len(data))
    return data


def _decode(value: str) -> bytes:
    try:
        if "=" in value[:-2]:
            raise ValueError
        pieces = (value[start : start + _PIECE] for start in range(0, len(value), _PIECE))
        return b"".join(base64.b64decode(piece, validate=True) for piece in pieces)
    except (binascii.Error, ValueError):
        raise invalid("File is not in a valid base64 format") from None


async def _fetch(url: str, enclosure: MediaField) -> bytes | None:
    data = bytearray()
    try:
        async with (
            httpx.AsyncClient(trust_env=False, timeout=10) as client,
            client.stream("GET", url) as response,
        ):
            if response.status_code != 200:
                return None
            async for chunk in response.aiter_bytes():
                data += chunk
                _check_size(enclosure, len(data))
    except (httpx.HTTPError, httpx.InvalidURL):
        return None
    return bytes(data)


def _host(enclosure: MediaField) -> str:
    try:
        parts = urlsplit(enclosure.value)
        # Both are read for what they raise: a port past 65535, a letter that no address has.
        _ = parts.port, httpx.URL(enclosure.value)
        host = parts.hostname or ""
    except (ValueError, httpx.InvalidURL):
        host = ""
    if not host:
        raise invalid(f"{enclosure.name} is not a valid URL")
    return host


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_size(enclosure: MediaField, size: int) -> None:
    if size > enclosure.row.megabytes * 1024 * 1024:
        limit = f"{enclosure.row.megabytes:g}MB"
        raise invalid(f"{enclosure.name} file size must not exceed {limit}")


def _picture(enclosure: MediaField, data: bytes) -> Material:
    data = _strip_png(data)
    try:
        with warnings.catch_warnings():
            # Only the header is read; how many pixels there are is no danger here.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(BytesIO(data), formats=("PNG", "JPEG")) as image:
                width, height = image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise invalid(f"{enclosure.name} format is invalid, only jpg, jpeg and png") from None
    if min(width, height) < 300:
        raise invalid("Image pixel is invalid")
    if not 1 / 2.5 <= width / height <= 2.5:
        raise invalid("The resolution or aspect ratio of the input image is invalid.")
    return Material(enclosure.name, enclosure.role, "image", data, width, height)


def _strip_png(data: bytes) -> bytes:
    """Drop what stands beside a PNG's picture, for which Pillow may refuse it."""
    if not data.startswith(_PNG):
        return data
    kept, place = [_PNG], len(_PNG)
    while place + 8 <= len(data) and kept[-1][4:8] != b"IEND":
        end = place + 12 + int.from_bytes(data[place : place + 4], "big")
        if data[place + 4 : place + 8] in _CHUNKS:
            kept.append(data[place:end])
        place = end
    return b"".join(kept)


def measure(data: bytes, kind: str = "video") -> Material:
    """Measure a video or a sound; raises ApiError 1201 for bytes that are neither."""
    width = height = 0
    fps = 0.0
    try:
        with av.open(BytesIO(data), "r") as container:
            seconds = (container.duration or 0) / av.time_base
            _check_format(container, kind)
            if kind == "video":
                stream = container.streams.video[0]
                width, height = stream.codec_context.width, stream.codec_context.height
                fps = float(stream.average_rate or 0)
    except (av.FFmpegError, IndexError):
        raise _wrong_format(kind) from None
    return Material(kind, f"base_{kind}", kind, data, width, height, seconds, fps)


def _check_format(container: InputContainer, kind: str) -> None:
    stream = (container.streams.video if kind == "video" else container.streams.audio)[0]
    taken = _FORMATS[kind]
    format_ = container.format.name.partition(",")[0]
    codecs = taken.get(format_, ())
    if format_ not in taken or (codecs and stream.codec_context.name not in codecs):
        raise _wrong_format(kind)


def _wrong_format(kind: str) -> ApiError:
    return invalid(f"{kind} format is invalid, only {_KINDS[kind]}")


def _recording(enclosure: MediaField, kind: str, data: bytes) -> Material:
    found = measure(data, kind)
    _check_recording(enclosure, found)
    return replace(found, name=enclosure.name, role=enclosure.role)


def _check_recording(enclosure: MediaField, found: Material) -> None:
    row, seconds, fps = enclosure.row, found.seconds, found.fps
    short, long = sorted((found.width, found.height))
    # A container's clock may end a frame after the length that was asked for.
    slack = 0.1
    if row.seconds and not row.seconds[0] - slack <= seconds <= row.seconds[1] + slack:
        low, high = row.seconds
        raise invalid(f"{enclosure.name} duration must be between {low:g}s and {high:g}s")
    if row.sides and not row.sides[0] <= short <= long <= row.sides[1]:
        low, high = row.sides
        raise invalid(f"{enclosure.name} width and height must be between {low}px and {high}px")
    if row.rates and all(abs(fps - rate) > _RATE_SLACK for rate in row.rates):
        known = ", ".join(map(str, row.rates))
        low, high = min(row.rates), max(row.rates)
        raise invalid(
            f"{enclosure.name} frame rate must be between {low} and {high}, one of {known}"
        )
    if row.fps and not row.fps[0] - _RATE_SLACK <= fps <= row.fps[1] + _RATE_SLACK:
        low, high = row.fps
        raise invalid(f"{enclosure.name} frame rate must be between {low} and {high}")
