"""Measure videos and sounds, and check their formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO

import av
from av.container import InputContainer

from kling_pipeline.simulator.errors import ApiError, invalid

# The first name that FFmpeg gives a container, and its codecs where not all are accepted.
_FORMATS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "video": {"mov": ()},
    "audio": {"mp3": (), "wav": (), "aac": (), "mov": ("aac", "alac")},
}
_NAMES = {"video": "mp4 and mov", "audio": "mp3, wav, m4a and aac"}
TOLERANCE_SECONDS = 0.1  # a container's clock may end a frame after the length asked for


@dataclass(frozen=True)
class InputFile:
    """The file of a media field and its measures: seconds, pixels, frames a second; 0 if unknown.

    `data` is None for a remote address, which is not fetched.
    """

    name: str
    role: str
    kind: str
    data: bytes | None = None
    width: int = 0
    height: int = 0
    seconds: float = 0
    fps: float = 0


def measure(data: bytes, kind: str = "video") -> InputFile:
    """Measure a video or sound (by `kind`); raises ApiError 1201 for bytes that are not one."""
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
    return InputFile(kind, f"base_{kind}", kind, data, width, height, seconds, fps)


def _check_format(container: InputContainer, kind: str) -> None:
    stream = (container.streams.video if kind == "video" else container.streams.audio)[0]
    inputs = _FORMATS[kind]
    format_ = container.format.name.partition(",")[0]
    codecs = inputs.get(format_, ())
    if format_ not in inputs or (codecs and stream.codec_context.name not in codecs):
        raise _wrong_format(kind)


def _wrong_format(kind: str) -> ApiError:
    return invalid(f"{kind} format is invalid, only {_NAMES[kind]}")
