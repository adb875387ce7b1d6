"""Films and sounds as files: those that were handed in are read, drawn ones are written."""

import wave
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import av
import numpy as np
from PIL import Image

from kling_pipeline.drawing.fields import Field
from kling_pipeline.drawing.job import RenderJob
from kling_pipeline.drawing.layers import Planes

RATE = 44100
# ultrafast leaves adaptive quantisation and deblocking out, and dark gradients then fall into
# blocks; with both it is still three times faster than the next preset.
_QUALITY = "threads=1:aq-mode=1:aq-strength=0.6:deblock=0,0"
_SPACE = ":colorprim=bt709:transfer=bt709:colormatrix=bt709"
_X264 = {"preset": "ultrafast", "crf": "22", "x264-params": _QUALITY + _SPACE}
_Read = TypeVar("_Read")


def _decode(data: bytes | None, read: Callable[[Any], _Read], **stream: int) -> Iterator[_Read]:
    """What `read` makes of each frame of a stream; a broken file ends early, no file at once."""
    try:
        with av.open(BytesIO(data or b""), "r") as media:
            for frame in media.decode(**stream):
                yield read(frame)
    except (av.FFmpegError, OSError, IndexError, ValueError):
        pass  # what could be read of it is used


def read_film(job: RenderJob, size: tuple[int, int]) -> Iterator[Planes]:
    """The job's frames of its film at `size` (width, height), the last one held; none of no film."""

    def read(frame: av.VideoFrame) -> tuple[float, list[Image.Image]]:
        stack = frame.reformat(*size, "yuv420p").to_ndarray()
        colours = stack[size[1] :].reshape(2, size[1] // 2, size[0] // 2)
        return frame.time or 0, [Image.fromarray(part) for part in (stack[: size[1]], *colours)]

    shown, last = 0, list[Image.Image]()
    for seconds, last in _decode(job.film, read, video=0):
        due = min(job.frames, max(shown, round(seconds * job.fps)) + 1)
        yield from [last] * (due - shown)
        shown = due
        if shown == job.frames:
            return
    yield from [last] * (job.frames - shown if last else 0)


def read_sound(data: bytes | None) -> Field | None:
    """A sound's samples of -1..1 (2 × samples) at RATE; None of what cannot be read."""
    turner = av.AudioResampler(format="fltp", layout="stereo", rate=RATE)
    pieces = [one.to_ndarray() for read in _decode(data, turner.resample, audio=0) for one in read]
    return np.concatenate(pieces, axis=1) if pieces else None


def write_sound(target: Path, sound: Field) -> None:
    """Write 16-bit WAV."""
    with wave.open(str(target), "wb") as out:
        out.setparams((2, 2, RATE, 0, "NONE", ""))
        out.writeframes((np.clip(sound, -1, 1).T * 32767).astype("<i2").tobytes())


def write_film(
    target: Path, size: tuple[int, int], fps: int, frames: Iterable[Planes], sound: Field | None
) -> None:
    """Encode planes as h264 in mp4, with stereo AAC when sound is given."""
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with av.open(str(target), "w", format="mp4", options=options) as out:
        video = out.add_stream("libx264", rate=fps, options=dict(_X264))
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        video.codec_context.thread_count = 1
        for name in ("colorspace", "color_primaries", "color_trc", "color_range"):
            setattr(video.codec_context, name, 1)
        audio = None if sound is None else out.add_stream("aac", rate=RATE, layout="stereo")
        for index, planes in enumerate(frames):
            frame = to_frame(planes)
            frame.pts = index
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if audio is not None and sound is not None:
            for start in range(0, sound.shape[1], 1024):
                piece = np.ascontiguousarray(sound[:, start : start + 1024])
                heard = av.AudioFrame.from_ndarray(piece, "fltp", "stereo")
                heard.sample_rate, heard.pts = RATE, start
                out.mux(audio.encode(heard))
            out.mux(audio.encode(None))


def to_frame(planes: Planes) -> av.VideoFrame:
    """A frame for the encoder."""
    stack = np.concatenate([np.asarray(plane).ravel() for plane in planes])
    return av.VideoFrame.from_ndarray(stack.reshape(-1, planes[0].width), "yuv420p")
