"""Turning a scene into frames: the multiplane stage at half rate, the air before it at full rate."""

from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

from kling_pipeline.drawing.camera import View
from kling_pipeline.drawing.mark import Mark
from kling_pipeline.drawing.order import Order
from kling_pipeline.drawing.planes import Bytes2D, Planes
from kling_pipeline.drawing.weather import Weather, shade_edges

Painter = Callable[[Planes, View], None]
Looker = Callable[[float], View]


def project(
    paint: Painter,
    look: Looker,
    order: Order,
    weather: Weather,
    mark: Mark,
    vignette: float,
    step: int = 2,
) -> Iterator[Planes]:
    """All frames of a clip.

    The stage is painted for every `step`-th frame, half a frame early, and each frame is a mix of
    the two paintings around it: moves stay smooth below a pixel, at a part of the price.
    """
    size, frames = mark.size, order.frames
    edges = shade_edges(size, vignette) if vignette else None
    last = max(1, frames - 1)

    def key(index: int) -> Planes:
        planes = blank(size)
        paint(planes, look(min(1.0, max(0.0, (step * index - 0.5) / last))))
        if edges is not None:
            shaded = planes[0].astype(np.uint16)
            shaded *= edges
            shaded += 128
            shaded >>= 8
            planes[0][:] = shaded
        return planes

    before, after = key(0), key(1)
    for frame in range(frames):
        if frame and frame % step == 0:
            before, after = after, key(frame // step + 1)
        share = (frame % step + 0.5) / step
        y, u, v = (_mix(a, b, share) for a, b in zip(before, after, strict=True))
        weather.pass_over(y, frame, frame / order.fps)
        mark.stamp((y, u, v), frame + 1)
        yield y, u, v


def blank(size: tuple[int, int]) -> Planes:
    """Black planes of `size` (width, height)."""
    width, height = size
    half = (height // 2, width // 2)
    return (
        np.full((height, width), 16, np.uint8),
        np.full(half, 128, np.uint8),
        np.full(half, 128, np.uint8),
    )


def _mix(one: Bytes2D, other: Bytes2D, share: float) -> Bytes2D:
    rows, columns = one.shape
    a, b = (Image.frombuffer("L", (columns, rows), p, "raw", "L", 0, 1) for p in (one, other))
    return np.array(Image.blend(a, b, share))
