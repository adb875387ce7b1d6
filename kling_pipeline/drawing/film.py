"""Films: frames of one that was handed in, and the encoder of one that was drawn."""

from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path

import av
import numpy as np
from PIL import Image

from kling_pipeline.drawing.audio import RATE, Stereo
from kling_pipeline.drawing.job import RenderJob
from kling_pipeline.drawing.layers import Planes

# ultrafast leaves adaptive quantisation and deblocking out, and dark gradients then fall into
# blocks; with both it is still three times faster than the next preset.
_QUALITY = "threads=1:aq-mode=1:aq-strength=0.6:deblock=0,0"
_SPACE = ":colorprim=bt709:transfer=bt709:colormatrix=bt709"
_X264 = {"preset": "ultrafast", "crf": "22", "x264-params": _QUALITY + _SPACE}


def read_film(job: RenderJob, size: tuple[int, int]) -> Iterator[Planes]:
    """The job's frames of its film at `size` (width, height), the last one held; none of no film."""
    shown, last = 0, list[Image.Image]()
    try:
        with av.open(BytesIO(job.film or b""), "r") as film:
            for frame in film.decode(video=0):
                due = max(shown + 1, round(float(frame.time or 0) * job.fps) + 1)
                stack, half = (
                    frame.reformat(*size, "yuv420p").to_ndarray(),
                    (size[1] // 2, size[0] // 2),
                )
                parts = (stack[: size[1]], *stack[size[1] :].reshape(2, *half))
                last = [Image.fromarray(part) for part in parts]
                yield from [last] * (min(due, job.frames) - shown)
                shown = min(due, job.frames)
                if shown == job.frames:
                    return
    except (av.FFmpegError, OSError, IndexError, ValueError):
        pass  # what could be read of it is shown
    yield from [last] * (job.frames - shown if last else 0)


def write_film(
    target: Path, size: tuple[int, int], fps: int, frames: Iterable[Planes], sound: Stereo | None
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
