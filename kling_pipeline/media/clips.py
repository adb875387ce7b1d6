"""Clips and sounds: sizes and lengths through FFmpeg, and a frame to show. In a decoder process only."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from kling_pipeline.media.formats import HEAD, Format, Unreadable, sniff
from kling_pipeline.media.images import save_small
from kling_pipeline.media.mp4 import MAX_PIXELS, check_boxes

__all__ = ["Clip", "measure", "poster"]

MAX_FORWARD = 72  # frames that are decoded on the way to a poster
DARK = 20  # mean brightness of 255 below which a frame shows nothing
_BROKEN = (av.FFmpegError, OSError, ValueError, IndexError, ArithmeticError)


@dataclass(frozen=True)
class Clip:
    """Pixels as shown, seconds, frames a second; a sound has no picture."""

    width: int | None
    height: int | None
    duration: float | None
    fps: float | None


def measure(file: BinaryIO, format: Format) -> Clip:
    """Return what a clip or a sound holds; its first frame is decoded. Unreadable when it is not whole."""
    with _opened(file, format) as container:
        video = _video(container)
        try:
            if video is None:
                return Clip(None, None, _heard(container, format), None)
            frame = next(container.decode(video))
            width, height = frame.width, frame.height
            if frame.rotation % 180:
                width, height = height, width
            rate = video.average_rate
            return Clip(width, height, _length(container, video), float(rate) if rate else None)
        except StopIteration:
            raise _damaged(format) from None


def poster(path: Path, target: Path, side: int) -> bool:
    """Write a JPG of a frame near the middle that is not black, or the brightest of a few."""
    with path.open("rb") as file:
        format = sniff(file.read(HEAD))
        if format is None or not format.demuxer:
            return False
        with _opened(file, format) as container:
            video = _video(container)
            if video is None:
                return False
            frames = (_frame(container, video, part) for part in (0.5, 0.25, 0.75, 0.0))
            best, light = None, -1.0
            for frame in frames:
                found = _brightness(frame) if frame else -1.0
                if frame and found > light:
                    best, light = frame, found
                if light > DARK:
                    break
            if best is None:
                return False
            save_small(_upright(best), target, side)
            return True


@contextlib.contextmanager
def _opened(file: BinaryIO, format: Format) -> Iterator[InputContainer]:
    """The container, opened as what its first bytes say and through this file alone.

    FFmpeg guesses formats by itself otherwise, and some of them open further addresses.
    """
    if format.demuxer == "mov":
        check_boxes(file)
    file.seek(0)
    try:
        with av.open(
            file,
            "r",
            format=format.demuxer,
            options={"max_pixels": str(MAX_PIXELS), "threads": "1"},
            metadata_errors="ignore",
        ) as container:
            for video in container.streams.video:
                video.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
            yield container
    except _BROKEN:
        raise _damaged(format) from None


def _damaged(format: Format) -> Unreadable:
    return Unreadable("file_cut", f"This {format.name} is damaged or not whole.")


def _video(container: InputContainer) -> VideoStream | None:
    """Return the first picture track; the cover of a sound is none."""
    for video in container.streams.video:
        if not video.disposition & Disposition.attached_pic:
            return video
    return None


def _length(container: InputContainer, video: VideoStream) -> float | None:
    if video.duration and video.time_base:
        return round(float(video.duration * video.time_base), 3)
    return round(container.duration / av.time_base, 3) if container.duration else None


def _heard(container: InputContainer, format: Format) -> float:
    """Return seconds of sound, counted packet by packet: a header may lie, and MP3 and AAC have none."""
    if not container.streams.audio:
        raise _damaged(format)
    sound = container.streams.audio[0]
    ticks = sum(packet.duration or 0 for packet in container.demux(sound))
    if not ticks or not sound.time_base:
        raise _damaged(format)
    return round(float(ticks * sound.time_base), 3)


def _frame(container: InputContainer, video: VideoStream, part: float) -> VideoFrame | None:
    """Return the frame at a part of the length, or one a little before; None when there is none."""
    found = None
    with contextlib.suppress(*_BROKEN):
        wanted = (container.duration or 0) * part
        container.seek(int(wanted))
        # A short clip often has one key frame, its first, which is where fades begin.
        for found in itertools.islice(container.decode(video), MAX_FORWARD):
            if (found.time or 0) * av.time_base >= wanted:
                break
    return found


def _brightness(frame: VideoFrame) -> float:
    small = frame.reformat(width=32, height=32, format="gray")
    return float(small.to_ndarray().mean())


def _upright(frame: VideoFrame) -> Image.Image:
    picture: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]  # PyAV gives no types
    return picture.rotate(frame.rotation, expand=True) if frame.rotation else picture
