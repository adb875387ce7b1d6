"""Writing moving pictures: planes in, an mp4 out."""

from collections.abc import Iterable
from pathlib import Path
from typing import cast

import av
import numpy as np

from kling_pipeline.drawing.planes import Planes
from kling_pipeline.drawing.sound import RATE, Stereo

# ultrafast leaves adaptive quantisation and deblocking out, and dark gradients then fall into
# blocks; with both it is still three times faster than the next preset.
X264 = {
    "preset": "ultrafast",
    "crf": "22",
    "x264-params": "threads=1:aq-mode=1:aq-strength=0.6:deblock=0,0"
    ":colorprim=bt709:transfer=bt709:colormatrix=bt709",
}


def write_film(
    target: Path,
    size: tuple[int, int],
    fps: int,
    frames: Iterable[Planes],
    sound: Stereo | None = None,
) -> None:
    """Encode planes (limited-range BT.709, 4:2:0) as h264, with stereo AAC when sound is given."""
    with av.open(
        str(target), "w", format="mp4", options={"movflags": "+faststart", "fflags": "+bitexact"}
    ) as out:
        video = out.add_stream("libx264", rate=fps, options=dict(X264))
        video.width, video.height, video.pix_fmt = size[0], size[1], "yuv420p"
        video.codec_context.thread_count = 1
        video.codec_context.colorspace = 1
        video.codec_context.color_primaries = 1
        video.codec_context.color_trc = 1
        video.codec_context.color_range = 1
        audio = None if sound is None else out.add_stream("aac", rate=RATE, layout="stereo")
        for index, planes in enumerate(frames):
            out.mux(video.encode(to_frame(planes, index)))
        out.mux(video.encode(None))
        if audio is not None and sound is not None:
            for start in range(0, sound.shape[1], 1024):
                chunk = np.ascontiguousarray(sound[:, start : start + 1024])
                piece = av.AudioFrame.from_ndarray(chunk, format="fltp", layout="stereo")
                piece.sample_rate, piece.pts = RATE, start
                out.mux(audio.encode(piece))
            out.mux(audio.encode(None))


def to_frame(planes: Planes, index: int) -> av.VideoFrame:
    """A frame for the encoder from three planes; the index is its time in frames."""
    height, width = planes[0].shape
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane, data in zip(frame.planes, planes, strict=True):
        rows, columns = data.shape
        # The stubs ask for bytes; any buffer is taken, without a copy.
        if plane.line_size == columns:
            plane.update(cast(bytes, np.ascontiguousarray(data)))
        else:
            padded = np.zeros((rows, plane.line_size), np.uint8)
            padded[:, :columns] = data
            plane.update(cast(bytes, padded))
    frame.pts = index
    return frame
