"""Read the media of a request: fetch or decode, measure, check against the rules of their fields."""

from __future__ import annotations

import asyncio
import base64
import binascii
import ipaddress
import warnings
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from PIL import Image

from kling_pipeline.simulator.errors import invalid
from kling_pipeline.simulator.inputs.probe import TOLERANCE_SECONDS, InputFile, measure
from kling_pipeline.simulator.rules.fields import MediaField

_PNG = b"\x89PNG\r\n\x1a\n"
_IMAGE_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")  # the image itself
_RATE_TOLERANCE = 0.1  # frames a second: 23.976 is meant by 24, and no clock is exact
# Letters of Base64, a multiple of 4; other requests are served between two chunks.
_DECODE_CHUNK = 1 << 20
Finder = Callable[[str, str], Path]  # (kind, id) → the file; raises ApiError


async def read_inputs(media_fields: tuple[MediaField, ...], find: Finder) -> list[InputFile]:
    """Read and check all media fields; raises ApiError 1201 for one that breaks its rule.

    The real service fetches every address and fails the task later ("Image pixel is invalid");
    here only loopback addresses are fetched, and rejected at once.
    """
    inputs = []
    for field in media_fields:
        data = await _read_bytes(field, find)
        kind = field.row.type.removesuffix("_id").removesuffix("_list").replace("media", "image")
        if data is None:
            inputs.append(InputFile(field.name, field.role, kind))
        elif kind == "image":
            inputs.append(_read_image(field, data))
        else:
            inputs.append(await asyncio.to_thread(_read_video_or_sound, field, kind, data))
    return inputs


async def _read_bytes(field: MediaField, find: Finder) -> bytes | None:
    value, kind = field.value, field.row.type
    if kind in ("video_id", "audio_id"):
        return await asyncio.to_thread(find(kind, value).read_bytes)
    if value.startswith(("http://", "https://")):
        return await _fetch(value, field) if _is_loopback(_host(field)) else None
    if kind == "video":
        raise invalid(f"{field.name} must be a URL")
    _check_size(field, len(value) * 3 // 4 - 2)
    data = await asyncio.to_thread(_decode, value)
    _check_size(field, len(data))
    return data


def _decode(value: str) -> bytes:
    try:
        if "=" in value[:-2]:
            raise ValueError
        chunks = (
            value[start : start + _DECODE_CHUNK] for start in range(0, len(value), _DECODE_CHUNK)
        )
        return b"".join(base64.b64decode(chunk, validate=True) for chunk in chunks)
    except (binascii.Error, ValueError):
        raise invalid("File is not in a valid base64 format") from None


async def _fetch(url: str, field: MediaField) -> bytes | None:
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
                _check_size(field, len(data))
    except (httpx.HTTPError, httpx.InvalidURL):
        return None
    return bytes(data)


def _host(field: MediaField) -> str:
    try:
        parts = urlsplit(field.value)
        # Both are read for the errors they raise: a port past 65535, a forbidden letter.
        _ = parts.port, httpx.URL(field.value)
        host = parts.hostname or ""
    except (ValueError, httpx.InvalidURL):
        host = ""
    if not host:
        raise invalid(f"{field.name} is not a valid URL")
    return host


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_size(field: MediaField, size: int) -> None:
    if size > field.row.megabytes * 1024 * 1024:
        limit = f"{field.row.megabytes:g}MB"
        raise invalid(f"{field.name} file size must not exceed {limit}")


def _read_image(field: MediaField, data: bytes) -> InputFile:
    data = _strip_png(data)
    try:
        with warnings.catch_warnings():
            # Only the header is read, so the number of pixels is no danger.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(BytesIO(data), formats=("PNG", "JPEG")) as image:
                width, height = image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise invalid(f"{field.name} format is invalid, only jpg, jpeg and png") from None
    if min(width, height) < 300:
        raise invalid("Image pixel is invalid")
    if not 1 / 2.5 <= width / height <= 2.5:
        raise invalid("The resolution or aspect ratio of the input image is invalid.")
    return InputFile(field.name, field.role, "image", data, width, height)


def _strip_png(data: bytes) -> bytes:
    """Drop all chunks of a PNG but its image: Pillow may reject the file for the others."""
    if not data.startswith(_PNG):
        return data
    kept, place = [_PNG], len(_PNG)
    while place + 8 <= len(data) and kept[-1][4:8] != b"IEND":
        end = place + 12 + int.from_bytes(data[place : place + 4], "big")
        if data[place + 4 : place + 8] in _IMAGE_CHUNKS:
            kept.append(data[place:end])
        place = end
    return b"".join(kept)


def _read_video_or_sound(field: MediaField, kind: str, data: bytes) -> InputFile:
    measured = measure(data, kind)
    _check_measures(field, measured)
    return replace(measured, name=field.name, role=field.role)


def _check_measures(field: MediaField, measured: InputFile) -> None:
    row, seconds, fps = field.row, measured.seconds, measured.fps
    short, long = sorted((measured.width, measured.height))
    if (
        row.seconds
        and not row.seconds[0] - TOLERANCE_SECONDS <= seconds <= row.seconds[1] + TOLERANCE_SECONDS
    ):
        low, high = row.seconds
        raise invalid(f"{field.name} duration must be between {low:g}s and {high:g}s")
    if row.sides and not row.sides[0] <= short <= long <= row.sides[1]:
        low, high = row.sides
        raise invalid(f"{field.name} width and height must be between {low}px and {high}px")
    if row.rates and all(abs(fps - rate) > _RATE_TOLERANCE for rate in row.rates):
        known = ", ".join(map(str, row.rates))
        low, high = min(row.rates), max(row.rates)
        raise invalid(f"{field.name} frame rate must be between {low} and {high}, one of {known}")
    if row.fps and not row.fps[0] - _RATE_TOLERANCE <= fps <= row.fps[1] + _RATE_TOLERANCE:
        low, high = row.fps
        raise invalid(f"{field.name} frame rate must be between {low} and {high}")
