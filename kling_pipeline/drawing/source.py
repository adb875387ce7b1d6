"""Moving pictures and sounds that were handed in as paths: read frame by frame, or not at all."""

import json
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from kling_pipeline.drawing.noise import Field
from kling_pipeline.drawing.order import Order
from kling_pipeline.drawing.planes import Planes
from kling_pipeline.drawing.sound import RATE, Stereo, speak_nonsense


def read_path(order: Order, key: str) -> Path | None:
    """The existing file that an extra names, or None."""
    try:
        value = json.loads(order.extra(key) or "null")
    except ValueError:
        value = order.extra(key)
    path = Path(value) if isinstance(value, str) and value else None
    return path if path is not None and path.is_file() else None


def read_film(path: Path | None, size: tuple[int, int], fps: int, frames: int) -> Iterator[Planes]:
    """Up to `frames` frames at `size` (width, height) and `fps`, the last one held; none for no film."""
    if path is None:
        return
    shown = 0
    last: Planes | None = None
    try:
        with av.open(str(path)) as film:
            for frame in film.decode(video=0):
                if shown >= frames:
                    return
                due = max(shown + 1, round(float(frame.time or 0) * fps) + 1)
                last = _planes(frame, size)
                for _ in range(shown, min(due, frames)):
                    yield _copy(last)
                shown = min(due, frames)
    except (av.FFmpegError, OSError, IndexError, ValueError):
        pass
    for _ in range(shown, frames if last is not None else shown):
        assert last is not None
        yield _copy(last)


def _planes(frame: av.VideoFrame, size: tuple[int, int]) -> Planes:
    plain = np.asarray(frame.reformat(size[0], size[1], "yuv420p").to_ndarray(), np.uint8)
    width, height = size
    luma = plain[:height].copy()
    rest = plain[height:].reshape(2, height // 2, width // 2)
    return luma, rest[0].copy(), rest[1].copy()


def _copy(planes: Planes) -> Planes:
    """Planes of its own for each frame, since the mark is stamped in place."""
    y, u, v = planes
    return y.copy(), u.copy(), v.copy()


def read_voice(order: Order, seconds: float) -> Stereo:
    """The sound that the extra `audio` names, cut or filled to `seconds`; else a voice of our own."""
    path, count = read_path(order, "audio"), max(1, round(seconds * RATE))
    parts: list[Field] = []
    if path is not None:
        turner = av.AudioResampler(format="fltp", layout="stereo", rate=RATE)
        try:
            with av.open(str(path)) as film:
                for frame in film.decode(audio=0):
                    parts += [
                        np.asarray(p.to_ndarray(), np.float32) for p in turner.resample(frame)
                    ]
                    if sum(p.shape[1] for p in parts) >= count:
                        break
        except (av.FFmpegError, OSError, IndexError, ValueError):
            parts = []
    if not parts:
        return speak_nonsense(order.seed, seconds)
    sound = np.concatenate(parts, axis=1)[:, :count]
    return np.ascontiguousarray(np.pad(sound, ((0, 0), (0, count - sound.shape[1]))), np.float32)


def measure_loudness(sound: Stereo, fps: int, frames: int) -> Field:
    """How loud each frame is, 0..1, soft from frame to frame."""
    step = RATE // fps
    power = np.zeros(frames, np.float32)
    for index in range(frames):
        part = sound[:, index * step : (index + 1) * step]
        power[index] = np.sqrt((part**2).mean()) if part.size else 0
    top = float(np.percentile(power, 92)) + 1e-6
    loud = np.clip(power / top, 0, 1)
    near = np.pad(loud, 1, "edge")
    return np.asarray(0.25 * near[:-2] + 0.5 * near[1:-1] + 0.25 * near[2:])
