"""Read and convert clips: a frame, a crop of it, a selection on every frame, a sound as mp3."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageEnhance

_PREVIEW_WIDTH = 640


def first_frame(video: Path) -> Image.Image:
    """Decode the first frame of a video; raises av.FFmpegError if it is none."""
    with av.open(str(video), "r") as container:
        return _image(next(container.decode(video=0)))


def crop(frame: Image.Image, box: Sequence[float], target: Path) -> None:
    """Save a part of a frame as PNG; the box is (x, y, width, height) from 0 to 1."""
    x, y, width, height = box
    pixels = (
        round(x * frame.width),
        round(y * frame.height),
        round((x + width) * frame.width),
        round((y + height) * frame.height),
    )
    frame.crop(pixels).save(target, "PNG")


def highlight(frame: Image.Image, mask: Image.Image) -> Image.Image:
    """Highlight a selection: its inside in colour, the rest of the frame dimmed."""
    colour = Image.blend(frame, Image.new("RGB", frame.size, (64, 160, 255)), 0.45)
    return Image.composite(colour, ImageEnhance.Brightness(frame).enhance(0.55), mask)


def render_selection(video: Path, mask: Image.Image, target: Path) -> None:
    """Copy a video, smaller and silent, with the selection highlighted on every frame."""
    width = min(_PREVIEW_WIDTH, mask.width) // 2 * 2
    size = (width, max(2, round(width * mask.height / mask.width / 2) * 2))
    small = mask.resize(size)
    part = target.with_name(f"{target.name}.part.mp4")
    with av.open(str(video), "r") as source, av.open(str(part), "w", format="mp4") as out:
        rate = source.streams.video[0].average_rate or 24
        stream = out.add_stream("libx264", rate=rate, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.thread_count = 1
        for index, frame in enumerate(source.decode(video=0)):
            shown = highlight(_image(frame.reformat(*size)), small)
            highlighted = av.VideoFrame.from_ndarray(np.asarray(shown), format="rgb24")
            highlighted.pts = index
            out.mux(stream.encode(highlighted))
        out.mux(stream.encode(None))
    os.replace(part, target)


def to_mp3(sound: Path, target: Path) -> None:
    """Convert a sound to mp3, whole or not at all."""
    part = target.with_name(f"{target.name}.part")
    with av.open(str(sound), "r") as source, av.open(str(part), "w", format="mp3") as out:
        stream = out.add_stream("libmp3lame", rate=44100)
        for frame in source.decode(audio=0):
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    os.replace(part, target)


def _image(frame: av.VideoFrame) -> Image.Image:
    return Image.fromarray(frame.to_ndarray(format="rgb24"))
